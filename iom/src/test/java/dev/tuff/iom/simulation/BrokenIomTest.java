package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.support.Seeds;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * An exception out of the code of one IOM at any instant, while many requests for few blocks wait
 * for each other: each is answered, once, and nothing acknowledged is lost.
 */
class BrokenIomTest {
  @ParameterizedTest(name = "{0} drives, {1}+{2}, chunk {3}, {4} shards")
  @CsvSource({"5, 4, 1, 8192, 2", "3, 2, 1, 4096, 1", "6, 3, 2, 8192, 3"})
  void everyRequestIsAnsweredAndNothingLost(
      int drives, int data, int parity, int chunk, int shards) {
    Shape crowded = Shape.of(drives, data, parity, chunk, shards).client(96 << 10, 24, 20_000);
    int broken = 0;
    for (long seed : Seeds.of(30)) {
      SimulatedArray array = new SimulatedArray(crowded, seed, PlantedFault.NONE);
      array.lateMessages(array.random.nextBoolean());
      array.client.load(60);
      IomBug.Place place =
          switch (array.random.nextInt(4)) {
            case 0 -> IomBug.Place.BEFORE_MESSAGE;
            case 1 -> IomBug.Place.AFTER_MESSAGE;
            default -> IomBug.Place.REQUEST;
          };
      array.plantBug(array.random.nextInt(drives), place, array.random.nextInt(300));
      array.client.load(300);
      array.stop();
      assertThat(array.bug().wentOn()).as(Seeds.replay(seed)).isFalse();
      boolean thrown = array.bug().disarm();
      assertThat(array.failovers()).as(Seeds.replay(seed)).isEqualTo(thrown ? 1 : 0);
      broken += thrown ? 1 : 0;
      array.start();
      array.client.readAll();
      assertThat(array.client.wrongReads()).as(Seeds.replay(seed)).isEmpty();
      assertThat(array.client.failedRequests()).isEqualTo(array.client.refused());
      array.close();
    }
    if (Seeds.all()) {
      assertThat(broken).isGreaterThan(15);
    }
  }

  /**
   * A query under way while the IOM stops that tells of a drive which is gone: what was written is
   * not told to be unmapped.
   */
  @Test
  void queriesStayTrueWhereAnotherDriveIsGone() {
    Shape shape = Shape.of(6, 3, 2, 8192, 3).client(96 << 10, 6, 20_000);
    int broken = 0;
    for (long seed : Seeds.of(20)) {
      SimulatedArray array = new SimulatedArray(shape, seed, PlantedFault.NONE);
      array.lateMessages(true);
      array.client.load(60);
      int gone = array.random.nextInt(6);
      array.fail(gone);
      array.client.load(40);
      array.settle();
      int other = (gone + 1 + array.random.nextInt(5)) % 6;
      array.plantBug(other, IomBug.Place.AFTER_MESSAGE, array.random.nextInt(12));
      for (int i = 0; i < 12; i++) {
        array.client.submitQuery(0, 96 << 10);
      }
      array.settle();
      assertThat(array.client.wrongReads()).as(Seeds.replay(seed)).isEmpty();
      broken += array.bug().disarm() ? 1 : 0;
      array.stop();
      array.close();
    }
    if (Seeds.all()) {
      assertThat(broken).isGreaterThan(8);
    }
  }
}
