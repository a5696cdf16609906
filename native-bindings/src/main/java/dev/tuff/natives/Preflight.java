package dev.tuff.natives;

import static dev.tuff.natives.NativeFile.Option.CREATE_NEW;
import static dev.tuff.natives.NativeFile.Option.DIRECT;
import static dev.tuff.natives.NativeFile.Option.WRITE;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.tuff.natives.generated.uring.Uring;
import dev.tuff.natives.generated.uring.io_uring_params;
import dev.tuff.natives.generated.uring.io_uring_probe;
import dev.tuff.natives.generated.uring.io_uring_probe_op;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Start-up checks of what Tuff needs from the machine. Run before anything else here is touched: a
 * missing library then is a sentence with the package to install, and not a linkage error.
 */
public final class Preflight {

  /**
   * Something that must be mended before Tuff runs.
   *
   * @param found what there is
   * @param expected what is needed
   * @param remedy what to do: a package, a setting
   */
  public record Problem(String found, String expected, String remedy) {

    /** All of it in one sentence. */
    public String sentence() {
      return found + ", but " + expected + ": " + remedy + ".";
    }
  }

  /** What the checks look at; tests put in something else. */
  record Machine(
      String osName,
      String osArch,
      Path proc,
      String liburing,
      String libisal,
      RingSetup ringSetup) {}

  /** Tries to make a ring. */
  @FunctionalInterface
  interface RingSetup {
    /** The newest operation that the kernel's io_uring knows, or the negative errno. */
    int newestOperation(SymbolLookup liburing);
  }

  private static final Machine THIS_MACHINE =
      new Machine(
          System.getProperty("os.name"),
          System.getProperty("os.arch"),
          Path.of("/proc"),
          "liburing.so.2",
          "libisal.so.2",
          Preflight::setUpRing);

  // liburing has no version to ask for before 2.4; these three came with 2.3.
  private static final List<String> LIBURING_2_3 =
      List.of("io_uring_setup", "io_uring_enter2", "io_uring_register");
  private static final List<String> ISAL_KERNELS =
      List.of(
          "xor_gen", "ec_init_tables", "ec_encode_data", "ec_encode_data_update", "crc32_iscsi");

  private static final int CAP_IPC_LOCK = 14;
  private static final int PROBED_OPERATIONS = 256;
  private static final String DIRECT_NEEDED = "image files must be written with O_DIRECT";
  private static final String WHOLE_ID_SPACE = "4294967295";

  private final Machine machine;

  Preflight(Machine machine) {
    this.machine = machine;
  }

  /**
   * Checks platform, libraries, io_uring and limits.
   *
   * @param registeredBytes how much memory will be registered with rings
   * @return what must be mended, in the order to mend it; empty when all is well
   */
  public static List<Problem> check(long registeredBytes) {
    return new Preflight(THIS_MACHINE).problems(registeredBytes);
  }

  /**
   * Like {@link #check}, for those that cannot go on.
   *
   * @throws PreflightException when there is a problem
   */
  public static void require(long registeredBytes) {
    List<Problem> problems = check(registeredBytes);
    if (!problems.isEmpty()) {
      throw new PreflightException(problems);
    }
  }

  List<Problem> problems(long registeredBytes) {
    List<Problem> problems = new ArrayList<>();
    platform().ifPresent(problems::add);
    if (!problems.isEmpty()) {
      return problems;
    }
    try (Arena arena = Arena.ofConfined()) {
      Optional<SymbolLookup> liburing = load(machine.liburing, arena);
      if (liburing.isPresent()) {
        Optional<Problem> old = liburingVersion(liburing.get());
        old.or(() -> ring(liburing.get())).ifPresent(problems::add);
      } else {
        problems.add(missingLibrary(machine.liburing, "liburing 2.3", "liburing2"));
      }
      load(machine.libisal, arena)
          .map(Preflight::isalKernels)
          .orElse(Optional.of(missingLibrary(machine.libisal, "ISA-L 2.30", "libisal2")))
          .ifPresent(problems::add);
    } catch (IllegalCallerException e) {
      return List.of(
          new Problem(
              "the JVM denies native access to module dev.tuff.natives",
              "io_uring and ISA-L are called through it",
              "start Java with --enable-native-access=dev.tuff.natives"));
    }
    lockedMemory(registeredBytes).ifPresent(problems::add);
    return problems;
  }

  private Optional<Problem> platform() {
    boolean fits = machine.osName.equals("Linux") && machine.osArch.equals("amd64");
    return fits
        ? Optional.empty()
        : Optional.of(
            new Problem(
                "this is " + machine.osName + " on " + machine.osArch,
                "Tuff is built for Linux on amd64 (x86-64)",
                "run it on such a machine"));
  }

  private static Optional<SymbolLookup> load(String library, Arena arena) {
    try {
      return Optional.of(SymbolLookup.libraryLookup(library, arena));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static Problem missingLibrary(String library, String needed, String debianPackage) {
    return new Problem(
        library + " cannot be loaded",
        needed + " or newer is needed",
        "install it (Debian, Ubuntu: apt-get install " + debianPackage + ")");
  }

  private static Optional<Problem> liburingVersion(SymbolLookup liburing) {
    return firstMissing(liburing, LIBURING_2_3)
        .map(
            symbol ->
                new Problem(
                    "the installed liburing is older than 2.3 (it has no " + symbol + ")",
                    "liburing 2.3 or newer is needed",
                    "upgrade it (Debian 12, Ubuntu 23.04 or newer: apt-get install liburing2)"));
  }

  private static Optional<Problem> isalKernels(SymbolLookup isal) {
    return firstMissing(isal, ISAL_KERNELS)
        .map(
            symbol ->
                new Problem(
                    "the installed ISA-L has no " + symbol,
                    "ISA-L 2.30 or newer is needed",
                    "upgrade it (Debian, Ubuntu: apt-get install libisal2)"));
  }

  private static Optional<String> firstMissing(SymbolLookup library, List<String> symbols) {
    return symbols.stream().filter(symbol -> library.find(symbol).isEmpty()).findFirst();
  }

  private Optional<Problem> ring(SymbolLookup liburing) {
    int newest = machine.ringSetup.newestOperation(liburing);
    // Judged by what the kernel can do, not by its release: distributions carry newer io_urings
    // in older kernels. SOCKET came with 5.19, together with sparse file tables and MSG_RING.
    if (newest >= Uring.IORING_OP_SOCKET()) {
      return Optional.empty();
    }
    if (newest >= 0) {
      return Optional.of(
          new Problem(
              "io_uring of kernel " + release() + " is too old",
              "that of Linux 5.19 or newer is needed, 6.1 or newer is best",
              "install a newer kernel"));
    }
    int errno = -newest;
    String disabled = proc("sys/kernel/io_uring_disabled").orElse("0");
    if (errno == Errno.EPERM && !disabled.equals("0")) {
      return Optional.of(
          new Problem(
              "kernel.io_uring_disabled is " + disabled,
              "io_uring must be allowed to this user",
              "set it to 0 (sysctl -w kernel.io_uring_disabled=0, and in /etc/sysctl.d to keep it)"
                  + (disabled.equals("1")
                      ? ", or add the user to the group of kernel.io_uring_group"
                      : "")));
    }
    if (errno == Errno.EPERM || errno == Errno.EACCES) {
      return Optional.of(
          new Problem(
              "io_uring_setup is forbidden here (" + Errno.name(errno) + ")",
              "io_uring is needed",
              "allow io_uring in the container's seccomp profile, service or security module"
                  + " (Docker, Podman: --security-opt seccomp=PROFILE with io_uring_setup,"
                  + " io_uring_enter and io_uring_register)"));
    }
    if (errno == Errno.ENOSYS) {
      return Optional.of(
          new Problem(
              "kernel " + release() + " has no io_uring, or a sandbox hides it (ENOSYS)",
              "io_uring of Linux 5.19 or newer is needed",
              "run on a kernel with CONFIG_IO_URING, outside of gVisor and the like"));
    }
    if (errno == Errno.ENOMEM) {
      return Optional.of(
          new Problem(
              "io_uring_setup got no memory (ENOMEM)",
              "a ring needs some",
              "free memory, or raise RLIMIT_MEMLOCK (ulimit -l)"));
    }
    return Optional.of(
        new Problem(
            "io_uring_setup fails with " + Errno.describe(errno),
            "io_uring of Linux 5.19 or newer is needed",
            "see the kernel's log (dmesg)"));
  }

  private static int setUpRing(SymbolLookup liburing) {
    Linker linker = Linker.nativeLinker();
    MethodHandle setup =
        linker.downcallHandle(
            liburing.find("io_uring_setup").orElseThrow(),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));
    MethodHandle register =
        linker.downcallHandle(
            liburing.find("io_uring_register").orElseThrow(),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment params = arena.allocate(io_uring_params.layout());
      int fd = (int) setup.invokeExact(2, params);
      if (fd < 0) {
        return fd;
      }
      try {
        MemorySegment probe =
            arena.allocate(
                io_uring_probe.sizeof() + PROBED_OPERATIONS * io_uring_probe_op.sizeof(), 8);
        int result =
            (int) register.invokeExact(fd, Uring.IORING_REGISTER_PROBE(), probe, PROBED_OPERATIONS);
        return result < 0 ? 0 : Byte.toUnsignedInt(io_uring_probe.last_op(probe));
      } finally {
        Posix.close(fd);
      }
    } catch (Throwable failure) {
      throw Posix.unexpected(failure);
    }
  }

  private Optional<Problem> lockedMemory(long registeredBytes) {
    if (mayLockWithoutLimit()) {
      return Optional.empty();
    }
    OptionalLong limit = lockedMemoryLimit();
    if (limit.isEmpty() || registeredBytes <= limit.getAsLong()) {
      return Optional.empty();
    }
    return Optional.of(
        new Problem(
            "locked memory is limited to " + limit.getAsLong() / 1024 + " KiB (RLIMIT_MEMLOCK)",
            registeredBytes / 1024 + " KiB are to be registered with the rings",
            "raise it (ulimit -l, LimitMEMLOCK= in a systemd unit, memlock in"
                + " /etc/security/limits.conf), or grant CAP_IPC_LOCK"));
  }

  private boolean mayLockWithoutLimit() {
    // The capability counts in the first user namespace only; in others it shows but is no use.
    boolean firstNamespace = proc("self/uid_map").map(m -> m.endsWith(WHOLE_ID_SPACE)).orElse(true);
    return firstNamespace
        && field("self/status", "CapEff:")
            .map(mask -> (Long.parseUnsignedLong(mask, 16) >>> CAP_IPC_LOCK & 1) == 1)
            .orElse(false);
  }

  private OptionalLong lockedMemoryLimit() {
    return field("self/limits", "Max locked memory")
        .map(line -> line.substring(0, line.indexOf(' ')))
        .filter(soft -> !soft.equals("unlimited"))
        .map(soft -> OptionalLong.of(Long.parseLong(soft)))
        .orElse(OptionalLong.empty());
  }

  private String release() {
    return proc("sys/kernel/osrelease").orElse("of unknown release");
  }

  private Optional<String> field(String file, String label) {
    return proc(file)
        .flatMap(text -> text.lines().filter(line -> line.startsWith(label)).findFirst())
        .map(line -> line.substring(label.length()).trim());
  }

  private Optional<String> proc(String file) {
    try {
      return Optional.of(Files.readString(machine.proc.resolve(file)).trim());
    } catch (IOException e) {
      // Older kernels lack the file; what cannot be read is judged by whether the ring works.
      return Optional.empty();
    }
  }

  /**
   * Checks that files in a directory can be read and written past the page cache. Tries it with a
   * small file, which is gone afterwards. To be called after {@link #check}.
   *
   * @throws PreflightException when they cannot
   */
  public static void requireDirectIo(Path directory) {
    directIo(directory)
        .ifPresent(
            problem -> {
              throw new PreflightException(List.of(problem));
            });
  }

  /** Like {@link #requireDirectIo}, for those that list problems. */
  public static Optional<Problem> directIo(Path directory) {
    if (!Files.isDirectory(directory)) {
      return Optional.of(
          new Problem(
              directory + " is not a directory", DIRECT_NEEDED, "create it, or name another"));
    }
    Path file = directory.resolve(".tuff-direct-" + ProcessHandle.current().pid());
    try {
      tryDirectIo(file);
      return Optional.empty();
    } catch (PosixException e) {
      return Optional.of(directIoFailure(directory, e));
    } catch (IOException e) {
      return Optional.of(
          new Problem(
              file + " cannot be deleted", DIRECT_NEEDED, "check the directory's permissions"));
    }
  }

  private static void tryDirectIo(Path file) throws IOException {
    try (Arena arena = Arena.ofConfined();
        NativeFile probe = NativeFile.open(file, WRITE, DIRECT, CREATE_NEW)) {
      Files.delete(file);
      MemorySegment block = arena.allocate(NativeMemory.PAGE_BYTES, NativeMemory.PAGE_BYTES);
      probe.write(block, 0);
      probe.read(block, 0);
    } catch (PosixException e) {
      // open(2) creates the file before it finds out that there is no O_DIRECT.
      if (e.errno() == Errno.EINVAL) {
        Files.deleteIfExists(file);
      }
      throw e;
    }
  }

  static Problem directIoFailure(Path directory, PosixException failure) {
    boolean unsupported = failure.errno() == Errno.EINVAL || failure.errno() == Errno.EOPNOTSUPP;
    return unsupported
        ? new Problem(
            directory + " is on a file system without O_DIRECT (" + type(directory) + ")",
            DIRECT_NEEDED,
            "choose a directory on ext4 or XFS, or a block device")
        : new Problem(
            directory + " cannot take a file, " + failure.getMessage(),
            DIRECT_NEEDED,
            "make it writable, with some free space, or name another");
  }

  private static String type(Path directory) {
    try {
      return Files.getFileStore(directory).type();
    } catch (IOException e) {
      return "of unknown type";
    }
  }
}
