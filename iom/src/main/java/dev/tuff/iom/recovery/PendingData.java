package dev.tuff.iom.recovery;

import dev.tuff.iom.object.PageFormat;
import java.lang.foreign.MemorySegment;

/** What an mj says, of an update that its journal has not closed. */
final class PendingData {
  private static final int HEADER_BYTES = 24;
  private static final int BLOCK_BYTES = 32;

  final long mj;
  final long gfid;
  final long lblk;
  final int count;
  final int member;
  final long[] newAddress;
  final long[] oldAddress;
  final long[] oldId;
  final int[] newCrc;
  final int[] oldCrc;

  /** Blocks, one a bit, whose older version counts. */
  long rolledBack;

  private PendingData(long mj, MemorySegment segment, long at, int count) {
    this.mj = mj;
    this.gfid = segment.get(PageFormat.LONG, at);
    this.lblk = segment.get(PageFormat.LONG, at + 8);
    this.count = count;
    this.member = segment.get(PageFormat.BYTE, at + 18);
    this.newAddress = new long[count];
    this.oldAddress = new long[count];
    this.oldId = new long[count];
    this.newCrc = new int[count];
    this.oldCrc = new int[count];
    for (int i = 0; i < count; i++) {
      long here = at + HEADER_BYTES + (long) i * BLOCK_BYTES;
      newAddress[i] = segment.get(PageFormat.LONG, here);
      oldAddress[i] = segment.get(PageFormat.LONG, here + 8);
      oldId[i] = segment.get(PageFormat.LONG, here + 16);
      newCrc[i] = segment.get(PageFormat.INT, here + 24);
      oldCrc[i] = segment.get(PageFormat.INT, here + 28);
    }
  }

  /** Decodes an entry's body; null when its size is not what it says. */
  static PendingData decode(long mj, MemorySegment segment, long at, int bytes) {
    if (bytes < HEADER_BYTES) {
      return null;
    }
    int count = Short.toUnsignedInt(segment.get(PageFormat.SHORT, at + 16));
    if (bytes != HEADER_BYTES + count * BLOCK_BYTES) {
      return null;
    }
    return new PendingData(mj, segment, at, count);
  }
}
