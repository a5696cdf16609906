package dev.tuff.natives;

/**
 * A system call failed. Carries the call, what it was about and the error number, so that callers
 * can decide by {@link #errno()} and people can read {@link #getMessage()}, for example {@code
 * open(/dev/sdb): EBUSY, device or resource busy}.
 */
public final class PosixException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int errno;

  /**
   * @param call the system call's name
   * @param subject what it was about: a path, a size, an option
   * @param errno the positive error number
   */
  public PosixException(String call, String subject, int errno) {
    super(call + "(" + subject + "): " + Errno.describe(errno));
    this.errno = errno;
  }

  /** The positive error number, one of the constants of {@link Errno}. */
  public int errno() {
    return errno;
  }
}
