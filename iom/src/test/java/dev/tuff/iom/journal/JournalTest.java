package dev.tuff.iom.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.support.Bytes;
import dev.tuff.iom.support.DriveRig;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class JournalTest {
  private static final UUID ID = new UUID(0x0011223344556677L, 0x8899aabbccddeeffL);
  private static final int RECORD_BLOCKS = Journal.COMMIT_BYTES / Drive.BLOCK_BYTES;

  private final MemorySegment record = Bytes.blocks(RECORD_BLOCKS);
  private final List<Long> hardened = new ArrayList<>();
  private final Map<Long, TestEntry> entries = new HashMap<>();
  private DriveRig rig;
  private JournalRegion region;
  private Journal journal;

  private void start(long seed, int blocks) {
    rig = new DriveRig(seed, 100 + blocks, 2L * Journal.BUFFERS * Journal.COMMIT_BYTES);
    region = new JournalRegion(50, blocks, ID, 3);
    journal =
        new Journal(
            region,
            rig.drive(),
            rig.buffers(Journal.BUFFERS, Journal.COMMIT_BYTES),
            new JournalPosition(0, 1),
            1);
    hardened.clear();
    entries.clear();
  }

  private TestEntry append(Random random, int maxBytes) {
    TestEntry entry = TestEntry.random(random, maxBytes, hardened);
    journal.append(entry);
    entries.put(entry.id(), entry);
    return entry;
  }

  private TestEntry append(int type, byte... body) {
    TestEntry entry = new TestEntry(type, body, hardened);
    journal.append(entry);
    entries.put(entry.id(), entry);
    return entry;
  }

  private JournalReader reader(JournalPosition from) {
    return new JournalReader(region, rig::read, record, from);
  }

  /** IDs of the entries from a position on, each compared with what was appended. */
  private List<Long> readFrom(JournalPosition from) {
    List<Long> ids = new ArrayList<>();
    JournalReader reader = reader(from);
    while (reader.next()) {
      int before = ids.size();
      boolean whole =
          reader.entries(
              (type, id, segment, offset, bytes) -> {
                TestEntry entry = entries.get(id);
                assertThat(type).isEqualTo(entry.type);
                assertThat(segment.asSlice(offset, bytes).toArray(JournalFormat.BYTE))
                    .isEqualTo(entry.body);
                ids.add(id);
              });
      assertThat(whole).isTrue();
      assertThat(reader.entryCount()).isEqualTo(ids.size() - before);
      assertThat(reader.firstId()).isEqualTo(ids.get(before));
    }
    return ids;
  }

  private static List<Long> ids(long from, long to) {
    return LongStream.rangeClosed(from, to).boxed().toList();
  }

  @Test
  void recordBytesAreFrozen() {
    start(1, 64);
    append(JournalFormat.TYPE_MJ, (byte) 0xa1, (byte) 0xa2, (byte) 0xa3);
    append(JournalFormat.TYPE_PJ, (byte) 0xb1);
    journal.appendDataComplete(1);
    journal.appendDataComplete(2);
    journal.appendParityComplete(2);
    journal.commit();
    rig.settle();
    MemorySegment block = rig.block(50);
    assertThat(Bytes.hex(block, 0, 4096)).isEqualTo(GOLDEN);
    int payload = 19 + 17 + 16 + 8 + 32 + 16 + 8 + 16;
    assertThat(block.get(JournalFormat.INT, 48)).isEqualTo(payload);
    assertThat(block.get(JournalFormat.INT, 60)).isEqualTo(Bytes.crc(block, 0, 60, 64, payload));
  }

  private static final String GOLDEN =
      """
      0000  54 55 46 46 4a 52 4e 4c 77 66 55 44 33 22 11 00
      0010  ff ee dd cc bb aa 99 88 01 00 00 00 00 00 00 00
      0020  00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00
      0030  84 00 00 00 01 00 03 00 04 00 00 00 0e e0 3c 37
      0040  01 00 00 00 13 00 00 00 01 00 00 00 00 00 00 00
      0050  a1 a2 a3 02 00 00 00 11 00 00 00 02 00 00 00 00
      0060  00 00 00 b1 03 00 00 00 38 00 00 00 03 00 00 00
      0070  00 00 00 00 02 00 00 00 00 00 00 00 01 00 00 00
      0080  00 00 00 00 03 00 00 00 00 00 00 00 02 00 00 00
      0090  00 00 00 00 04 00 00 00 00 00 00 00 04 00 00 00
      00a0  28 00 00 00 05 00 00 00 00 00 00 00 01 00 00 00
      00b0  00 00 00 00 02 00 00 00 00 00 00 00 05 00 00 00
      """;

  @Test
  void whatWaitsGoesInOneWriteAndIsHardenedByAFlush() {
    start(2, 64);
    Random random = new Random(2);
    for (int i = 0; i < 50; i++) {
      append(random, 200);
    }
    journal.commit();
    assertThat(journal.idle()).isFalse();
    while (rig.device().counters().writes == 0) {
      rig.step();
    }
    assertThat(hardened).as("a completed write is not hardened yet").isEmpty();
    rig.settle();
    assertThat(hardened).isEqualTo(ids(1, 50));
    assertThat(journal.hardenedId()).isEqualTo(50);
    assertThat(rig.device().counters().writes).isEqualTo(1);
    assertThat(rig.device().counters().flushes).isEqualTo(1);
    assertThat(journal.commitCount()).isEqualTo(1);
    assertThat(journal.entryCount()).isEqualTo(50);
    assertThat(journal.idle()).isTrue();
    assertThat(readFrom(new JournalPosition(0, 1))).isEqualTo(ids(1, 50));
  }

  @Test
  void nothingIsWrittenForNothing() {
    start(3, 64);
    journal.commit();
    journal.hardenCompletes();
    rig.settle();
    assertThat(rig.device().counters().writes).isZero();
  }

  @Test
  void entriesHardenInTheirOrderWhateverTheDrivesOrder() {
    for (int seed = 0; seed < 60; seed++) {
      start(seed, 512);
      Random random = new Random(seed);
      for (int round = 0; round < 30; round++) {
        int count = random.nextInt(5);
        for (int i = 0; i < count; i++) {
          append(random, 3000);
        }
        journal.commit();
        for (int i = random.nextInt(3); i > 0; i--) {
          rig.step();
        }
        assertThat(hardened).as("seed %d", seed).isEqualTo(ids(1, hardened.size()));
        assertThat(journal.hardenedId()).as("seed %d", seed).isEqualTo(hardened.size());
      }
      finish();
      assertThat(hardened).as("seed %d", seed).isEqualTo(ids(1, journal.lastEntryId()));
      assertThat(readFrom(new JournalPosition(0, 1))).isEqualTo(hardened);
    }
  }

  private void finish() {
    while (!journal.idle()) {
      journal.commit();
      rig.settle();
    }
  }

  @Test
  void entriesBeyondACommitWaitAndKeepTheirOrder() {
    start(4, 512);
    Random random = new Random(4);
    for (int i = 0; i < 40; i++) {
      byte[] body = new byte[Journal.MAX_BODY_BYTES - random.nextInt(2) * 40_000];
      random.nextBytes(body);
      append(1, body);
    }
    assertThat(journal.queuedEntries()).isPositive();
    finish();
    assertThat(journal.queuedEntries()).isZero();
    assertThat(hardened).isEqualTo(ids(1, 40));
    assertThat(readFrom(new JournalPosition(0, 1))).isEqualTo(hardened);
  }

  @Test
  void anEntryThatFitsNoCommitIsABug() {
    start(5, 64);
    assertThatThrownBy(() -> append(1, new byte[Journal.MAX_BODY_BYTES + 1]))
        .isInstanceOf(Invariant.Broken.class);
  }

  @Test
  void completesGoAlongWithTheNextCommitAndHaveIdsOfTheirOwn() {
    start(6, 64);
    append(1);
    journal.appendDataComplete(1);
    journal.appendParityComplete(77);
    assertThat(journal.nextId()).isEqualTo(4);
    assertThat(journal.lastEntryId()).isEqualTo(1);
    finish();
    journal.appendDataComplete(78);
    journal.commit();
    rig.settle();
    assertThat(journal.commitCount()).as("a complete brings no commit about").isEqualTo(1);
    journal.hardenCompletes();
    rig.settle();
    assertThat(journal.commitCount()).isEqualTo(2);
    List<String> seen = new ArrayList<>();
    JournalReader reader = reader(new JournalPosition(0, 1));
    while (reader.next()) {
      assertThat(
              reader.entries(
                  (type, id, segment, offset, bytes) -> {
                    String pairs = "";
                    if (type == JournalFormat.TYPE_MJ_COMPLETE
                        || type == JournalFormat.TYPE_PJ_COMPLETE) {
                      int count = segment.get(JournalFormat.INT, offset);
                      assertThat(bytes).isEqualTo(8 + 16 * count);
                      for (int i = 0; i < count; i++) {
                        pairs +=
                            " "
                                + segment.get(JournalFormat.LONG, offset + 8 + 16L * i)
                                + " by "
                                + segment.get(JournalFormat.LONG, offset + 16 + 16L * i);
                      }
                    }
                    seen.add(JournalFormat.typeName(type) + " " + id + pairs);
                  }))
          .isTrue();
    }
    assertThat(seen)
        .containsExactly(
            "mj 1", "mj_complete 2 1 by 2", "pj_complete 3 77 by 3", "mj_complete 4 78 by 4");
  }

  @Test
  void moreCompletesThanACommitHoldsAreSpreadOverSeveral() {
    start(7, 512);
    for (long mj = 1; mj <= 20_000; mj++) {
      journal.appendDataComplete(1_000_000 + mj);
    }
    for (int i = 0; i < 5; i++) {
      journal.hardenCompletes();
      rig.settle();
    }
    assertThat(journal.commitCount()).as("8,189 or so each").isEqualTo(3);
    List<Long> closed = new ArrayList<>();
    JournalReader reader = reader(new JournalPosition(0, 1));
    while (reader.next()) {
      reader.entries(
          (type, id, segment, offset, bytes) -> {
            for (int i = 0; i < segment.get(JournalFormat.INT, offset); i++) {
              closed.add(segment.get(JournalFormat.LONG, offset + 8 + 16L * i));
            }
          });
    }
    assertThat(closed).isEqualTo(ids(1_000_001, 1_020_000));
  }

  @Test
  void goesRoundAndRoundAndGivesBackSpace() {
    for (int seed = 0; seed < 10; seed++) {
      start(seed, 100 + seed);
      Random random = new Random(seed);
      long oldest = 1;
      for (int round = 0; round < 300; round++) {
        int count = 1 + random.nextInt(4);
        for (int i = 0; i < count; i++) {
          append(random, 9000);
        }
        finish();
        // Keeps a third of the region at most, as admission does.
        JournalPosition tail = journal.positionOf(oldest);
        assertThat(readFrom(tail)).as("seed %d", seed).endsWith(journal.lastEntryId());
        while (journal.usedBlocks() > region.blocks() / 3 + 3 * RECORD_BLOCKS
            && oldest < journal.nextId()) {
          oldest++;
          journal.trim(journal.positionOf(oldest));
        }
        List<Long> left = readFrom(journal.positionOf(oldest));
        assertThat(left.isEmpty() || left.getFirst() <= oldest).as("seed %d", seed).isTrue();
        if (!left.isEmpty()) {
          assertThat(left).isEqualTo(ids(left.getFirst(), journal.lastEntryId()));
        }
      }
      assertThat(journal.positionOf(journal.nextId()).position())
          .as("several laps")
          .isGreaterThan(3L * region.blocks());
    }
  }

  @Test
  void aJournalThatIsOverfilledIsABugAndNotALoss() {
    start(8, 64);
    Random random = new Random(8);
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 100; i++) {
                append(1, new byte[4000 + random.nextInt(10)]);
                finish();
              }
            })
        .isInstanceOf(Invariant.Broken.class);
    assertThat(readFrom(new JournalPosition(0, 1))).isEqualTo(hardened);
  }

  @Test
  void staleRecordsOfAnEarlierLapAreNotBelieved() {
    start(9, 64);
    // Lap after lap of one-block records, so that an old record stands right behind the last one.
    for (int i = 1; i <= 3 * 64 + 10; i++) {
      append(1, (byte) i);
      finish();
      journal.trim(journal.positionOf(Math.max(1, i - 4)));
      List<Long> left = readFrom(journal.positionOf(Math.max(1, i - 4)));
      assertThat(left).isEqualTo(ids(Math.max(1, i - 4), i));
    }
    // The record of one lap before or after at the same place.
    JournalPosition last = journal.positionOf(journal.lastEntryId());
    assertThat(reader(last).next()).isTrue();
    for (long lap : new long[] {-64, 64}) {
      assertThat(reader(new JournalPosition(last.position() + lap, last.sequence())).next())
          .isFalse();
      assertThat(reader(new JournalPosition(last.position(), last.sequence() + lap)).next())
          .isFalse();
    }
  }

  @Test
  void whatWasHardenedIsReadAfterACrashAndNoMoreThanWasAppended() {
    for (int seed = 0; seed < 300; seed++) {
      start(seed, 256);
      Random random = new Random(seed);
      int crashAt = 1 + random.nextInt(25);
      for (int step = 0; step < crashAt; step++) {
        if (random.nextInt(3) > 0) {
          append(random, 12_000);
        }
        journal.commit();
        if (random.nextBoolean()) {
          rig.step();
        }
      }
      rig.crash();
      List<Long> read = readFrom(new JournalPosition(0, 1));
      assertThat(read).as("seed %d: a prefix", seed).isEqualTo(ids(1, read.size()));
      assertThat(read.size()).as("seed %d", seed).isGreaterThanOrEqualTo(hardened.size());
    }
  }

  @Test
  void aTornCommitEndsTheJournalThoughALaterOneIsWhole() {
    start(10, 64);
    for (int i = 0; i < 3; i++) {
      append(1, new byte[5000]);
      finish();
    }
    assertThat(readFrom(new JournalPosition(0, 1))).isEqualTo(ids(1, 3));
    MemorySegment second = rig.block(50 + 3);
    Bytes.flip(second, 700);
    rig.write(50 + 3, second);
    assertThat(readFrom(new JournalPosition(0, 1))).isEqualTo(ids(1, 1));
  }

  /**
   * Behind a torn record whole ones may stand, as several commits are in flight. Who goes on there
   * after a crash must skip their sequence numbers, or they would follow the new records.
   */
  @Test
  void skippedSequenceNumbersKeepRecordsBehindATornOneOut() {
    start(12, 64);
    for (int i = 0; i < 3; i++) {
      append(1, (byte) i);
      finish();
    }
    MemorySegment torn = rig.block(50 + 1);
    Bytes.flip(torn, 700);
    rig.write(50 + 1, torn);
    JournalPosition end = new JournalPosition(1, 2 + Journal.BUFFERS);
    assertThat(reader(end).next()).isFalse();
    journal =
        new Journal(
            region,
            rig.drive(),
            rig.buffers(Journal.BUFFERS, Journal.COMMIT_BYTES),
            end,
            journal.nextId());
    append(1, (byte) 9);
    finish();
    assertThat(readFrom(end)).containsExactly(4L);
  }

  @Test
  void aWriteErrorHardensNothing() {
    start(11, 64);
    rig.medium.fail(50 * 4096L, 64 * 4096L, false, true);
    append(1);
    journal.commit();
    rig.settle();
    assertThat(hardened).isEmpty();
    assertThat(rig.failures).hasSize(1);
    assertThat(journal.hardenedId()).isZero();
  }
}
