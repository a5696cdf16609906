package dev.tuff.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PreflightTest {
  private static final int LINUX_5_15_NEWEST = 39;
  private static final int LINUX_6_1_NEWEST = 48;

  @TempDir private Path proc;

  @BeforeEach
  void fillProc() throws IOException {
    put("sys/kernel/osrelease", "5.15.0-91-generic\n");
    put("sys/kernel/io_uring_disabled", "0\n");
    put("self/uid_map", "         0          0 4294967295\n");
    put("self/status", "Name:\tjava\nCapEff:\t0000000000000000\nSeccomp:\t0\n");
    put(
        "self/limits",
        """
        Limit                     Soft Limit           Hard Limit           Units
        Max locked memory         8388608              16777216             bytes
        Max address space         unlimited            unlimited            bytes
        """);
  }

  private void put(String file, String text) throws IOException {
    Path path = proc.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }

  private List<String> sentences(
      String arch, String liburing, String libisal, int newestOperation, long registeredBytes) {
    var machine =
        new Preflight.Machine("Linux", arch, proc, liburing, libisal, lib -> newestOperation);
    return new Preflight(machine)
        .problems(registeredBytes).stream().map(Preflight.Problem::sentence).toList();
  }

  private List<String> withRing(int newestOperation) {
    return sentences("amd64", "liburing.so.2", "libisal.so.2", newestOperation, 0);
  }

  private List<String> withRegistered(long bytes) {
    return sentences("amd64", "liburing.so.2", "libisal.so.2", LINUX_6_1_NEWEST, bytes);
  }

  @Test
  void thisMachineIsFitForWhatTheTestsDo() {
    assertThat(Preflight.check(1 << 20)).isEmpty();
    Preflight.require(1 << 20);
  }

  @Test
  void otherPlatformsAreRefusedBeforeAnythingIsLoaded() {
    assertThat(sentences("aarch64", "none.so.1", "none.so.1", -1, Long.MAX_VALUE))
        .containsExactly(
            "this is Linux on aarch64, but Tuff is built for Linux on amd64 (x86-64): run it on"
                + " such a machine.");
  }

  @Test
  void missingLibrariesNameTheirPackages() {
    assertThat(sentences("amd64", "libnone.so.9", "libnone.so.8", LINUX_6_1_NEWEST, 0))
        .containsExactly(
            "libnone.so.9 cannot be loaded, but liburing 2.3 or newer is needed: install it"
                + " (Debian, Ubuntu: apt-get install liburing2).",
            "libnone.so.8 cannot be loaded, but ISA-L 2.30 or newer is needed: install it (Debian,"
                + " Ubuntu: apt-get install libisal2).");
  }

  @Test
  void oldLibrariesAreKnownByTheSymbolsTheyLack() {
    assertThat(sentences("amd64", "libc.so.6", "libc.so.6", LINUX_6_1_NEWEST, 0))
        .containsExactly(
            "the installed liburing is older than 2.3 (it has no io_uring_setup), but liburing 2.3"
                + " or newer is needed: upgrade it (Debian 12, Ubuntu 23.04 or newer: apt-get"
                + " install liburing2).",
            "the installed ISA-L has no xor_gen, but ISA-L 2.30 or newer is needed: upgrade it"
                + " (Debian, Ubuntu: apt-get install libisal2).");
  }

  @Test
  void anOldKernelIsKnownByItsOperations() {
    assertThat(withRing(LINUX_5_15_NEWEST))
        .containsExactly(
            "io_uring of kernel 5.15.0-91-generic is too old, but that of Linux 5.19 or newer is"
                + " needed, 6.1 or newer is best: install a newer kernel.");
    assertThat(withRing(LINUX_6_1_NEWEST)).isEmpty();
  }

  @Test
  void disabledIoUringNamesTheSetting() throws IOException {
    put("sys/kernel/io_uring_disabled", "2\n");
    assertThat(withRing(-Errno.EPERM))
        .containsExactly(
            "kernel.io_uring_disabled is 2, but io_uring must be allowed to this user: set it to 0"
                + " (sysctl -w kernel.io_uring_disabled=0, and in /etc/sysctl.d to keep it).");
    put("sys/kernel/io_uring_disabled", "1\n");
    assertThat(withRing(-Errno.EPERM)).singleElement().asString().contains("io_uring_group");
    // A privileged user may use it at 1.
    assertThat(withRing(LINUX_6_1_NEWEST)).isEmpty();
  }

  @Test
  void sandboxesAreToldFromTheSetting() throws IOException {
    assertThat(withRing(-Errno.EPERM)).singleElement().asString().contains("seccomp");
    Files.delete(proc.resolve("sys/kernel/io_uring_disabled"));
    assertThat(withRing(-Errno.EPERM)).singleElement().asString().contains("seccomp");
    assertThat(withRing(-Errno.ENOSYS)).singleElement().asString().contains("CONFIG_IO_URING");
    assertThat(withRing(-Errno.ENOMEM)).singleElement().asString().contains("RLIMIT_MEMLOCK");
    assertThat(withRing(-Errno.EMFILE)).singleElement().asString().contains("EMFILE, too many");
  }

  @Test
  void lockedMemoryIsComparedWithItsSoftLimit() throws IOException {
    assertThat(withRegistered(8 << 20)).isEmpty();
    assertThat(withRegistered(64 << 20))
        .containsExactly(
            "locked memory is limited to 8192 KiB (RLIMIT_MEMLOCK), but 65536 KiB are to be"
                + " registered with the rings: raise it (ulimit -l, LimitMEMLOCK= in a systemd"
                + " unit, memlock in /etc/security/limits.conf), or grant CAP_IPC_LOCK.");
    put(
        "self/limits",
        "Max locked memory         unlimited            unlimited            bytes\n");
    assertThat(withRegistered(64 << 20)).isEmpty();
  }

  @Test
  void theCapabilityLiftsTheLimitInTheFirstUserNamespaceOnly() throws IOException {
    put("self/status", "CapEff:\t0000000000004000\n");
    assertThat(withRegistered(64 << 20)).isEmpty();
    put("self/uid_map", "         0       1000          1\n");
    assertThat(withRegistered(64 << 20)).hasSize(1);
  }

  @Test
  void directIoWorksBelowTargetAndLeavesNothing() throws IOException {
    Path directory = Files.createTempDirectory(Path.of("target"), "direct");
    Preflight.requireDirectIo(directory);
    // Fails when the probe file was left there.
    Files.delete(directory);
  }

  @Test
  void directIoProblemsAreSentences() {
    assertThatThrownBy(() -> Preflight.requireDirectIo(Path.of("/no/such/directory")))
        .isInstanceOf(PreflightException.class)
        .hasMessage(
            "/no/such/directory is not a directory, but image files must be written with O_DIRECT:"
                + " create it, or name another.");
    // No one creates files here, root included.
    assertThatThrownBy(() -> Preflight.requireDirectIo(Path.of("/proc")))
        .isInstanceOf(PreflightException.class)
        .hasMessageStartingWith("/proc cannot take a file, open(/proc/.tuff-direct-");
  }

  @Test
  void aFileSystemWithoutDirectIoIsNamed() {
    var refused = new PosixException("open", "/proc/x", Errno.EINVAL);
    assertThat(Preflight.directIoFailure(Path.of("/proc"), refused).sentence())
        .isEqualTo(
            "/proc is on a file system without O_DIRECT (proc), but image files must be written"
                + " with O_DIRECT: choose a directory on ext4 or XFS, or a block device.");
  }
}
