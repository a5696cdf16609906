package dev.tuff.iom.drive;

import dev.tuff.device.IoLoop;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds drives that hang: that leave a request unanswered beyond a limit. Looks at those of one
 * loop a few times within the limit while anything is under way on them, and not at all otherwise;
 * a request costs nothing for it but a note of the beat in which it began. On the loop's thread.
 */
public final class HangWatch {
  /** Beats within the limit: so a drive that hangs is found an eighth of the limit late at most. */
  static final int BEATS = 8;

  private final IoLoop loop;
  private final long limitNanos;
  private final List<Drive> watched = new ArrayList<>();
  private boolean armed;

  /**
   * For the drives of a loop.
   *
   * @param limitNanos how long the drive itself may take for a request: reads, writes and flushes
   */
  public HangWatch(IoLoop loop, long limitNanos) {
    this.loop = loop;
    this.limitNanos = limitNanos;
  }

  /** What a drive does that hangs, in words. */
  String sentence() {
    long tenths = limitNanos / 100_000_000;
    String seconds = tenths % 10 == 0 ? "" + tenths / 10 : tenths / 10 + "." + tenths % 10;
    return "it did not answer for " + seconds + " s";
  }

  /** Something is under way on a drive that had nothing. */
  void add(Drive drive) {
    watched.add(drive);
    if (!armed) {
      arm();
    }
  }

  private void arm() {
    armed = true;
    loop.timer(limitNanos / BEATS, this::beat);
  }

  private void beat() {
    armed = false;
    // What a drive's failure brings about may have others watched.
    for (Drive drive : List.copyOf(watched)) {
      if (!drive.beat()) {
        watched.remove(drive);
      }
    }
    if (!watched.isEmpty() && !armed) {
      arm();
    }
  }
}
