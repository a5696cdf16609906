package dev.tuff.iom.array;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.array.SimulatedArray.Shape;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Power cuts and starts, one after the other, also while the array is recovering from the one
 * before. Replay a failure with {@code -Ddev.tuff.seed=...}.
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
    for (long seed : Seeds.of(10)) {
      SimulatedArray array =
          new SimulatedArray(
              Shape.of(drives, data, parity, chunk, shards), seed, PlantedFault.NONE);
      for (int turn = 0; turn < 4; turn++) {
        array.load(20 + array.random.nextInt(200));
        for (int i = array.random.nextInt(60); i > 0; i--) {
          array.step();
        }
        array.crash();
        array.start();
        recovered += array.recovery().groups();
        array.learn();
        assertThat(array.wrongReads()).as(Seeds.replay(seed) + " turn " + turn).isEmpty();
      }
      array.stop();
      assertThat(array.check().findings()).as(Seeds.replay(seed)).isEmpty();
    }
    if (Seeds.all()) {
      assertThat(recovered).isPositive();
    }
  }
}
