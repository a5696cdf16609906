package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.IoRequest;
import dev.tuff.device.SimulatedDrive;
import dev.tuff.iom.array.ArrayException;
import dev.tuff.iom.array.Superblock;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** A drive vanishes at any request that a start has for it, of whatever kind. */
class VanishingDriveTest {
  private static final int DRIVE = 1;

  /** Fails by itself. */
  private static final int OTHER = 4;

  private static final int LARGE = 128 << 10;
  private static final Shape ONE_PARITY =
      Shape.of(4, 2, 1, 8192, 2).client(LARGE, 6, 64 << 10).drives(1500, 300);
  private static final Shape TWO_PARITIES =
      Shape.of(5, 2, 2, 8192, 2).client(LARGE, 6, 64 << 10).drives(1500, 300);

  @Test
  void itVanishesWhileAnotherIsLetIn() {
    requireGoesOnWithout(ONE_PARITY, SimulatedArray::beginAdd, "{1}");
  }

  @Test
  void itVanishesWhileTheArrayGoesOnWithoutAnother() {
    requireGoesOnWithout(TWO_PARITIES, array -> array.fail(OTHER), "{1, 4}");
  }

  private static void requireGoesOnWithout(
      Shape shape, Consumer<SimulatedArray> begin, String missing) {
    Vanishing fault = new Vanishing();
    SimulatedMemory memories = new SimulatedMemory();
    boolean within = true;
    for (int requests = 0; within; requests++) {
      SimulatedArray array = new SimulatedArray(shape, 91, fault, memories, LARGE);
      array.client.load(20);
      array.settle();
      fault.left = requests;
      begin.accept(array);
      array.run(array::failingOver);
      array.run(() -> !array.adding() && !array.failingOver());
      within = fault.left < 0;
      fault.left = -1;
      if (within) {
        array.client.load(20);
        array.settle();
        array.client.readAll();
        assertThat(array.client.wrongReads()).as("%d requests", requests).isEmpty();
        assertThat(array.missing().toString()).as("%d requests", requests).isEqualTo(missing);
      }
      array.stop();
      close(array);
      assertThat(within || requests > 10).as("requests of the start").isTrue();
    }
  }

  /** There is nobody yet who would begin anew without it. */
  @Test
  void aStartFromRestIsOverWithASentenceAboutTheDrive() {
    Vanishing fault = new Vanishing();
    SimulatedMemory memories = new SimulatedMemory();
    for (int requests = 0; fault.left < 0; requests++) {
      SimulatedArray array = new SimulatedArray(ONE_PARITY, 91, fault, memories, LARGE);
      array.client.load(20);
      array.crash();
      fault.left = requests;
      try {
        array.start();
        assertThat(fault.left).as("more requests").isNotNegative();
      } catch (ArrayException e) {
        assertThat(e).as("%d requests", requests).hasMessageStartingWith("drive1 has failed: ");
      }
      close(array);
    }
  }

  private static void close(SimulatedArray array) {
    for (SimulatedDrive drive : array.drives) {
      drive.crash();
    }
  }

  private static final class Vanishing implements PlantedFault {
    /** Requests to the drive that still go well; below 0 when it is not to vanish, or has. */
    int left = -1;

    @Override
    public BlockDevice device(SimulatedArray array, BlockDevice device, Superblock superblock) {
      if (superblock.driveIndex() != DRIVE) {
        return device;
      }
      return new DeviceBefore(device) {
        @Override
        public void submit(IoRequest request) {
          if (left-- == 0) {
            array.drives[DRIVE].vanish();
          }
          left = Math.max(left, -1);
          this.device.submit(request);
        }
      };
    }
  }
}
