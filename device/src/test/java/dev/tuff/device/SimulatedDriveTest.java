package dev.tuff.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The simulator's fault model. */
final class SimulatedDriveTest {
  private static final int BLOCK = 4096;
  private static final int SECTOR = 512;
  private static final DeviceOptions OPTIONS = new DeviceOptions(16);

  private final IoBuffer[] buffers = IoMemory.plain(64 * BLOCK).buffers(64, BLOCK);

  private static IoRequest run(IoLoop loop, BlockDevice device, IoRequest request) {
    device.submit(request);
    while (request.inFlight()) {
      loop.await(-1);
    }
    return request;
  }

  private static IoRequest request() {
    return new IoRequest(r -> {}, "test");
  }

  private byte sector(IoLoop loop, BlockDevice device, long index) {
    run(loop, device, request().read(index * SECTOR, SECTOR, buffers[63], 0));
    byte first = buffers[63].segment().get(ValueLayout.JAVA_BYTE, 0);
    assertThat(buffers[63].segment().asSlice(0, SECTOR).toArray(ValueLayout.JAVA_BYTE))
        .containsOnly(first);
    return first;
  }

  /**
   * Every sector's value only grows, and writes of one sector never overlap: after a crash each
   * sector has a value between the newest that was promised to be hardened and the newest that was
   * submitted.
   */
  @Test
  void aCrashLeavesWhatWasHardenedAndAnySubsetOfTheRest() {
    for (long seed = 1; seed <= 60; seed++) {
      Random random = new Random(seed);
      SimulatedDrive drive = new SimulatedDrive("drive", 16 * BLOCK, true, seed);
      int sectors = 16 * BLOCK / SECTOR;
      int[] submitted = new int[sectors];
      int[] completed = new int[sectors];
      int[] hardened = new int[sectors];
      for (int life = 0; life < 3; life++) {
        SimulatedLoop loop = new SimulatedLoop(seed * 31 + life);
        SimulatedDevice device = SimulatedDevice.open(loop, drive, OPTIONS);
        boolean[] busy = new boolean[sectors];
        int steps = random.nextInt(200);
        for (int step = 0; step < steps; step++) {
          submit(random, device, submitted, completed, hardened, busy);
          if (random.nextInt(3) == 0) {
            loop.await(random.nextInt(100_000));
          }
        }
        drive.crash();
        assertThatThrownBy(() -> device.submit(request().flush()))
            .isInstanceOf(IllegalStateException.class);

        SimulatedLoop after = new SimulatedLoop(seed);
        SimulatedDevice again = SimulatedDevice.open(after, drive, OPTIONS);
        for (int i = 0; i < sectors; i++) {
          int found = sector(after, again, i);
          assertThat(found)
              .as("seed %d, life %d, sector %d", seed, life, i)
              .isBetween(hardened[i], submitted[i]);
          submitted[i] = found;
          completed[i] = found;
          hardened[i] = found;
        }
        again.close();
        after.close();
      }
    }
  }

  private void submit(
      Random random,
      BlockDevice device,
      int[] submitted,
      int[] completed,
      int[] hardened,
      boolean[] busy) {
    int kind = random.nextInt(12);
    if (kind == 0) {
      int[] promised = completed.clone();
      device.submit(
          new IoRequest(
                  r -> {
                    for (int i = 0; i < promised.length; i++) {
                      hardened[i] = Math.max(hardened[i], promised[i]);
                    }
                  },
                  "test")
              .flush());
      return;
    }
    int sector = random.nextInt(submitted.length);
    if (busy[sector]) {
      return;
    }
    busy[sector] = true;
    boolean durable = kind == 1;
    int value = ++submitted[sector];
    IoRequest request =
        new IoRequest(
            r -> {
              busy[sector] = false;
              completed[sector] = value;
              if (durable) {
                hardened[sector] = value;
              }
            },
            "test");
    IoBuffer own = IoMemory.plain(BLOCK).buffers(1, BLOCK)[0];
    own.segment().fill((byte) value);
    if (durable) {
      device.submit(request.writeDurable((long) sector * SECTOR, SECTOR, own, 0));
    } else {
      device.submit(request.write((long) sector * SECTOR, SECTOR, own, 0));
    }
  }

  @Test
  void aCrashReallyLosesAndReallyKeepsSome() {
    SimulatedDrive drive = new SimulatedDrive("drive", 64 * BLOCK, true, 3);
    SimulatedLoop loop = new SimulatedLoop(3);
    SimulatedDevice device = SimulatedDevice.open(loop, drive, OPTIONS);
    for (int i = 0; i < 63; i++) {
      buffers[i].segment().fill((byte) 1);
      run(loop, device, request().write((long) i * BLOCK, BLOCK, buffers[i], 0));
    }
    drive.crash();
    SimulatedLoop after = new SimulatedLoop(4);
    SimulatedDevice again = SimulatedDevice.open(after, drive, OPTIONS);
    int kept = 0;
    for (int i = 0; i < 63 * 8; i++) {
      kept += sector(after, again, i);
    }
    assertThat(kept).isBetween(150, 350);
  }

  @Test
  void withoutAVolatileCacheEveryCompletedWriteStays() {
    SimulatedDrive drive = new SimulatedDrive("drive", 64 * BLOCK, false, 3);
    SimulatedLoop loop = new SimulatedLoop(3);
    SimulatedDevice device = SimulatedDevice.open(loop, drive, OPTIONS);
    buffers[0].segment().fill((byte) 1);
    run(loop, device, request().write(0, BLOCK, buffers[0], 0));
    drive.crash();
    SimulatedDevice again = SimulatedDevice.open(loop, drive, OPTIONS);
    for (int i = 0; i < 8; i++) {
      assertThat(sector(loop, again, i)).isEqualTo((byte) 1);
    }
  }

  @Test
  void faultsAreResults() {
    SimulatedDrive drive = new SimulatedDrive("drive", 64 * BLOCK, true, 3);
    SimulatedLoop loop = new SimulatedLoop(3);
    SimulatedDevice device = SimulatedDevice.open(loop, drive, OPTIONS);
    drive.fail(2 * BLOCK, BLOCK, true, false);
    assertThat(run(loop, device, request().read(2 * BLOCK, BLOCK, buffers[0], 0)).result())
        .isEqualTo(IoResult.MEDIA_ERROR);
    assertThat(run(loop, device, request().write(2 * BLOCK, BLOCK, buffers[0], 0)).result())
        .isEqualTo(IoResult.OK);
    assertThat(run(loop, device, request().read(BLOCK, BLOCK, buffers[0], 0)).result())
        .isEqualTo(IoResult.OK);
    drive.heal();
    assertThat(run(loop, device, request().read(2 * BLOCK, BLOCK, buffers[0], 0)).result())
        .isEqualTo(IoResult.OK);
    drive.vanish();
    IoRequest gone = run(loop, device, request().read(2 * BLOCK, BLOCK, buffers[0], 0));
    assertThat(gone.result()).isEqualTo(IoResult.DEVICE_GONE);
    assertThat(gone.errno()).isNotZero();
    assertThat(device.counters().errors).isEqualTo(2);
    drive.comeBack();
    drive.rot(BLOCK + 17);
    run(loop, device, request().read(BLOCK, BLOCK, buffers[0], 0));
    assertThat(buffers[0].segment().get(ValueLayout.JAVA_BYTE, 17)).isEqualTo((byte) 0x10);
  }

  @Test
  void theSameSeedGivesTheSameOrder() {
    assertThat(order(5)).isEqualTo(order(5)).isNotEqualTo(order(6));
  }

  private List<Integer> order(long seed) {
    SimulatedLoop loop = new SimulatedLoop(seed);
    SimulatedDevice device =
        SimulatedDevice.open(
            loop, new SimulatedDrive("drive", 64 * BLOCK, true, seed), new DeviceOptions(32));
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < 32; i++) {
      IoRequest request = new IoRequest(r -> order.add(r.tag), "test");
      request.tag = i;
      device.submit(request.read((long) i * BLOCK, BLOCK, buffers[i], 0));
    }
    while (device.pending() > 0) {
      loop.await(-1);
    }
    return order;
  }

  @Test
  void aDriveIsOpenOnce() {
    SimulatedDrive drive = new SimulatedDrive("drive", 64 * BLOCK, true, 3);
    SimulatedLoop loop = new SimulatedLoop(3);
    SimulatedDevice device = SimulatedDevice.open(loop, drive, OPTIONS);
    assertThatThrownBy(() -> SimulatedDevice.open(loop, drive, OPTIONS))
        .isInstanceOf(DriveUnusableException.class)
        .hasMessageContaining("in use");
    assertThatThrownBy(loop::close).isInstanceOf(IllegalStateException.class);
    device.close();
    SimulatedDevice.open(loop, drive, OPTIONS).close();
    loop.close();
    assertThatThrownBy(() -> SimulatedDevice.open(loop, drive, new DeviceOptions(1, 1 << 30)))
        .isInstanceOf(DriveUnusableException.class)
        .hasMessageContaining("at least 1073741824 are needed");
  }
}
