package dev.tuff.iom.write;

/**
 * A block that an update builds on can be had neither from its drive nor from its group: more is
 * lost than the parities make up for, and the update can't be carried out or taken back. Stops the
 * array.
 */
public final class LostBlockException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public LostBlockException(String what) {
    super(what);
  }
}
