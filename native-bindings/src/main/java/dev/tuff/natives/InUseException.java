package dev.tuff.natives;

import java.nio.file.Path;

/**
 * A file or drive was refused because a process, a mount or another user in the kernel holds it.
 */
public final class InUseException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Path path;

  InUseException(Path path, String holder, String remedy) {
    super(path + " is in use by " + holder + "; " + remedy);
    this.path = path;
  }

  /** What was refused. */
  public Path path() {
    return path;
  }
}
