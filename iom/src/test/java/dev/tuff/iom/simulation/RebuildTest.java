package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
    // All the others may be asked for it now.
    for (int other = 0; other < drives; other++) {
      array.lose(other);
      array.start();
      array.client.readAll();
      assertThat(array.client.wrongReads()).isEmpty();
      array.stop();
      array.bringBack(other);
    }
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
