package dev.tuff.iom.rebuild;

import dev.tuff.iom.journal.JournalEntry;
import dev.tuff.iom.journal.JournalFormat;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.write.WriteOp;
import java.lang.foreign.MemorySegment;

/**
 * Blocks of one segment that a drive held in place of another, which has them itself by now: their
 * entries are gone, and their places free.
 *
 * <pre>
 *   0 GFID u64 | 8 first lblk u64 | 16 blocks u16 | 18 parity u8, 0: data | 19 reserved 5 bytes
 *  24 for each block: address u64, 0: it had no place
 * </pre>
 */
public final class StandInFreed extends JournalEntry {
  private static final int HEADER_BYTES = 24;

  public long gfid;
  public long lblk;
  public int count;
  public boolean parity;
  public final long[] address = new long[WriteOp.MAX_BLOCKS];

  @Override
  protected int bodyBytes() {
    return HEADER_BYTES + count * Long.BYTES;
  }

  @Override
  protected int type() {
    return JournalFormat.TYPE_STAND_IN_FREED;
  }

  @Override
  protected void encode(MemorySegment segment, long offset) {
    segment.asSlice(offset, HEADER_BYTES).fill((byte) 0);
    segment.set(PageFormat.LONG, offset, gfid);
    segment.set(PageFormat.LONG, offset + 8, lblk);
    segment.set(PageFormat.SHORT, offset + 16, (short) count);
    segment.set(PageFormat.BYTE, offset + 18, (byte) (parity ? 1 : 0));
    for (int i = 0; i < count; i++) {
      segment.set(PageFormat.LONG, offset + HEADER_BYTES + (long) i * Long.BYTES, address[i]);
    }
  }

  /** Decodes an entry's body; null when its size is not what it says. */
  public static StandInFreed decode(MemorySegment segment, long offset, int bytes) {
    if (bytes < HEADER_BYTES) {
      return null;
    }
    StandInFreed entry = new StandInFreed();
    entry.count = Short.toUnsignedInt(segment.get(PageFormat.SHORT, offset + 16));
    int kind = segment.get(PageFormat.BYTE, offset + 18);
    boolean sound =
        entry.count >= 1
            && entry.count <= WriteOp.MAX_BLOCKS
            && (kind == 0 || kind == 1)
            && bytes == entry.bodyBytes();
    if (!sound) {
      return null;
    }
    entry.gfid = segment.get(PageFormat.LONG, offset);
    entry.lblk = segment.get(PageFormat.LONG, offset + 8);
    entry.parity = kind == 1;
    for (int i = 0; i < entry.count; i++) {
      entry.address[i] =
          segment.get(PageFormat.LONG, offset + HEADER_BYTES + (long) i * Long.BYTES);
    }
    return entry;
  }

  @Override
  protected void onJournalHardened() {
    // What is free from now on is free in any case: nobody needs what was there.
  }

  /** What it makes of the map, when it is journaled as {@code id} and when it is replayed. */
  public void unmap(Cnode cnode, Page page, long id) {
    int bytes = parity ? cnode.parityEntryBytes() : cnode.dataEntryBytes();
    long at = parity ? cnode.parityEntry(lblk) : cnode.dataEntry(lblk);
    int mapped = 0;
    for (int i = 0; i < count; i++) {
      mapped += Cnode.address(page, at) == 0 ? 0 : 1;
      for (int b = 0; b < bytes; b += Long.BYTES) {
        page.setLong(at + b, 0);
      }
      at += bytes;
    }
    page.markDirty(id);
    if (parity) {
      cnode.addMappedParityBlocks(-mapped, id);
    } else {
      cnode.addMappedDataBlocks(-mapped, id);
    }
  }
}
