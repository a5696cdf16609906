package dev.tuff.iom.array;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.rebuild.RebuildProgress;
import java.util.ArrayList;
import java.util.List;

/**
 * Has as much of a running array's rebuilds go on at a time as their {@link RebuildPace} says. An
 * ordinary thread of its own while a drive is being rebuilt. Any thread may ask it.
 */
final class ArrayRebuild implements AutoCloseable {
  private static final long TICK_MILLIS = 5;

  private static final long MEASURE_NANOS = 500_000_000L;

  private final Array array;
  private final AssembleOptions.DriveListener listener;
  private final Measured[] measured;
  private volatile RebuildPolicy policy = RebuildPolicy.SERVICE;
  private volatile boolean stopped;
  private Thread thread;

  /** Of one drive; written by the shard that was asked. */
  private static final class Measured {
    volatile RebuildProgress progress;
    volatile long bytesPerSecond;
    private long blocksBefore;
    private long nanosBefore;

    /** Of the rebuild's thread: whether it lacked something the last time. */
    private boolean incomplete;

    void note(RebuildProgress now, long nanos) {
      progress = now;
      long elapsed = nanos - nanosBefore;
      long blocks = now.rebuiltBlocks() + now.keptBlocks();
      if (nanosBefore == 0 || blocks < blocksBefore) {
        nanosBefore = nanos;
        blocksBefore = blocks;
      } else if (elapsed >= MEASURE_NANOS) {
        long bytes = (blocks - blocksBefore) * Drive.BLOCK_BYTES;
        long speed = (long) (bytes * 1e9 / elapsed);
        bytesPerSecond = bytesPerSecond == 0 ? speed : (bytesPerSecond + speed) / 2;
        nanosBefore = nanos;
        blocksBefore = blocks;
      }
    }
  }

  ArrayRebuild(Array array, AssembleOptions.DriveListener listener) {
    this.array = array;
    this.listener = listener;
    this.measured = new Measured[array.mostDrives()];
    for (int d = 0; d < measured.length; d++) {
      measured[d] = new Measured();
    }
  }

  /** Goes on with what is to be rebuilt, if anything is. */
  synchronized void start() {
    if (!stopped && thread == null && array.anythingToDo()) {
      thread = Thread.ofPlatform().name("tuff-rebuild").daemon(true).start(this::run);
    }
  }

  void setPolicy(RebuildPolicy newPolicy) {
    policy = newPolicy;
  }

  /** True while clients go first. */
  boolean serviceFirst() {
    return policy == RebuildPolicy.SERVICE;
  }

  private void run() {
    RebuildPace pace = new RebuildPace(System.nanoTime());
    while (!stopped && array.failure() == null) {
      apply(pace.runs(policy, array.requestsAccepted(), array.requestsInside(), System.nanoTime()));
      tellWhatIsComplete();
      if (!array.anythingToDo() && ended()) {
        array.onRebuilt();
        return;
      }
      try {
        Thread.sleep(TICK_MILLIS);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void tellWhatIsComplete() {
    for (int d = 0; d < measured.length; d++) {
      int drive = d;
      Measured of = measured[d];
      boolean incomplete = array.incomplete(d);
      if (of.incomplete && !incomplete) {
        array.onDrive(
            d,
            iom -> {
              // None where it has only ceased to be asked for more, after another start.
              if (iom.rebuild() != null) {
                listener.onRebuilt(drive, iom.rebuild().progress().lostBlocks());
              }
            });
      }
      of.incomplete = incomplete;
    }
  }

  /** Unless there is something to do again by now. */
  private synchronized boolean ended() {
    if (array.anythingToDo()) {
      return false;
    }
    thread = null;
    return true;
  }

  private void apply(int runs) {
    for (int d = 0; d < measured.length; d++) {
      Measured of = measured[d];
      array.onDrive(
          d,
          iom -> {
            iom.releaseStandIns(stopped ? 0 : runs);
            if (iom.rebuild() != null) {
              iom.rebuild().inBackground(stopped ? 0 : runs);
              of.note(iom.rebuild().progress(), System.nanoTime());
            }
          });
    }
  }

  /** What is known of a drive's rebuild; null when none was under way in this run of the array. */
  RebuildInfo info(int drive, RebuildProgress now) {
    Measured of = measured[drive];
    RebuildProgress progress = now == null ? of.progress : now;
    if (progress == null) {
      return null;
    }
    return new RebuildInfo(
        drive,
        progress.totalBlocks() * Drive.BLOCK_BYTES,
        Math.max(0, progress.totalBlocks() - progress.passedBlocks()) * Drive.BLOCK_BYTES,
        progress.rebuiltBlocks() * Drive.BLOCK_BYTES,
        progress.keptBlocks() * Drive.BLOCK_BYTES,
        of.bytesPerSecond,
        progress.lostBlocks());
  }

  /** All that is known. */
  List<RebuildInfo> infos() {
    List<RebuildInfo> infos = new ArrayList<>();
    for (int d = 0; d < measured.length; d++) {
      RebuildInfo info = info(d, null);
      if (info != null) {
        infos.add(info);
      }
    }
    return infos;
  }

  /** Nothing is begun any more. */
  @Override
  public void close() {
    stopped = true;
    Thread running;
    synchronized (this) {
      running = thread;
    }
    if (running != null) {
      try {
        running.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
