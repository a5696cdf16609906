package dev.tuff.bench;

import java.io.Serial;

/**
 * A measurement that cannot be made as asked: the message is one sentence for the person who asked.
 */
public final class BenchException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  public BenchException(String message) {
    super(message);
  }

  public BenchException(String message, Throwable cause) {
    super(message, cause);
  }
}
