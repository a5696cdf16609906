package dev.tuff.natives;

import static dev.tuff.natives.NativeFile.Option.DIRECT;
import static dev.tuff.natives.NativeFile.Option.EXCLUSIVE;
import static dev.tuff.natives.NativeFile.Option.WRITE;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class BlockDeviceFileTest {
  private static final long SIZE = 8 << 20;

  @Test
  void loopDeviceIsClaimedMeasuredWrittenAndDiscarded() throws Exception {
    Path image = image();
    Path loop = attach(image);
    try (NativeFile drive = NativeFile.open(loop, WRITE, DIRECT, EXCLUSIVE);
        Arena arena = Arena.ofConfined()) {
      assertThat(drive.isBlockDevice()).isTrue();
      assertThat(drive.sizeBytes()).isEqualTo(SIZE);
      assertThat(drive.logicalBlockBytes()).isEqualTo(4096);
      assertThat(Posix.physicalBlockBytes(drive.fd())).isEqualTo(4096);
      assertThat(drive.status().specialDeviceName()).startsWith("7:");

      assertThatThrownBy(() -> NativeFile.open(loop, WRITE, EXCLUSIVE))
          .isInstanceOf(InUseException.class)
          .hasMessage(
              loop
                  + " is in use by a mount, another process or the kernel; unmount it or stop what"
                  + " uses it (lsblk and lsof say what that is)");

      MemorySegment block = arena.allocate(4096, 4096).fill((byte) 3);
      drive.write(block, SIZE - 4096);
      drive.dataSync();
      assertThat(drive.read(block.fill((byte) 0), SIZE - 4096)).isEqualTo(4096);
      assertThat(block.get(JAVA_BYTE, 4095)).isEqualTo((byte) 3);
      drive.discard(SIZE - 4096, 4096);
      drive.read(block, SIZE - 4096);
      assertThat(block.get(JAVA_BYTE, 4095)).isZero();

      assertThatThrownBy(() -> drive.write(block, SIZE))
          .isInstanceOfSatisfying(
              PosixException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC));
      assertThat(drive.read(block, SIZE)).isZero();
    } finally {
      run("losetup", "-d", loop.toString());
      Files.delete(image);
    }
  }

  @Test
  void mountedDriveIsRefused() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/sbin/mkfs.ext4")), "no mkfs.ext4 here");
    Path image = image();
    Path loop = attach(image);
    Path directory = Files.createTempDirectory(Path.of("target"), "mount");
    try {
      run("/usr/sbin/mkfs.ext4", "-q", loop.toString());
      // Mounted where only that process sees it, and gone with it.
      Process mount =
          new ProcessBuilder(
                  "unshare",
                  "--mount",
                  "sh",
                  "-c",
                  "mount \"$0\" \"$1\" && echo mounted && cat",
                  loop.toString(),
                  directory.toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      try {
        String answer = mount.inputReader(UTF_8).readLine();
        assumeTrue("mounted".equals(answer), "no right to mount a file system");
        assertThatThrownBy(() -> NativeFile.open(loop, WRITE, EXCLUSIVE))
            .isInstanceOf(InUseException.class)
            .hasMessageStartingWith(loop + " is in use by a mount");
      } finally {
        mount.getOutputStream().close();
        mount.waitFor();
      }
      NativeFile.open(loop, WRITE, EXCLUSIVE).close();
    } finally {
      run("losetup", "-d", loop.toString());
      Files.delete(image);
      Files.delete(directory);
    }
  }

  private static Path image() throws IOException {
    Path image = Files.createTempFile(Files.createDirectories(Path.of("target")), "loop", ".img");
    try (var file = new RandomAccessFile(image.toFile(), "rw")) {
      file.setLength(SIZE);
    }
    return image;
  }

  private static Path attach(Path image) throws Exception {
    assumeTrue(Files.isWritable(Path.of("/dev/loop-control")), "no right to make loop devices");
    String answer = run("losetup", "--find", "--show", "--sector-size", "4096", image.toString());
    assumeTrue(answer.startsWith("/dev/loop"), "no loop device to be had: " + answer);
    return Path.of(answer);
  }

  private static String run(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    process.waitFor();
    return output.trim();
  }
}
