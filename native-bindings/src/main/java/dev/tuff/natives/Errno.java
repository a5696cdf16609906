package dev.tuff.natives;

import dev.tuff.natives.generated.linux.Linux;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/** Error numbers of Linux, positive, with their names and texts. Source: errno(3). */
public final class Errno {
  public static final int EPERM = Linux.EPERM();
  public static final int ENOENT = Linux.ENOENT();
  public static final int EINTR = Linux.EINTR();
  public static final int EIO = Linux.EIO();
  public static final int ENXIO = Linux.ENXIO();
  public static final int EBADF = Linux.EBADF();
  public static final int EAGAIN = Linux.EAGAIN();
  public static final int ENOMEM = Linux.ENOMEM();
  public static final int EACCES = Linux.EACCES();
  public static final int EFAULT = Linux.EFAULT();
  public static final int EBUSY = Linux.EBUSY();
  public static final int EEXIST = Linux.EEXIST();
  public static final int ENODEV = Linux.ENODEV();
  public static final int ENOTDIR = Linux.ENOTDIR();
  public static final int EISDIR = Linux.EISDIR();
  public static final int EINVAL = Linux.EINVAL();
  public static final int EMFILE = Linux.EMFILE();
  public static final int ENOTTY = 25;
  public static final int EFBIG = Linux.EFBIG();
  public static final int ENOSPC = Linux.ENOSPC();
  public static final int EROFS = Linux.EROFS();
  public static final int EPIPE = Linux.EPIPE();
  public static final int ENOSYS = Linux.ENOSYS();
  public static final int ENODATA = Linux.ENODATA();
  public static final int ETIME = Linux.ETIME();
  public static final int EBADMSG = Linux.EBADMSG();
  public static final int EOVERFLOW = Linux.EOVERFLOW();
  public static final int EILSEQ = Linux.EILSEQ();
  public static final int EOPNOTSUPP = Linux.EOPNOTSUPP();
  public static final int ECONNRESET = Linux.ECONNRESET();
  public static final int ETIMEDOUT = Linux.ETIMEDOUT();
  public static final int EALREADY = Linux.EALREADY();
  public static final int EREMOTEIO = Linux.EREMOTEIO();
  public static final int ECANCELED = Linux.ECANCELED();
  public static final int EADDRINUSE = 98;
  public static final int EADDRNOTAVAIL = 99;
  public static final int ECONNABORTED = 103;

  // The _np pair (glibc 2.32) is taken, not strerror, whose text is in the language of the locale.
  private static final MethodHandle NAME = textOf("strerrorname_np");
  private static final MethodHandle TEXT = textOf("strerrordesc_np");
  private static final int LONGEST_TEXT_BYTES = 256;

  private Errno() {}

  /** The constant's name, such as {@code EBUSY}; {@code errno 4095} for a number without one. */
  public static String name(int errno) {
    String name = text(NAME, errno);
    return name == null ? "errno " + errno : name;
  }

  /** Name and text, such as {@code EBUSY, device or resource busy}. */
  public static String describe(int errno) {
    String text = text(TEXT, errno);
    return text == null
        ? name(errno)
        : name(errno) + ", " + text.substring(0, 1).toLowerCase(Locale.ROOT) + text.substring(1);
  }

  private static String text(MethodHandle handle, int errno) {
    if (handle == null) {
      return null;
    }
    try {
      MemorySegment text = (MemorySegment) handle.invokeExact(errno);
      return text.address() == 0 ? null : text.reinterpret(LONGEST_TEXT_BYTES).getString(0);
    } catch (Throwable failure) {
      throw Posix.unexpected(failure);
    }
  }

  private static MethodHandle textOf(String symbol) {
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find(symbol)
        .map(
            address ->
                linker.downcallHandle(
                    address, FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT)))
        .orElse(null);
  }
}
