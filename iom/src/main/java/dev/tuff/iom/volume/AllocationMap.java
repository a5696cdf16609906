package dev.tuff.iom.volume;

import dev.tuff.iom.drive.Drive;
import java.util.BitSet;

/**
 * The answer to an allocation query: which of a range's 4 KiB blocks are mapped. What is not mapped
 * reads as zeros and takes no space. A mapped block may hold zeros, too: its content was not looked
 * at. Made once by a client and used again; the client's from {@link RequestHandler#onDone} to the
 * next query.
 */
public final class AllocationMap {
  private final BitSet mapped = new BitSet();
  private long start;
  private long end;

  /** One that holds no answer yet. */
  public AllocationMap() {}

  void begin(long offset, long bytes) {
    start = offset;
    end = offset + bytes;
    mapped.clear();
  }

  /** Marks a block of the volume, if it is one of the range's. */
  void mark(long volumeBlock) {
    long i = volumeBlock - start / Drive.BLOCK_BYTES;
    if (i >= 0 && volumeBlock * Drive.BLOCK_BYTES < end) {
      mapped.set((int) i);
    }
  }

  /** First byte of the range that was asked for. */
  public long start() {
    return start;
  }

  /** The byte after it. */
  public long end() {
    return end;
  }

  /** True when the byte at {@code offset} of the volume, within the range, is mapped. */
  public boolean mapped(long offset) {
    checkWithin(offset);
    return mapped.get(index(offset));
  }

  /**
   * Where the run of bytes that are mapped, or not, as the one at {@code offset} is, ends: the
   * first byte that is not like it, or the range's {@link #end}. An extent as a block status reply
   * has it is from {@code offset} to there.
   */
  public long runEnd(long offset) {
    checkWithin(offset);
    int from = index(offset);
    int to = mapped.get(from) ? mapped.nextClearBit(from) : mapped.nextSetBit(from);
    if (to < 0) {
      return end;
    }
    return Math.min(end, (start / Drive.BLOCK_BYTES + to) * Drive.BLOCK_BYTES);
  }

  /** True when every byte of the range is mapped. */
  boolean allMapped() {
    return runEnd(start) == end && mapped(start);
  }

  private int index(long offset) {
    return (int) (offset / Drive.BLOCK_BYTES - start / Drive.BLOCK_BYTES);
  }

  private void checkWithin(long offset) {
    if (offset < start || offset >= end) {
      throw new IllegalArgumentException(
          "offset " + offset + " is not within the range from " + start + " to " + end);
    }
  }
}
