package dev.tuff.iom.check;

/** Hears how far a check is, in bytes of blocks that are in use. On the check's thread. */
public interface CheckProgress {
  /** So much will be read. */
  void begin(long bytes);

  /** So much more was read. */
  void advance(long bytes);

  /** Hears nothing. */
  static CheckProgress none() {
    return new CheckProgress() {
      @Override
      public void begin(long bytes) {
        // Nobody asks.
      }

      @Override
      public void advance(long bytes) {
        // Nobody asks.
      }
    };
  }
}
