package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.device.SimulatedDrive;
import dev.tuff.iom.check.CheckReport;
import dev.tuff.iom.check.CheckReport.DriveState;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.support.Bytes;
import dev.tuff.iom.support.Seeds;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.xor.Crc32c;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each kind of damage, planted alone on a sound array, gives its finding and no other. */
class ArrayCheckTest {
  private static final Shape SHAPE = Shape.of(5, 4, 1, 16384, 1);
  private static final int FIRST_COPY_OF_ROOT = 0;

  private SimulatedArray array;
  private MediaCheck before;

  @BeforeEach
  void stoppedArray() {
    stopped(SHAPE);
  }

  /** A loaded array, stopped cleanly; its first rows are written. */
  private void stopped(Shape shape) {
    if (array != null) {
      array.close();
    }
    array = new SimulatedArray(shape, 4711, PlantedFault.NONE);
    array.client.load(150);
    array.client.write(0, array.client.randomContent(shape.maxRequestBytes()), Toughness.HARDENED);
    // Two blocks on one drive with the same content: chunk 1 of the row, its first two blocks.
    byte[] same = array.client.randomContent(4096);
    array.client.write(4 * 4096, same, Toughness.HARDENED);
    array.client.write(5 * 4096, same, Toughness.HARDENED);
    array.stop();
    before = array.check().checker();
    assertThat(before.report().findings()).isEmpty();
  }

  @AfterEach
  void close() {
    array.close();
  }

  @Test
  void whatIsStoredBeyondTheEndIsFound() {
    array.start();
    int[] owed = {SHAPE.drives()};
    for (int d = 0; d < SHAPE.drives(); d++) {
      array
          .acting(d)
          .putObject(SHAPE.attributes().resized(5 * 4096 + 512, SHAPE.drives()), () -> owed[0]--);
    }
    array.run(() -> owed[0] == 0);
    array.stop();
    assertThat(check().findings())
        .isNotEmpty()
        .allMatch(f -> f.endsWith("is stored and lies beyond the volume's end"))
        .noneMatch(f -> f.contains("block 5 "))
        .anyMatch(f -> f.contains("block 6 "));
  }

  private CheckReport check() {
    return check(List.of(array.drives));
  }

  private CheckReport check(List<SimulatedDrive> drives) {
    return MediaCheck.of(drives, array.shape.attributes());
  }

  private List<SimulatedDrive> without(int... missing) {
    List<SimulatedDrive> drives = new ArrayList<>(List.of(array.drives));
    for (int drive : missing) {
      drives.remove(array.drives[drive]);
    }
    return drives;
  }

  private int driveOf(long block) {
    return before.driveOf(block, before.member(block));
  }

  private int parityDriveOf(long block) {
    return before.driveOf(block, array.shape.data());
  }

  private long address(long block) {
    return before.address(Shape.GFID, block);
  }

  private void rotData(long block) {
    array.drives[driveOf(block)].rot(address(block) * Drive.BLOCK_BYTES + 100);
  }

  private void rotParity(long block) {
    long address = before.parityAddress(Shape.GFID, block, 0);
    array.drives[parityDriveOf(block)].rot(address * Drive.BLOCK_BYTES + 100);
  }

  private Surgery surgery(int drive) {
    return new Surgery(array, drive);
  }

  private static void assertFinds(CheckReport report, String... parts) {
    assertThat(report.findings()).as(report.verdict()).hasSize(1);
    assertThat(report.findings().getFirst()).contains(parts);
    assertThat(report.findingCount()).isEqualTo(1);
    assertThat(report.sound()).isFalse();
  }

  // ---- sound

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void findsNothingInASoundArray(int parity) {
    stopped(Shape.of(5, 3, parity, 8192, 1));
    CheckReport report = check();
    assertThat(report.findings()).isEmpty();
    assertThat(report.sound()).isTrue();
    assertThat(report.stoppedCleanly()).isTrue();
    assertThat(report.notes()).isEmpty();
    assertThat(report.verdict()).isEqualTo("The array is sound.");
    assertThat(report.drives())
        .hasSize(5)
        .allSatisfy(
            drive -> {
              assertThat(drive.state()).isEqualTo(DriveState.SOUND);
              assertThat(drive.usedBlocks()).isPositive().isLessThan(drive.blocks());
              assertThat(drive.journalRecords()).isZero();
              assertThat(drive.openUpdates()).isZero();
            });
    assertThat(report.totals().objects()).isEqualTo(1);
    assertThat(report.totals().groups()).isPositive();
    assertThat(report.totals().lostBlocks()).isZero();
  }

  @Test
  void readsEveryBlockInUseOnce() {
    CheckReport report = check();
    long used = report.drives().stream().mapToLong(CheckReport.DriveReport::usedBlocks).sum();
    // Beside them: labels, roots, the place of the next journal record, the bitmap once more.
    assertThat(report.totals().blocksRead()).isBetween(used, used + 5 * 270);
  }

  @Test
  void takesAnArrayThatWasNotStoppedForWhatItIs() {
    SimulatedArray crashed = new SimulatedArray(SHAPE, 4712, PlantedFault.NONE);
    crashed.client.load(300);
    crashed.crash();
    CheckReport report = MediaCheck.of(List.of(crashed.drives), SHAPE.attributes());
    assertThat(report.findings()).isEmpty();
    assertThat(report.stoppedCleanly()).isFalse();
    assertThat(report.verdict()).contains("not stopped cleanly");
    assertThat(report.drives()).anyMatch(drive -> drive.journalRecords() > 0);
    assertThat(report.drives()).anyMatch(drive -> drive.openUpdates() > 0);
  }

  // ---- blocks

  @Test
  void findsAFlippedBitInData() {
    rotData(2);
    CheckReport report = check();
    assertFinds(
        report,
        "drive " + driveOf(2),
        "block " + address(2) + " (volume v block 2) has a wrong checksum",
        "its group makes it again");
    assertThat(report.totals().damagedBlocks()).isEqualTo(1);
    assertThat(report.totals().repairableBlocks()).isEqualTo(1);
    assertThat(report.totals().lostBlocks()).isZero();
    assertThat(report.verdict()).contains("No data block is lost");
    assertThat(report.drives().get(driveOf(2)).state()).isEqualTo(DriveState.DAMAGED);
    assertThat(report.drives().get(driveOf(2)).damagedBlocks()).isEqualTo(1);
  }

  @Test
  void findsAFlippedBitInParity() {
    rotParity(2);
    assertFinds(
        check(),
        "drive " + parityDriveOf(2),
        "(volume v parity 0 of lblk 2) has a wrong checksum",
        "its group makes it again");
  }

  @Test
  void findsABlockThatCannotBeRead() {
    array.drives[driveOf(2)].fail(address(2) * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES, true, false);
    assertFinds(check(), "(volume v block 2) could not be read", "its group makes it again");
  }

  @Test
  void tellsWhatIsLost() {
    rotData(2);
    rotParity(2);
    CheckReport report = check();
    assertThat(report.findings())
        .hasSize(2)
        .allSatisfy(finding -> assertThat(finding).contains("it is lost"));
    assertThat(report.totals().repairableBlocks()).isZero();
    assertThat(report.totals().lostBlocks()).isEqualTo(2);
    assertThat(report.verdict()).contains("2 blocks are lost");
  }

  @Test
  void tellsWhatIsLostWithoutParity() {
    stopped(Shape.of(3, 3, 0, 16384, 1));
    rotData(2);
    assertFinds(check(), "(volume v block 2)", "it is lost");
  }

  @Test
  void makesTwoOfAGroupWithTwoParities() {
    stopped(Shape.of(6, 3, 2, 16384, 1));
    rotData(1);
    rotData(5);
    CheckReport report = check();
    assertThat(report.findings())
        .hasSize(2)
        .allSatisfy(finding -> assertThat(finding).contains("its group makes it again"));
    assertThat(report.totals().repairableBlocks()).isEqualTo(2);
  }

  @Test
  void countsEverythingAndKeepsTheFirstSentences() {
    for (long block = 0; block < 48; block++) {
      rotData(block);
    }
    for (int row = 0; row < 3; row++) {
      for (int block = 0; block < 4; block++) {
        rotParity(row * 16 + block);
      }
    }
    CheckReport report = check();
    assertThat(report.findingCount()).isEqualTo(60);
    rotMany();
    report = check();
    assertThat(report.findingCount()).isGreaterThan(100);
    assertThat(report.findings()).hasSize(100);
  }

  private void rotMany() {
    before
        .addresses()
        .forEach(
            (block, address) -> {
              if (address != 0) {
                array.drives[before.drive(block)].rot(address * Drive.BLOCK_BYTES + 3000);
              }
            });
  }

  // ---- parity and what its entry says

  @Test
  void findsParityThatIsNotWhatItsMembersMake() {
    long address = before.parityAddress(Shape.GFID, 2, 0);
    Surgery surgery = surgery(parityDriveOf(2));
    MemorySegment parity = surgery.read(address);
    Bytes.flip(parity, 4711);
    surgery.write(address, parity);
    int crc = Crc32c.of(parity, 0, Drive.BLOCK_BYTES);
    surgery.parityEntry(2, (page, at) -> page.set(PageFormat.INT, at + 16, crc));
    CheckReport report = check();
    assertFinds(report, "volume v parity 0 of lblk 2 is not what its members make");
    assertThat(report.verdict()).contains("1 parity blocks are not what their members make");
  }

  @Test
  void findsAStaleMemberIdInParity() {
    surgery(parityDriveOf(2))
        .parityEntry(
            2,
            (page, at) ->
                page.set(PageFormat.LONG, at + 24, page.get(PageFormat.LONG, at + 24) - 1));
    assertFinds(check(), "volume v parity 0 of lblk 2 is made with mj", "whose entry has mj");
  }

  @Test
  void findsAWrongMemberChecksumInParity() {
    surgery(parityDriveOf(2))
        .parityEntry(
            2,
            (page, at) -> {
              long crc = at + 24 + 8L * array.shape.data();
              page.set(PageFormat.INT, crc, page.get(PageFormat.INT, crc) ^ 1);
            });
    assertFinds(check(), "parity 0 of lblk 2 knows volume v block 2 by another checksum");
  }

  // ---- the bitmap

  @Test
  void findsALeakedBlock() {
    long free = 4000;
    surgery(3).turnBitmap(free);
    assertFinds(check(), "drive 3", "block 4000 is marked in use, and nothing refers to it");
  }

  @Test
  void findsABlockInUseThatTheBitmapHasAsFree() {
    surgery(driveOf(2)).turnBitmap(address(2));
    assertFinds(check(), "block " + address(2) + " is in use, and the bitmap has it as free");
  }

  @Test
  void findsABlockUsedTwice() {
    // Blocks 4 and 5 have the same content, so that only the place tells.
    int drive = driveOf(5);
    assertThat(driveOf(4)).isEqualTo(drive);
    long given = address(4);
    surgery(drive).dataEntry(1, (page, at) -> page.set(PageFormat.LONG, at, given));
    surgery(drive).turnBitmap(address(5));
    assertFinds(check(), "block " + given + " is that of volume v block 5 and of something else");
  }

  @Test
  void findsAnEntryThatPointsOutsideTheBlockSpace() {
    int drive = driveOf(2);
    surgery(drive).dataEntry(2, (page, at) -> page.set(PageFormat.LONG, at, 1L << 40));
    CheckReport report = check();
    assertThat(report.findings())
        .anyMatch(finding -> finding.contains("where no block can be"))
        .anyMatch(finding -> finding.contains("block " + address(2) + " is marked in use"));
  }

  // ---- pages

  @Test
  void findsAFlippedBitInAPage() {
    int drive = driveOf(2);
    long page = surgery(drive).dataLeaf(2);
    array.drives[drive].rot(page * Drive.BLOCK_BYTES + 2000);
    CheckReport report = check();
    assertFinds(
        report,
        "drive " + drive,
        "metadata page at block " + page + " (data map of volume v) has a wrong checksum");
    assertThat(report.totals().damagedPages()).isEqualTo(1);
    assertThat(report.totals().madeBlocks()).isPositive();
    assertThat(report.totals().lostBlocks()).isZero();
  }

  @Test
  void findsOtherAttributesOnOneDrive() {
    surgery(1).cnode((page, at) -> page.set(PageFormat.BYTE, at + 22, (byte) 0));
    assertFinds(check(), "drive 1", "volume v has other attributes than on most drives");
  }

  @Test
  void findsCountsThatAreNotThoseOfTheMaps() {
    surgery(1).cnode((page, at) -> page.set(PageFormat.LONG, 384, 1));
    assertFinds(check(), "drive 1", "volume v has 1 data and");
  }

  @Test
  void findsAPageWithChangesBeyondTheCheckpoint() {
    surgery(1).cnode((page, at) -> page.set(PageFormat.LONG, 48, 1L << 60));
    assertFinds(check(), "drive 1", "(objects) holds changes up to journal ID");
  }

  // ---- labels

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void findsADamagedCopyOfTheSuperblock(int copy) {
    array.drives[2].rot(copy * 128L * Drive.BLOCK_BYTES + 300);
    CheckReport report = check();
    assertFinds(report, "drive 2", "copy " + copy + " of the superblock", "is damaged");
    assertThat(report.totals().groups()).isPositive();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void findsADamagedCopyOfTheRoot(int copy) {
    long address = surgery(2).label().root().address(copy);
    array.drives[2].rot(address * Drive.BLOCK_BYTES + 300);
    assertFinds(check(), "drive 2", "copy " + copy + " of the current root", "is damaged");
  }

  @Test
  void leavesADriveWithoutARootOut() {
    for (long block : new long[] {1, 2, 129, 130}) {
      array.drives[2].rot(block * Drive.BLOCK_BYTES + 300);
    }
    CheckReport report = check();
    assertFinds(report, "drive 2", "has no sound root");
    assertThat(report.drives().get(2).state()).isEqualTo(DriveState.UNUSABLE);
  }

  @Test
  void leavesADriveWithoutASuperblockOut() {
    array.drives[2].rot(300);
    array.drives[2].rot(128L * Drive.BLOCK_BYTES + 300);
    CheckReport report = check();
    assertThat(report.findings())
        .containsExactly(
            "drive2 has a damaged superblock (both copies fail their checksum); leave the drive out"
                + " and the array runs without it.",
            "drive 2 is missing");
    assertThat(report.totals().groups()).isPositive();
  }

  @Test
  void leavesAStaleDriveOut() {
    for (int drive : new int[] {0, 1, 2, 4}) {
      surgery(drive).beginEpochWithout(2, 3);
    }
    CheckReport report = check();
    assertFinds(report, "drive 3", "is stale, its epoch is 1 and the array's is 2");
    assertThat(report.drives().get(3).state()).isEqualTo(DriveState.STALE);
    assertThat(report.totals().madeBlocks()).isPositive();
  }

  /** Stopped in the recovery that began the epoch: it took part, and does not say so yet. */
  @Test
  void keepsADriveThatIsYetToBeginTheEpoch() {
    for (int drive : new int[] {0, 1, 2, 4}) {
      surgery(drive).setEpoch(2);
    }
    CheckReport report = check();
    assertThat(report.findings()).isEmpty();
    assertThat(report.drives().get(3).state()).isEqualTo(DriveState.SOUND);
  }

  // ---- missing drives

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4})
  void checksTheRestWithoutADrive(int missing) {
    CheckReport report = check(without(missing));
    assertFinds(report, "drive " + missing + " is missing");
    assertThat(report.drives().get(missing).state()).isEqualTo(DriveState.MISSING);
    assertThat(report.totals().madeBlocks()).isPositive();
    assertThat(report.totals().lostBlocks()).isZero();
    assertThat(report.verdict())
        .isEqualTo("1 drive is not there or of no use. No data block is lost.");
  }

  @Test
  void tellsWhatIsLostWithoutADrive() {
    rotData(2);
    int missing = driveOf(6);
    CheckReport report = check(without(missing));
    assertThat(report.findings())
        .hasSize(3)
        .anyMatch(
            finding -> finding.contains("(volume v block 2)") && finding.contains("it is lost"))
        .anyMatch(
            finding ->
                finding.contains("volume v block 6 is on drive " + missing)
                    && finding.contains("it is lost"));
    assertThat(report.totals().lostBlocks()).isEqualTo(2);
  }

  @Test
  void checksWhatIsThereWithTooFewDrives() {
    rotData(2);
    int first = (driveOf(2) + 1) % 5;
    CheckReport report = check(without(first, (first + 1) % 5));
    assertThat(report.findings()).anyMatch(finding -> finding.contains("volume v block 2"));
    assertThat(report.verdict()).contains("2 drives", "not all data can be read");
  }

  // ---- what the journal tells

  @Test
  void findsRotInAnArrayThatWasNotStopped() {
    array.start();
    byte[] content = array.client.randomContent(4096);
    array.client.write(2 * 4096, content, Toughness.HARDENED);
    // Its complete is journaled with its drive's next record.
    array.client.write(3 * 4096, content, Toughness.HARDENED);
    array.settle();
    array.crash();
    before = array.check().checker();
    assertThat(before.report().stoppedCleanly()).isFalse();
    assertThat(before.report().findings()).isEmpty();
    rotData(2);
    assertFinds(check(), "(volume v block 2)", "its group makes it again");
  }

  @Test
  void takesTheFormerRootCopyOfAPowerCutForNormal() {
    array.start();
    array.client.write(2 * 4096, array.client.randomContent(4096), Toughness.HARDENED);
    array.settle();
    array.crash();
    long address = surgery(2).label().root().address(FIRST_COPY_OF_ROOT);
    array.drives[2].rot(address * Drive.BLOCK_BYTES + 300);
    CheckReport report = check();
    assertThat(report.findings()).isEmpty();
    assertThat(report.notes()).hasSize(1);
    assertThat(report.notes().getFirst()).contains("drive 2", "as a power cut may leave it");
  }

  // ---- anything

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void saysSomethingWhateverRots(boolean clean) {
    for (long seed : Seeds.of(15)) {
      SimulatedArray rotten = new SimulatedArray(SHAPE, seed, PlantedFault.NONE);
      rotten.client.load(100);
      if (clean) {
        rotten.stop();
      } else {
        rotten.crash();
      }
      // One superblock stays, or it could not be told what is checked at all.
      for (int i = 0; i < 400; i++) {
        long block = 1L + rotten.random.nextInt(i % 2 == 0 ? 135 : 2000);
        rotten.drives[rotten.random.nextInt(5)].rot(
            block * Drive.BLOCK_BYTES + rotten.random.nextInt(Drive.BLOCK_BYTES));
      }
      CheckReport report = MediaCheck.of(List.of(rotten.drives), SHAPE.attributes());
      assertThat(report.findings()).as(Seeds.replay(seed)).isNotEmpty();
      rotten.close();
    }
  }
}
