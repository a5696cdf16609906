package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.allocation.Allocator;
import dev.tuff.iom.array.IomMemory;
import dev.tuff.iom.support.Seeds;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import org.junit.jupiter.api.Test;

/**
 * Every limit reached: requests wait or are refused as a whole, everything completes, and nothing
 * deadlocks, which shows as nothing under way on the drives while requests wait.
 */
class ExhaustionTest {
  private static final Shape FIVE = Shape.of(5, 4, 1, 16384, 2);

  private static void loadAndCheck(Shape shape, int requests) {
    for (long seed : Seeds.of(4)) {
      SimulatedArray array = new SimulatedArray(shape, seed, PlantedFault.NONE);
      array.client.load(requests);
      array.settle();
      assertThat(array.client.failedRequests()).as(Seeds.replay(seed)).isZero();
      array.client.readAll();
      array.stop();
      assertThat(array.check().findings()).as(Seeds.replay(seed)).isEmpty();
      array.close();
    }
  }

  @Test
  void journalThatIsNearlyAlwaysFull() {
    loadAndCheck(FIVE.drives(4096, 256), 400);
  }

  @Test
  void oneBufferOfEachKind() {
    loadAndCheck(FIVE.memory(new IomMemory(128, Allocator.pagesFor(4096) + 1, 16, 2, 2, 5)), 300);
  }

  /** Updates hold buffers of one parity while they wait for the next; found by the simulator. */
  @Test
  void oneLargeBufferAndSeveralParities() {
    loadAndCheck(
        Shape.of(4, 1, 3, 16384, 2)
            .client(256 << 10, 16, 60_000)
            .memory(new IomMemory(128, Allocator.pagesFor(4096) + 1, 16, 48, 1, 5)),
        300);
  }

  @Test
  void dirtyPagesAtTheirLimit() {
    loadAndCheck(
        Shape.of(5, 4, 1, 4096, 2)
            .drives(16384, 512)
            .client(64 << 20, 12, 60_000)
            .memory(new IomMemory(32, Allocator.pagesFor(16384) + 1, 64, 32, 8, 10)),
        400);
  }

  /** All at once, crowded on a few rows whose parities are on few drives. */
  @Test
  void thousandsOfRequestsAtOnce() {
    SimulatedArray array =
        new SimulatedArray(FIVE.client(1 << 20, 3000, 8192), 1, PlantedFault.NONE);
    for (int i = 0; i < 3000; i++) {
      array.client.submitWrite(
          (i * 37L % 256) * 4096 + i % 7,
          array.client.randomContent(1 + i % 4089),
          Toughness.ofLevel(i % 3));
    }
    assertThat(array.client.outstanding()).isEqualTo(3000);
    array.settle();
    assertThat(array.client.failedRequests()).isZero();
    array.client.readAll();
    assertThat(array.client.wrongReads()).isEmpty();
    array.stop();
    assertThat(array.check().findings()).isEmpty();
  }

  /** Rows 0, 5, 10, ... have their parity on the same drive, whose journal is small. */
  @Test
  void everyUpdateMeetsOneParityDrive() {
    int requests = 1200;
    Shape shape = FIVE.drives(8192, 256).client(16 << 20, requests, 64 << 10);
    SimulatedArray array = new SimulatedArray(shape, 1, PlantedFault.NONE);
    int rowBytes = 4 * 16384;
    for (int i = 0; i < requests; i++) {
      long row = 5L * (i % 50);
      long member = i / 50 % 4;
      array.client.submitWrite(
          row * rowBytes + member * 16384, array.client.randomContent(16384), Toughness.HARDENED);
    }
    array.settle();
    assertThat(array.client.failedRequests()).isZero();
    array.client.readAll();
    array.stop();
    assertThat(array.check().findings()).isEmpty();
  }

  @Test
  void refusesAsAWholeWhatHasNoSpace() {
    Shape shape = FIVE.drives(2048, 512).client(32 << 20, 8, 256 << 10);
    SimulatedArray array = new SimulatedArray(shape, 1, PlantedFault.NONE);
    long[] before = budgets(array);
    long refusedFrom = -1;
    for (long at = 0; at < shape.volumeBytes(); at += 128 << 10) {
      RequestResult result =
          array.client.write(at, array.client.randomContent(128 << 10), Toughness.HARDENED);
      if (result == RequestResult.NO_SPACE) {
        refusedFrom = at;
        break;
      }
      assertThat(result).isEqualTo(RequestResult.OK);
    }
    assertThat(refusedFrom).isPositive();
    array.settle();
    // Two rows of four chunks a request: as many blocks as were mapped are gone from the budget.
    long[] full = budgets(array);
    long taken = 0;
    for (int d = 0; d < full.length; d++) {
      assertThat(full[d]).isNotNegative();
      taken += before[d] - full[d];
    }
    assertThat(taken).isGreaterThanOrEqualTo(refusedFrom / 4096 * 5 / 4);

    // What is there can be read, what was refused is not there, not even in part.
    array.client.readAll();
    assertThat(array.client.wrongReads()).isEmpty();

    // What is there can be written again and again, and that takes nothing for good, once the maps
    // have their pages.
    for (int i = 0; i < 120; i++) {
      long at = (long) i * 4096 % refusedFrom;
      assertThat(array.client.write(at, array.client.randomContent(2000), Toughness.HARDENED))
          .isEqualTo(RequestResult.OK);
      if (i == 60) {
        array.settle();
        full = budgets(array);
      }
    }
    array.settle();
    assertThat(budgets(array)).isEqualTo(full);
    assertThat(
            array.client.write(
                refusedFrom - 4096, array.client.randomContent(132 << 10), Toughness.HARDENED))
        .as("a write of which most is new")
        .isEqualTo(RequestResult.NO_SPACE);
    array.client.readAll();
    assertThat(array.client.wrongReads()).isEmpty();
    array.stop();
    assertThat(array.check().findings()).isEmpty();
  }

  /** On drives without space: more at a time than there is room to replace, on both shards. */
  @Test
  void aFullArrayIsOverwritten() {
    Shape shape = FIVE.drives(4096, 512).client(64 << 20, 200, 256 << 10);
    for (long seed : Seeds.of(3)) {
      SimulatedArray array = new SimulatedArray(shape, seed, PlantedFault.NONE);
      long end = 0;
      int step = 128 << 10;
      while (step >= 4096) {
        if (array.client.write(end, array.client.randomContent(step), Toughness.HARDENED)
            == RequestResult.OK) {
          end += step;
        } else {
          step /= 2;
        }
      }
      array.settle();
      long refusals = array.client.failedRequests();
      overwrite(array, end);
      long[] full = budgets(array);
      overwrite(array, end);
      assertThat(array.client.failedRequests()).as(Seeds.replay(seed)).isEqualTo(refusals);
      assertThat(budgets(array)).as(Seeds.replay(seed)).isEqualTo(full);
      array.client.readAll();
      assertThat(array.client.wrongReads()).as(Seeds.replay(seed)).isEmpty();
      array.stop();
      assertThat(array.check().findings()).as(Seeds.replay(seed)).isEmpty();
    }
  }

  private static void overwrite(SimulatedArray array, long end) {
    for (int i = 0; i < 150; i++) {
      int bytes = 1 + array.random.nextInt(200 << 10);
      array.client.submitWrite(
          array.random.nextLong(end - bytes),
          array.client.randomContent(bytes),
          Toughness.ofLevel(i % 3));
    }
    array.settle();
  }

  private static long[] budgets(SimulatedArray array) {
    long[] available = new long[array.shape.drives()];
    for (int d = 0; d < available.length; d++) {
      available[d] = array.budget(d).available();
    }
    return available;
  }
}
