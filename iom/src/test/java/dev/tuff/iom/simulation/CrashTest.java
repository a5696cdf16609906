package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.simulation.SimulatedArray.Checked;
import dev.tuff.iom.support.Seeds;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The power of all drives is cut at a random event; then the media alone must show that every
 * promise is kept. Replay a failure with {@code -Ddev.tuff.seed=...}.
 */
class CrashTest {
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
  void keepsItsPromises(int drives, int data, int parity, int chunk, int shards) {
    long openUpdates = 0;
    long openGenerations = 0;
    long replies = 0;
    for (long seed : Seeds.of(20)) {
      SimulatedArray array =
          new SimulatedArray(
              Shape.of(drives, data, parity, chunk, shards), seed, PlantedFault.NONE);
      array.client.load(20 + array.random.nextInt(400));
      for (int i = array.random.nextInt(60); i > 0; i--) {
        array.step();
      }
      array.crash();
      Checked checked = array.check();
      assertThat(checked.findings()).as(Seeds.replay(seed)).isEmpty();
      openUpdates += checked.openBlocks();
      openGenerations += checked.openParities();
      replies += array.client.replies();
    }
    // A simulator that never hits anything open shows nothing.
    assertThat(replies).isPositive();
    if (Seeds.all()) {
      assertThat(openUpdates + openGenerations).isPositive();
    }
  }

  @ParameterizedTest(name = "{0} drives, {1}+{2}, chunk {3}, {4} shards")
  @CsvSource({"5, 4, 1, 16384, 2", "5, 3, 2, 8192, 1", "3, 3, 0, 16384, 1"})
  void stopsCleanlyAndStarts(int drives, int data, int parity, int chunk, int shards) {
    for (long seed : Seeds.of(3)) {
      SimulatedArray array =
          new SimulatedArray(
              Shape.of(drives, data, parity, chunk, shards), seed, PlantedFault.NONE);
      for (int turn = 0; turn < 3; turn++) {
        array.client.load(200);
        array.stop();
        Checked checked = array.check();
        assertThat(checked.findings()).as(Seeds.replay(seed)).isEmpty();
        assertThat(checked.openBlocks()).isZero();
        assertThat(checked.openParities()).isZero();
        array.start();
        array.client.readAll();
        assertThat(array.client.wrongReads()).as(Seeds.replay(seed)).isEmpty();
      }
      array.close();
    }
  }
}
