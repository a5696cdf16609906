package dev.tuff.device;

/**
 * A path that was meant as a drive cannot be one. The message is one sentence for people: what was
 * found, what to do.
 */
public final class DriveUnusableException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Why it was refused. */
  public enum Reason {
    /** Nothing is there. */
    MISSING,
    /** A directory, socket or the like. */
    NOT_A_DRIVE,
    /** Smaller than the caller's minimum. */
    TOO_SMALL,
    /**
     * Open in another process, mounted, part of something else, or open in this process already.
     */
    IN_USE,
    /** The process may not open it for writing. */
    NOT_PERMITTED,
    /** It cannot be written at all. */
    READ_ONLY,
    /** Its file system or its blocks do not allow O_DIRECT in 4 KiB steps. */
    NO_DIRECT_IO,
    /** The system refused for another reason, which the message names. */
    FAILED
  }

  private final Reason reason;

  DriveUnusableException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  DriveUnusableException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}
