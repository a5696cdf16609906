package dev.tuff.iom.parity;

import dev.tuff.iom.journal.JournalEntry;
import dev.tuff.iom.journal.JournalFormat;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.write.WriteOp;
import java.lang.foreign.MemorySegment;

/**
 * pj: what a parity write is about to change, with the contents of every mj that is merged into it.
 * Journaled when the merge is done (the figures have it at the request): only then is the parity's
 * checksum known, by which recovery tells whether it is durable, and one entry stands for all that
 * was merged.
 *
 * <pre>
 *   0 GFID u64 | 8 first lblk u64 | 16 blocks u16 | 18 parity u8 | 19 mode u8, 0 delta, 1 data | 20 members u16 | 22 reserved u16
 *  24 for each block: new address u64, old address u64, pj that wrote the old u64, new CRC32C u32, old CRC32C u32
 *  then for each merged update: mj u64, first lblk u64, blocks u16, member u8, 19 1 if it discards u8,
 *     20 blocks whose version in the old parity was a discard, one a bit, u32; and for each of its blocks:
 *     new address u64, old address u64, the member's mj in the old parity u64, new CRC32C u32, CRC32C in the old parity u32
 * </pre>
 */
public final class ParityJournalEntry extends JournalEntry {
  static final int HEADER_BYTES = 24;
  static final int BLOCK_BYTES = 32;
  static final int UPDATE_BYTES = 24;

  private final Generation generation;

  ParityJournalEntry(Generation generation) {
    this.generation = generation;
  }

  @Override
  protected int bodyBytes() {
    int bytes = HEADER_BYTES + generation.count * BLOCK_BYTES;
    for (int i = 0; i < generation.updates; i++) {
      if (!generation.slot(i).unchanged) {
        bytes += UPDATE_BYTES + generation.slot(i).count * BLOCK_BYTES;
      }
    }
    return bytes;
  }

  @Override
  protected int type() {
    return JournalFormat.TYPE_PJ;
  }

  @Override
  protected void encode(MemorySegment segment, long offset) {
    Generation g = generation;
    segment.set(PageFormat.LONG, offset, g.gfid);
    segment.set(PageFormat.LONG, offset + 8, g.lblk);
    segment.set(PageFormat.SHORT, offset + 16, (short) g.count);
    segment.set(PageFormat.BYTE, offset + 18, (byte) g.parity);
    segment.set(PageFormat.BYTE, offset + 19, (byte) (g.dataMode ? 1 : 0));
    segment.set(PageFormat.SHORT, offset + 20, (short) g.journaledUpdates());
    segment.set(PageFormat.SHORT, offset + 22, (short) 0);
    long at = offset + HEADER_BYTES;
    for (int i = 0; i < g.count; i++) {
      at =
          block(
              segment, at, g.newAddress[i], g.oldAddress[i], g.oldId[i], g.newCrc[i], g.oldCrc[i]);
    }
    for (int u = 0; u < g.updates; u++) {
      Generation.Slot slot = g.slot(u);
      if (slot.unchanged) {
        continue;
      }
      WriteOp op = slot.op;
      segment.set(PageFormat.LONG, at, op.mj);
      segment.set(PageFormat.LONG, at + 8, op.lblk);
      segment.set(PageFormat.SHORT, at + 16, (short) op.count);
      segment.set(PageFormat.BYTE, at + 18, (byte) op.member);
      segment.set(PageFormat.BYTE, at + 19, (byte) (op.unmaps() ? 1 : 0));
      segment.set(PageFormat.INT, at + 20, slot.oldDiscarded);
      at += UPDATE_BYTES;
      for (int i = 0; i < op.count; i++) {
        at =
            block(
                segment,
                at,
                op.newAddress[i],
                op.oldAddress[i],
                slot.oldMemberId[i],
                op.newCrc[i],
                slot.oldMemberCrc[i]);
      }
    }
  }

  private static long block(
      MemorySegment segment,
      long at,
      long newAddress,
      long oldAddress,
      long oldId,
      int newCrc,
      int oldCrc) {
    segment.set(PageFormat.LONG, at, newAddress);
    segment.set(PageFormat.LONG, at + 8, oldAddress);
    segment.set(PageFormat.LONG, at + 16, oldId);
    segment.set(PageFormat.INT, at + 24, newCrc);
    segment.set(PageFormat.INT, at + 28, oldCrc);
    return at + BLOCK_BYTES;
  }

  @Override
  protected void onJournalHardened() {
    generation.onPjHardened();
  }
}
