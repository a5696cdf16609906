package dev.tuff.natives;

import static dev.tuff.natives.NativeFile.Option.CREATE;
import static dev.tuff.natives.NativeFile.Option.CREATE_NEW;
import static dev.tuff.natives.NativeFile.Option.DIRECT;
import static dev.tuff.natives.NativeFile.Option.EXCLUSIVE;
import static dev.tuff.natives.NativeFile.Option.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class NativeFileTest {
  private Path directory;

  @BeforeEach
  void makeDirectory() throws IOException {
    // Below target and not in the system's temporary directory, which may be a tmpfs.
    Files.createDirectories(Path.of("target"));
    directory = Files.createTempDirectory(Path.of("target"), "files");
  }

  @AfterEach
  void removeDirectory() throws IOException {
    try (var files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }

  @Test
  void directIoWritesAndReadsBackWholeBuffers() {
    try (NativeFile file =
            NativeFile.open(directory.resolve("image"), WRITE, DIRECT, CREATE_NEW, EXCLUSIVE);
        Arena arena = Arena.ofConfined()) {
      file.allocate(0, 1 << 20);
      assertThat(file.sizeBytes()).isEqualTo(1 << 20);
      assertThat(file.status().allocatedBytes()).isGreaterThanOrEqualTo(1 << 20);
      assertThat(file.isBlockDevice()).isFalse();

      MemorySegment out = arena.allocate(64 << 10, 4096);
      for (long i = 0; i < out.byteSize(); i += 8) {
        out.set(ValueLayout.JAVA_LONG, i, i * 0x9E3779B97F4A7C15L);
      }
      file.write(out, 128 << 10);
      file.dataSync();
      MemorySegment in = arena.allocate(64 << 10, 4096);
      assertThat(file.read(in, 128 << 10)).isEqualTo(64 << 10);
      assertThat(in.mismatch(out)).isEqualTo(-1);

      file.discard(128 << 10, 4096);
      assertThat(file.read(in, 128 << 10)).isEqualTo(64 << 10);
      assertThat(in.get(ValueLayout.JAVA_LONG, 8)).isZero();
      assertThat(in.get(ValueLayout.JAVA_LONG, 4096))
          .isEqualTo(out.get(ValueLayout.JAVA_LONG, 4096));
    }
  }

  @Test
  void misalignedDirectIoIsRefusedWithEinval() {
    try (NativeFile file = NativeFile.open(directory.resolve("image"), WRITE, DIRECT, CREATE);
        Arena arena = Arena.ofConfined()) {
      MemorySegment odd = arena.allocate(8192, 4096).asSlice(1, 4096);
      PosixException e = catchThrowableOfType(PosixException.class, () -> file.write(odd, 0));
      assertThat(e.errno()).isEqualTo(Errno.EINVAL);
    }
  }

  @Test
  void readStopsAtTheEndOfTheFile() throws IOException {
    Path path = directory.resolve("short");
    Files.writeString(path, "hello");
    try (NativeFile file = NativeFile.open(path);
        Arena arena = Arena.ofConfined()) {
      MemorySegment target = arena.allocate(100);
      assertThat(file.read(target, 1)).isEqualTo(4);
      assertThat(target.getString(0)).isEqualTo("ello");
      assertThat(file.read(target, 5)).isZero();
    }
  }

  @Test
  void directAlignmentIsToldByTheKernelOrZero() {
    try (NativeFile file = NativeFile.open(directory.resolve("image"), WRITE, DIRECT, CREATE)) {
      FileStatus status = file.status();
      assertThat(status.isRegular()).isTrue();
      assertThat(status.inode()).isPositive();
      assertThat(Integer.bitCount(status.directOffsetAlignment())).isLessThanOrEqualTo(1);
      assertThat(status.directOffsetAlignment()).isBetween(0, 4096);
    }
  }

  @Test
  void failuresNameCallSubjectAndError() {
    Path missing = directory.resolve("missing");
    assertThatThrownBy(() -> NativeFile.open(missing, EXCLUSIVE))
        .isInstanceOf(PosixException.class)
        .hasMessage("open(" + missing + "): ENOENT, no such file or directory");
    assertThatThrownBy(() -> NativeFile.open(directory, WRITE))
        .hasMessage("open(" + directory + "): EISDIR, is a directory");
    try (NativeFile file = NativeFile.open(directory.resolve("a"), WRITE, CREATE_NEW)) {
      assertThatThrownBy(() -> NativeFile.open(file.path(), CREATE_NEW))
          .hasMessageContaining("EEXIST");
      assertThatThrownBy(() -> Posix.logicalBlockBytes(file.fd()))
          .hasMessage("ioctl(BLKSSZGET): ENOTTY, inappropriate ioctl for device");
    }
    try (NativeFile readOnly = NativeFile.open(directory.resolve("a"));
        Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> readOnly.write(arena.allocate(10), 4096))
          .hasMessage("pwrite(10 bytes at 4096): EBADF, bad file descriptor");
    }
    PosixException full =
        catchThrowableOfType(
            PosixException.class,
            () -> NativeFile.open(Path.of("/dev/full"), EXCLUSIVE, CREATE_NEW));
    assertThat(full.errno()).isEqualTo(Errno.EEXIST);
  }

  @Test
  void noSpaceIsEnospc() {
    try (NativeFile full = NativeFile.open(Path.of("/dev/full"), WRITE);
        Arena arena = Arena.ofConfined()) {
      PosixException e =
          catchThrowableOfType(PosixException.class, () -> full.write(arena.allocate(4096), 0));
      assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
      assertThat(full.status().isCharacterDevice()).isTrue();
    }
  }

  @Test
  void exclusiveOpenRefusesTheSecondInThisProcess() {
    Path path = directory.resolve("image");
    try (NativeFile first = NativeFile.open(path, WRITE, CREATE, EXCLUSIVE)) {
      assertThatThrownBy(() -> NativeFile.open(path, WRITE, EXCLUSIVE))
          .isInstanceOf(InUseException.class)
          .hasMessageStartingWith(path + " is in use by ");
      assertThat(first.sizeBytes()).isZero();
    }
    NativeFile.open(path, WRITE, EXCLUSIVE).close();
  }

  @Test
  void exclusiveOpenRefusesWhatAnotherProcessLocked() throws Exception {
    Path path = directory.resolve("image");
    Files.createFile(path);
    assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/flock")), "no flock(1) here to be the other process");
    Process other =
        new ProcessBuilder("/usr/bin/flock", "-x", path.toString(), "sh", "-c", "echo locked; cat")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      assertThat(other.inputReader(StandardCharsets.UTF_8).readLine()).isEqualTo("locked");
      InUseException e =
          catchThrowableOfType(InUseException.class, () -> NativeFile.open(path, WRITE, EXCLUSIVE));
      assertThat(e).hasMessageStartingWith(path + " is in use by ");
      assertThat(e.path()).isEqualTo(path);
    } finally {
      other.getOutputStream().close();
      assertThat(other.waitFor(30, TimeUnit.SECONDS)).isTrue();
    }
    NativeFile.open(path, WRITE, EXCLUSIVE).close();
  }

  /** As a killed process's ring does, while I/O is in it: the lock outlives the process. */
  private static Process lockThatOutlivesItsProcess(Path path, String seconds) throws Exception {
    Files.createFile(path);
    assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/flock")), "no flock(1) here to be the other process");
    Process other =
        new ProcessBuilder(
                "/bin/sh",
                "-c",
                "exec 9<\"$0\"; /usr/bin/flock 9; echo locked; exec sleep \"$1\"",
                path.toString(),
                seconds)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    assertThat(other.inputReader(StandardCharsets.UTF_8).readLine()).isEqualTo("locked");
    return other;
  }

  @Test
  void exclusiveOpenWaitsForWhatAnEndedProcessStillHolds() throws Exception {
    Path path = directory.resolve("image");
    Process other = lockThatOutlivesItsProcess(path, "0.5");
    NativeFile.open(path, WRITE, EXCLUSIVE).close();
    assertThat(other.waitFor()).isZero();
  }

  @Test
  void exclusiveOpenDoesNotWaitForEver() throws Exception {
    Path path = directory.resolve("image");
    Process other = lockThatOutlivesItsProcess(path, "1000");
    try {
      assertThatThrownBy(() -> NativeFile.open(path, WRITE, EXCLUSIVE))
          .isInstanceOf(InUseException.class)
          .hasMessage(
              "%s is in use by another process; stop it first (lsof %s names it)", path, path);
    } finally {
      other.destroyForcibly().waitFor();
    }
  }

  @Test
  void descriptorIsRefusedAfterCloseAndCloseRepeats() {
    NativeFile file = NativeFile.open(directory.resolve("a"), WRITE, CREATE);
    file.close();
    file.close();
    assertThatThrownBy(file::fd).isInstanceOf(IllegalStateException.class);
  }
}
