package dev.tuff.iom.repair;

import dev.tuff.iom.journal.JournalEntry;
import dev.tuff.iom.journal.JournalFormat;
import dev.tuff.iom.object.PageFormat;
import java.lang.foreign.MemorySegment;

/**
 * A block's content has been written to a new place, because it could not be read at the old one.
 * Journaled when the new block is hardened. The version stays what it was: same ID; same CRC32C,
 * but for parity that was made wrong.
 *
 * <pre>
 *   0 GFID u64 | 8 lblk u64 | 16 new address u64 | 24 old address u64 | 32 ID of the version u64
 *  40 CRC32C u32 | 44 parity u8, 0: data | 45 reserved 3 bytes
 * </pre>
 */
public final class BlockMoved extends JournalEntry {
  public static final int BYTES = 48;

  long gfid;
  long lblk;
  long newAddress;
  long oldAddress;
  long id;
  int crc;
  boolean parity;

  /** Called when the entry is hardened. */
  private final Runnable hardened;

  BlockMoved(Runnable hardened) {
    this.hardened = hardened;
  }

  /** What an entry says. */
  public record Decoded(
      long gfid,
      long lblk,
      long newAddress,
      long oldAddress,
      long versionId,
      int crc,
      boolean parity) {}

  /** Decodes an entry's body; null when its size is not what it should be. */
  public static Decoded decode(MemorySegment segment, long at, int bytes) {
    if (bytes != BYTES) {
      return null;
    }
    return new Decoded(
        segment.get(PageFormat.LONG, at),
        segment.get(PageFormat.LONG, at + 8),
        segment.get(PageFormat.LONG, at + 16),
        segment.get(PageFormat.LONG, at + 24),
        segment.get(PageFormat.LONG, at + 32),
        segment.get(PageFormat.INT, at + 40),
        segment.get(PageFormat.BYTE, at + 44) != 0);
  }

  @Override
  protected int bodyBytes() {
    return BYTES;
  }

  @Override
  protected int type() {
    return JournalFormat.TYPE_BLOCK_MOVED;
  }

  @Override
  protected void encode(MemorySegment segment, long offset) {
    segment.set(PageFormat.LONG, offset, gfid);
    segment.set(PageFormat.LONG, offset + 8, lblk);
    segment.set(PageFormat.LONG, offset + 16, newAddress);
    segment.set(PageFormat.LONG, offset + 24, oldAddress);
    segment.set(PageFormat.LONG, offset + 32, id);
    segment.set(PageFormat.INT, offset + 40, crc);
    segment.set(PageFormat.INT, offset + 44, parity ? 1 : 0);
  }

  @Override
  protected void onJournalHardened() {
    hardened.run();
  }
}
