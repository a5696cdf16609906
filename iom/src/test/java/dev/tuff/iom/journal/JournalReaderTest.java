package dev.tuff.iom.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.support.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** What damaged, foreign and made-up records lead to: they end the journal, and nothing else. */
class JournalReaderTest {
  private static final UUID ID = new UUID(0x0011223344556677L, 0x8899aabbccddeeffL);
  private static final int BLOCKS = 64;
  private static final int RECORD_BLOCKS = Journal.COMMIT_BYTES / Drive.BLOCK_BYTES;
  private static final JournalRegion REGION = new JournalRegion(10, BLOCKS, ID, 2);

  private final MemorySegment drive = Bytes.blocks(10 + BLOCKS);
  private final MemorySegment recordMemory = Bytes.blocks(RECORD_BLOCKS);
  private int reads;

  private JournalReader reader(JournalRegion region, long position, long sequence) {
    return new JournalReader(
        region, this::read, recordMemory, new JournalPosition(position, sequence));
  }

  private void read(long address, int blocks, MemorySegment target) {
    reads++;
    assertThat(blocks).isBetween(1, RECORD_BLOCKS);
    assertThat(address).isGreaterThanOrEqualTo(10);
    assertThat(address + blocks).isLessThanOrEqualTo(10 + BLOCKS);
    MemorySegment.copy(drive, address * 4096, target, 0, blocks * 4096L);
  }

  /** Writes a record of {@code entries} entries with empty bodies, sound in every field. */
  private MemorySegment record(int offset, long position, long sequence, int entries, int blocks) {
    MemorySegment record = drive.asSlice((10L + offset) * 4096, blocks * 4096L);
    record.fill((byte) 0);
    record.set(JournalFormat.LONG, 0, JournalFormat.MAGIC);
    record.set(JournalFormat.LONG, 8, ID.getMostSignificantBits());
    record.set(JournalFormat.LONG, 16, ID.getLeastSignificantBits());
    record.set(JournalFormat.LONG, 24, sequence);
    record.set(JournalFormat.LONG, 32, position);
    record.set(JournalFormat.LONG, 40, 100 * sequence);
    record.set(JournalFormat.INT, 48, entries * 16);
    record.set(JournalFormat.SHORT, 52, (short) blocks);
    record.set(JournalFormat.SHORT, 54, (short) 2);
    record.set(JournalFormat.INT, 56, entries);
    for (int i = 0; i < entries; i++) {
      record.set(JournalFormat.SHORT, 64 + 16L * i, (short) 1);
      record.set(JournalFormat.INT, 68 + 16L * i, 16);
      record.set(JournalFormat.LONG, 72 + 16L * i, 100 * sequence + i);
    }
    seal(record);
    return record;
  }

  private static void seal(MemorySegment record) {
    int payload = record.get(JournalFormat.INT, 48);
    long sound = Math.clamp(payload, 0, record.byteSize() - 64);
    record.set(JournalFormat.INT, 60, Bytes.crc(record, 0, 60, 64, sound));
  }

  @Test
  void aSoundRecordIsRead() {
    record(0, 0, 1, 5, 1);
    JournalReader reader = reader(REGION, 0, 1);
    assertThat(reader.next()).isTrue();
    int[] seen = new int[1];
    assertThat(reader.entries((type, id, segment, offset, bytes) -> seen[0]++)).isTrue();
    assertThat(seen[0]).isEqualTo(5);
    assertThat(reader.recordBlocks()).isEqualTo(1);
    assertThat(reader.next()).isFalse();
    assertThat(reader.position()).isEqualTo(new JournalPosition(1, 2));
    assertThat(reader.next()).as("the end stays the end").isFalse();
  }

  @Test
  void aRecordThatWrapsStandsAtTheRegionsStart() {
    record(60, 60, 1, 1, 2);
    record(0, 64, 2, 1, 4);
    JournalReader reader = reader(REGION, 60, 1);
    assertThat(reader.next()).isTrue();
    assertThat(reader.next()).isTrue();
    assertThat(reader.position()).isEqualTo(new JournalPosition(64, 2));
  }

  @Test
  void aWholeRecordOfBeforeTheCrashIsNotBelievedBehindANewOne() {
    // Records 1 and 2 were in flight, 1 was torn; the next start writes its own 1, with later IDs.
    MemorySegment stale = record(1, 1, 2, 1, 1);
    MemorySegment fresh = record(0, 0, 1, 1, 1);
    JournalReader before = reader(REGION, 0, 1);
    assertThat(before.next()).isTrue();
    assertThat(before.next()).isTrue();
    fresh.set(JournalFormat.LONG, 40, 1L << 20);
    seal(fresh);
    JournalReader after = reader(REGION, 0, 1);
    assertThat(after.next()).isTrue();
    assertThat(after.next()).isFalse();
    assertThat(stale.get(JournalFormat.LONG, 24)).isEqualTo(2);
  }

  @Test
  void everyFlippedBitEndsTheJournal() {
    MemorySegment record = record(7, 7, 9, 30, 1);
    for (long bit = 0; bit < (64 + 30 * 16) * 8L; bit++) {
      Bytes.flip(record, bit);
      assertThat(reader(REGION, 7, 9).next()).as("bit %d", bit).isFalse();
      Bytes.flip(record, bit);
    }
    assertThat(reader(REGION, 7, 9).next()).isTrue();
  }

  @Test
  void recordsOfOtherPlacesArraysAndDrivesAreRefused() {
    record(7, 7, 9, 3, 1);
    assertThat(reader(new JournalRegion(10, BLOCKS, ID, 1), 7, 9).next()).isFalse();
    assertThat(reader(new JournalRegion(10, BLOCKS, new UUID(1, 2), 2), 7, 9).next()).isFalse();
    // A misdirected write: sound, but somewhere else.
    MemorySegment.copy(drive, 17 * 4096L, drive, 18 * 4096L, 4096);
    assertThat(reader(REGION, 8, 9).next()).isFalse();
    assertThat(reader(REGION, 7, 10).next()).isFalse();
  }

  @Test
  void sizesThatDoNotFitAreRefusedEvenWithTheirChecksum() {
    for (int blocks : new int[] {0, RECORD_BLOCKS + 1, 1000, 0x8000, 0xffff}) {
      MemorySegment record = record(20, 20, 1, 3, 1);
      record.set(JournalFormat.SHORT, 52, (short) blocks);
      seal(record);
      assertThat(reader(REGION, 20, 1).next()).as("%d blocks", blocks).isFalse();
    }
    // Beyond the region's end.
    MemorySegment last = record(63, 63, 1, 3, 1);
    last.set(JournalFormat.SHORT, 52, (short) 2);
    seal(last);
    assertThat(reader(REGION, 63, 1).next()).isFalse();
    for (int payload : new int[] {-1, Integer.MIN_VALUE, 4096 - 63, Integer.MAX_VALUE}) {
      MemorySegment record = record(20, 20, 1, 3, 1);
      record.set(JournalFormat.INT, 48, payload);
      seal(record);
      assertThat(reader(REGION, 20, 1).next()).as("%d bytes", payload).isFalse();
    }
  }

  @Test
  void entriesThatDoNotAddUpAreRefused() {
    for (int length : new int[] {0, 15, 17, 49, -16, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      MemorySegment record = record(0, 0, 1, 3, 1);
      record.set(JournalFormat.INT, 64 + 16 + 4, length);
      seal(record);
      assertThat(refused()).as("length %d", length).isTrue();
    }
    for (int entries : new int[] {-1, 0, 2, 4, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      MemorySegment record = record(0, 0, 1, 3, 1);
      record.set(JournalFormat.INT, 56, entries);
      seal(record);
      assertThat(refused()).as("%d entries", entries).isTrue();
    }
  }

  private boolean refused() {
    JournalReader reader = reader(REGION, 0, 1);
    return !reader.next() || !reader.entries((type, id, segment, offset, bytes) -> {});
  }

  @Test
  void randomRecordsNeverThrowNorReadBeyondTheRegion() {
    for (int seed = 0; seed < 20_000; seed++) {
      Random random = new Random(seed);
      int offset = random.nextInt(BLOCKS);
      int blocks = 1 + random.nextInt(Math.min(3, BLOCKS - offset));
      MemorySegment record = record(offset, offset, 1, random.nextInt(50), blocks);
      switch (random.nextInt(3)) {
        case 0 -> Bytes.fill(record, 40, 20, random);
        case 1 -> Bytes.fill(record, 64, 1 + random.nextInt(800), random);
        default -> {
          for (int i = 1 + random.nextInt(4); i > 0; i--) {
            record.set(JournalFormat.BYTE, 40 + random.nextInt(200), (byte) random.nextInt(256));
          }
        }
      }
      seal(record);
      reads = 0;
      JournalReader reader = reader(REGION, offset, 1);
      int records = 0;
      while (reader.next()) {
        records++;
        reader.entries(
            (type, id, segment, at, bytes) -> {
              assertThat(bytes).isGreaterThanOrEqualTo(0);
              assertThat(at + bytes).isLessThanOrEqualTo(segment.byteSize());
            });
      }
      assertThat(records).as("seed %d", seed).isLessThanOrEqualTo(2);
      assertThat(reads).as("seed %d", seed).isLessThanOrEqualTo(12);
    }
  }
}
