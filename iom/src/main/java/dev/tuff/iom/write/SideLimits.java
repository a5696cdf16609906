package dev.tuff.iom.write;

/** Limits of an IOM's two sides, fixed at start. */
public final class SideLimits {
  private SideLimits() {}

  /** Updates open at the same time on one IOM. */
  public static final int OPEN_UPDATES = 256;

  /** Longer runs pass the block cache by: streams would only wash it out. */
  public static final int CACHED_RUN_BLOCKS = 4;

  /**
   * Share of the journal, in percent, beyond which no new update starts: the rest is for closing
   * what is open.
   */
  public static final int JOURNAL_FULL_PERCENT = 75;

  /** Share of the journal, in percent, beyond which a checkpoint is due. */
  public static final int JOURNAL_CHECKPOINT_PERCENT = 40;
}
