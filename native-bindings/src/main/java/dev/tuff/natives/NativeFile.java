package dev.tuff.natives;

import dev.tuff.natives.generated.linux.Linux;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * An open file or block device that owns its descriptor. Any thread may use it; {@link #close} must
 * come after every other use, I/O in a ring on {@link #fd} included. Failures of the system throw
 * {@link PosixException}.
 */
public final class NativeFile implements AutoCloseable {

  /** How to open. Without any: for reading, through the page cache, shared. */
  public enum Option {
    /** For reading and writing. */
    WRITE,
    /** Past the page cache; buffers, offsets and lengths must be aligned. Implies no durability. */
    DIRECT,
    /**
     * Only when nobody else holds it, and so that nobody else can hold it: a block device is
     * claimed in the kernel, which also refuses mounted drives and members of other arrays; a file
     * is locked with flock(2) against others that open it exclusively.
     *
     * <p>The kernel lets go of a process's ring, and so of the files in it, only when the I/O that
     * was in it has ended, which can be after the process has. A holder that no process can be
     * named for is therefore waited for, {@link #LET_GO_MILLIS} at most; one that lives is refused
     * at once.
     */
    EXCLUSIVE,
    /** Creates a regular file where there is nothing. */
    CREATE,
    /** Creates a regular file; fails with {@link Errno#EEXIST} where there is something. */
    CREATE_NEW,
    /** Every completed write is hardened. */
    DSYNC
  }

  private static final int OWNER_READ_WRITE = 0600;

  /** How long the kernel may take to let go of what an ended process held. */
  static final long LET_GO_MILLIS = 5_000;

  private static final long ASK_AGAIN_MILLIS = 10;

  private final Path path;
  private final int fd;
  private final boolean blockDevice;
  private volatile boolean closed;

  private NativeFile(Path path, int fd, boolean blockDevice) {
    this.path = path;
    this.fd = fd;
    this.blockDevice = blockDevice;
  }

  /**
   * Opens a file or block device.
   *
   * @throws InUseException when {@link Option#EXCLUSIVE} was asked for and someone else holds it
   * @throws PosixException when it does not exist, may not be opened, or has no O_DIRECT ({@link
   *     Errno#EINVAL})
   */
  public static NativeFile open(Path path, Option... options) {
    Set<Option> asked = EnumSet.noneOf(Option.class);
    asked.addAll(Set.of(options));
    boolean claim = asked.contains(Option.EXCLUSIVE) && isBlockDevice(path);
    int fd = claim ? claim(path, flags(asked, true)) : open(path, flags(asked, false));
    NativeFile file = null;
    try {
      FileStatus status = Posix.status(fd);
      if (asked.contains(Option.EXCLUSIVE) && !claim) {
        lock(path, fd, status);
      }
      file = new NativeFile(path, fd, status.isBlockDevice());
      return file;
    } finally {
      if (file == null) {
        Posix.close(fd);
      }
    }
  }

  private static int open(Path path, int flags) {
    return Posix.open(path.toString(), flags, OWNER_READ_WRITE);
  }

  private static int claim(Path path, int flags) {
    long deadline = deadline();
    while (true) {
      try {
        return open(path, flags);
      } catch (PosixException e) {
        if (e.errno() != Errno.EBUSY) {
          throw e;
        }
        if (isMounted(Posix.status(path.toString())) || !mayLetGo(deadline)) {
          throw new InUseException(
              path,
              "a mount, another process or the kernel",
              "unmount it or stop what uses it (lsblk and lsof say what that is)");
        }
      }
    }
  }

  private static long deadline() {
    return System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LET_GO_MILLIS);
  }

  /** Waits a little, and returns false when that is no use any more. */
  private static boolean mayLetGo(long deadline) {
    if (System.nanoTime() - deadline >= 0) {
      return false;
    }
    try {
      Thread.sleep(ASK_AGAIN_MILLIS);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private static boolean isMounted(FileStatus status) {
    String device = status.specialDeviceName();
    try (var mounts = Files.lines(Path.of("/proc/self/mountinfo"))) {
      return mounts.map(line -> line.split(" ", 4)).anyMatch(f -> f[2].equals(device));
    } catch (IOException e) {
      // Not to be seen here; what does not let go in time is refused all the same.
      return false;
    }
  }

  private static boolean isBlockDevice(Path path) {
    try {
      return Posix.status(path.toString()).isBlockDevice();
    } catch (PosixException e) {
      if (e.errno() == Errno.ENOENT) {
        return false;
      }
      throw e;
    }
  }

  private static int flags(Set<Option> asked, boolean claim) {
    int flags = asked.contains(Option.WRITE) ? Linux.O_RDWR() : Linux.O_RDONLY();
    flags |= asked.contains(Option.DIRECT) ? Linux.O_DIRECT() : 0;
    flags |= asked.contains(Option.DSYNC) ? Linux.O_DSYNC() : 0;
    flags |= asked.contains(Option.CREATE) ? Linux.O_CREAT() : 0;
    flags |= asked.contains(Option.CREATE_NEW) ? Linux.O_CREAT() | Linux.O_EXCL() : 0;
    return claim ? flags | Linux.O_EXCL() : flags;
  }

  private static void lock(Path path, int fd, FileStatus status) {
    if (status.isBlockDevice()) {
      throw new IllegalStateException(path + " turned into a block device while it was opened");
    }
    long deadline = deadline();
    while (!Posix.tryLock(fd)) {
      Optional<String> holder = lockHolder(status);
      if (holder.isPresent()) {
        throw new InUseException(path, holder.get(), "stop it first");
      }
      if (!mayLetGo(deadline)) {
        throw new InUseException(
            path, "another process", "stop it first (lsof " + path + " names it)");
      }
    }
  }

  /**
   * The process that has the flock of a file, by /proc/locks; empty where it has ended, or where
   * the numbers there do not tell.
   */
  private static Optional<String> lockHolder(FileStatus status) {
    String file =
        String.format(
            Locale.ROOT,
            "%02x:%02x:%d",
            status.device() >>> 32,
            status.device() & 0xFFFF_FFFFL,
            status.inode());
    try (var locks = Files.lines(Path.of("/proc/locks"))) {
      return locks
          .map(line -> line.trim().split(" +"))
          .filter(f -> f.length > 5 && f[1].equals("FLOCK") && f[5].equals(file))
          .flatMap(f -> living(f[4]).stream())
          .findFirst();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** A process in words; empty where it has ended. */
  private static Optional<String> living(String pid) {
    Path process = Path.of("/proc", pid);
    try {
      String stat = Files.readString(process.resolve("stat"));
      // The name, in parentheses, may have spaces and parentheses in it.
      char state = stat.charAt(stat.lastIndexOf(')') + 2);
      if (state == 'Z' || state == 'X') {
        return Optional.empty();
      }
      return Optional.of(
          "process " + pid + " (" + Files.readString(process.resolve("comm")).trim() + ")");
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** The path it was opened by. */
  public Path path() {
    return path;
  }

  /** The descriptor, for registration with a ring; stays owned by this object. */
  public int fd() {
    if (closed) {
      throw new IllegalStateException(path + " is closed");
    }
    return fd;
  }

  public boolean isBlockDevice() {
    return blockDevice;
  }

  /** What the kernel says of it now. */
  public FileStatus status() {
    return Posix.status(fd());
  }

  /** Size in bytes of the file or the device. */
  public long sizeBytes() {
    return blockDevice ? Posix.blockDeviceSizeBytes(fd()) : status().sizeBytes();
  }

  /** Smallest addressable unit of a block device in bytes; 1 for a file. */
  public int logicalBlockBytes() {
    return blockDevice ? Posix.logicalBlockBytes(fd()) : 1;
  }

  /** See {@link Posix#pread}. */
  public long read(MemorySegment target, long offsetBytes) {
    return Posix.pread(fd(), target, offsetBytes);
  }

  /** See {@link Posix#pwrite}. */
  public void write(MemorySegment source, long offsetBytes) {
    Posix.pwrite(fd(), source, offsetBytes);
  }

  /** Sets a file's length; what is added reads as zeroes and takes no space. */
  public void truncate(long sizeBytes) {
    Posix.ftruncate(fd(), sizeBytes);
  }

  /** Gives a file space on its file system, so that later writes in the range cannot lack it. */
  public void allocate(long offsetBytes, long lengthBytes) {
    Posix.fallocate(fd(), 0, offsetBytes, lengthBytes);
  }

  /**
   * Frees a range that holds nothing any more. It reads as zeroes in a file, as anything in a block
   * device. Throws {@link Errno#EOPNOTSUPP} where that cannot be done.
   */
  public void discard(long offsetBytes, long lengthBytes) {
    if (blockDevice) {
      Posix.discard(fd(), offsetBytes, lengthBytes);
    } else {
      int mode = Linux.FALLOC_FL_PUNCH_HOLE() | Linux.FALLOC_FL_KEEP_SIZE();
      Posix.fallocate(fd(), mode, offsetBytes, lengthBytes);
    }
  }

  /** Hardens completed writes, and the file's length and map. */
  public void dataSync() {
    Posix.fdatasync(fd());
  }

  /** Closes the descriptor and so gives up lock and claim. Hardens nothing. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      Posix.close(fd);
    }
  }
}
