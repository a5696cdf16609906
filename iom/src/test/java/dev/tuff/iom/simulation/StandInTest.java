package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.support.Seeds;
import dev.tuff.iom.volume.Toughness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The others take over what a drive has that is missing, and give it back. */
class StandInTest {
  private static final long SEED = 79;

  private static SimulatedArray filled(Shape shape, long seed) {
    SimulatedArray array = new SimulatedArray(shape, seed, PlantedFault.NONE);
    writeAll(array);
    return array;
  }

  private static void writeAll(SimulatedArray array) {
    int most = array.shape.maxRequestBytes();
    for (int at = 0; at < array.shape.volumeBytes(); at += most) {
      int bytes = Math.min(most, array.shape.volumeBytes() - at);
      array.client.write(at, array.client.randomContent(bytes), Toughness.HARDENED);
    }
    array.settle();
  }

  private static void fail(SimulatedArray array, int drive) {
    array.fail(drive);
    array.run(() -> !array.failingOver() && array.missing().get(drive));
    array.settle();
  }

  /** Fails a drive and has the others take over; nothing is rebuilt in the background yet. */
  private static void vacate(SimulatedArray array, int drive) {
    fail(array, drive);
    int before = array.vacations();
    array.beginVacate(drive);
    array.run(() -> !array.vacating() && !array.failingOver());
    assertThat(array.refusal()).isNull();
    assertThat(array.vacations()).isEqualTo(before + 1);
  }

  private static void rebuildAll(SimulatedArray array) {
    array.run(
        () -> {
          array.rebuildInBackground(4);
          return array.allRebuilt();
        });
    array.settle();
  }

  private static void stopAndCheck(SimulatedArray array) {
    assertThat(array.leftOver()).isEmpty();
    array.stop();
    assertThat(array.check().findings()).isEmpty();
    assertThat(array.client.wrongReads()).isEmpty();
  }

  /** The check has nothing to say but that a drive is away that is not needed any more. */
  private static void stopAndCheckWithout(SimulatedArray array, int drive) {
    array.lose(drive);
    stopAndCheck(array);
  }

  private static long inUse(SimulatedArray array) {
    long blocks = 0;
    for (int d = 0; d < array.drives.length; d++) {
      blocks += array.iom(d) == null ? 0 : inUse(array, d);
    }
    return blocks;
  }

  private static long inUse(SimulatedArray array, int drive) {
    return array.iom(drive).rooms().cnodes().get(Shape.GFID).mappedDataBlocks()
        + array.iom(drive).rooms().cnodes().get(Shape.GFID).mappedParityBlocks();
  }

  @ParameterizedTest
  @CsvSource({
    "6, 4, 1, 2, 3",
    "6, 4, 1, 0, 5",
    "5, 2, 1, 4, 1",
    "7, 3, 2, 3, 4",
    "4, 1, 1, 1, 2",
    "9, 4, 3, 8, 0",
    "3, 1, 1, 0, 1"
  })
  void anotherDriveMayBeLostWhenAllIsTakenOver(
      int drives, int data, int parity, int drive, int another) {
    SimulatedArray array = filled(Shape.of(drives, data, parity, 16384, 2), SEED);
    final long before = inUse(array);
    vacate(array, drive);
    rebuildAll(array);
    assertThat(array.doneWithout()).isEqualTo(drive);
    assertThat(inUse(array)).as("everything is there").isEqualTo(before);
    fail(array, another);
    array.client.readAll();
    writeAll(array);
    array.client.readAll();
    array.stop();
    assertThat(array.client.wrongReads()).isEmpty();
  }

  /** What is written after the others have begun does not wait for the rebuild of all the rest. */
  @Test
  void whatIsWrittenIsProtectedAtOnce() {
    SimulatedArray array = filled(Shape.of(6, 4, 1, 16384, 2), SEED);
    final long before = inUse(array);
    vacate(array, 2);
    writeAll(array);
    assertThat(array.allRebuilt()).as("nobody has gone through all of it").isFalse();
    assertThat(inUse(array)).as("every block, and its parity").isEqualTo(before);
    rebuildAll(array);
    stopAndCheckWithout(array, 2);
  }

  @ParameterizedTest
  @CsvSource({"6, 4, 1, 2, true", "6, 4, 1, 5, false", "7, 3, 2, 0, true", "5, 2, 1, 1, false"})
  void theDriveComesHomeAndTheOthersGiveBack(
      int drives, int data, int parity, int drive, boolean empty) {
    SimulatedArray array = filled(Shape.of(drives, data, parity, 16384, 2), SEED);
    long[] before = new long[drives];
    for (int d = 0; d < drives; d++) {
      before[d] = inUse(array, d);
    }
    vacate(array, drive);
    rebuildAll(array);
    array.client.load(30);
    array.stop();
    if (empty) {
      array.lose(drive);
      array.replace(drive);
    } else {
      array.takeBack(drive);
    }
    array.start();
    assertThat(array.vacated(drive)).isFalse();
    rebuildAll(array);
    writeAll(array);
    for (int d = 0; d < drives; d++) {
      assertThat(inUse(array, d)).as("drive %d", d).isEqualTo(before[d]);
      assertThat(array.iom(d).rooms().root.leftoversOf()).isEqualTo(Layout.NONE);
    }
    array.client.readAll();
    stopAndCheck(array);
  }

  @Test
  void itIsRefusedWhereItCannotBe() {
    SimulatedArray wide = filled(Shape.of(5, 4, 1, 16384, 2), SEED);
    fail(wide, 1);
    wide.beginVacate(1);
    wide.run(() -> !wide.vacating() && !wide.failingOver());
    assertThat(wide.refusal()).contains("is on all drives of the array");
    assertThat(wide.vacated(1)).isFalse();

    SimulatedArray two = filled(Shape.of(7, 3, 2, 16384, 2), SEED);
    fail(two, 1);
    fail(two, 4);
    two.beginVacate(1);
    two.run(() -> !two.vacating() && !two.failingOver());
    assertThat(two.refusal()).contains("Drive 4 is missing as well");

    Shape small = Shape.of(6, 4, 1, 16384, 2);
    SimulatedArray full = filled(small.drives(900, 512), SEED);
    fail(full, 3);
    full.beginVacate(3);
    full.run(() -> !full.vacating() && !full.failingOver());
    assertThat(full.refusal()).contains("free, and may need");
    full.client.readAll();
    stopped(wide);
    stopped(two);
    stopped(full);
  }

  private static void stopped(SimulatedArray array) {
    array.stop();
    assertThat(array.client.wrongReads()).isEmpty();
  }

  /** The power is cut after any number of events: the place is vacated or it is not. */
  @Test
  void cutAtAnyEvent() {
    int vacated = 0;
    for (long seed : Seeds.of(40)) {
      SimulatedArray array = filled(Shape.of(6, 4, 1, 16384, 2), seed);
      fail(array, 2);
      array.client.load(6);
      array.beginVacate(2);
      for (int i = array.random.nextInt(600); i > 0; i--) {
        array.step();
      }
      array.crash();
      array.start();
      vacated += array.vacated(2) ? 1 : 0;
      array.client.learn();
      array.client.load(20);
      rebuildAll(array);
      array.client.readAll();
      assertThat(array.client.wrongReads()).as("seed %d", seed).isEmpty();
      array.stop();
    }
    assertThat(vacated).isBetween(1, 39);
  }

  /** IDs stand for versions: those of the place go on above all that were given out for it. */
  @Test
  void idsGoOnAboveThoseOfTheDrive() {
    SimulatedArray array = filled(Shape.of(6, 4, 1, 16384, 2), SEED);
    vacate(array, 2);
    for (int d = 0; d < 6; d++) {
      if (d != 2) {
        Root root = array.iom(d).rooms().root;
        assertThat(array.iom(d).rooms().journal.nextId())
            .isGreaterThanOrEqualTo(root.epoch() << Root.EPOCH_ID_BITS);
      }
    }
    array.stop();
  }
}
