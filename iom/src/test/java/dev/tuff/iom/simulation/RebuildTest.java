package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.rebuild.RebuildProgress;
import dev.tuff.iom.support.Seeds;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** An empty drive takes the place of one that is lost, and gets all that was on it. */
class RebuildTest {
  private static final long SEED = 77;

  private static SimulatedArray replaced(Shape shape, long seed, int... lost) {
    SimulatedArray array = new SimulatedArray(shape, seed, PlantedFault.NONE);
    array.client.load(200);
    array.stop();
    for (int drive : lost) {
      array.lose(drive);
    }
    for (int drive : lost) {
      array.replace(drive);
    }
    array.start();
    return array;
  }

  private static void rebuild(SimulatedArray array, int runs) {
    array.rebuildInBackground(runs);
    array.run(() -> array.rebuilding().isEmpty());
    array.settle();
  }

  private static void stopAndCheck(SimulatedArray array) {
    array.stop();
    assertThat(array.check().findings()).isEmpty();
    assertThat(array.client.wrongReads()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"5, 4, 1, 0", "5, 4, 1, 3", "6, 4, 1, 5", "6, 3, 2, 1", "3, 1, 2, 2", "7, 4, 3, 6"})
  void everythingIsThereAgain(int drives, int data, int parity, int lost) {
    SimulatedArray array = replaced(Shape.of(drives, data, parity, 16384, 2), SEED + lost, lost);
    assertThat(array.rebuilding().get(lost)).isTrue();
    rebuild(array, 4);
    array.client.readAll();
    assertThat(array.leftOver()).isEmpty();
    stopAndCheck(array);
    // Each of them is lost after it, and replaced in its turn.
    for (int other = 0; other < drives; other++) {
      array.lose(other);
      array.start();
      array.client.readAll();
      array.client.load(20);
      array.stop();
      array.replace(other);
      array.start();
      rebuild(array, 1 + other);
      array.client.readAll();
      stopAndCheck(array);
    }
  }

  /** Up to K at once, rebuilt beside each other and beside a load. */
  @ParameterizedTest
  @CsvSource({"5, 3, 2, 0, 1", "6, 2, 3, 2, 4", "4, 1, 3, 3, 0", "8, 4, 2, 7, 3"})
  void severalAreRebuiltAtTheSameTime(int drives, int data, int parity, int one, int other) {
    for (long seed : Seeds.of(4)) {
      SimulatedArray array =
          replaced(Shape.of(drives, data, parity, 8192, 2), seed + drives, one, other);
      array.rebuildInBackground(3);
      array.client.load(60);
      array.client.readAll();
      rebuild(array, 5);
      array.client.readAll();
      assertThat(array.leftOver()).as(Seeds.replay(seed)).isEmpty();
      stopAndCheck(array);
    }
  }

  /** Writes make their groups whole first, or only what they replace, by who goes first. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aWriteMakesWholeWhatItHasTo(boolean serviceFirst) {
    int lost = 2;
    SimulatedArray array = new SimulatedArray(Shape.of(5, 4, 1, 16384, 2), SEED, PlantedFault.NONE);
    array.client.write(0, array.client.randomContent(200_000), Toughness.HARDENED);
    array.stop();
    MediaCheck before = array.check().checker();
    array.lose(lost);
    array.replace(lost);
    array.start();
    array.rebuildInBackground(0);
    array.serviceFirst(serviceFirst);
    int parities = 0;
    for (int block = 0; block < 48; block++) {
      long rebuilt = array.iom(lost).rebuild().progress().rebuiltBlocks();
      array.client.write(block * 4096L, array.client.randomContent(4096), Toughness.HARDENED);
      long made = array.iom(lost).rebuild().progress().rebuiltBlocks() - rebuilt;
      boolean own = before.driveOf(block, before.member(block)) == lost;
      parities += before.driveOf(block, 4) == lost ? 1 : 0;
      // Of each group the first member is written first.
      boolean whole = before.member(block) > 0;
      assertThat(made).as("block %d", block).isEqualTo((serviceFirst ? own : !whole) ? 1 : 0);
    }
    assertThat(parities).isPositive();
    rebuild(array, 4);
    array.client.readAll();
    assertThat(array.leftOver()).isEmpty();
    stopAndCheck(array);
  }

  /** What is rotten is made from what the protection has left, and does not stop the rest. */
  @Test
  void aBlockThatCanNotBeMadeIsCountedAndNotMadeUp() {
    SimulatedArray array = new SimulatedArray(Shape.of(5, 4, 1, 16384, 2), SEED, PlantedFault.NONE);
    array.client.write(0, array.client.randomContent(200_000), Toughness.HARDENED);
    array.stop();
    MediaCheck before = array.check().checker();
    int lost = before.driveOf(1, before.member(1));
    int rotten = (before.member(1) + 1) % 4;
    // Another member of the group of block 1: two of them are gone, and there is one parity.
    long other = before.volumeBlock(1, rotten);
    array.drives[before.driveOf(other, rotten)].rot(
        before.address(Shape.GFID, other) * Drive.BLOCK_BYTES + 9);
    array.lose(lost);
    array.replace(lost);
    array.start();
    rebuild(array, 4);
    RebuildProgress progress = array.iom(lost).rebuild().progress();
    assertThat(progress.over()).isTrue();
    assertThat(progress.lostBlocks()).isEqualTo(1);
    assertThat(progress.rebuiltBlocks()).isGreaterThan(10);
    assertThat(array.client.read(4096, 4096)).isEqualTo(RequestResult.IO_ERROR);
    assertThat(array.client.read(2 * 4096, 4096)).isEqualTo(RequestResult.OK);
    assertThat(array.client.wrongReads()).isEmpty();
    array.stop();
    assertThat(array.check().findings()).anyMatch(finding -> finding.contains("it is lost"));
  }

  @Test
  void withTwoParitiesRotIsMendedInPassing() {
    SimulatedArray array = new SimulatedArray(Shape.of(5, 3, 2, 16384, 2), SEED, PlantedFault.NONE);
    array.client.write(0, array.client.randomContent(200_000), Toughness.HARDENED);
    array.stop();
    MediaCheck before = array.check().checker();
    for (int block = 0; block < 40; block += 7) {
      int member = before.member(block);
      if (before.driveOf(block, member) != 0) {
        array.drives[before.driveOf(block, member)].rot(
            before.address(Shape.GFID, block) * Drive.BLOCK_BYTES + 9);
      }
    }
    array.lose(0);
    array.replace(0);
    array.start();
    rebuild(array, 4);
    assertThat(array.iom(0).rebuild().progress().lostBlocks()).isZero();
    array.client.readAll();
    assertThat(array.client.wrongReads()).isEmpty();
    array.close();
  }

  @Test
  void isReadAndWrittenBeforeItIsRebuilt() {
    SimulatedArray array = replaced(Shape.of(5, 4, 1, 16384, 2), SEED, 2);
    array.client.readAll();
    assertThat(array.client.wrongReads()).isEmpty();
    array.client.load(300);
    array.settle();
    assertThat(array.rebuilding().get(2)).isTrue();
    stopAndCheck(array);
    array.start();
    assertThat(array.rebuilding().get(2)).isTrue();
    array.client.readAll();
    rebuild(array, 16);
    stopAndCheck(array);
  }
}
