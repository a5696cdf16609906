package dev.tuff.iom.array;

import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.runtime.Invariant;
import java.util.ArrayList;
import java.util.List;

/**
 * The buffers of one IOM or proxy: cut from the array's memory when it first comes up, and the very
 * same ones again whenever it comes up anew, when nobody uses them any more. One thread at a time.
 */
final class IomBuffers {
  private static final int LABEL_BYTES = 4 * Drive.BLOCK_BYTES;

  private final IoMemory memory;
  private final ArrayMemory array;
  private final int drive;
  private final List<IoBuffer[]> taken = new ArrayList<>();
  private IoBuffer before;
  private int next;

  IomBuffers(IoMemory memory, ArrayMemory array, int drive) {
    this.memory = memory;
    this.array = array;
    this.drive = drive;
  }

  /** All are free again. */
  void rewind() {
    next = 0;
  }

  /**
   * The next {@code count} buffers of that size, zeroed. More than before only for a drive that is
   * rebuilt now and was not.
   */
  IoBuffer[] take(int count, int bytesEach) {
    boolean first = next == taken.size();
    if (first) {
      taken.add(memory.buffers(count, bytesEach));
    } else if (taken.get(next).length == 0) {
      taken.set(next, memory.buffers(count, bytesEach));
    }
    IoBuffer[] before = taken.get(next++);
    Invariant.check(
        (count == 0 || count == before.length)
            && (count == 0 || before[0].capacityBytes() == bytesEach),
        "an IOM comes up with the same memory every time");
    IoBuffer[] buffers = count == 0 ? new IoBuffer[0] : before;
    if (!first) {
      for (IoBuffer buffer : buffers) {
        buffer.segment().fill((byte) 0);
      }
    }
    return buffers;
  }

  /** Those that it has only while its drive is being rebuilt: {@link ArrayMemory#forRebuild}. */
  IoBuffer[] takeForRebuild(int count, int bytesEach) {
    return array.forRebuild(drive, count, bytesEach);
  }

  /** True when some were ever taken. */
  boolean any() {
    return !taken.isEmpty();
  }

  /**
   * The largest of those that were ever taken, for whoever needs memory between two times; of one
   * that has not come up yet, one that is large enough for a drive's label.
   */
  IoBuffer largest() {
    if (taken.isEmpty()) {
      before = before == null ? memory.buffers(1, LABEL_BYTES)[0] : before;
      return before;
    }
    IoBuffer largest = taken.getFirst()[0];
    for (IoBuffer[] buffers : taken) {
      if (buffers.length > 0 && buffers[0].capacityBytes() > largest.capacityBytes()) {
        largest = buffers[0];
      }
    }
    return largest;
  }

  IoBuffer takeOne(int bytes) {
    return take(1, bytes)[0];
  }
}
