package dev.tuff.iom.rebuild;

import dev.tuff.iom.journal.JournalEntry;
import dev.tuff.iom.journal.JournalFormat;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.write.WriteOp;
import java.lang.foreign.MemorySegment;

/**
 * Blocks of one segment that a drive which took another's place has again. Journaled when they are
 * hardened, and before anything that names them as its old version.
 *
 * <pre>
 *   0 GFID u64 | 8 first lblk u64 | 16 blocks u16 | 18 parity u8, 0: data | 19 data members u8, 0: data
 *  20 blocks that it is about u32, one a bit
 *  24 for each block: address u64, 0: discarded, ID of the version u64, CRC32C u32, discarded data members u32, one a bit;
 *     of parity the ID is the entry's own
 *  then of parity, for each block: for each data member: mj u64, CRC32C u32
 * </pre>
 */
public final class BlocksRebuilt extends JournalEntry {
  private static final int HEADER_BYTES = 24;
  private static final int BLOCK_BYTES = 24;
  private static final int MEMBER_BYTES = 12;

  public long gfid;
  public long lblk;
  public int count;

  /** Data members whose versions the parity is made of; 0: it is data. */
  public int members;

  public boolean parity;

  /** Blocks, one a bit, that were made; of the others nothing is said. */
  public long mask;

  public final long[] address = new long[WriteOp.MAX_BLOCKS];
  public final long[] versionId = new long[WriteOp.MAX_BLOCKS];
  public final int[] crc = new int[WriteOp.MAX_BLOCKS];

  /** Of parity: data members of each block that were discarded, one a bit. */
  public final int[] discarded = new int[WriteOp.MAX_BLOCKS];

  /** Block i's member m is at {@code i * members + m}. */
  public long[] memberId = new long[0];

  public int[] memberCrc = new int[0];

  private final Runnable hardened;

  /** An entry that tells when it is hardened. */
  BlocksRebuilt(Runnable hardened) {
    this.hardened = hardened;
  }

  /** Makes room for what a parity says of its members. */
  void ofParity(int dataMembers) {
    parity = true;
    members = dataMembers;
    memberId = new long[WriteOp.MAX_BLOCKS * dataMembers];
    memberCrc = new int[WriteOp.MAX_BLOCKS * dataMembers];
  }

  /** True when it is about block {@code i} of the run. */
  public boolean has(int i) {
    return (mask >>> i & 1) != 0;
  }

  @Override
  protected int bodyBytes() {
    return bytes(count, members);
  }

  private static int bytes(int count, int members) {
    return HEADER_BYTES + count * (BLOCK_BYTES + members * MEMBER_BYTES);
  }

  @Override
  protected int type() {
    return JournalFormat.TYPE_BLOCKS_REBUILT;
  }

  @Override
  protected void encode(MemorySegment segment, long offset) {
    segment.asSlice(offset, bodyBytes()).fill((byte) 0);
    segment.set(PageFormat.LONG, offset, gfid);
    segment.set(PageFormat.LONG, offset + 8, lblk);
    segment.set(PageFormat.SHORT, offset + 16, (short) count);
    segment.set(PageFormat.BYTE, offset + 18, (byte) (parity ? 1 : 0));
    segment.set(PageFormat.BYTE, offset + 19, (byte) members);
    segment.set(PageFormat.INT, offset + 20, (int) mask);
    for (int i = 0; i < count; i++) {
      if (has(i)) {
        long at = offset + HEADER_BYTES + (long) i * BLOCK_BYTES;
        segment.set(PageFormat.LONG, at, address[i]);
        segment.set(PageFormat.LONG, at + 8, parity ? id() : versionId[i]);
        segment.set(PageFormat.INT, at + 16, crc[i]);
        segment.set(PageFormat.INT, at + 20, discarded[i]);
        for (int m = 0; m < members; m++) {
          long of = memberAt(offset, count, members, i, m);
          segment.set(PageFormat.LONG, of, memberId[i * members + m]);
          segment.set(PageFormat.INT, of + 8, memberCrc[i * members + m]);
        }
      }
    }
  }

  private static long memberAt(long offset, int count, int members, int block, int member) {
    return offset
        + HEADER_BYTES
        + (long) count * BLOCK_BYTES
        + ((long) block * members + member) * MEMBER_BYTES;
  }

  /** Decodes an entry's body; null when its size is not what it says. */
  public static BlocksRebuilt decode(MemorySegment segment, long offset, int bytes) {
    if (bytes < HEADER_BYTES) {
      return null;
    }
    BlocksRebuilt entry = new BlocksRebuilt(() -> {});
    entry.count = Short.toUnsignedInt(segment.get(PageFormat.SHORT, offset + 16));
    int kind = segment.get(PageFormat.BYTE, offset + 18);
    int members = segment.get(PageFormat.BYTE, offset + 19);
    entry.mask = Integer.toUnsignedLong(segment.get(PageFormat.INT, offset + 20));
    boolean sound =
        entry.count >= 1
            && entry.count <= WriteOp.MAX_BLOCKS
            && entry.mask >>> entry.count == 0
            && (kind == 0 ? members == 0 : kind == 1 && members >= 1)
            && bytes == bytes(entry.count, members);
    if (!sound) {
      return null;
    }
    entry.gfid = segment.get(PageFormat.LONG, offset);
    entry.lblk = segment.get(PageFormat.LONG, offset + 8);
    if (kind == 1) {
      entry.ofParity(members);
    }
    for (int i = 0; i < entry.count; i++) {
      long at = offset + HEADER_BYTES + (long) i * BLOCK_BYTES;
      entry.address[i] = segment.get(PageFormat.LONG, at);
      entry.versionId[i] = segment.get(PageFormat.LONG, at + 8);
      entry.crc[i] = segment.get(PageFormat.INT, at + 16);
      entry.discarded[i] = segment.get(PageFormat.INT, at + 20);
      for (int m = 0; m < members; m++) {
        long of = memberAt(offset, entry.count, members, i, m);
        entry.memberId[i * members + m] = segment.get(PageFormat.LONG, of);
        entry.memberCrc[i * members + m] = segment.get(PageFormat.INT, of + 8);
      }
    }
    return entry;
  }

  @Override
  protected void onJournalHardened() {
    hardened.run();
  }
}
