package dev.tuff.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.DeviceOptions;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import dev.tuff.device.SimulatedDevice;
import dev.tuff.device.SimulatedDrive;
import dev.tuff.device.SimulatedLoop;
import org.junit.jupiter.api.Test;

/** Loads on drives whose caches a power cut empties. */
class DeviceLoadTest {
  private static final int BLOCK = 64 << 10;
  private static final int BLOCKS_PER_DEVICE = 8;

  private final SimulatedLoop loop = new SimulatedLoop(1);
  private final SimulatedDrive[] drives = {drive("a", 1), drive("b", 2)};

  private static SimulatedDrive drive(String name, long seed) {
    return new SimulatedDrive(name, (long) BLOCK * BLOCKS_PER_DEVICE, true, seed);
  }

  private Measurement run(boolean flushedPasses) {
    IoBuffer memory = IoMemory.plain(4L * BLOCK).buffers(1, 4 * BLOCK)[0];
    BlockDevice[] devices = new BlockDevice[drives.length];
    for (int i = 0; i < devices.length; i++) {
      devices[i] = SimulatedDevice.open(loop, drives[i], new DeviceOptions(4, 0));
    }
    Workload work = new Workload(Pattern.SEQUENTIAL, Direction.WRITE, BLOCK, 4);
    return new DeviceLoad(
            loop, devices, memory, (long) BLOCK * BLOCKS_PER_DEVICE, work, flushedPasses)
        .run(0.05);
  }

  /** Sectors that a power cut now takes from both drives. */
  private long lost() {
    long lost = 0;
    for (SimulatedDrive drive : drives) {
      drive.crash(0);
      lost += drive.lostSectors();
    }
    return lost;
  }

  @Test
  void flushedPassesLeaveNothingInTheCaches() {
    Measurement measured = run(true);
    long pass = (long) BLOCKS_PER_DEVICE * drives.length;
    long passes = (measured.operations() + pass - 1) / pass;
    assertThat(passes).isGreaterThan(1);
    // A flush of each drive ends each pass; the last one ends with the stretch.
    assertThat(measured.flushes()).isBetween(passes * drives.length, (passes + 1) * drives.length);
    assertThat(measured.deviceWrittenBytes()).isEqualTo(measured.bytes());
    assertThat(lost()).isZero();
  }

  @Test
  void plainWritesDo() {
    assertThat(run(false).flushes()).isZero();
    assertThat(lost()).isPositive();
  }
}
