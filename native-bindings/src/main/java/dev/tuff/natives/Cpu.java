package dev.tuff.natives;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.tuff.natives.generated.linux.Linux;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;

/** The cores that threads run on. Everything here is about the calling platform thread. */
public final class Cpu {
  // The most cores that Linux can be built for on this architecture; a mask that is too small
  // makes sched_getaffinity fail.
  private static final int MASK_BYTES = 8192 / 8;

  private Cpu() {}

  /**
   * The cores that the calling thread may run on: of the machine, less what is barred by a cpuset,
   * a container or a pin.
   */
  public static BitSet allowed() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment mask = arena.allocate(MASK_BYTES, Long.BYTES);
      Posix.affinity(mask);
      return BitSet.valueOf(mask.toArray(JAVA_BYTE));
    }
  }

  /**
   * Pins the calling thread to one core until it ends or is pinned again.
   *
   * @param core a core of {@link #allowed}
   * @throws PosixException with {@link Errno#EINVAL} when there is no such core for this process
   * @throws IllegalStateException on a virtual thread, whose carrier would be pinned instead
   */
  public static void pin(int core) {
    BitSet one = new BitSet();
    one.set(core);
    allow(one);
  }

  /** Lets the calling thread run on any of {@code cores}; otherwise like {@link #pin}. */
  public static void allow(BitSet cores) {
    if (Thread.currentThread().isVirtual()) {
      throw new IllegalStateException("a virtual thread cannot be pinned to a core");
    }
    if (cores.length() > MASK_BYTES * 8) {
      throw new PosixException("sched_setaffinity", "core " + (cores.length() - 1), Errno.EINVAL);
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment mask = arena.allocate(MASK_BYTES, Long.BYTES);
      mask.copyFrom(MemorySegment.ofArray(cores.toByteArray()));
      Posix.setAffinity(mask, "cores " + cores);
    }
  }

  /** The core that the calling thread runs on at this moment. */
  public static int current() {
    return Linux.sched_getcpu();
  }

  /** The kernel's number of the calling thread, as ps and perf show it. */
  public static int threadId() {
    return Linux.gettid();
  }
}
