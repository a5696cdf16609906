package dev.tuff.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tuff.device.DriveUnusableException.Reason;
import dev.tuff.natives.Errno;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What only real drives do: be refused, be shared with other processes, wake threads, batch system
 * calls.
 */
final class UringDeviceTest {
  private static final int BLOCK = 4096;
  private static final int DEPTH = 16;
  private static final int ROUNDS = 20_000;

  @TempDir(factory = BuildFolder.class)
  Path folder;

  private IoMemory memory;
  private IoBuffer[] buffers;
  private UringLoop loop;

  @BeforeEach
  void open() {
    memory = IoMemory.open(66 * BLOCK);
    buffers = memory.buffers(64, BLOCK);
    loop = UringLoop.open(memory, 2, 2 * DEPTH);
  }

  @AfterEach
  void close() {
    loop.close();
    memory.close();
  }

  private Path image(long bytes) throws IOException {
    Path image = folder.resolve("image");
    Files.write(image, new byte[(int) bytes]);
    return image;
  }

  private void assertRefused(Path path, long minimumBytes, Reason reason, String message) {
    assertThatThrownBy(() -> UringDevice.open(loop, path, new DeviceOptions(DEPTH, minimumBytes)))
        .isInstanceOfSatisfying(
            DriveUnusableException.class,
            e -> {
              assertThat(e).hasMessage(message);
              assertThat(e.reason()).isEqualTo(reason);
            });
  }

  @Test
  void refusesWhatIsNotThere() {
    Path path = folder.resolve("nothing");
    assertRefused(
        path,
        0,
        Reason.MISSING,
        path + " does not exist; give the path of a block device or an image file");
  }

  @Test
  void refusesDirectoriesAndOthers() {
    assertRefused(
        folder,
        0,
        Reason.NOT_A_DRIVE,
        folder + " is a directory; a drive must be a block device or an image file");
    assertRefused(
        Path.of("/dev/null"),
        0,
        Reason.NOT_A_DRIVE,
        "/dev/null is neither a file nor a block device; a drive must be a block device or an image file");
  }

  @Test
  void refusesWhatIsTooSmall() throws IOException {
    Path path = image(3 * BLOCK + 100);
    assertRefused(
        path, 16384, Reason.TOO_SMALL, path + " has 12388 bytes; at least 16384 are needed");
    Files.write(path, new byte[100]);
    assertRefused(path, 0, Reason.TOO_SMALL, path + " has 100 bytes; at least 4096 are needed");
    Files.write(path, new byte[3 * BLOCK + 100]);
    try (UringDevice device = UringDevice.open(loop, path, new DeviceOptions(DEPTH))) {
      assertThat(device.geometry().sizeBytes()).isEqualTo(3 * BLOCK);
    }
  }

  @Test
  void refusesWhatThisProcessHasOpen() throws IOException {
    Path path = image(BLOCK);
    try (UringDevice device = UringDevice.open(loop, path, new DeviceOptions(DEPTH))) {
      assertThat(device.name()).isEqualTo(path.toString());
      assertThatThrownBy(() -> UringDevice.open(loop, path, new DeviceOptions(DEPTH)))
          .isInstanceOfSatisfying(
              DriveUnusableException.class, e -> assertThat(e.reason()).isEqualTo(Reason.IN_USE))
          .hasMessageStartingWith(path + " is in use by ");
    }
    UringDevice.open(loop, path, new DeviceOptions(DEPTH)).close();
  }

  @Test
  void refusesWhatAnotherProcessHas() throws Exception {
    Path path = image(BLOCK);
    assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/flock")),
        "no flock command here to hold the file with");
    Process other =
        new ProcessBuilder("/usr/bin/flock", path.toString(), "sh", "-c", "echo held; cat").start();
    try {
      assertThat(other.inputReader().readLine()).isEqualTo("held");
      assertThatThrownBy(() -> UringDevice.open(loop, path, new DeviceOptions(DEPTH)))
          .isInstanceOf(DriveUnusableException.class)
          .hasMessageStartingWith(path + " is in use by ");
    } finally {
      other.getOutputStream().close();
      other.waitFor();
    }
    UringDevice.open(loop, path, new DeviceOptions(DEPTH)).close();
  }

  @Test
  void refusesWhatMayNotBeWritten() throws Exception {
    Path path = image(BLOCK);
    assertThat(path.toFile().setWritable(false)).isTrue();
    assumeTrue(!Files.isWritable(path), "this user may write every file (root)");
    assertRefused(
        path,
        0,
        Reason.NOT_PERMITTED,
        path
            + " may not be opened for reading and writing; run as a user who may, or change its permissions");
  }

  @Test
  void refusesReadOnlyDevices() throws Exception {
    LoopDrive drive = LoopDrive.attach(image(1 << 20), "--read-only");
    try {
      assertRefused(
          drive.path(),
          0,
          Reason.READ_ONLY,
          drive.path() + " is set read-only or immutable; a drive must be writable");
    } finally {
      drive.detach();
    }
  }

  @Test
  void refusesAFileBehindALoopDevice() throws Exception {
    Path path = image(1 << 20);
    LoopDrive drive = LoopDrive.attach(path);
    try {
      assertRefused(
          path,
          0,
          Reason.IN_USE,
          path
              + " is in use by "
              + drive.path()
              + "; give that path, or detach it: losetup -d "
              + drive.path());
    } finally {
      drive.detach();
    }
  }

  @Test
  void errorsOfTheMediumAreResults() throws Exception {
    Path path = image(1 << 20);
    LoopDrive drive = LoopDrive.attach(path);
    try (UringDevice device = UringDevice.open(loop, drive.path(), new DeviceOptions(DEPTH))) {
      // A loop device answers EIO where its file has ended meanwhile.
      Files.write(path, new byte[64 * 1024]);
      IoRequest good = new IoRequest(r -> {}, this).read(0, BLOCK, buffers[0], 0);
      IoRequest bad = new IoRequest(r -> {}, this).read(512 * 1024, BLOCK, buffers[1], 0);
      device.submit(bad);
      device.submit(good);
      while (device.pending() > 0) {
        loop.await(-1);
      }
      assertThat(good.result()).isEqualTo(IoResult.OK);
      assertThat(bad.result()).isEqualTo(IoResult.MEDIA_ERROR);
      assertThat(bad.errno()).isEqualTo(Errno.EIO);
    } finally {
      drive.detach();
    }
  }

  @Test
  void refusesFileSystemsWithoutDirectIo() throws Exception {
    // Files of procfs know no O_DIRECT.
    Path path = Path.of("/proc/self/comm");
    assertRefused(
        path,
        0,
        Reason.NO_DIRECT_IO,
        path + " is on a file system without O_DIRECT; put it on ext4, xfs or the like");
  }

  @Test
  void refusesMoreThanTheLoopWasMadeFor() throws IOException {
    Path path = image(BLOCK);
    assertThatThrownBy(() -> UringDevice.open(loop, path, new DeviceOptions(2 * DEPTH + 1)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the loop was made for 2 devices and 32 requests in flight");
    UringDevice.open(loop, path, new DeviceOptions(2 * DEPTH)).close();
  }

  @Test
  void submitsEverythingInOneSystemCall() throws IOException {
    try (UringDevice device = UringDevice.open(loop, image(64 * BLOCK), new DeviceOptions(DEPTH))) {
      loop.poll();
      int[] done = {0};
      long before = loop.enters();
      for (int i = 0; i < DEPTH; i++) {
        device.submit(
            new IoRequest(r -> done[0]++, this).read((long) i * BLOCK, BLOCK, buffers[i], 0));
      }
      assertThat(loop.enters()).isEqualTo(before);
      loop.poll();
      assertThat(loop.enters()).isEqualTo(before + 1);
      while (done[0] < DEPTH) {
        loop.await(-1);
      }
      before = loop.enters();
      loop.poll();
      assertThat(loop.enters()).as("nothing to submit, nothing to collect").isEqualTo(before);
    }
  }

  @Test
  void belongsToOneThread() throws Exception {
    loop.poll();
    Throwable[] thrown = new Throwable[1];
    Thread other =
        new Thread(
            () -> {
              try {
                loop.poll();
              } catch (IllegalStateException e) {
                thrown[0] = e;
              }
            });
    other.start();
    other.join();
    assertThat(thrown[0]).hasMessageStartingWith("the loop belongs to ");
  }

  @Test
  void worksWhenOpenedOnAnotherThread() throws Exception {
    Path path = image(BLOCK);
    IoResult[] result = new IoResult[1];
    UringDevice device = UringDevice.open(loop, path, new DeviceOptions(DEPTH));
    IoLoop shared = loop;
    Thread owner =
        new Thread(
            () -> {
              IoRequest request = new IoRequest(r -> {}, this).read(0, BLOCK, buffers[0], 0);
              device.submit(request);
              while (request.inFlight()) {
                shared.await(-1);
              }
              result[0] = request.result();
              device.close();
            });
    owner.start();
    owner.join();
    assertThat(result[0]).isEqualTo(IoResult.OK);
  }

  @Test
  void failsRequestsWhoseFileWasCut() throws IOException {
    Path path = image(4 * BLOCK);
    IoBuffer large = memory.buffers(1, 2 * BLOCK)[0];
    try (UringDevice device = UringDevice.open(loop, path, new DeviceOptions(DEPTH))) {
      Files.write(path, new byte[BLOCK]);
      IoRequest request = new IoRequest(r -> {}, this).read(0, BLOCK, buffers[0], 0);
      device.submit(request);
      IoRequest beyond = new IoRequest(r -> {}, this).read(2 * BLOCK, BLOCK, buffers[1], 0);
      device.submit(beyond);
      IoRequest across = new IoRequest(r -> {}, this).read(0, 2 * BLOCK, large, 0);
      device.submit(across);
      while (device.pending() > 0) {
        loop.await(-1);
      }
      assertThat(request.result()).isEqualTo(IoResult.OK);
      assertThat(beyond.result()).isEqualTo(IoResult.MEDIA_ERROR);
      assertThat(across.result())
          .as("a short read that does not go on")
          .isEqualTo(IoResult.MEDIA_ERROR);
      assertThat(device.counters().errors).isEqualTo(2);
    }
  }

  /** Two sleeping loops that wake each other: a single missed wake-up stops both for good. */
  @Test
  @Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void wakeUpsAreNeverMissed() throws Exception {
    PingPong left = new PingPong(0);
    PingPong right = new PingPong(1);
    left.other = right;
    right.other = left;
    left.start();
    right.start();
    left.join();
    right.join();
    assertThat(left.turn).isGreaterThanOrEqualTo(ROUNDS);
    assertThat(right.turn).isGreaterThanOrEqualTo(ROUNDS);
  }

  /**
   * Writes the turn, a number that only grows, into the other's mailbox; odd ones are one's, even
   * ones the other's.
   */
  private final class PingPong extends Thread {
    private final UringLoop own = UringLoop.open(memory, 1, 1);
    private final int parity;
    private volatile int turn;
    PingPong other;

    PingPong(int parity) {
      this.parity = parity;
    }

    @Override
    public void run() {
      int last = -1;
      while (last < ROUNDS) {
        int seen = turn;
        if (seen > last && (seen & 1) == parity) {
          last = seen + 1;
          turn = last;
          other.turn = last;
          other.own.wakeUp();
          // Some more, to meet the loop in every state.
          for (int i = 0; i < seen % 3; i++) {
            other.own.wakeUp();
          }
        } else if (seen >= ROUNDS) {
          break;
        } else {
          own.await(-1);
        }
      }
      own.close();
    }
  }

  @Test
  void aWakeUpEndsASleep() throws Exception {
    Thread sleeper = Thread.currentThread();
    IoLoop shared = loop;
    Thread waker =
        new Thread(
            () -> {
              while (sleeper.isAlive() && !Thread.currentThread().isInterrupted()) {
                shared.wakeUp();
                Thread.onSpinWait();
              }
            });
    waker.start();
    for (int i = 0; i < 2_000; i++) {
      loop.await(-1);
    }
    waker.interrupt();
    waker.join();
  }
}
