package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.allocation.Allocator;
import dev.tuff.iom.array.IomMemory;
import dev.tuff.iom.support.Seeds;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Power cuts and starts, one after the other, also while the array is recovering from the one
 * before, and with drives lost in the same accident. Replay a failure with {@code
 * -Ddev.tuff.seed=...}.
 */
class RecoveryTest {
  @ParameterizedTest(name = "{0} drives, {1}+{2}, chunk {3}, {4} shards")
  @CsvSource({
    "5, 4, 1, 16384, 1",
    "5, 4, 1, 16384, 2",
    "6, 4, 1, 4096, 2",
    "5, 3, 2, 8192, 2",
    "3, 1, 2, 16384, 1",
    "2, 1, 1, 4096, 1",
    "4, 2, 1, 65536, 2",
    "3, 3, 0, 16384, 1"
  })
  void startsAfterEveryCrash(int drives, int data, int parity, int chunk, int shards) {
    long recovered = 0;
    for (long seed : Seeds.of(4)) {
      SimulatedArray array =
          new SimulatedArray(
              Shape.of(drives, data, parity, chunk, shards), seed, PlantedFault.NONE);
      for (int turn = 0; turn < 4; turn++) {
        crashUnderLoad(array);
        while (array.random.nextInt(3) == 0) {
          array.start(array.random.nextInt(200));
          array.crash();
        }
        array.start();
        recovered += array.recovery().groups();
        array.client.learn();
        assertThat(array.client.wrongReads()).as(Seeds.replay(seed) + " turn " + turn).isEmpty();
      }
      array.stop();
      assertThat(array.check().findings()).as(Seeds.replay(seed)).isEmpty();
    }
    if (Seeds.all()) {
      assertThat(recovered).isPositive();
    }
  }

  @ParameterizedTest(name = "{0} drives, {1}+{2}, chunk {3}, {4} shards")
  @CsvSource({
    "5, 4, 1, 16384, 2",
    "6, 4, 1, 4096, 2",
    "5, 3, 2, 8192, 2",
    "4, 2, 2, 4096, 1",
    "3, 1, 2, 16384, 1",
    "7, 4, 3, 4096, 2",
    "2, 1, 1, 4096, 1"
  })
  void startsWithDrivesLost(int drives, int data, int parity, int chunk, int shards) {
    long recovered = 0;
    for (long seed : Seeds.of(6)) {
      SimulatedArray array =
          new SimulatedArray(
              Shape.of(drives, data, parity, chunk, shards), seed, PlantedFault.NONE);
      crashUnderLoad(array);
      int losses = 0;
      if (array.random.nextBoolean()) {
        array.lose(array.random.nextInt(drives));
        losses++;
        if (array.start(array.random.nextInt(300))) {
          recovered += array.recovery().groups();
        }
        array.crash();
      }
      while (losses < parity) {
        array.lose(array.random.nextInt(drives));
        losses++;
      }
      array.start();
      recovered += array.recovery().groups();
      array.client.learn();
      assertThat(array.client.wrongReads()).as(Seeds.replay(seed)).isEmpty();
      assertThat(array.recovery().lostGroups()).as(Seeds.replay(seed)).isZero();
      array.close();
    }
    if (Seeds.all()) {
      assertThat(recovered).isPositive();
    }
  }

  /** As many pages changed as memory holds: their changes find room in it again. */
  @Test
  void startsWhenAllPagesWereChanged() {
    Shape shape =
        Shape.of(5, 4, 1, 4096, 2)
            .drives(16_384, 1024)
            .client(24 << 20, 12, 8192)
            .memory(new IomMemory(32, Allocator.pagesFor(16_384) + 1, 64, 32, 8, 10));
    int most = 0;
    for (long seed : Seeds.of(3)) {
      SimulatedArray array = new SimulatedArray(shape, seed, PlantedFault.NONE);
      for (int turn = 0; turn < 2; turn++) {
        array.client.load(600 + array.random.nextInt(100));
        for (int d = 0; d < 5; d++) {
          most = Math.max(most, array.iom(d).rooms().maps.dirtyCount());
        }
        array.crash();
        array.start();
        array.client.learn();
        assertThat(array.client.wrongReads()).as(Seeds.replay(seed)).isEmpty();
      }
      array.stop();
      assertThat(array.check().findings()).as(Seeds.replay(seed)).isEmpty();
    }
    if (Seeds.all()) {
      assertThat(most).as("pages changed at a crash").isGreaterThan(12);
    }
  }

  private static void crashUnderLoad(SimulatedArray array) {
    array.client.load(20 + array.random.nextInt(200));
    for (int i = array.random.nextInt(60); i > 0; i--) {
      array.step();
    }
    array.crash();
  }
}
