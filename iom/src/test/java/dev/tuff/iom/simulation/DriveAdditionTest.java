package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import dev.tuff.device.IoOperation;
import dev.tuff.device.IoRequest;
import dev.tuff.device.SimulatedDrive;
import dev.tuff.iom.array.Superblock;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.simulation.SimulationRun.Outcome;
import dev.tuff.iom.simulation.SimulationRun.Plan;
import dev.tuff.iom.support.Seeds;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Drives that are added to an array: it has them or has not, wherever that is cut short. */
class DriveAdditionTest {
  private static final int LARGE = 128 << 10;
  private static final int SMALL = 24 << 10;
  private static final int SEEDS = 60;
  private static final Shape SHAPE =
      Shape.of(4, 2, 1, 8192, 2).client(LARGE, 6, 64 << 10).drives(1500, 300);

  /** As many places as the drives that are there know of, or one more. */
  private static void requireOneOrTheOther(
      SimulatedArray after, SimulatedArray before, int lost, String where) {
    after.start();
    assertThat(after.drives.length).as(where).isIn(4, 5);
    assertThat(after.missing().stream().allMatch(d -> d == lost)).as(where).isTrue();
    after.client.judgeBy(before.client.model());
    assertThat(after.client.wrongReads()).as(where).isEmpty();
  }

  private static void close(SimulatedArray array) {
    for (SimulatedDrive drive : array.drives) {
      drive.crash();
    }
  }

  /**
   * Every event from the moment on at which the drive is asked for until the array serves with it,
   * under load, with each drive lost or none. What comes after it: growth over all drives, and a
   * clean stop.
   */
  @ParameterizedTest(name = "{0} % of what is in doubt is left")
  @ValueSource(ints = {0, 50, 100})
  void cutAnywhereInServiceTheArrayHasItOrNot(int percentLeft) {
    SimulatedArray array =
        new SimulatedArray(SHAPE, 47, PlantedFault.NONE, new SimulatedMemory(), SMALL);
    array.client.load(40);
    array.beginAdd();
    SimulatedMemory memories = new SimulatedMemory();
    Set<Integer> outcomes = new HashSet<>();
    int event = 0;
    boolean more = true;
    while (more) {
      final boolean acknowledged = !array.adding();
      for (int lost = -1; lost < 5; lost++) {
        SimulatedArray after = array.afterCrash(percentLeft, 31L * event + lost, memories);
        if (lost >= after.drives.length) {
          continue;
        }
        if (lost >= 0) {
          after.lose(lost);
        }
        requireOneOrTheOther(after, array, lost, "event " + event + ", lost " + lost);
        outcomes.add(after.drives.length);
        assertThat(acknowledged && after.drives.length == 4).as("event %d", event).isFalse();
        if (lost < 0) {
          grow(after, array);
        }
        close(after);
      }
      event++;
      more = array.step() && (array.adding() || array.failingOver() || event % 64 != 0);
    }
    assertThat(array.adding()).isFalse();
    assertThat(array.drives).hasSize(5);
    assertThat(outcomes).containsExactlyInAnyOrder(4, 5);
    array.close();
  }

  private static void grow(SimulatedArray after, SimulatedArray before) {
    after.client.beginResize(LARGE);
    after.run(() -> !after.client.resizing());
    Layout layout = after.iom(0).rooms().cnode(Shape.GFID).layout();
    assertThat(layout.drives()).isEqualTo(after.drives.length);
    after.stop();
    assertThat(after.check(before.client.model()).findings()).isEmpty();
  }

  /** Every request to the new drive while its label is written, of an array that does not run. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void cutAnywhereInItsLabelTheArrayHasItOrNot(boolean stoppedCleanly) {
    Set<Integer> outcomes = new HashSet<>();
    boolean whole = false;
    for (int requests = 0; !whole; requests++) {
      SimulatedArray array =
          new SimulatedArray(SHAPE, 60 + requests, PlantedFault.NONE, new SimulatedMemory(), SMALL);
      array.client.load(40);
      if (stoppedCleanly) {
        array.stop();
      } else {
        array.crash();
      }
      whole = array.add(requests);
      outcomes.add(array.drives.length);
      assertThat(whole && array.drives.length == 4).isFalse();
      if (stoppedCleanly) {
        // One copy of it may be whole, and serves.
        assertThat(array.check().findings())
            .as("%d requests", requests)
            .allMatch(finding -> finding.contains(" of the superblock "));
      }
      array.start();
      array.client.learn();
      assertThat(array.client.wrongReads()).isEmpty();
      array.client.load(40);
      array.stop();
      assertThat(array.check().findings()).as("%d requests", requests).isEmpty();
      array.close();
    }
    assertThat(outcomes).containsExactlyInAnyOrder(4, 5);
  }

  /**
   * One drive after the other, the volume grown after each, each old or new drive lost at the end.
   */
  @Test
  void volumesLieInStretchesAndEveryDriveCanBeLostAndReplaced() {
    Shape shape = Shape.of(3, 2, 1, 4096, 2).client(48 * 4096, 6, 64 << 10).drives(1500, 400);
    for (int lost = 0; lost < 6; lost++) {
      SimulatedArray array =
          new SimulatedArray(
              shape, 80 + lost, PlantedFault.NONE, new SimulatedMemory(), 6 * Drive.BLOCK_BYTES);
      for (int drives = 4; drives <= 6; drives++) {
        array.client.load(20);
        if (drives == 5) {
          array.stop();
          assertThat(array.add(Integer.MAX_VALUE)).isTrue();
          array.start();
          array.client.learn();
        } else {
          array.beginAdd();
          array.run(() -> !array.adding() && !array.failingOver());
        }
        assertThat(array.drives).hasSize(drives);
        array.client.beginResize(12 * (drives - 3) * Drive.BLOCK_BYTES);
        array.run(() -> !array.client.resizing());
      }
      assertThat(array.iom(1).rooms().cnode(Shape.GFID).attributes().stretches()).hasSize(3);
      array.client.load(60);
      array.fail(lost);
      array.client.load(30);
      array.settle();
      array.stop();
      array.lose(lost);
      array.replace(lost);
      array.start();
      array.client.load(20);
      array.run(
          () -> {
            array.rebuildInBackground(4);
            return array.rebuilding().isEmpty();
          });
      array.client.readAll();
      assertThat(array.client.wrongReads()).isEmpty();
      array.stop();
      assertThat(array.check().findings()).as("drive %d", lost).isEmpty();
      array.close();
    }
  }

  /** At every event while its label is written, and at some of its first start. */
  @Test
  void anotherFailsWhileItIsLetIn() {
    boolean within = true;
    Set<Integer> outcomes = new HashSet<>();
    for (int events = 0; within; events += events < 50 ? 1 : 40) {
      SimulatedArray array =
          new SimulatedArray(SHAPE, 91, PlantedFault.NONE, new SimulatedMemory(), SMALL);
      array.client.load(10);
      array.beginAdd();
      for (int i = 0; i < events; i++) {
        array.step();
      }
      within = array.adding() || array.failingOver();
      array.fail(1);
      array.run(() -> !array.adding() && !array.failingOver());
      outcomes.add(array.drives.length);
      array.client.load(10);
      array.settle();
      array.client.readAll();
      assertThat(array.client.wrongReads()).as("%d events", events).isEmpty();
      assertThat(array.missing().toString()).as("%d events", events).isEqualTo("{1}");
      array.stop();
      close(array);
    }
    // Asked for when it had failed already, it is refused.
    assertThat(outcomes).containsExactlyInAnyOrder(4, 5);
  }

  /** No other drive knows of it yet when it is gone again; from then on all do. */
  @Test
  void oneThatFailsInItsFirstStartHasItsPlaceAllTheSame() {
    SimulatedArray array =
        new SimulatedArray(SHAPE, 90, PlantedFault.NONE, new SimulatedMemory(), SMALL);
    array.client.load(20);
    array.beginAdd();
    array.run(() -> array.drives.length == 5);
    array.fail(4);
    array.run(() -> !array.failingOver());
    assertThat(array.missing().toString()).isEqualTo("{4}");
    array.client.load(20);
    array.stop();
    array.lose(4);
    array.start();
    assertThat(array.drives).hasSize(5);
    array.stop();
    array.replace(4);
    array.start();
    array.run(
        () -> {
          array.rebuildInBackground(4);
          return array.rebuilding().isEmpty();
        });
    array.client.learn();
    assertThat(array.client.wrongReads()).isEmpty();
    array.stop();
    assertThat(array.check().findings()).isEmpty();
    array.close();
  }

  /**
   * Grown onto added drives, shrunk to before them, and grown again: what is new reads as zeros.
   */
  @Test
  void aVolumeThatWasShrunkKeepsWhereItsRowsLie() {
    SimulatedArray array =
        new SimulatedArray(SHAPE, 95, PlantedFault.NONE, new SimulatedMemory(), SMALL);
    array.beginAdd();
    array.run(() -> !array.adding() && !array.failingOver());
    for (int turn = 0; turn < 6; turn++) {
      int bytes = turn % 2 == 0 ? LARGE - 4096 * turn : SMALL - 4096 - 512 * turn;
      array.client.beginResize(bytes);
      array.run(() -> !array.client.resizing());
      array.client.load(30);
      array.client.readAll();
      assertThat(array.iom(4).rooms().cnode(Shape.GFID).attributes().stretches())
          .containsExactly(new Layout.Stretch(2, 5));
      if (turn == 3) {
        array.crash();
        array.start();
        array.client.learn();
      }
    }
    assertThat(array.client.wrongReads()).isEmpty();
    array.stop();
    assertThat(array.check().findings()).isEmpty();
    array.close();
  }

  // ---- rules broken on purpose

  private static void assertFound(String bug, Supplier<PlantedFault> planted) {
    Plan plan =
        new Plan(Simulator.Request.OPERATIONS, Shape.Pin.NONE, EnumSet.allOf(FaultKind.class));
    SimulatedMemory memories = new SimulatedMemory();
    for (long seed : Seeds.of(SEEDS)) {
      Outcome outcome = SimulationRun.of(seed, plan, planted.get(), memories);
      if (outcome.failed()) {
        System.out.printf("%s: found with seed %d (%s)%n", bug, seed, outcome.failure());
        assertThat(SimulationRun.of(seed, plan, PlantedFault.NONE, memories).failure())
            .as(Seeds.replay(seed))
            .isNull();
        return;
      }
    }
    throw new AssertionError("not found with any of " + SEEDS + " seeds");
  }

  /** Told as soon as its label is written, a drive that is lost then would be forgotten. */
  @Test
  void findsAdditionsThatAreAcknowledgedBeforeOthersKnowOfThem() {
    SimulatedArray array =
        new SimulatedArray(SHAPE, 47, new AcknowledgedEarly(), new SimulatedMemory(), SMALL);
    array.client.load(40);
    array.beginAdd();
    SimulatedMemory memories = new SimulatedMemory();
    int forgotten = 0;
    while (array.adding() || array.failingOver()) {
      array.step();
      if (array.drives.length == 5) {
        SimulatedArray after = array.afterCrash(0, 7, memories);
        after.lose(4);
        try {
          after.start();
        } catch (IllegalStateException broken) {
          assertThat(broken).hasMessageContaining("drive 4 was added for good");
          forgotten++;
        }
        close(after);
      }
    }
    assertThat(forgotten).isPositive();
    array.close();
  }

  @Test
  void findsLabelsThatAreNotHardened() {
    assertFound("the new label is not hardened", LabelNotHardened::new);
  }

  /** A drive counts as added when its label is written, and no other drive tells of it yet. */
  private static final class AcknowledgedEarly implements PlantedFault {
    @Override
    public boolean additionWaits() {
      return false;
    }
  }

  /** A drive that is added hardens nothing before the array serves with it. */
  private static final class LabelNotHardened implements PlantedFault {
    @Override
    public BlockDevice device(SimulatedArray array, BlockDevice device, Superblock superblock) {
      IoBuffer nowhere = IoMemory.plain(Drive.BLOCK_BYTES).buffers(1, Drive.BLOCK_BYTES)[0];
      return new DeviceBefore(device) {
        @Override
        public void submit(IoRequest request) {
          boolean skipped =
              request.operation() == IoOperation.FLUSH
                  && !array.hasForGood(superblock.driveIndex());
          this.device.submit(skipped ? request.read(0, Drive.BLOCK_BYTES, nowhere, 0) : request);
        }
      };
    }
  }
}
