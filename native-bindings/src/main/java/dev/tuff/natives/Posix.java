package dev.tuff.natives;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tuff.natives.generated.linux.Linux;
import dev.tuff.natives.generated.linux.statx;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * System calls on plain file descriptors, for start-up, tools and tests; bulk data goes through the
 * ring. Every failure throws {@link PosixException}; a call interrupted by a signal is repeated.
 * All methods may be called on any thread. Who owns a descriptor closes it: {@link NativeFile} is
 * the owner to use for files and drives.
 *
 * <p>Bound apart from the generated handles, because those lose {@code errno}.
 */
public final class Posix {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final ThreadLocal<MemorySegment> CALL_STATE =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(STATE));

  private static final ThreadLocal<MemorySegment> EVENT_VALUE =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(JAVA_LONG));

  private static final MethodHandle OPEN =
      variadic("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
  private static final MethodHandle CLOSE =
      bind("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle STATX =
      bind(
          "statx", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle FTRUNCATE =
      bind("ftruncate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle FALLOCATE =
      bind("fallocate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle FSYNC =
      bind("fsync", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle FDATASYNC =
      bind("fdatasync", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final FunctionDescriptor TRANSFER_AT =
      FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle PREAD = bind("pread", TRANSFER_AT);
  private static final MethodHandle PWRITE = bind("pwrite", TRANSFER_AT);
  private static final MethodHandle IOCTL =
      variadic("ioctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS));
  private static final MethodHandle FLOCK =
      bind("flock", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle EVENTFD =
      bind("eventfd", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle EVENTFD_WRITE =
      bind("eventfd_write", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle EVENTFD_READ =
      bind("eventfd_read", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle MMAP =
      bind(
          "mmap",
          FunctionDescriptor.of(
              ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle MUNMAP =
      bind("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle MADVISE =
      bind("madvise", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
  private static final MethodHandle MLOCK =
      bind("mlock", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
  private static final MethodHandle MUNLOCK =
      bind("munlock", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
  private static final MethodHandle SCHED_GETAFFINITY =
      bind("sched_getaffinity", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS));
  private static final MethodHandle SCHED_SETAFFINITY =
      bind("sched_setaffinity", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS));

  private static final long MAP_FAILED = -1;

  private Posix() {}

  /**
   * Opens a path; the descriptor is not inherited by child processes.
   *
   * @param flags {@code O_} constants
   * @param mode permission bits of a file that is created
   */
  static int open(String path, int flags, int mode) {
    MemorySegment state = CALL_STATE.get();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocateFrom(path);
      while (true) {
        int fd = (int) OPEN.invokeExact(state, name, flags | Linux.O_CLOEXEC(), mode);
        if (fd >= 0) {
          return fd;
        }
        retryOrThrow(state, "open", path);
      }
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /** Closes a descriptor. It is gone even when this throws, so it must not be closed again. */
  public static void close(int fd) {
    MemorySegment state = CALL_STATE.get();
    try {
      // Not repeated after EINTR: Linux has freed the number, another thread may hold it by now.
      if ((int) CLOSE.invokeExact(state, fd) != 0 && errno(state) != Errno.EINTR) {
        throw new PosixException("close", "descriptor " + fd, errno(state));
      }
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /** What the file behind a descriptor is. */
  public static FileStatus status(int fd) {
    return statx(fd, "", Linux.AT_EMPTY_PATH(), "descriptor " + fd);
  }

  /** What the file at a path is, symbolic links followed. */
  public static FileStatus status(String path) {
    return statx(Linux.AT_FDCWD(), path, 0, path);
  }

  private static FileStatus statx(int directory, String path, int flags, String subject) {
    MemorySegment state = CALL_STATE.get();
    int mask = Linux.STATX_BASIC_STATS() | Linux.STATX_DIOALIGN();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocateFrom(path);
      MemorySegment s = arena.allocate(statx.layout());
      while ((int) STATX.invokeExact(state, directory, name, flags, mask, s) != 0) {
        retryOrThrow(state, "statx", subject);
      }
      boolean direct = (statx.stx_mask(s) & Linux.STATX_DIOALIGN()) != 0;
      return new FileStatus(
          statx.stx_size(s),
          Short.toUnsignedInt(statx.stx_mode(s)),
          FileStatus.deviceNumber(statx.stx_dev_major(s), statx.stx_dev_minor(s)),
          statx.stx_ino(s),
          FileStatus.deviceNumber(statx.stx_rdev_major(s), statx.stx_rdev_minor(s)),
          statx.stx_blocks(s) * 512,
          direct ? statx.stx_dio_mem_align(s) : 0,
          direct ? statx.stx_dio_offset_align(s) : 0);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /** Sets a regular file's length in bytes. Not hardened before a sync. */
  public static void ftruncate(int fd, long lengthBytes) {
    MemorySegment state = CALL_STATE.get();
    try {
      while ((int) FTRUNCATE.invokeExact(state, fd, lengthBytes) != 0) {
        retryOrThrow(state, "ftruncate", lengthBytes + " bytes");
      }
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /**
   * Allocates, zeroes or frees a range of a regular file or block device. Not hardened before a
   * sync.
   *
   * @param mode 0 to allocate and extend, or {@code FALLOC_FL_} constants
   */
  public static void fallocate(int fd, int mode, long offsetBytes, long lengthBytes) {
    MemorySegment state = CALL_STATE.get();
    try {
      while ((int) FALLOCATE.invokeExact(state, fd, mode, offsetBytes, lengthBytes) != 0) {
        retryOrThrow(state, "fallocate", range(offsetBytes, lengthBytes));
      }
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /** Hardens data and metadata of a file: volatile caches of its drive are flushed. */
  public static void fsync(int fd) {
    MemorySegment state = CALL_STATE.get();
    try {
      while ((int) FSYNC.invokeExact(state, fd) != 0) {
        retryOrThrow(state, "fsync", "descriptor " + fd);
      }
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /** Hardens the data of a file and what is needed to read it again; not its times. */
  public static void fdatasync(int fd) {
    MemorySegment state = CALL_STATE.get();
    try {
      while ((int) FDATASYNC.invokeExact(state, fd) != 0) {
        retryOrThrow(state, "fdatasync", "descriptor " + fd);
      }
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /**
   * Reads into a native segment until it is full or the file ends.
   *
   * @return the bytes read, less than the segment's size only at the end of the file
   */
  public static long pread(int fd, MemorySegment target, long offsetBytes) {
    MemorySegment state = CALL_STATE.get();
    long size = target.byteSize();
    long done = 0;
    try {
      while (done < size) {
        MemorySegment rest = done == 0 ? target : target.asSlice(done);
        long n = (long) PREAD.invokeExact(state, fd, rest, size - done, offsetBytes + done);
        if (n == 0) {
          break;
        }
        if (n < 0) {
          retryOrThrow(state, "pread", range(offsetBytes + done, size - done));
        } else {
          done += n;
        }
      }
      return done;
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /** Writes all of a native segment. Not hardened before a sync. */
  public static void pwrite(int fd, MemorySegment source, long offsetBytes) {
    MemorySegment state = CALL_STATE.get();
    long size = source.byteSize();
    long done = 0;
    try {
      while (done < size) {
        MemorySegment rest = done == 0 ? source : source.asSlice(done);
        long n = (long) PWRITE.invokeExact(state, fd, rest, size - done, offsetBytes + done);
        if (n == 0) {
          // Linux answers a write past a block device's end so; to repeat it would never end.
          throw new PosixException("pwrite", range(offsetBytes + done, size - done), Errno.ENOSPC);
        }
        if (n < 0) {
          retryOrThrow(state, "pwrite", range(offsetBytes + done, size - done));
        } else {
          done += n;
        }
      }
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /** Size of a block device in bytes. */
  public static long blockDeviceSizeBytes(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      ioctl(fd, "BLKGETSIZE64", Linux.BLKGETSIZE64(), value);
      return value.get(JAVA_LONG, 0);
    }
  }

  /** Smallest unit in bytes that a block device addresses. */
  public static int logicalBlockBytes(int fd) {
    return ioctlInt(fd, "BLKSSZGET", Linux.BLKSSZGET());
  }

  /** Smallest unit in bytes that a block device writes without read-modify-write inside. */
  public static int physicalBlockBytes(int fd) {
    return ioctlInt(fd, "BLKPBSZGET", Linux.BLKPBSZGET());
  }

  /** Tells a block device that a range, aligned to logical blocks, holds nothing any more. */
  public static void discard(int fd, long offsetBytes, long lengthBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment range = arena.allocateFrom(JAVA_LONG, offsetBytes, lengthBytes);
      ioctl(fd, "BLKDISCARD", Linux.BLKDISCARD(), range);
    }
  }

  private static int ioctlInt(int fd, String name, long request) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_INT);
      ioctl(fd, name, request, value);
      return value.get(JAVA_INT, 0);
    }
  }

  private static void ioctl(int fd, String name, long request, MemorySegment argument) {
    MemorySegment state = CALL_STATE.get();
    try {
      while ((int) IOCTL.invokeExact(state, fd, request, argument) != 0) {
        retryOrThrow(state, "ioctl", name);
      }
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /**
   * Takes the exclusive advisory lock of an open file, held until its descriptor is closed.
   *
   * @return false when another open file has it, of this or another process
   */
  public static boolean tryLock(int fd) {
    MemorySegment state = CALL_STATE.get();
    int operation = Linux.LOCK_EX() | Linux.LOCK_NB();
    try {
      while ((int) FLOCK.invokeExact(state, fd, operation) != 0) {
        if (errno(state) == Errno.EAGAIN) {
          return false;
        }
        retryOrThrow(state, "flock", "descriptor " + fd);
      }
      return true;
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /**
   * Makes an event counter at zero; the caller owns and closes the descriptor. Reads of it block in
   * the ring, but not in {@link #eventRead}.
   */
  public static int eventfd() {
    MemorySegment state = CALL_STATE.get();
    try {
      int fd = (int) EVENTFD.invokeExact(state, 0, Linux.EFD_CLOEXEC() | Linux.EFD_NONBLOCK());
      if (fd < 0) {
        throw new PosixException("eventfd", "0", errno(state));
      }
      return fd;
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /** Adds one to an event counter, which makes it readable. Allocates nothing. */
  public static void eventSignal(int fd) {
    MemorySegment state = CALL_STATE.get();
    try {
      while ((int) EVENTFD_WRITE.invokeExact(state, fd, 1L) != 0) {
        // The counter is full: it is readable already, which is all that a signal promises.
        if (errno(state) == Errno.EAGAIN) {
          return;
        }
        retryOrThrow(state, "eventfd_write", "descriptor " + fd);
      }
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /**
   * Takes an event counter back to zero and returns what it was; 0 when nothing was signalled.
   * Allocates nothing.
   */
  public static long eventRead(int fd) {
    MemorySegment state = CALL_STATE.get();
    MemorySegment value = EVENT_VALUE.get();
    try {
      while ((int) EVENTFD_READ.invokeExact(state, fd, value) != 0) {
        if (errno(state) == Errno.EAGAIN) {
          return 0;
        }
        retryOrThrow(state, "eventfd_read", "descriptor " + fd);
      }
      return value.get(JAVA_LONG, 0);
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /** Advises the kernel on page-aligned memory: {@code MADV_} constants. */
  static void madvise(MemorySegment memory, int advice) {
    MemorySegment state = CALL_STATE.get();
    try {
      while ((int) MADVISE.invokeExact(state, memory, memory.byteSize(), advice) != 0) {
        // EAGAIN: kernel resources are short for the moment, madvise(2) asks to try again.
        if (errno(state) != Errno.EAGAIN) {
          retryOrThrow(state, "madvise", memory.byteSize() + " bytes, advice " + advice);
        }
      }
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /** Keeps memory in RAM; counts against RLIMIT_MEMLOCK. */
  public static void mlock(MemorySegment memory) {
    MemorySegment state = CALL_STATE.get();
    try {
      if ((int) MLOCK.invokeExact(state, memory, memory.byteSize()) != 0) {
        throw new PosixException("mlock", memory.byteSize() + " bytes", errno(state));
      }
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /** Lets locked memory be paged out again. */
  public static void munlock(MemorySegment memory) {
    MemorySegment state = CALL_STATE.get();
    try {
      if ((int) MUNLOCK.invokeExact(state, memory, memory.byteSize()) != 0) {
        throw new PosixException("munlock", memory.byteSize() + " bytes", errno(state));
      }
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /**
   * Maps private, anonymous, zeroed memory for reading and writing.
   *
   * @return the address, or the negative errno
   */
  static long mmap(long sizeBytes, int extraFlags) {
    MemorySegment state = CALL_STATE.get();
    int protection = Linux.PROT_READ() | Linux.PROT_WRITE();
    int flags = Linux.MAP_PRIVATE() | Linux.MAP_ANONYMOUS() | extraFlags;
    try {
      MemorySegment address =
          (MemorySegment) MMAP.invokeExact(state, 0L, sizeBytes, protection, flags, -1, 0L);
      return address.address() == MAP_FAILED ? -errno(state) : address.address();
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  static void munmap(long address, long sizeBytes) {
    MemorySegment state = CALL_STATE.get();
    try {
      if ((int) MUNMAP.invokeExact(state, address, sizeBytes) != 0) {
        throw new PosixException("munmap", sizeBytes + " bytes", errno(state));
      }
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /** Fills {@code mask} with the cores that the calling thread may run on. */
  static void affinity(MemorySegment mask) {
    MemorySegment state = CALL_STATE.get();
    try {
      if ((int) SCHED_GETAFFINITY.invokeExact(state, 0, mask.byteSize(), mask) != 0) {
        throw new PosixException("sched_getaffinity", mask.byteSize() * 8 + " cores", errno(state));
      }
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /** Sets the cores that the calling thread may run on. */
  static void setAffinity(MemorySegment mask, String subject) {
    MemorySegment state = CALL_STATE.get();
    try {
      if ((int) SCHED_SETAFFINITY.invokeExact(state, 0, mask.byteSize(), mask) != 0) {
        throw new PosixException("sched_setaffinity", subject, errno(state));
      }
    } catch (Throwable failure) {
      throw unexpected(failure);
    }
  }

  /** A downcall handle whose first parameter is the segment of {@link #callState}. */
  static MethodHandle bind(String symbol, FunctionDescriptor descriptor) {
    return LINKER.downcallHandle(
        LINKER.defaultLookup().find(symbol).orElseThrow(),
        descriptor,
        Linker.Option.captureCallState("errno"));
  }

  private static MethodHandle variadic(String symbol, FunctionDescriptor descriptor) {
    return LINKER.downcallHandle(
        LINKER.defaultLookup().find(symbol).orElseThrow(),
        descriptor,
        Linker.Option.captureCallState("errno"),
        Linker.Option.firstVariadicArg(2));
  }

  /** The calling thread's own segment, where handles of {@link #bind} leave {@code errno}. */
  static MemorySegment callState() {
    return CALL_STATE.get();
  }

  /** The error number that the last failed call left in {@code state}. */
  static int errno(MemorySegment state) {
    return (int) ERRNO.get(state, 0L);
  }

  private static void retryOrThrow(MemorySegment state, String call, String subject) {
    int errno = errno(state);
    if (errno != Errno.EINTR) {
      throw new PosixException(call, subject, errno);
    }
  }

  /** What a downcall threw, unchecked: an own exception as it is, anything else as a bug. */
  static RuntimeException unexpected(Throwable failure) {
    if (failure instanceof Error error) {
      throw error;
    }
    return failure instanceof RuntimeException exception
        ? exception
        : new IllegalStateException(failure);
  }

  private static String range(long offsetBytes, long lengthBytes) {
    return lengthBytes + " bytes at " + offsetBytes;
  }
}
