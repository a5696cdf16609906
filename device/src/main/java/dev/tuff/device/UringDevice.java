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
  private int beats;
  private boolean closed;
  private boolean abandoned;

  /** Once it is abandoned: what the kernel has. */
  private volatile int unanswered;

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
    if (closed || abandoned) {
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
    request.begunBeat = beats;
    int slot = freeSlots[--free];
    inFlight[slot] = request;
    request.slot = slot;
    prepare(request);
  }

  private void prepare(IoRequest request) {
    Ring ring = loop.reserve();
    long userData = userDataBase | request.slot;
    switch (request.operation) {
      case READ -> prepareRead(ring, request, userData);
      case WRITE, WRITE_DURABLE -> prepareWrite(ring, request, userData);
      case FLUSH -> ring.prepareDataSync(fileSlot, userData);
      case DISCARD ->
          ring.prepareFallocate(
              fileSlot, PUNCH_HOLE_KEEP_SIZE, request.offsetBytes, request.discardBytes, userData);
    }
  }

  private void prepareRead(Ring ring, IoRequest request, long userData) {
    long offset = request.offsetBytes + request.doneBytes;
    int bufferOffset = request.bufferOffset + request.doneBytes;
    int bytes = request.lengthBytes - request.doneBytes;
    IoBuffer buffer = request.buffer;
    request.unregistered = !buffer.registered;
    if (request.unregistered) {
      ring.prepareRead(fileSlot, offset, buffer.segment(), bufferOffset, bytes, userData);
    } else {
      ring.prepareReadFixed(
          fileSlot, offset, buffer.segment(), bufferOffset, bytes, buffer.region(), userData);
    }
  }

  private void prepareWrite(Ring ring, IoRequest request, long userData) {
    long offset = request.offsetBytes + request.doneBytes;
    int bufferOffset = request.bufferOffset + request.doneBytes;
    int bytes = request.lengthBytes - request.doneBytes;
    IoBuffer buffer = request.buffer;
    boolean durable = request.operation == IoOperation.WRITE_DURABLE && geometry.volatileCache();
    if (buffer.registered) {
      ring.prepareWriteFixed(
          fileSlot,
          offset,
          buffer.segment(),
          bufferOffset,
          bytes,
          buffer.region(),
          durable,
          userData);
    } else {
      ring.prepareWrite(fileSlot, offset, buffer.segment(), bufferOffset, bytes, durable, userData);
    }
  }

  /** Takes a completion from the loop; true if it ended a request. */
  boolean onCompletion(int slot, int answer) {
    if (abandoned) {
      // Nothing is tried again: the buffer is somebody else's by now.
      inFlight[slot] = null;
      freeSlots[free++] = slot;
      unanswered = inFlight.length - free;
      closeIfAnswered();
      return false;
    }
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
    if (abandoned) {
      return;
    }
    pending--;
    request.complete(counters, result, errno);
  }

  @Override
  public int pending() {
    return pending;
  }

  @Override
  public int beat() {
    beats++;
    int oldest = beats;
    for (IoRequest request : inFlight) {
      if (request != null) {
        oldest = Math.min(oldest, request.begunBeat);
      }
    }
    return beats - oldest;
  }

  @Override
  public boolean abandon() {
    // Those that the kernel has not taken yet would look up what is registered later on.
    if (!loop.submitAll()) {
      return false;
    }
    for (IoRequest request : inFlight) {
      if (request != null && request.operation == IoOperation.READ && !letsGo(request)) {
        return false;
      }
    }
    for (IoRequest request : inFlight) {
      if (request != null && request.operation == IoOperation.READ) {
        loop.memory().replace(request.buffer, request.bufferOffset, request.lengthBytes);
      }
    }
    while (waiting.poll() != null) {
      // The drive never hears of it.
    }
    abandoned = true;
    pending = 0;
    unanswered = inFlight.length - free;
    loop.abandoned();
    closeIfAnswered();
    return true;
  }

  /**
   * Whether the pages that the drive reads into can be left to it. Not where the kernel may look
   * them up only now, which it may for memory that is not registered.
   */
  private static boolean letsGo(IoRequest request) {
    boolean wholePages =
        request.bufferOffset % IoMemory.ALIGNMENT_BYTES == 0
            && request.lengthBytes % IoMemory.ALIGNMENT_BYTES == 0;
    return !request.unregistered
        && wholePages
        && request.buffer.memory().replaceable(request.buffer);
  }

  private void closeIfAnswered() {
    if (unanswered == 0) {
      closed = true;
      loop.answered(fileSlot, inFlight.length);
      file.close();
    }
  }

  @Override
  public int unanswered() {
    return unanswered;
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
    if (closed || abandoned) {
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
