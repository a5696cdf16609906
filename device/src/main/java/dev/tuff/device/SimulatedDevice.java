package dev.tuff.device;

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
  private boolean closed;

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
    if (closed) {
      throw new IllegalStateException(name() + " is closed");
    }
    request.begin(drive.geometry());
    request.simulated = this;
    request.hardensUpTo = drive.completedWrites();
    pending++;
    if (working < queueDepth) {
      working++;
      loop.schedule(request);
    } else {
      waiting.add(request);
    }
  }

  /** Completes a request whose time has come. */
  void onDue(IoRequest request) {
    IoResult result = drive.perform(request);
    IoRequest next = waiting.poll();
    if (next != null) {
      loop.schedule(next);
    } else {
      working--;
    }
    pending--;
    request.complete(counters, result, IoErrors.errnoOf(result));
  }

  /** What is worked on now, in order of submission. */
  IoRequest[] inFlight() {
    return loop.inFlight(this);
  }

  /** Ends without completing anything; returns what was worked on. */
  IoRequest[] die() {
    IoRequest[] lost = loop.withdraw(this);
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
    if (closed) {
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
