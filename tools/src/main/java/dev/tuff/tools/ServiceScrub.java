package dev.tuff.tools;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.ArrayException;
import dev.tuff.iom.array.ArrayScrub;
import dev.tuff.iom.array.ArrayScrub.DriveProgress;
import dev.tuff.iom.array.ArrayStatus;
import dev.tuff.iom.array.ScrubReport;
import dev.tuff.tools.ScrubState.Last;
import dev.tuff.tools.ScrubState.Note;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Scrubs the array of a service, by its schedule and when it is asked to, on a thread of its own
 * that sleeps until the next one is due. What it has read stays read over a restart.
 */
final class ServiceScrub implements AutoCloseable {
  private static final long NOTED_EVERY_NANOS = 5_000_000_000L;

  /** After a scrub that could not go on for another reason than the end of the service. */
  private static final Duration AGAIN_AFTER = Duration.ofHours(1);

  private final Array array;
  private final ScrubSchedule schedule;
  private final ScrubState state;
  private final Consumer<String> log;
  private final InstantSource clock;
  private final Thread thread;
  private Note note;
  private Instant notBefore = Instant.MIN;
  private ArrayScrub current;
  private ScrubReport report;
  private boolean asked;
  private boolean running;
  private boolean closed;
  private int ended;
  private volatile long readBytes;
  private String complaint;

  /**
   * Begins to wait for the first one.
   *
   * @param file where it notes how far it is
   * @param log hears a line for each beginning, finding and end
   */
  ServiceScrub(
      Array array, ScrubSchedule schedule, Path file, Consumer<String> log, InstantSource clock) {
    ArrayStatus status = array.status();
    this.array = array;
    this.schedule = schedule;
    this.state = new ScrubState(file, status.uuid());
    this.log = log;
    this.clock = clock;
    this.note = read(status.driveCount());
    this.thread = Thread.ofPlatform().name("tuff-scrub").daemon(true).start(this::run);
  }

  private Note read(int driveCount) {
    try {
      return state.read(driveCount);
    } catch (CommandException e) {
      log.accept("scrub: " + e.getMessage());
      return Note.NONE;
    }
  }

  /** What is to be said of it now. */
  synchronized ScrubInfo info() {
    return new ScrubInfo(
        note.last(), due(), running, running ? readBytes : ScrubInfo.readBytes(note));
  }

  /** Begins one, or goes on with one that was stopped, unless one is under way. */
  synchronized void ask() {
    asked = !running;
    notifyAll();
  }

  /** True while one goes on or is about to. */
  synchronized boolean busy() {
    return thread.isAlive() && (running || asked);
  }

  /** How many have come to their ends in this run of the service. */
  synchronized int ended() {
    return ended;
  }

  /** What the last of them has found; null before that. */
  synchronized ScrubReport report() {
    return report;
  }

  private Instant due() {
    Instant due = schedule.due(note, clock.instant());
    return due != null && due.isBefore(notBefore) ? notBefore : due;
  }

  private void run() {
    try {
      while (awaitDue()) {
        scrub();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Sleeps until one is to begin; false when the service ends. */
  private synchronized boolean awaitDue() throws InterruptedException {
    running = false;
    current = null;
    while (!closed) {
      Instant due = due();
      long millis = due == null ? 0 : Duration.between(clock.instant(), due).toMillis() + 1;
      if (asked || (due != null && millis <= 1)) {
        asked = false;
        running = true;
        return true;
      }
      wait(millis);
    }
    return false;
  }

  private void scrub() {
    Instant begun = clock.instant();
    boolean goesOn = note.underWay();
    List<DriveProgress> drives = ArrayScrub.forDrives(array.status().driveCount(), note.drives());
    readBytes = ScrubInfo.readBytes(note);
    log.accept(
        goesOn
            ? "scrub goes on where it was, " + ByteSize.brief(readBytes) + " read"
            : "scrub begins");
    Steps steps = new Steps(drives, readBytes);
    ArrayScrub scrub =
        new ArrayScrub(
            array, schedule.rate() == null ? 0 : schedule.rate().bytes(), true, drives, steps);
    synchronized (this) {
      if (closed) {
        return;
      }
      current = scrub;
    }
    try {
      end(scrub.run());
    } catch (TimeIsUp stopped) {
      keep(note().with(drives, begun));
      log.accept("scrub pauses, " + ByteSize.brief(readBytes) + " read" + nextOne());
    } catch (ArrayScrub.Stopped stopped) {
      keep(note().with(drives, null));
      log.accept("scrub stops, " + ByteSize.brief(readBytes) + " read; it goes on there");
    } catch (ArrayException failed) {
      keep(note().with(drives, null));
      log.accept("scrub can't go on: " + failed.getMessage());
      synchronized (this) {
        notBefore = clock.instant().plus(AGAIN_AFTER);
        closed |= array.failure() != null;
      }
    }
  }

  private void end(ScrubReport found) {
    Last last = Last.of(found, clock.instant());
    synchronized (this) {
      report = found;
      ended++;
    }
    keep(new Note(List.of(), null, last));
    log.accept("scrub ended: " + ScrubInfo.found(last) + nextOne());
  }

  private synchronized String nextOne() {
    Instant due = due();
    return due == null ? "" : "; next one due " + ScrubInfo.time(due);
  }

  private synchronized Note note() {
    return note;
  }

  private void keep(Note now) {
    synchronized (this) {
      note = now;
    }
    try {
      state.write(now);
      complaint = null;
    } catch (CommandException e) {
      if (!e.getMessage().equals(complaint)) {
        complaint = e.getMessage();
        log.accept("scrub: " + complaint);
      }
    }
  }

  /** Ends a part of a scrub. */
  private static final class TimeIsUp extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** After each step: says what it has found, notes where it is. */
  private final class Steps implements ArrayScrub.Listener {
    private final long readBefore;
    private final long begun = System.nanoTime();
    private final List<long[]> known = new ArrayList<>();
    private long notedAt = begun;

    Steps(List<DriveProgress> drives, long readBefore) {
      this.readBefore = readBefore;
      drives.forEach(drive -> known.add(counts(drive)));
    }

    private static long[] counts(DriveProgress drive) {
      return new long[] {drive.damaged(), drive.repaired(), drive.lost(), drive.unconfirmed()};
    }

    @Override
    public void onStep(long bytes, List<DriveProgress> drives) {
      readBytes = readBefore + bytes;
      for (int d = 0; d < drives.size(); d++) {
        long[] before = known.set(d, counts(drives.get(d)));
        say(d, before, known.get(d));
      }
      long now = System.nanoTime();
      if (schedule.minutes() != null && now - begun > schedule.minutes() * 60e9) {
        throw new TimeIsUp();
      }
      if (now - notedAt > NOTED_EVERY_NANOS) {
        notedAt = now;
        keep(note().with(drives, null));
      }
    }

    private void say(int drive, long[] before, long[] now) {
      if (now[0] > before[0]) {
        log.accept(
            "scrub: drive %d had %d damaged blocks, %d of them repaired, %d lost"
                .formatted(drive, now[0] - before[0], now[1] - before[1], now[2] - before[2]));
      }
      if (now[3] > before[3]) {
        log.accept(
            "scrub: drive %d has %d parity blocks that are not what their members make"
                .formatted(drive, now[3] - before[3]));
      }
    }
  }

  /** Ends what is under way between two steps; it goes on there after the next start. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      if (current != null) {
        current.stop();
      }
      notifyAll();
    }
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
