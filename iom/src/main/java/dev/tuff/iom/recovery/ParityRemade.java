package dev.tuff.iom.recovery;

import dev.tuff.iom.journal.JournalEntry;
import dev.tuff.iom.journal.JournalFormat;
import dev.tuff.iom.object.PageFormat;
import java.lang.foreign.MemorySegment;

/**
 * A parity block that recovery has made again. Journaled when the block is hardened, so that one
 * found in the journal is on the drive.
 *
 * <pre>
 *   0 GFID u64 | 8 lblk u64 | 16 address u64 | 24 address of the closed version that it supersedes u64, 0: none
 *  32 CRC32C u32 | 36 parity u8 | 37 data members u8 | 38 reserved u16
 *  40 for each data member: mj u64; then for each: CRC32C u32; padded with zeros to 8 bytes
 * </pre>
 */
final class ParityRemade extends JournalEntry {
  private static final int HEADER_BYTES = 40;

  long gfid;
  long lblk;
  long address;
  long supersedes;
  int crc;
  int parity;
  long[] members;
  int[] memberCrcs;

  /** Called when the entry is hardened. */
  Runnable hardened;

  private static int bytes(int members) {
    return (HEADER_BYTES + 12 * members + 7) / 8 * 8;
  }

  @Override
  protected int bodyBytes() {
    return bytes(members.length);
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
    segment.set(PageFormat.LONG, offset + 24, supersedes);
    segment.set(PageFormat.INT, offset + 32, crc);
    segment.set(PageFormat.BYTE, offset + 36, (byte) parity);
    segment.set(PageFormat.BYTE, offset + 37, (byte) members.length);
    for (int m = 0; m < members.length; m++) {
      segment.set(PageFormat.LONG, offset + HEADER_BYTES + 8L * m, members[m]);
      segment.set(
          PageFormat.INT, offset + HEADER_BYTES + 8L * members.length + 4L * m, memberCrcs[m]);
    }
  }

  /** Decodes an entry's body; null when its size is not what it says. */
  static ParityRemade decode(MemorySegment segment, long at, int bytes) {
    if (bytes < HEADER_BYTES) {
      return null;
    }
    int n = segment.get(PageFormat.BYTE, at + 37);
    if (n < 1 || bytes != bytes(n)) {
      return null;
    }
    ParityRemade entry = new ParityRemade();
    entry.gfid = segment.get(PageFormat.LONG, at);
    entry.lblk = segment.get(PageFormat.LONG, at + 8);
    entry.address = segment.get(PageFormat.LONG, at + 16);
    entry.supersedes = segment.get(PageFormat.LONG, at + 24);
    entry.crc = segment.get(PageFormat.INT, at + 32);
    entry.parity = segment.get(PageFormat.BYTE, at + 36);
    entry.members = new long[n];
    entry.memberCrcs = new int[n];
    for (int m = 0; m < n; m++) {
      entry.members[m] = segment.get(PageFormat.LONG, at + HEADER_BYTES + 8L * m);
      entry.memberCrcs[m] = segment.get(PageFormat.INT, at + HEADER_BYTES + 8L * n + 4L * m);
    }
    return entry;
  }

  @Override
  protected void onJournalHardened() {
    hardened.run();
  }
}
