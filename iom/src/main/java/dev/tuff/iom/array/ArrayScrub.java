package dev.tuff.iom.array;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.scrub.Scrub;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongConsumer;

/**
 * Reads and checks everything that the drives of a running array hold, all drives at the same time,
 * beside whatever else the array does. One ordinary thread.
 */
public final class ArrayScrub {
  private final Array array;
  private final long bytesPerSecond;
  private final LongConsumer progress;
  private long bytes;

  /**
   * @param bytesPerSecond of all drives together; 0: as fast as it goes
   * @param progress told of the bytes read so far
   */
  public ArrayScrub(Array array, long bytesPerSecond, LongConsumer progress) {
    this.array = array;
    this.bytesPerSecond = bytesPerSecond;
    this.progress = progress;
  }

  /** Goes once over all drives. */
  public ScrubReport run() {
    List<Scrub> scrubs = new ArrayList<>();
    for (int d = 0; d < array.driveCount(); d++) {
      scrubs.add(array.present(d) ? start(d) : null);
    }
    long begun = System.nanoTime();
    boolean more = true;
    while (more) {
      more = step(scrubs);
      progress.accept(bytes);
      pace(begun);
    }
    List<ScrubReport.ScrubbedDrive> drives = new ArrayList<>();
    for (int d = 0; d < scrubs.size(); d++) {
      Scrub scrub = scrubs.get(d);
      if (scrub != null) {
        drives.add(
            new ScrubReport.ScrubbedDrive(
                d,
                array.drivePath(d),
                scrub.blocks(),
                scrub.damaged(),
                scrub.repaired(),
                scrub.lost()));
      }
    }
    return new ScrubReport(drives);
  }

  private Scrub start(int drive) {
    return array.await(array.onIom(drive, (iom, done) -> done.complete(iom.scrub())));
  }

  /** One step of each drive that is not done, side by side. */
  private boolean step(List<Scrub> scrubs) {
    List<CompletableFuture<Long>> steps = new ArrayList<>();
    for (int d = 0; d < scrubs.size(); d++) {
      Scrub scrub = scrubs.get(d);
      if (scrub != null && !scrub.over()) {
        long before = scrub.blocks();
        steps.add(
            array.onIom(
                d, (iom, done) -> scrub.step(() -> done.complete(scrub.blocks() - before))));
      }
    }
    for (CompletableFuture<Long> step : steps) {
      bytes += array.await(step) * Drive.BLOCK_BYTES;
    }
    return !steps.isEmpty();
  }

  private void pace(long begun) {
    if (bytesPerSecond == 0) {
      return;
    }
    long dueNanos = (long) (bytes * 1e9 / bytesPerSecond);
    long aheadMillis = (dueNanos - (System.nanoTime() - begun)) / 1_000_000;
    if (aheadMillis > 0) {
      try {
        Thread.sleep(aheadMillis);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new ArrayException("The scrub was interrupted.", e);
      }
    }
  }
}
