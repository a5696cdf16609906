package dev.tuff.iom.rebuild;

/**
 * A drive has no room for what is to be rebuilt on it; the message is the one sentence for the
 * user.
 */
public final class NoRoomException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  NoRoomException(String sentence) {
    super(sentence);
  }
}
