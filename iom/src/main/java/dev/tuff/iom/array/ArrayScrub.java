package dev.tuff.iom.array;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.object.BlockMap;
import dev.tuff.iom.scrub.Scrub;
import dev.tuff.iom.scrub.ScrubPosition;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Reads and checks everything that the drives of a running array hold, all drives at the same time,
 * beside whatever else the array does. Goes on from where another was stopped, and over the failure
 * of a drive. One ordinary thread.
 */
public final class ArrayScrub {
  private static final String START = "0/data/0/0";

  /** What it found on one drive, and how far it is there. */
  public static final class DriveProgress {
    private ScrubPosition position;
    private long blocks;
    private long damaged;
    private long repaired;
    private long lost;
    private long unconfirmed;

    /** At the beginning. */
    public DriveProgress() {
      this(START, 0, 0, 0, 0, 0);
    }

    /**
     * As it was stopped.
     *
     * @param at what {@link #at} said
     * @throws IllegalArgumentException when {@code at} is nothing that it says
     */
    public DriveProgress(
        String at, long blocks, long damaged, long repaired, long lost, long unconfirmed) {
      this.position = position(at);
      this.blocks = blocks;
      this.damaged = damaged;
      this.repaired = repaired;
      this.lost = lost;
      this.unconfirmed = unconfirmed;
    }

    private static ScrubPosition position(String at) {
      String[] parts = at.split("/", -1);
      if (parts.length != 4) {
        throw new IllegalArgumentException("no position of a scrub: " + at);
      }
      return new ScrubPosition(
          Long.parseLong(parts[0]),
          map(parts[1]),
          Long.parseLong(parts[2]),
          Integer.parseInt(parts[3]));
    }

    private static BlockMap map(String name) {
      for (BlockMap map : BlockMap.values()) {
        if (map.label().equals(name)) {
          return map;
        }
      }
      throw new IllegalArgumentException("no map of a volume: " + name);
    }

    /** How far it is, to be kept and given back; everything before it was read. */
    public String at() {
      return position.gfid()
          + "/"
          + position.map().label()
          + "/"
          + position.leaf()
          + "/"
          + position.entry();
    }

    public long blocks() {
      return blocks;
    }

    public long damaged() {
      return damaged;
    }

    public long repaired() {
      return repaired;
    }

    public long lost() {
      return lost;
    }

    public long unconfirmed() {
      return unconfirmed;
    }
  }

  /** Hears how far it has come, after each step. */
  @FunctionalInterface
  public interface Listener {
    /**
     * A step is over, and nothing is under way.
     *
     * @param bytes read by this run
     * @param drives one for each drive of the array
     */
    void onStep(long bytes, List<DriveProgress> drives);
  }

  /** {@link #run} has been ended by {@link #stop}, between two steps. */
  public static final class Stopped extends RuntimeException {
    private static final long serialVersionUID = 1;

    Stopped() {
      super("stopped");
    }
  }

  /** Before it tries again when a step got nowhere: buffers are with someone more urgent. */
  private static final long IDLE_MILLIS = 10;

  private final CountDownLatch stopping = new CountDownLatch(1);
  private final Array array;
  private final long bytesPerSecond;
  private final boolean verifyParity;
  private final List<DriveProgress> drives;
  private final Listener listener;
  private long bytes;

  /**
   * A scrub of the array.
   *
   * @param bytesPerSecond of all drives together; 0: as fast as it goes
   * @param verifyParity whether sound parity is compared with what its members make
   * @param from how far an earlier one has come, one for each drive of the array
   */
  public ArrayScrub(
      Array array,
      long bytesPerSecond,
      boolean verifyParity,
      List<DriveProgress> from,
      Listener listener) {
    this.array = array;
    this.bytesPerSecond = bytesPerSecond;
    this.verifyParity = verifyParity;
    this.drives = List.copyOf(from);
    this.listener = listener;
  }

  /**
   * For an array that is scrubbed from where another scrub was stopped. Drives that were added
   * since are scrubbed from their beginnings.
   *
   * @param noted of that one; empty for a scrub from the beginning
   */
  public static List<DriveProgress> forDrives(int driveCount, List<DriveProgress> noted) {
    List<DriveProgress> drives = new ArrayList<>(noted);
    while (drives.size() < driveCount) {
      drives.add(new DriveProgress());
    }
    return drives;
  }

  /** Ends {@link #run} after the step that is under way; from any thread. */
  public void stop() {
    stopping.countDown();
  }

  /**
   * Goes over all drives up to their ends.
   *
   * @throws Stopped when {@link #stop} was called before that
   */
  public ScrubReport run() {
    long begun = System.nanoTime();
    array.inOneGo(
        () -> {
          steps(begun);
          return null;
        });
    List<ScrubReport.ScrubbedDrive> scrubbed = new ArrayList<>();
    for (int d = 0; d < drives.size(); d++) {
      DriveProgress drive = drives.get(d);
      if (array.present(d)) {
        scrubbed.add(
            new ScrubReport.ScrubbedDrive(
                d,
                array.drivePath(d),
                drive.blocks,
                drive.damaged,
                drive.repaired,
                drive.lost,
                drive.unconfirmed));
      }
    }
    return new ScrubReport(scrubbed);
  }

  /** One drive's part, while its IOM is there. */
  private record Part(int drive, Iom iom, Scrub scrub) {}

  /** Steps until all are through; when a drive fails in it, it is called again. */
  private void steps(long begun) {
    List<Part> parts = new ArrayList<>();
    for (int d = 0; d < drives.size(); d++) {
      ScrubPosition from = drives.get(d).position;
      if (array.present(d) && !from.equals(ScrubPosition.END)) {
        int drive = d;
        Part part =
            array.await(
                array.onIom(
                    d,
                    (iom, done) ->
                        done.complete(new Part(drive, iom, iom.scrub(from, verifyParity)))));
        parts.add(part);
        drives.get(d).position = part.scrub.position();
      }
    }
    parts.removeIf(part -> part.scrub.over());
    while (!parts.isEmpty()) {
      long before = bytes;
      step(parts);
      listener.onStep(bytes, drives);
      pace(begun, bytes == before);
      parts.removeIf(part -> part.scrub.over());
    }
  }

  /** What one step has found. */
  private record Found(
      ScrubPosition position,
      long blocks,
      long damaged,
      long repaired,
      long lost,
      long unconfirmed) {
    static Found of(Scrub scrub) {
      return new Found(
          scrub.position(),
          scrub.blocks(),
          scrub.damaged(),
          scrub.repaired(),
          scrub.lost(),
          scrub.unconfirmed());
    }
  }

  /** One step of each drive that is not done, side by side. */
  private void step(List<Part> parts) {
    List<Found> before = new ArrayList<>();
    List<CompletableFuture<Found>> steps = new ArrayList<>();
    for (Part part : parts) {
      before.add(Found.of(part.scrub));
      steps.add(
          array.onIom(
              part.drive,
              (iom, done) -> {
                // Not that of an IOM that has stopped: its buffers are another's now.
                if (iom == part.iom) {
                  part.scrub.step(() -> done.complete(Found.of(part.scrub)));
                }
              }));
    }
    for (int i = 0; i < parts.size(); i++) {
      Found now = array.await(steps.get(i));
      Found then = before.get(i);
      DriveProgress drive = drives.get(parts.get(i).drive);
      drive.position = now.position;
      drive.blocks += now.blocks - then.blocks;
      drive.damaged += now.damaged - then.damaged;
      drive.repaired += now.repaired - then.repaired;
      drive.lost += now.lost - then.lost;
      drive.unconfirmed += now.unconfirmed - then.unconfirmed;
      bytes += (now.blocks - then.blocks) * Drive.BLOCK_BYTES;
    }
  }

  private void pace(long begun, boolean idle) {
    long dueNanos = bytesPerSecond == 0 ? 0 : (long) (bytes * 1e9 / bytesPerSecond);
    long aheadMillis = (dueNanos - (System.nanoTime() - begun)) / 1_000_000;
    try {
      if (stopping.await(Math.max(aheadMillis, idle ? IDLE_MILLIS : 0), TimeUnit.MILLISECONDS)) {
        throw new Stopped();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ArrayException("The scrub was interrupted.", e);
    }
  }
}
