package dev.tuff.device;

import dev.tuff.natives.NativeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Off-heap memory of a fixed size for I/O, cut into {@link IoBuffer}s from the front; what was cut
 * off is not given back one by one. Thread-safe.
 */
public final class IoMemory implements AutoCloseable {
  /** Buffers and their sizes are multiples of this. */
  public static final int ALIGNMENT_BYTES = 4096;

  /** The kernel takes no larger fixed buffer. */
  public static final long LARGEST_REGION_BYTES = 1L << 30;

  private final List<NativeMemory> owned;
  private final List<MemorySegment> regions;
  private int region;
  private long used;

  private IoMemory(List<NativeMemory> owned, List<MemorySegment> regions) {
    this.owned = List.copyOf(owned);
    this.regions = List.copyOf(regions);
  }

  /**
   * Memory for {@link UringLoop}s, in huge pages where there are any.
   *
   * @param bytes size, rounded up to 4 KiB; every loop made with it locks as much (RLIMIT_MEMLOCK)
   * @throws dev.tuff.natives.PosixException if there is not so much
   */
  public static IoMemory open(long bytes) {
    List<NativeMemory> owned = new ArrayList<>();
    List<MemorySegment> regions = new ArrayList<>();
    for (long rest = roundUp(bytes); rest > 0; rest -= LARGEST_REGION_BYTES) {
      long size = Math.min(rest, LARGEST_REGION_BYTES);
      NativeMemory mapped =
          size < NativeMemory.HUGE_PAGE_BYTES
              ? NativeMemory.map(size)
              : NativeMemory.map(size, NativeMemory.Option.HUGE_PAGES);
      owned.add(mapped);
      regions.add(mapped.segment());
    }
    return new IoMemory(owned, regions);
  }

  /** Memory for {@link SimulatedLoop}s, which nothing is registered with. */
  public static IoMemory plain(long bytes) {
    List<MemorySegment> regions = new ArrayList<>();
    for (long rest = roundUp(bytes); rest > 0; rest -= LARGEST_REGION_BYTES) {
      regions.add(Arena.ofAuto().allocate(Math.min(rest, LARGEST_REGION_BYTES), ALIGNMENT_BYTES));
    }
    return new IoMemory(List.of(), regions);
  }

  private static long roundUp(long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("memory of " + bytes + " bytes");
    }
    return Math.addExact(bytes, ALIGNMENT_BYTES - 1) & -ALIGNMENT_BYTES;
  }

  /**
   * Cuts {@code count} buffers off, each within one region.
   *
   * @param bytesEach multiple of 4 KiB, up to 1 GiB
   * @throws IllegalStateException if not so much is left
   */
  public synchronized IoBuffer[] buffers(int count, int bytesEach) {
    if (bytesEach < ALIGNMENT_BYTES || bytesEach % ALIGNMENT_BYTES != 0) {
      throw new IllegalArgumentException(
          "buffers must be multiples of 4 KiB: " + bytesEach + " bytes");
    }
    IoBuffer[] buffers = new IoBuffer[count];
    for (int i = 0; i < count; i++) {
      while (regions.get(region).byteSize() - used < bytesEach) {
        if (region + 1 == regions.size()) {
          throw new IllegalStateException(
              "I/O memory of "
                  + bytes()
                  + " bytes has no room for "
                  + count
                  + " buffers of "
                  + bytesEach
                  + " bytes");
        }
        region++;
        used = 0;
      }
      buffers[i] = new IoBuffer(regions.get(region).asSlice(used, bytesEach), region, this);
      used += bytesEach;
    }
    return buffers;
  }

  /**
   * Takes everything back that was cut off: for a simulated machine that is started anew, whose
   * buffers of before nobody uses any more.
   */
  public synchronized void rewind() {
    region = 0;
    used = 0;
  }

  /** Size of all regions. */
  public long bytes() {
    long bytes = 0;
    for (MemorySegment segment : regions) {
      bytes += segment.byteSize();
    }
    return bytes;
  }

  List<MemorySegment> regions() {
    return regions;
  }

  /**
   * Gives the memory back; its buffers throw from then on. Loops made with it must have been
   * closed. Stops every thread for a moment, so an appliance does it at its end or not at all.
   */
  @Override
  public synchronized void close() {
    owned.forEach(NativeMemory::close);
  }
}
