package dev.tuff.iom.write;

import dev.tuff.iom.journal.JournalEntry;
import dev.tuff.iom.journal.JournalFormat;
import dev.tuff.iom.object.PageFormat;
import java.lang.foreign.MemorySegment;

/**
 * mj: what a data write is about to change.
 *
 * <pre>
 *   0 GFID u64 | 8 first lblk u64 | 16 blocks u16 | 18 member u8 | 19 mode u8, 0 delta, 1 data | 20 reserved u32
 *  24 for each block: new address u64, old address u64, ID that wrote the old u64, new CRC32C u32, old CRC32C u32
 * </pre>
 */
public final class DataJournalEntry extends JournalEntry {
  static final int HEADER_BYTES = 24;

  /** Bytes for each block. */
  public static final int BLOCK_BYTES = 32;

  private final WriteOp op;

  DataJournalEntry(WriteOp op) {
    this.op = op;
  }

  @Override
  protected int bodyBytes() {
    return HEADER_BYTES + op.count * BLOCK_BYTES;
  }

  @Override
  protected int type() {
    return JournalFormat.TYPE_MJ;
  }

  @Override
  protected void encode(MemorySegment segment, long offset) {
    segment.set(PageFormat.LONG, offset, op.gfid);
    segment.set(PageFormat.LONG, offset + 8, op.lblk);
    segment.set(PageFormat.SHORT, offset + 16, (short) op.count);
    segment.set(PageFormat.BYTE, offset + 18, (byte) op.member);
    segment.set(PageFormat.BYTE, offset + 19, (byte) (op.stripe != 0 ? 1 : 0));
    segment.set(PageFormat.INT, offset + 20, 0);
    for (int i = 0; i < op.count; i++) {
      long at = offset + HEADER_BYTES + (long) i * BLOCK_BYTES;
      segment.set(PageFormat.LONG, at, op.newAddress[i]);
      segment.set(PageFormat.LONG, at + 8, op.oldAddress[i]);
      segment.set(PageFormat.LONG, at + 16, op.oldId[i]);
      segment.set(PageFormat.INT, at + 24, op.newCrc[i]);
      segment.set(PageFormat.INT, at + 28, op.oldCrc[i]);
    }
  }

  @Override
  protected void onJournalHardened() {
    op.onMjHardened();
  }
}
