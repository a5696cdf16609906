package dev.tuff.iom.recovery;

import dev.tuff.iom.object.PageFormat;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** What a pj says, of a generation that its journal has not closed. */
final class PendingParity {
  private static final int HEADER_BYTES = 24;
  private static final int BLOCK_BYTES = 32;
  private static final int UPDATE_HEADER_BYTES = 24;

  /** One update that was merged into the parity. */
  static final class Merged {
    long mj;
    long lblk;
    int count;
    int member;

    /** It takes its blocks their places. */
    boolean discards;

    /** Blocks, one a bit, whose older version did. */
    int oldDiscarded;

    int[] newCrc;
    long[] oldMemberId;
    int[] oldMemberCrc;

    boolean covers(long block) {
      return block >= lblk && block < lblk + count;
    }
  }

  final long pj;
  final long gfid;
  final long lblk;
  final int count;
  final int parity;
  final long[] newAddress;
  final long[] oldAddress;
  final long[] oldId;
  final int[] newCrc;
  final int[] oldCrc;
  final List<Merged> merged = new ArrayList<>();

  private PendingParity(long pj, MemorySegment segment, long at, int count) {
    this.pj = pj;
    this.gfid = segment.get(PageFormat.LONG, at);
    this.lblk = segment.get(PageFormat.LONG, at + 8);
    this.count = count;
    this.parity = segment.get(PageFormat.BYTE, at + 18);
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
  static PendingParity decode(long pj, MemorySegment segment, long at, int bytes) {
    if (bytes < HEADER_BYTES) {
      return null;
    }
    int count = Short.toUnsignedInt(segment.get(PageFormat.SHORT, at + 16));
    int updates = Short.toUnsignedInt(segment.get(PageFormat.SHORT, at + 20));
    long end = at + bytes;
    long here = at + HEADER_BYTES + (long) count * BLOCK_BYTES;
    if (here > end) {
      return null;
    }
    PendingParity parity = new PendingParity(pj, segment, at, count);
    for (int u = 0; u < updates; u++) {
      if (end - here < UPDATE_HEADER_BYTES) {
        return null;
      }
      Merged one = new Merged();
      one.mj = segment.get(PageFormat.LONG, here);
      one.lblk = segment.get(PageFormat.LONG, here + 8);
      one.count = Short.toUnsignedInt(segment.get(PageFormat.SHORT, here + 16));
      one.member = segment.get(PageFormat.BYTE, here + 18);
      one.discards = segment.get(PageFormat.BYTE, here + 19) != 0;
      one.oldDiscarded = segment.get(PageFormat.INT, here + 20);
      here += UPDATE_HEADER_BYTES;
      if (end - here < (long) one.count * BLOCK_BYTES) {
        return null;
      }
      one.newCrc = new int[one.count];
      one.oldMemberId = new long[one.count];
      one.oldMemberCrc = new int[one.count];
      for (int i = 0; i < one.count; i++) {
        one.oldMemberId[i] = segment.get(PageFormat.LONG, here + 16);
        one.newCrc[i] = segment.get(PageFormat.INT, here + 24);
        one.oldMemberCrc[i] = segment.get(PageFormat.INT, here + 28);
        here += BLOCK_BYTES;
      }
      parity.merged.add(one);
    }
    return here == end ? parity : null;
  }

  boolean covers(long otherGfid, long block) {
    return gfid == otherGfid && block >= lblk && block < lblk + count;
  }

  /** What a block was before this generation, given what it is after it. */
  ParityVersion before(long block, ParityVersion after) {
    int i = (int) (block - lblk);
    long[] members = after.members.clone();
    int[] crcs = after.memberCrcs.clone();
    int discarded = after.discarded;
    for (int m = 0; m < members.length; m++) {
      Merged one = of(m, block);
      if (one != null) {
        int at = (int) (block - one.lblk);
        members[m] = one.oldMemberId[at];
        crcs[m] = one.oldMemberCrc[at];
        boolean wasDiscarded = (one.oldDiscarded >>> at & 1) != 0;
        discarded = (discarded & ~(1 << m)) | (wasDiscarded ? 1 << m : 0);
      }
    }
    return new ParityVersion(oldAddress[i], oldId[i], oldCrc[i], members, crcs, discarded);
  }

  /** The merged update of a member that covers a block, or null. */
  private Merged of(int member, long block) {
    for (Merged one : merged) {
      if (one.member == member && one.covers(block)) {
        return one;
      }
    }
    return null;
  }
}
