package dev.tuff.iom.recovery;

import dev.tuff.iom.journal.JournalEntry;
import dev.tuff.iom.journal.JournalFormat;
import dev.tuff.iom.object.PageFormat;
import java.lang.foreign.MemorySegment;

/**
 * A parity block that recovery has made again, and what it was before: that stays on the drive
 * until recovery is over, because a recovery that is cut short and goes on with fewer drives may
 * have to come back to it. Journaled when the block is hardened, so that one found in the journal
 * is on the drive.
 *
 * <pre>
 *   0 GFID u64 | 8 lblk u64 | 16 address u64 | 24 address before u64 | 32 ID before u64
 *  40 CRC32C u32 | 44 CRC32C before u32 | 48 parity u8 | 49 data members u8 | 50 reserved 6 bytes
 *  56 discarded members, one a bit, u32 | 60 those before u32
 *  64 for each data member: mj u64, mj before u64, CRC32C u32, CRC32C before u32
 * </pre>
 *
 * <p>One that is 8 bytes shorter is from before there were discards: its members begin at 56.
 */
final class ParityRemade extends JournalEntry {
  private static final int HEADER_BYTES = 64;
  private static final int HEADER_BYTES_BEFORE_DISCARDS = 56;
  private static final int MEMBER_BYTES = 24;

  long gfid;
  long lblk;
  int parity;
  long address;
  int crc;
  long[] members;
  int[] memberCrcs;
  int discarded;
  ParityVersion before;

  /** Called when the entry is hardened. */
  Runnable hardened;

  @Override
  protected int bodyBytes() {
    return HEADER_BYTES + members.length * MEMBER_BYTES;
  }

  @Override
  protected int type() {
    return JournalFormat.TYPE_PARITY_REMADE;
  }

  @Override
  protected void encode(MemorySegment segment, long offset) {
    segment.asSlice(offset, bodyBytes()).fill((byte) 0);
    segment.set(PageFormat.LONG, offset, gfid);
    segment.set(PageFormat.LONG, offset + 8, lblk);
    segment.set(PageFormat.LONG, offset + 16, address);
    segment.set(PageFormat.LONG, offset + 24, before.address);
    segment.set(PageFormat.LONG, offset + 32, before.id);
    segment.set(PageFormat.INT, offset + 40, crc);
    segment.set(PageFormat.INT, offset + 44, before.crc);
    segment.set(PageFormat.BYTE, offset + 48, (byte) parity);
    segment.set(PageFormat.BYTE, offset + 49, (byte) members.length);
    segment.set(PageFormat.INT, offset + 56, discarded);
    segment.set(PageFormat.INT, offset + 60, before.discarded);
    for (int m = 0; m < members.length; m++) {
      long at = offset + HEADER_BYTES + (long) m * MEMBER_BYTES;
      segment.set(PageFormat.LONG, at, members[m]);
      segment.set(PageFormat.LONG, at + 8, before.members[m]);
      segment.set(PageFormat.INT, at + 16, memberCrcs[m]);
      segment.set(PageFormat.INT, at + 20, before.memberCrcs[m]);
    }
  }

  /** Decodes an entry's body; null when its size is not what it says. */
  static ParityRemade decode(MemorySegment segment, long offset, int bytes) {
    if (bytes < HEADER_BYTES_BEFORE_DISCARDS) {
      return null;
    }
    int n = segment.get(PageFormat.BYTE, offset + 49);
    int header = bytes - n * MEMBER_BYTES;
    if (n < 1 || (header != HEADER_BYTES && header != HEADER_BYTES_BEFORE_DISCARDS)) {
      return null;
    }
    boolean withDiscards = header == HEADER_BYTES;
    ParityRemade entry = new ParityRemade();
    entry.discarded = withDiscards ? segment.get(PageFormat.INT, offset + 56) : 0;
    entry.gfid = segment.get(PageFormat.LONG, offset);
    entry.lblk = segment.get(PageFormat.LONG, offset + 8);
    entry.address = segment.get(PageFormat.LONG, offset + 16);
    entry.crc = segment.get(PageFormat.INT, offset + 40);
    entry.parity = segment.get(PageFormat.BYTE, offset + 48);
    entry.members = new long[n];
    entry.memberCrcs = new int[n];
    long[] membersBefore = new long[n];
    int[] crcsBefore = new int[n];
    for (int m = 0; m < n; m++) {
      long at = offset + header + (long) m * MEMBER_BYTES;
      entry.members[m] = segment.get(PageFormat.LONG, at);
      membersBefore[m] = segment.get(PageFormat.LONG, at + 8);
      entry.memberCrcs[m] = segment.get(PageFormat.INT, at + 16);
      crcsBefore[m] = segment.get(PageFormat.INT, at + 20);
    }
    entry.before =
        new ParityVersion(
            segment.get(PageFormat.LONG, offset + 24),
            segment.get(PageFormat.LONG, offset + 32),
            segment.get(PageFormat.INT, offset + 44),
            membersBefore,
            crcsBefore,
            withDiscards ? segment.get(PageFormat.INT, offset + 60) : 0);
    return entry;
  }

  /** The version that it makes; once it has its ID. */
  ParityVersion version(long id) {
    return new ParityVersion(address, id, crc, members, memberCrcs, discarded);
  }

  @Override
  protected void onJournalHardened() {
    hardened.run();
  }
}
