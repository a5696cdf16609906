package dev.tuff.iom.recovery;

/** A journal that is sound by its checksums says what can't be. */
public final class DamagedJournalException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public DamagedJournalException(String message) {
    super(message);
  }
}
