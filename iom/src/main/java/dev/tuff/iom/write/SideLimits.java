package dev.tuff.iom.write;

/** Limits of an IOM's two sides, fixed at start. */
public final class SideLimits {
  private SideLimits() {}

  /** Updates open at the same time on one IOM at most. */
  public static final int OPEN_UPDATES = 256;

  private static final int LEAST_OPEN_UPDATES = 8;

  /**
   * Updates that may be open on one IOM so that no journal overflows by what they still bring
   * about: each may need a block of its own here for mj and a block on its parities for pj, and all
   * drives' updates may meet in one journal.
   */
  public static int openUpdates(int journalBlocks, int drives) {
    int reserve = journalBlocks * JOURNAL_CLOSING_PERCENT / 100;
    return Math.clamp(reserve / (drives + 2), LEAST_OPEN_UPDATES, OPEN_UPDATES);
  }

  /** Drives of an array whose journals are so large, so that this holds. */
  public static int mostDrives(int journalBlocks) {
    return journalBlocks * JOURNAL_CLOSING_PERCENT / 100 / LEAST_OPEN_UPDATES - 2;
  }

  /** Longer runs pass the block cache by: streams would only wash it out. */
  public static final int CACHED_RUN_BLOCKS = 4;

  /** Share of the journal, in percent, that is kept for closing what is open. */
  private static final int JOURNAL_CLOSING_PERCENT = 25;

  /** Share, in percent, that is kept for recovery: it journals parities that it makes again. */
  private static final int JOURNAL_RECOVERY_PERCENT = 10;

  /** Share of the journal, in percent, beyond which no new update starts. */
  public static final int JOURNAL_FULL_PERCENT =
      100 - JOURNAL_CLOSING_PERCENT - JOURNAL_RECOVERY_PERCENT;

  /** Share of the journal, in percent, beyond which a checkpoint is due. */
  public static final int JOURNAL_CHECKPOINT_PERCENT = 40;
}
