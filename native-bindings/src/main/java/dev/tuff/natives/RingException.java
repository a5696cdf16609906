package dev.tuff.natives;

/** The kernel's ring could not be set up or used; the message says why and what mends it. */
public final class RingException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int errno;

  RingException(String message, int errno) {
    super(message);
    this.errno = errno;
  }

  RingException(String message, Throwable cause) {
    super(message, cause);
    this.errno = 0;
  }

  /** The positive error number behind it, 0 if none. */
  public int errno() {
    return errno;
  }
}
