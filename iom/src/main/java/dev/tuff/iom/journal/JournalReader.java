package dev.tuff.iom.journal;

import dev.tuff.iom.drive.Drive;
import dev.tuff.xor.Crc32c;
import java.lang.foreign.MemorySegment;

/**
 * Reads a journal from a position up to the first gap. Nothing in a record is believed before its
 * magic, array, drive, sequence, position and CRC are right; a torn or stale one ends the journal.
 * One thread.
 */
public final class JournalReader {
  /** Where the blocks come from. */
  @FunctionalInterface
  public interface BlockSource {
    /** Fills {@code target} with the {@code blocks} blocks from {@code address} on. */
    void read(long address, int blocks, MemorySegment target);
  }

  /** Takes one entry; {@code body} lies in {@code segment} from {@code offset} on. */
  @FunctionalInterface
  public interface EntryConsumer {
    void entry(int type, long id, MemorySegment segment, long offset, int bodyBytes);
  }

  private final JournalRegion region;
  private final BlockSource source;
  private final MemorySegment record;
  private long position;
  private long sequence;
  private long firstId = Long.MIN_VALUE;
  private int entries;
  private int blocks;
  private int payloadBytes;

  // The present entry of the present record.
  private int entriesLeft;
  private long at;
  private int type;
  private long id;
  private int bodyBytes;

  /**
   * @param record memory for one commit record, {@link Journal#COMMIT_BYTES} long
   */
  public JournalReader(
      JournalRegion region, BlockSource source, MemorySegment record, JournalPosition from) {
    this.region = region;
    this.source = source;
    this.record = record;
    this.position = from.position();
    this.sequence = from.sequence();
  }

  /** Moves to the next record; false at the journal's end. */
  public boolean next() {
    if (blocks > 0) {
      position += blocks;
      sequence++;
      blocks = 0;
    }
    int offset = (int) (position % region.blocks());
    if (readAt(offset)) {
      return true;
    }
    // A record that would not have fitted before the region's end stands at its start.
    if (offset != 0) {
      long wrapped = position + region.blocks() - offset;
      long before = position;
      position = wrapped;
      if (readAt(0)) {
        return true;
      }
      position = before;
    }
    return false;
  }

  /**
   * True when a whole record stands {@code ahead} blocks behind the journal's end whose number is
   * greater by {@code distance} or more than the one that is missing there. Asked at the end: where
   * so many are never under way at once, the missing one was not torn but is damaged.
   */
  boolean goesOn(int ahead, int distance) {
    int offset = (int) ((position + ahead) % region.blocks());
    source.read(region.firstBlock() + offset, 1, record);
    if (!isMine(position + ahead) || !sizesFit(offset) || !isFrom(sequence + distance)) {
      return false;
    }
    source.read(region.firstBlock() + offset, recordedBlocks(), record);
    return isMine(position + ahead)
        && sizesFit(offset)
        && isFrom(sequence + distance)
        && checksumFits();
  }

  private boolean isFrom(long oldest) {
    return record.get(JournalFormat.LONG, JournalFormat.OFFSET_SEQUENCE) >= oldest;
  }

  private boolean readAt(int offset) {
    source.read(region.firstBlock() + offset, 1, record);
    if (!headerFits(offset)) {
      return false;
    }
    int found = recordedBlocks();
    source.read(region.firstBlock() + offset, found, record);
    // Read again as a whole; the header may have been all that was sound.
    if (!headerFits(offset) || !checksumFits()) {
      return false;
    }
    payloadBytes = recordedPayload();
    blocks = found;
    firstId = record.get(JournalFormat.LONG, JournalFormat.OFFSET_FIRST_ID);
    entries = record.get(JournalFormat.INT, JournalFormat.OFFSET_ENTRIES);
    rewind();
    return true;
  }

  private int recordedBlocks() {
    return Short.toUnsignedInt(record.get(JournalFormat.SHORT, JournalFormat.OFFSET_BLOCKS));
  }

  private int recordedPayload() {
    return record.get(JournalFormat.INT, JournalFormat.OFFSET_PAYLOAD_BYTES);
  }

  private boolean checksumFits() {
    int crc = Crc32c.of(record, 0, (int) JournalFormat.OFFSET_CRC);
    crc = Crc32c.update(crc, record, JournalFormat.HEADER_BYTES, recordedPayload());
    return crc == record.get(JournalFormat.INT, JournalFormat.OFFSET_CRC);
  }

  private boolean headerFits(int offset) {
    return isMine(position)
        && sizesFit(offset)
        && record.get(JournalFormat.LONG, JournalFormat.OFFSET_SEQUENCE) == sequence
        // A whole record that stood behind a torn one must not become believable again behind what
        // a later start put in the torn one's place: every start leaves out a great many IDs.
        && record.get(JournalFormat.LONG, JournalFormat.OFFSET_FIRST_ID) > firstId;
  }

  /** Magic, array, drive and place are right. */
  private boolean isMine(long at) {
    return record.get(JournalFormat.LONG, JournalFormat.OFFSET_MAGIC) == JournalFormat.MAGIC
        && record.get(JournalFormat.LONG, JournalFormat.OFFSET_UUID)
            == region.arrayId().getMostSignificantBits()
        && record.get(JournalFormat.LONG, JournalFormat.OFFSET_UUID + 8)
            == region.arrayId().getLeastSignificantBits()
        && record.get(JournalFormat.SHORT, JournalFormat.OFFSET_DRIVE)
            == (short) region.driveIndex()
        && record.get(JournalFormat.LONG, JournalFormat.OFFSET_POSITION) == at;
  }

  private boolean sizesFit(int offset) {
    int foundBlocks = recordedBlocks();
    int payload = recordedPayload();
    return foundBlocks >= 1
        && offset + foundBlocks <= region.blocks()
        && (long) foundBlocks * Drive.BLOCK_BYTES <= record.byteSize()
        && payload >= 0
        && JournalFormat.HEADER_BYTES + (long) payload <= (long) foundBlocks * Drive.BLOCK_BYTES;
  }

  /**
   * Hands the present record's entries over; false when they do not add up, which a sound record's
   * do.
   */
  public boolean entries(EntryConsumer consumer) {
    rewind();
    while (nextEntry()) {
      consumer.entry(type, id, record, bodyOffset(), bodyBytes);
    }
    return addsUp();
  }

  private void rewind() {
    entriesLeft = entries;
    at = JournalFormat.HEADER_BYTES;
    bodyBytes = -JournalFormat.ENTRY_HEADER_BYTES;
  }

  /** Moves to the next entry of the present record; false at its end, see {@link #addsUp}. */
  public boolean nextEntry() {
    at += JournalFormat.ENTRY_HEADER_BYTES + bodyBytes;
    bodyBytes = -JournalFormat.ENTRY_HEADER_BYTES;
    long left = JournalFormat.HEADER_BYTES + payloadBytes - at;
    if (entriesLeft <= 0 || left < JournalFormat.ENTRY_HEADER_BYTES) {
      return false;
    }
    int length = record.get(JournalFormat.INT, at + 4);
    if (length < JournalFormat.ENTRY_HEADER_BYTES || length > left) {
      return false;
    }
    entriesLeft--;
    type = record.get(JournalFormat.SHORT, at);
    id = record.get(JournalFormat.LONG, at + 8);
    bodyBytes = length - JournalFormat.ENTRY_HEADER_BYTES;
    return true;
  }

  /** True after the last entry when all of the record was entries, as many as it says. */
  public boolean addsUp() {
    return entriesLeft == 0 && at == JournalFormat.HEADER_BYTES + (long) payloadBytes;
  }

  /** The present entry's type. */
  public int type() {
    return type;
  }

  /** The present entry's journal ID. */
  public long id() {
    return id;
  }

  /** Where its body lies in {@link #record}. */
  public long bodyOffset() {
    return at + JournalFormat.ENTRY_HEADER_BYTES;
  }

  public int bodyBytes() {
    return bodyBytes;
  }

  /** The present record's memory, good until {@link #next}. */
  public MemorySegment record() {
    return record;
  }

  /** Where the present record stands; after the last, where the next would. */
  public JournalPosition position() {
    return new JournalPosition(position, sequence);
  }

  public int recordBlocks() {
    return blocks;
  }

  public long firstId() {
    return firstId;
  }

  public int entryCount() {
    return entries;
  }
}
