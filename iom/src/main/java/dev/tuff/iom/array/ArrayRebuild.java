package dev.tuff.iom.array;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.rebuild.RebuildProgress;
import java.util.ArrayList;
import java.util.List;

/**
 * Decides how much of a running array's rebuilds goes on at a time, by the policy and by what
 * clients do: with nobody there they go on as fast as they can. An ordinary thread of its own while
 * a drive is being rebuilt. Any thread may ask it.
 */
final class ArrayRebuild implements AutoCloseable {
  private static final long TICK_MILLIS = 5;

  /** Nobody has asked for anything for so long: the array is idle. */
  private static final long IDLE_NANOS = 100_000_000L;

  private static final long MEASURE_NANOS = 500_000_000L;

  private static final int FULL_SPEED = 48;
  private static final int BALANCED_RUNS = 2;

  /** Beside clients that go first it goes on in one tick of so many. */
  private static final int SERVICE_TICKS = 16;

  private final Array array;
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

  ArrayRebuild(Array array) {
    this.array = array;
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

  private void run() {
    long lastAccepted = -1;
    long busyAt = System.nanoTime() - IDLE_NANOS;
    int tick = 0;
    while (!stopped && array.failure() == null) {
      long accepted = array.requestsAccepted();
      if (accepted != lastAccepted || array.requestsInside()) {
        busyAt = lastAccepted < 0 ? busyAt : System.nanoTime();
        lastAccepted = accepted;
      }
      boolean idle = System.nanoTime() - busyAt > IDLE_NANOS;
      apply(runs(idle, tick++));
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

  /** Unless there is something to do again by now. */
  private synchronized boolean ended() {
    if (array.anythingToDo()) {
      return false;
    }
    thread = null;
    return true;
  }

  private int runs(boolean idle, int tick) {
    if (idle) {
      return FULL_SPEED;
    }
    return switch (policy) {
      case SERVICE -> tick % SERVICE_TICKS == 0 ? 1 : 0;
      case BALANCED -> BALANCED_RUNS;
      case REBUILD -> FULL_SPEED;
    };
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
