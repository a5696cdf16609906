package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.simulation.SimulatedClient.Zeroing;
import dev.tuff.iom.support.Seeds;
import dev.tuff.iom.volume.AllocationMap;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Discards give space back, zeros are zeros, and allocation queries tell what is mapped. */
class DiscardTest {
  private static final int BLOCK = Drive.BLOCK_BYTES;
  private static final Shape FIVE = Shape.of(5, 4, 1, 16384, 2);

  private static long mapped(SimulatedArray array) {
    long sum = 0;
    for (int d = 0; d < array.shape.drives(); d++) {
      var cnode = array.iom(d).rooms().cnode(Shape.GFID);
      sum += cnode.mappedDataBlocks() + cnode.mappedParityBlocks();
    }
    return sum;
  }

  /** Free blocks that the budgets do not promise: the same at all times when nothing goes on. */
  private static long unpromised(SimulatedArray array) {
    long sum = 0;
    for (int d = 0; d < array.shape.drives(); d++) {
      sum += array.iom(d).rooms().allocator.freeBlocks() - array.budget(d).unpromised();
    }
    return sum;
  }

  private static void write(SimulatedArray array, long offset, int bytes) {
    for (int done = 0; done < bytes; done += array.shape.maxRequestBytes()) {
      int now = Math.min(array.shape.maxRequestBytes(), bytes - done);
      assertThat(
              array.client.write(
                  offset + done, array.client.randomContent(now), Toughness.HARDENED))
          .isEqualTo(RequestResult.OK);
    }
  }

  private static void zero(SimulatedArray array, long offset, int bytes, Zeroing how) {
    assertThat(array.client.zero(offset, bytes, how, Toughness.HARDENED))
        .isEqualTo(RequestResult.OK);
  }

  private static void endsWell(SimulatedArray array) {
    array.client.readAll();
    assertThat(array.client.wrongReads()).isEmpty();
    assertThat(array.leftOver()).isEmpty();
    array.stop();
    assertThat(array.check().findings()).isEmpty();
  }

  @ParameterizedTest(name = "{0} drives, {1}+{2}, chunk {3}")
  @CsvSource({
    "5, 4, 1, 16384",
    "6, 3, 2, 8192",
    "2, 1, 1, 4096",
    "7, 4, 3, 4096",
    "3, 3, 0, 16384",
    "4, 1, 3, 65536"
  })
  void everythingDiscardedIsAllGivenBack(int drives, int data, int parity, int chunk) {
    SimulatedArray array =
        new SimulatedArray(Shape.of(drives, data, parity, chunk, 2), 7, PlantedFault.NONE);
    final long before = unpromised(array);
    write(array, 0, array.shape.volumeBytes());
    array.settle();
    assertThat(mapped(array))
        .isGreaterThanOrEqualTo((long) array.shape.volumeBlocks() * (data + parity) / data);
    zero(array, 0, array.shape.volumeBytes(), Zeroing.DISCARD);
    array.settle();
    assertThat(mapped(array)).isZero();
    assertThat(unpromised(array)).isEqualTo(before);
    array.crash();
    array.start();
    array.client.learn();
    array.settle();
    assertThat(mapped(array)).isZero();
    endsWell(array);
  }

  /** Block by block, by deltas: the parity goes with the last of its members. */
  @Test
  void theLastMemberTakesItsParityWithIt() {
    SimulatedArray array = new SimulatedArray(FIVE, 8, PlantedFault.NONE);
    long chunk = FIVE.chunkBytes();
    for (int member = 0; member < 4; member++) {
      write(array, member * chunk, BLOCK);
    }
    array.settle();
    assertThat(mapped(array)).isEqualTo(5);
    for (int member = 0; member < 4; member++) {
      zero(array, member * chunk, BLOCK, Zeroing.DISCARD);
      array.settle();
      assertThat(mapped(array)).isEqualTo(member == 3 ? 0 : 4 - member);
    }
    write(array, chunk, BLOCK);
    array.settle();
    assertThat(mapped(array)).isEqualTo(2);
    endsWell(array);
  }

  @Test
  void onlyWholeBlocksAreDiscardedAndZeroesAreZeroToTheByte() {
    SimulatedArray array = new SimulatedArray(FIVE, 9, PlantedFault.NONE);
    write(array, 0, 16 * BLOCK);
    // Of blocks 1 to 5 the whole ones are 2 to 4.
    zero(array, BLOCK + 100, 4 * BLOCK, Zeroing.DISCARD);
    AllocationMap map = array.client.allocation(0, 16 * BLOCK);
    assertThat(map.runEnd(0)).isEqualTo(2L * BLOCK);
    assertThat(map.mapped(2L * BLOCK)).isFalse();
    assertThat(map.runEnd(2L * BLOCK)).isEqualTo(5L * BLOCK);
    assertThat(map.runEnd(5L * BLOCK)).isEqualTo(16L * BLOCK);
    zero(array, 8 * BLOCK + 1, 3 * BLOCK, Zeroing.WRITE);
    map = array.client.allocation(0, 16 * BLOCK);
    assertThat(map.mapped(8L * BLOCK)).isTrue();
    assertThat(map.mapped(9L * BLOCK)).isFalse();
    assertThat(map.mapped(11L * BLOCK)).isTrue();
    // Less than a block, and nothing there: it stays so.
    zero(array, 3 * BLOCK + 5, 100, Zeroing.WRITE);
    assertThat(array.client.allocation(3 * BLOCK, BLOCK).mapped(3L * BLOCK)).isFalse();
    zero(array, 2 * BLOCK + 5, 2 * BLOCK, Zeroing.WRITE_KEEPING_PLACES);
    map = array.client.allocation(0, 16 * BLOCK);
    assertThat(map.runEnd(0)).isEqualTo(9L * BLOCK);
    endsWell(array);
  }

  @Test
  void discardingWhatIsNotMappedWritesNothing() {
    SimulatedArray array =
        new SimulatedArray(FIVE.client(64 << 20, 4, 200_000), 10, PlantedFault.NONE);
    array.settle();
    long[] ids = new long[5];
    for (int d = 0; d < 5; d++) {
      ids[d] = array.iom(d).rooms().journal.nextId();
    }
    zero(array, 0, 64 << 20, Zeroing.DISCARD);
    zero(array, 12345, 50 << 20, Zeroing.WRITE);
    array.settle();
    for (int d = 0; d < 5; d++) {
      assertThat(array.iom(d).rooms().journal.nextId()).isEqualTo(ids[d]);
    }
    assertThat(mapped(array)).isZero();
    assertThat(array.leftOver()).isEmpty();
    array.close();
  }

  /** Small ones, so that every part goes by delta and its parity is written anew. */
  @Test
  void aFullVolumeCanBeDiscarded() {
    Shape shape = FIVE.drives(2048, 512).client(32 << 20, 8, 64 << 10);
    SimulatedArray array = new SimulatedArray(shape, 11, PlantedFault.NONE);
    final long before = unpromised(array);
    long full = 0;
    while (array.client.write(full, array.client.randomContent(BLOCK), Toughness.HARDENED)
        == RequestResult.OK) {
      full += BLOCK;
    }
    assertThat(
            array.client.write(
                full - BLOCK, array.client.randomContent(64 << 10), Toughness.HARDENED))
        .isEqualTo(RequestResult.NO_SPACE);
    for (int at = 0; at < full; at += 3 * BLOCK) {
      array.client.submitZero(at, BLOCK, Zeroing.DISCARD, Toughness.NONE);
    }
    array.settle();
    write(array, 0, BLOCK);
    zero(array, 0, (int) full, Zeroing.DISCARD);
    array.settle();
    assertThat(mapped(array)).isZero();
    assertThat(unpromised(array)).isEqualTo(before);
    endsWell(array);
  }

  @Test
  void parityTellsOfDrivesThatAreGone() {
    for (int lost = 0; lost < 6; lost++) {
      SimulatedArray array = new SimulatedArray(Shape.of(6, 3, 2, 8192, 2), 12, PlantedFault.NONE);
      array.client.load(120);
      array.settle();
      int bytes = array.shape.volumeBytes();
      List<Boolean> whole = states(array.client.allocation(0, bytes));
      assertThat(whole).contains(true, false);
      array.stop();
      array.lose(lost);
      array.lose((lost + 2) % 6);
      array.start();
      assertThat(states(array.client.allocation(0, bytes))).isEqualTo(whole);
      zero(array, 0, bytes, Zeroing.DISCARD);
      assertThat(states(array.client.allocation(0, bytes))).doesNotContain(true);
      array.client.readAll();
      assertThat(array.client.wrongReads()).isEmpty();
      array.crash();
      array.start();
      array.client.learn();
      assertThat(states(array.client.allocation(0, bytes))).doesNotContain(true);
      assertThat(array.client.wrongReads()).isEmpty();
      array.close();
    }
  }

  private static List<Boolean> states(AllocationMap map) {
    List<Boolean> states = new ArrayList<>();
    for (long at = map.start(); at < map.end(); at += BLOCK) {
      states.add(map.mapped(at));
    }
    return states;
  }

  /** A later request of the same shard that overlaps a long one takes effect after it. */
  @Test
  void laterWritesAreNotDiscarded() {
    for (long seed : Seeds.of(4)) {
      Shape shape = Shape.of(5, 4, 1, 4096, 1).client(8 << 20, 6, 64 << 10);
      SimulatedArray array = new SimulatedArray(shape, seed, PlantedFault.NONE);
      write(array, 0, 8 << 20);
      array.client.submitZero(0, 8 << 20, Zeroing.DISCARD, Toughness.HARDENED);
      array.client.submitWrite(
          (8 << 20) - (64 << 10), array.client.randomContent(64 << 10), Toughness.NONE);
      array.client.submitZero(4 << 20, 1 << 20, Zeroing.WRITE_KEEPING_PLACES, Toughness.TAKEN);
      array.settle();
      endsWell(array);
    }
  }
}
