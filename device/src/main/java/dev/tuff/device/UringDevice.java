package dev.tuff.device;

import dev.tuff.natives.NativeFile;
import dev.tuff.natives.Ring;
import java.nio.file.Path;

/**
 * A file or block device on a {@link UringLoop}: O_DIRECT, registered file and buffers. Opened and
 * closed on the loop's thread (or before it runs), used there only. {@link
 * IoOperation#WRITE_DURABLE} is a write with RWF_DSYNC, {@link IoOperation#FLUSH} an fdatasync,
 * which flushes the drive's cache; both come down to less where no volatile cache is.
 */
public final class UringDevice implements BlockDevice {
  private static final int PUNCH_HOLE_KEEP_SIZE = 3;
  private static final int RETRIES = 1000;

  private final UringLoop loop;
  private final NativeFile file;
  private final String name;
  private final Geometry geometry;
  private final int fileSlot;
  private final long userDataBase;
  private final DeviceCounters counters = new DeviceCounters();

  private final IoRequest[] inFlight;
  private final int[] freeSlots;
  private int free;
  private final RequestQueue waiting = new RequestQueue();
  private int pending;
  private boolean closed;

  private UringDevice(UringLoop loop, NativeFile file, Geometry geometry, int queueDepth) {
    this.loop = loop;
    this.file = file;
    this.name = file.path().toString();
    this.geometry = geometry;
    this.inFlight = new IoRequest[queueDepth];
    this.freeSlots = new int[queueDepth];
    for (int i = 0; i < queueDepth; i++) {
      freeSlots[i] = queueDepth - 1 - i;
    }
    this.free = queueDepth;
    this.fileSlot = loop.attach(this, file.fd(), queueDepth);
    this.userDataBase = (long) fileSlot << 32;
  }

  /**
   * Opens a drive for this process alone.
   *
   * @throws DriveUnusableException with one sentence that says why not
   * @throws IllegalStateException if the loop was made for fewer devices or requests in flight
   */
  public static UringDevice open(UringLoop loop, Path path, DeviceOptions options) {
    NativeFile file = DriveProbe.open(path);
    boolean ready = false;
    try {
      Geometry geometry = DriveProbe.geometry(file, options.minimumBytes());
      UringDevice device = new UringDevice(loop, file, geometry, options.queueDepth());
      ready = true;
      return device;
    } finally {
      if (!ready) {
        file.close();
      }
    }
  }

  /**
   * The size of a drive that nobody has open, and {@link #open} would open.
   *
   * @throws DriveUnusableException with one sentence that says why it would not
   */
  public static long sizeBytes(Path path, long minimumBytes) {
    try (NativeFile file = DriveProbe.open(path)) {
      return DriveProbe.geometry(file, minimumBytes).sizeBytes();
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Geometry geometry() {
    return geometry;
  }

  @Override
  public void submit(IoRequest request) {
    if (closed) {
      throw new IllegalStateException(name + " is closed");
    }
    if (request.buffer != null && request.buffer.memory() != loop.memory()) {
      throw new IllegalArgumentException(
          "the request's buffer is not of the loop's memory: " + request);
    }
    request.begin(geometry);
    request.device = this;
    pending++;
    if (request.operation == IoOperation.FLUSH && !geometry.volatileCache()) {
      request.result = IoResult.OK;
      loop.finishLater(request);
    } else if (request.operation == IoOperation.DISCARD && !geometry.discard()) {
      request.result = IoResult.UNSUPPORTED;
      loop.finishLater(request);
    } else if (free > 0) {
      start(request);
    } else {
      waiting.add(request);
    }
  }

  private void start(IoRequest request) {
    int slot = freeSlots[--free];
    inFlight[slot] = request;
    request.slot = slot;
    prepare(request);
  }

  private void prepare(IoRequest request) {
    Ring ring = loop.reserve();
    long userData = userDataBase | request.slot;
    switch (request.operation) {
      case READ ->
          ring.prepareReadFixed(
              fileSlot,
              request.offsetBytes + request.doneBytes,
              request.buffer.segment(),
              request.bufferOffset + request.doneBytes,
              request.lengthBytes - request.doneBytes,
              request.buffer.region(),
              userData);
      case WRITE, WRITE_DURABLE ->
          ring.prepareWriteFixed(
              fileSlot,
              request.offsetBytes + request.doneBytes,
              request.buffer.segment(),
              request.bufferOffset + request.doneBytes,
              request.lengthBytes - request.doneBytes,
              request.buffer.region(),
              request.operation == IoOperation.WRITE_DURABLE && geometry.volatileCache(),
              userData);
      case FLUSH -> ring.prepareDataSync(fileSlot, userData);
      case DISCARD ->
          ring.prepareFallocate(
              fileSlot, PUNCH_HOLE_KEEP_SIZE, request.offsetBytes, request.discardBytes, userData);
    }
  }

  /** Takes a completion from the loop; true if it ended a request. */
  boolean onCompletion(int slot, int answer) {
    IoRequest request = inFlight[slot];
    if (answer < 0) {
      int errno = -answer;
      if (IoErrors.isTransient(errno) && request.retries++ < RETRIES) {
        prepare(request);
        return false;
      }
      return end(request, IoErrors.resultOf(errno), errno);
    }
    int left = request.lengthBytes - request.doneBytes;
    if (answer >= left) {
      request.doneBytes += left;
      return end(request, IoResult.OK, 0);
    }
    return onShortTransfer(request, answer);
  }

  private boolean onShortTransfer(IoRequest request, int bytes) {
    // What goes on must be aligned again; a drive that does not get on by a single block does not
    // go on.
    int whole = bytes & -geometry.alignmentBytes();
    if (whole == 0) {
      return end(request, IoResult.MEDIA_ERROR, 0);
    }
    request.doneBytes += whole;
    prepare(request);
    return false;
  }

  private boolean end(IoRequest request, IoResult result, int errno) {
    int slot = request.slot;
    inFlight[slot] = null;
    freeSlots[free++] = slot;
    IoRequest next = waiting.poll();
    if (next != null) {
      start(next);
    }
    finish(request, result, errno);
    return true;
  }

  /** Hands a request back. */
  void finish(IoRequest request, IoResult result, int errno) {
    pending--;
    request.complete(counters, result, errno);
  }

  @Override
  public int pending() {
    return pending;
  }

  @Override
  public int queueDepth() {
    return inFlight.length;
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
      throw new IllegalStateException(name + " has " + pending + " requests in flight");
    }
    loop.detach(fileSlot, inFlight.length);
    closed = true;
    file.close();
  }

  @Override
  public String toString() {
    return name;
  }
}
