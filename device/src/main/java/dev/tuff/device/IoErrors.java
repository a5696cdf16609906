package dev.tuff.device;

import dev.tuff.natives.Errno;

/** What error numbers mean for a request. */
final class IoErrors {
  private static final int ENOLINK = 67;
  private static final int ESHUTDOWN = 108;
  private static final int EDQUOT = 122;

  private IoErrors() {}

  /** Whether the same operation is simply tried again. */
  static boolean isTransient(int errno) {
    return errno == Errno.EAGAIN || errno == Errno.EINTR;
  }

  /** A wrong memory address, descriptor or argument is a bug here and throws. */
  static IoResult resultOf(int errno) {
    if (errno == Errno.EFAULT || errno == Errno.EBADF) {
      throw new IllegalStateException("the kernel refused a request: " + Errno.describe(errno));
    }
    if (errno == Errno.ENODEV
        || errno == Errno.ENXIO
        || errno == Errno.ETIMEDOUT
        || errno == ENOLINK
        || errno == ESHUTDOWN) {
      return IoResult.DEVICE_GONE;
    }
    if (errno == Errno.ENOSPC || errno == EDQUOT) {
      return IoResult.NO_SPACE;
    }
    if (errno == Errno.EOPNOTSUPP
        || errno == Errno.ENOSYS
        || errno == Errno.ENOTTY
        || errno == Errno.EINVAL) {
      return IoResult.UNSUPPORTED;
    }
    return IoResult.MEDIA_ERROR;
  }

  /** The error number that a simulated drive gives with a result. */
  static int errnoOf(IoResult result) {
    return switch (result) {
      case OK -> 0;
      case MEDIA_ERROR -> Errno.EIO;
      case DEVICE_GONE -> Errno.ENODEV;
      case NO_SPACE -> Errno.ENOSPC;
      case UNSUPPORTED -> Errno.EOPNOTSUPP;
    };
  }
}
