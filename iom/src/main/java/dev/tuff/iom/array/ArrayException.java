package dev.tuff.iom.array;

/** The array can't do what was asked; the message is the one sentence for the user. */
public final class ArrayException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ArrayException(String sentence) {
    super(sentence);
  }

  public ArrayException(String sentence, Throwable cause) {
    super(sentence, cause);
  }
}
