package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.device.SimulatedDrive;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.object.BlockMap;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A volume has its old size or its new one on all drives, wherever resizing is cut short. */
class VolumeResizeCutTest {
  private static final int BLOCK = Drive.BLOCK_BYTES;
  private static final int LARGE = 128 << 10;
  private static final int SMALL = (40 << 10) + 512;
  private static final Shape SHAPE =
      Shape.of(4, 2, 1, 8192, 2).client(LARGE, 6, 64 << 10).drives(1500, 264);

  private static ObjectAttributes attributes(SimulatedArray array, int drive) {
    return array.iom(drive).rooms().cnode(Shape.GFID).attributes();
  }

  /** The size on all drives that are there, which must be the same. */
  private static long sizeOf(SimulatedArray array, int lost) {
    Set<Long> sizes = new HashSet<>();
    for (int d = 0; d < SHAPE.drives(); d++) {
      if (d != lost) {
        sizes.add(attributes(array, d).sizeBytes());
      }
    }
    assertThat(sizes).hasSize(1);
    return sizes.iterator().next();
  }

  /** Drives with the new size in their journals or maps, by what they have told so far. */
  private static int withNewSize(SimulatedArray array, int bytes) {
    int count = 0;
    for (int d = 0; d < SHAPE.drives(); d++) {
      count += attributes(array, d).sizeBytes() == bytes ? 1 : 0;
    }
    return count;
  }

  /** Every event of growing and of shrinking, with each drive lost or none, too. */
  @ParameterizedTest(name = "to {0}, {1} % of what is in doubt is left")
  @CsvSource({"41472, 0", "41472, 50", "41472, 100", "131072, 0", "131072, 50", "131072, 100"})
  void cutAnywhereItHasOneSizeAndZerosBeyond(int to, int percentLeft) {
    SimulatedArray array = new SimulatedArray(SHAPE, 31, PlantedFault.NONE);
    array.client.load(60);
    array.settle();
    if (to == LARGE) {
      array.client.beginResize(SMALL);
      array.run(() -> !array.client.resizing());
    }
    int from = to == LARGE ? SMALL : LARGE;
    array.client.beginResize(to);
    Set<Long> outcomes = new HashSet<>();
    SimulatedMemory memories = new SimulatedMemory();
    List<Integer> split = new ArrayList<>();
    int event = 0;
    boolean more = true;
    while (more) {
      boolean acknowledged = !array.client.resizing();
      split.add(withNewSize(array, to));
      // What happens while all is discarded or nothing is said to the drives yet is much the same.
      int every = split.getLast() == 0 ? 5 : 1;
      for (int lost = event % every == 0 ? -1 : SHAPE.drives(); lost < SHAPE.drives(); lost++) {
        SimulatedArray after = array.afterCrash(percentLeft, 31L * event + lost, memories);
        if (lost >= 0) {
          after.lose(lost);
        }
        after.start();
        long size = sizeOf(after, lost);
        assertThat(size).as("event %d", event).isIn((long) from, (long) to);
        assertThat(acknowledged && size == from).as("event %d, acknowledged", event).isFalse();
        outcomes.add(size);
        after.client.judgeBy(array.client.model());
        assertThat(after.client.wrongReads()).isEmpty();
        requireZerosBeyond(
            after, (int) size, array.client.model(), to == LARGE || array.tailHardened());
        if (lost < 0) {
          after.stop();
          assertThat(after.check(array.client.model()).findings()).isEmpty();
        }
        for (SimulatedDrive drive : after.drives) {
          drive.crash();
        }
      }
      event++;
      more = array.step();
    }
    assertThat(array.client.resizing()).isFalse();
    assertThat(outcomes).containsExactlyInAnyOrder((long) from, (long) to);
    array.close();
  }

  /** Grown to all that it was, it reads as zeros from the size on that it had after the crash. */
  private static void requireZerosBeyond(
      SimulatedArray after, int size, VolumeModel model, boolean shrunk) {
    if (size == LARGE) {
      return;
    }
    assertThat(model.read(size, LARGE - size)).containsOnly(0);
    assertThat(shrunk).as("what is beyond was hardened before").isTrue();
    after.client.beginResize(LARGE);
    after.run(() -> !after.client.resizing());
    after.client.judgeBy(model);
    assertThat(after.client.wrongReads()).isEmpty();
  }

  /**
   * Growing waits for nobody. When the volume shrinks right after it, a read from before it grew
   * still finds what was there.
   */
  @Test
  void shrunkRightAfterItHasGrownItWaitsForReadsFromBefore() {
    Shape shape = Shape.of(1, 1, 0, 8192, 1).client(LARGE, 12, 64 << 10).drives(1500, 264);
    int block = LARGE / 2 - BLOCK;
    SimulatedArray array =
        new SimulatedArray(shape, 7, PlantedFault.NONE, new SimulatedMemory(), LARGE / 2);
    // The read waits for all of these, as each is a part of the block.
    for (int i = 0; i < 10; i++) {
      array.client.submitWrite(block + i, array.client.randomContent(512), Toughness.HARDENED);
    }
    array.client.submitRead(block, BLOCK);
    requireWaitsWhenGrownAndShrunk(array, BLOCK);
  }

  /** Zeros that keep their places must not take places beyond the end once it is discarded. */
  @Test
  void shrunkRightAfterItHasGrownItWaitsForLongRequestsFromBefore() {
    int large = 8 << 20;
    Shape shape = Shape.of(1, 1, 0, 4096, 2).client(large, 6, 64 << 10).drives(4096, 512);
    SimulatedArray array =
        new SimulatedArray(shape, 7, PlantedFault.NONE, new SimulatedMemory(), large / 2);
    // On the shard that does not discard: there one would come after the other.
    array.client.submitZero(
        0, large / 2, SimulatedClient.Zeroing.WRITE_KEEPING_PLACES, Toughness.HARDENED);
    requireWaitsWhenGrownAndShrunk(array, large / 2 - 16 * BLOCK);
  }

  private static void requireWaitsWhenGrownAndShrunk(SimulatedArray array, int small) {
    int large = array.shape.volumeBytes();
    resize(array, large);
    assertThat(array.client.outstanding()).as("requests from before").isPositive();
    array.client.beginResize(small);
    array.run(array::tailHardened);
    final int late = array.client.outstanding();
    array.run(() -> !array.client.resizing());
    array.client.drain();
    assertThat(array.client.wrongReads()).isEmpty();
    array.stop();
    // No block beyond the end has a place.
    assertThat(array.check(array.client.model()).findings()).isEmpty();
    assertThat(late).as("requests from before").isZero();
    array.start();
    resize(array, large);
    array.client.readAll();
    assertThat(array.client.wrongReads()).isEmpty();
    array.stop();
    array.close();
  }

  private static void resize(SimulatedArray array, int bytes) {
    array.client.beginResize(bytes);
    array.run(() -> !array.client.resizing());
  }

  /** The trees of a volume that was small get levels, and keep them, whatever is cut short. */
  @Test
  void mapsGrowByLevelsThroughCrashes() {
    int large = 6 << 20;
    Shape shape = Shape.of(3, 2, 1, 16384, 2).client(large, 6, 64 << 10).drives(6000, 512);
    SimulatedMemory memories = new SimulatedMemory();
    for (int seed = 0; seed < 12; seed++) {
      SimulatedArray array =
          new SimulatedArray(shape, 600 + seed, PlantedFault.NONE, memories, 3 * BLOCK);
      assertThat(levels(array)).isEqualTo(1);
      array.client.load(10);
      array.client.beginResize(large);
      array.run(() -> !array.client.resizing());
      assertThat(levels(array)).isEqualTo(1);
      for (int turn = 0; turn < 4; turn++) {
        int offset = large - (turn + 1) * (64 << 10);
        byte[] content = array.client.randomContent(64 << 10);
        assertThat(array.client.write(offset, content, Toughness.HARDENED))
            .isEqualTo(RequestResult.OK);
        assertThat(levels(array)).as("seed %d", seed).isEqualTo(2);
        array.client.load(5);
        for (int i = array.random.nextInt(300); i > 0; i--) {
          array.step();
        }
        array.crash();
        array.start();
        array.client.learn();
        assertThat(array.client.wrongReads()).as("seed %d", seed).isEmpty();
      }
      array.stop();
      assertThat(array.check().findings()).as("seed %d", seed).isEmpty();
      array.lose(0);
      array.replace(0);
      array.start();
      array.run(
          () -> {
            array.rebuildInBackground(4);
            return array.rebuilding().isEmpty();
          });
      assertThat(levels(array)).isEqualTo(2);
      array.client.readAll();
      array.client.load(20);
      array.stop();
      assertThat(array.check().findings()).as("seed %d", seed).isEmpty();
    }
  }

  private static int levels(SimulatedArray array) {
    Cnode cnode = array.iom(0).rooms().cnode(Shape.GFID);
    long leaves = cnode.map(BlockMap.DATA).maxLeaves();
    return leaves == 1 ? 1 : 2;
  }
}
