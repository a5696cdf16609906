package dev.tuff.iom.array;

/**
 * How much of a rebuild goes on at a time, by the policy and by what clients do: with nobody there
 * it goes on as fast as it can, and in the gaps between requests a little slower, so that the next
 * one does not have to wait for long. Asked every few milliseconds, by one thread.
 */
final class RebuildPace {
  /** Segments at a time with nobody there. */
  static final int FULL = 128;

  /** In a gap between requests: what a drive has done in some milliseconds. */
  static final int IN_A_GAP = 8;

  /** Beside requests, when nobody goes first: every second time that it is asked. */
  static final int BALANCED = 2;

  /** Beside requests that go first it goes on every so many times that it is asked. */
  static final int SERVICE_TIMES = 16;

  /** Nobody has asked for anything for so long: nobody is there. */
  static final long NOBODY_NANOS = 100_000_000L;

  private long lastAccepted = -1;
  private long busyAt;
  private int times;

  RebuildPace(long nanos) {
    busyAt = nanos - NOBODY_NANOS - 1;
  }

  /**
   * Segments that may be under way at the same time from now on.
   *
   * @param accepted requests of clients so far
   * @param inside whether any of them is not answered
   */
  int runs(RebuildPolicy policy, long accepted, boolean inside, long nanos) {
    boolean first = lastAccepted < 0;
    boolean busy = inside || (!first && accepted != lastAccepted);
    lastAccepted = accepted;
    if (busy) {
      busyAt = nanos;
    }
    times++;
    if (policy == RebuildPolicy.REBUILD || nanos - busyAt > NOBODY_NANOS) {
      return FULL;
    }
    if (!busy) {
      return IN_A_GAP;
    }
    if (policy == RebuildPolicy.BALANCED) {
      return times % 2 == 0 ? BALANCED : 0;
    }
    return times % SERVICE_TIMES == 0 ? 1 : 0;
  }
}
