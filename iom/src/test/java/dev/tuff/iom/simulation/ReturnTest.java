package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.array.Superblock;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.rebuild.RebuildProgress;
import dev.tuff.iom.support.Seeds;
import dev.tuff.iom.volume.Toughness;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A stale drive is taken back into its place, and keeps what is still right on it. */
class ReturnTest {
  private static final long SEED = 78;

  private static SimulatedArray filled(Shape shape, long seed) {
    SimulatedArray array = new SimulatedArray(shape, seed, PlantedFault.NONE);
    int most = shape.maxRequestBytes();
    for (int at = 0; at < shape.volumeBytes(); at += most) {
      int bytes = Math.min(most, shape.volumeBytes() - at);
      array.client.write(at, array.client.randomContent(bytes), Toughness.HARDENED);
    }
    return array;
  }

  /** Goes on without the drives for some requests, and takes them back. */
  private static void away(SimulatedArray array, int operations, int... drives) {
    array.stop();
    for (int drive : drives) {
      array.lose(drive);
    }
    array.start();
    array.client.load(operations);
    array.stop();
    for (int drive : drives) {
      array.takeBack(drive);
    }
  }

  private static RebuildProgress rebuild(SimulatedArray array, int drive, int runs) {
    array.rebuildInBackground(runs);
    array.run(() -> array.rebuilding().isEmpty());
    array.settle();
    RebuildProgress progress = array.iom(drive).rebuild().progress();
    assertThat(progress.lostBlocks()).isZero();
    assertThat(array.iom(drive).rooms().allocator.formerBlocks()).isZero();
    return progress;
  }

  private static void stopAndCheck(SimulatedArray array) {
    assertThat(array.leftOver()).isEmpty();
    array.stop();
    assertThat(array.check().findings()).isEmpty();
    assertThat(array.client.wrongReads()).isEmpty();
  }

  private static long blocks(SimulatedArray array, int drive) {
    return array.iom(drive).rooms().cnodes().get(Shape.GFID).mappedDataBlocks()
        + array.iom(drive).rooms().cnodes().get(Shape.GFID).mappedParityBlocks();
  }

  private static void rot(SimulatedArray array, int drive, IntPredicate which) {
    int first = (int) Superblock.LABEL_BLOCKS + array.shape.journalBlocks();
    for (int block = first; block < array.shape.driveBlocks(); block++) {
      if (which.test(block - first)) {
        array.drives[drive].rot((long) block * Drive.BLOCK_BYTES + block % Drive.BLOCK_BYTES);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"5, 4, 1, 0", "5, 4, 1, 3", "6, 4, 1, 5", "6, 3, 2, 1", "3, 1, 2, 2", "7, 4, 3, 6"})
  void whereNothingHasChangedAllIsKept(int drives, int data, int parity, int drive) {
    SimulatedArray array = filled(Shape.of(drives, data, parity, 16384, 2), SEED);
    away(array, 0, drive);
    array.start();
    assertThat(array.rebuilding().get(drive)).isTrue();
    RebuildProgress progress = rebuild(array, drive, 4);
    assertThat(progress.rebuiltBlocks()).isZero();
    assertThat(progress.keptBlocks()).isEqualTo(blocks(array, drive)).isPositive();
    array.client.readAll();
    stopAndCheck(array);
  }

  /** Of every drive in its turn; and each is as good as it ever was. */
  @ParameterizedTest
  @CsvSource({"5, 4, 1", "6, 3, 2", "4, 1, 3"})
  void whatHasChangedIsMadeAnew(int drives, int data, int parity) {
    for (long seed : Seeds.of(3)) {
      SimulatedArray array = filled(Shape.of(drives, data, parity, 8192, 2), seed);
      for (int drive = 0; drive < drives; drive++) {
        away(array, 15, drive);
        array.start();
        RebuildProgress progress = rebuild(array, drive, 1 + drive);
        assertThat(progress.keptBlocks()).as(Seeds.replay(seed)).isPositive();
        assertThat(progress.rebuiltBlocks()).as(Seeds.replay(seed)).isPositive();
        array.client.readAll();
        stopAndCheck(array);
        int other = (drive + 1) % drives;
        array.lose(other);
        array.start();
        array.client.readAll();
        array.stop();
        array.bringBack(other);
        array.start();
        if (array.missing().get(other)) {
          array.stop();
          array.takeBack(other);
          array.start();
          rebuild(array, other, 3);
        }
      }
      array.close();
    }
  }

  @Test
  void updatesKeepWhatTheyCanToo() {
    SimulatedArray array = filled(Shape.of(5, 4, 1, 16384, 2), SEED);
    away(array, 10, 2);
    array.start();
    array.client.load(300);
    array.settle();
    RebuildProgress before = array.iom(2).rebuild().progress();
    assertThat(before.over()).isFalse();
    assertThat(before.keptBlocks()).isPositive();
    array.client.readAll();
    // As after a crash: what was kept is so, and the rest is found again.
    array.crash();
    array.start();
    assertThat(array.rebuilding().get(2)).isTrue();
    rebuild(array, 2, 3);
    array.client.readAll();
    stopAndCheck(array);
  }

  @Test
  void whatIsRottenIsMadeAnewAndNeverKept() {
    SimulatedArray array = filled(Shape.of(5, 3, 2, 16384, 2), SEED);
    away(array, 0, 1);
    rot(array, 1, block -> block % 3 == 0);
    array.start();
    RebuildProgress progress = rebuild(array, 1, 4);
    assertThat(progress.rebuiltBlocks()).isGreaterThan(blocks(array, 1) / 4);
    array.client.readAll();
    stopAndCheck(array);
    array.start();
    away(array, 0, 1);
    rot(array, 1, block -> true);
    array.start();
    progress = rebuild(array, 1, 4);
    assertThat(progress.keptBlocks()).isZero();
    assertThat(progress.rebuiltBlocks()).isEqualTo(blocks(array, 1));
    stopAndCheck(array);
  }

  /** Also what was kept, made or left alone the time before. */
  @Test
  void oneThatGoesAgainBeforeItIsRebuiltKeepsAllAllTheSame() {
    SimulatedArray array = filled(Shape.of(5, 4, 1, 16384, 2), SEED);
    for (int time = 0; time < Root.MAX_FORMER_STATES; time++) {
      away(array, 0, 3);
      array.start();
      array.client.load(3);
    }
    array.settle();
    assertThat(array.rebuilding().get(3)).isTrue();
    RebuildProgress progress = rebuild(array, 3, 4);
    assertThat(progress.keptBlocks()).isPositive();
    assertThat(progress.rebuiltBlocks()).as("%s", progress).isZero();
    array.client.readAll();
    stopAndCheck(array);
  }

  /** On a full drive former blocks are written over, and nothing waits for ever. */
  @Test
  void aFullDriveIsRebuiltAsWell() {
    Shape roomy = Shape.of(4, 3, 1, 16384, 2);
    for (long seed : Seeds.of(4)) {
      int blocks = roomy.volumeBytes() / Drive.BLOCK_BYTES / 3;
      Shape tight = roomy.drives(256 + 512 + 3 * blocks / 2 + 220, 512);
      SimulatedArray array = filled(tight, seed);
      away(array, 400, 0);
      array.start();
      array.client.load(40);
      rebuild(array, 0, 2);
      array.client.readAll();
      assertThat(array.client.wrongReads()).as(Seeds.replay(seed)).isEmpty();
      stopAndCheck(array);
    }
  }

  @Test
  void severalAtTheSameTime() {
    for (long seed : Seeds.of(4)) {
      SimulatedArray array = filled(Shape.of(6, 2, 3, 8192, 3), seed);
      away(array, 10, 0, 2, 5);
      array.start();
      array.client.load(20);
      RebuildProgress progress = rebuild(array, 2, 3);
      assertThat(progress.keptBlocks()).as(Seeds.replay(seed)).isPositive();
      array.client.readAll();
      stopAndCheck(array);
    }
  }
}
