package dev.tuff.device;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * A {@link SimulatedDrive} opened on a {@link SimulatedLoop}. A write takes effect when it
 * completes, a read sees what is there when it completes; requests complete in any order.
 */
public final class SimulatedDevice implements BlockDevice {
  private final SimulatedLoop loop;
  private final SimulatedDrive drive;
  private final int queueDepth;
  private final DeviceCounters counters = new DeviceCounters();
  private final RequestQueue waiting = new RequestQueue();
  private int working;
  private int pending;
  private int beats;
  private boolean closed;
  private boolean abandoned;

  /** Requests that the drive never answers. */
  private final List<IoRequest> never = new ArrayList<>();

  private SimulatedDevice(SimulatedLoop loop, SimulatedDrive drive, int queueDepth) {
    this.loop = loop;
    this.drive = drive;
    this.queueDepth = queueDepth;
  }

  /**
   * Opens a drive.
   *
   * @throws DriveUnusableException if it is open already, has vanished or is too small
   */
  public static SimulatedDevice open(
      SimulatedLoop loop, SimulatedDrive drive, DeviceOptions options) {
    if (drive.geometry().sizeBytes() < options.minimumBytes()) {
      throw new DriveUnusableException(
          DriveUnusableException.Reason.TOO_SMALL,
          drive.name()
              + " has "
              + drive.geometry().sizeBytes()
              + " bytes; at least "
              + options.minimumBytes()
              + " are needed");
    }
    SimulatedDevice device = new SimulatedDevice(loop, drive, options.queueDepth());
    drive.open(device);
    loop.attach();
    return device;
  }

  @Override
  public String name() {
    return drive.name();
  }

  @Override
  public Geometry geometry() {
    return drive.geometry();
  }

  @Override
  public void submit(IoRequest request) {
    if (closed || abandoned) {
      throw new IllegalStateException(name() + " is closed");
    }
    request.begin(drive.geometry());
    request.simulated = this;
    request.hung = false;
    request.hardensUpTo = drive.completedWrites();
    pending++;
    if (working < queueDepth) {
      working++;
      start(request);
    } else {
      waiting.add(request);
    }
  }

  private void start(IoRequest request) {
    request.begunBeat = beats;
    loop.schedule(request);
  }

  /** Completes a request whose time has come. */
  void onDue(IoRequest request) {
    if (!request.hung && drive.hangs(request)) {
      request.hung = true;
      long nanos = drive.hangingNanos();
      if (nanos == Hang.FOR_EVER) {
        never.add(request);
      } else {
        loop.postpone(request, nanos);
      }
      return;
    }
    if (abandoned) {
      lateAnswer(request);
      return;
    }
    IoResult result = drive.perform(request);
    IoRequest next = waiting.poll();
    if (next != null) {
      start(next);
    } else {
      working--;
    }
    pending--;
    request.complete(counters, result, IoErrors.errnoOf(result));
  }

  /** Those that hang, but not for ever, are answered after such a time. */
  void answer(LongSupplier nanos) {
    for (IoRequest request : loop.inFlight(this)) {
      if (request.hung) {
        loop.withdraw(request);
        loop.postpone(request, nanos.getAsLong());
      }
    }
  }

  /** What comes after nobody waits for it any more. */
  private void lateAnswer(IoRequest request) {
    // Of a read, into pages that nobody sees.
    if (request.operation != IoOperation.READ) {
      drive.perform(request);
    }
    working--;
    closeIfAnswered();
  }

  private void closeIfAnswered() {
    if (working == 0) {
      closed = true;
      drive.release();
      loop.detach();
    }
  }

  @Override
  public int beat() {
    beats++;
    int oldest = beats;
    for (IoRequest request : inFlight()) {
      oldest = Math.min(oldest, request.begunBeat);
    }
    return beats - oldest;
  }

  @Override
  public boolean abandon() {
    for (IoRequest request : inFlight()) {
      if (request.operation == IoOperation.READ) {
        IoBuffer buffer = request.buffer;
        buffer.memory().replace(buffer, request.bufferOffset, request.lengthBytes);
      }
    }
    while (waiting.poll() != null) {
      // The drive never hears of it.
    }
    abandoned = true;
    pending = 0;
    closeIfAnswered();
    return true;
  }

  @Override
  public int unanswered() {
    return abandoned ? working : 0;
  }

  /** What is worked on now, in order of submission. */
  IoRequest[] inFlight() {
    List<IoRequest> all = new ArrayList<>(never);
    all.addAll(List.of(loop.inFlight(this)));
    all.sort((a, b) -> Long.compare(a.order, b.order));
    return all.toArray(IoRequest[]::new);
  }

  /** Ends without completing anything; returns what was worked on. */
  IoRequest[] die() {
    IoRequest[] lost = inFlight();
    loop.withdraw(this);
    never.clear();
    loop.detach();
    closed = true;
    pending = 0;
    return lost;
  }

  int slowness() {
    return drive.slowness();
  }

  @Override
  public int pending() {
    return pending;
  }

  @Override
  public int queueDepth() {
    return queueDepth;
  }

  @Override
  public DeviceCounters counters() {
    return counters;
  }

  @Override
  public void close() {
    if (closed || abandoned) {
      return;
    }
    if (pending > 0) {
      throw new IllegalStateException(name() + " has " + pending + " requests in flight");
    }
    closed = true;
    drive.release();
    loop.detach();
  }

  @Override
  public String toString() {
    return name();
  }
}
