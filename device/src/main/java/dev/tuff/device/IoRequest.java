package dev.tuff.device;

/**
 * One operation on a {@link BlockDevice}: allocated once by its owner and used again and again.
 * Between {@link BlockDevice#submit} and {@link IoHandler#onIo} it belongs to the device and must
 * not be touched. Not thread-safe.
 */
public final class IoRequest {
  /** Receives the completion. */
  public final IoHandler handler;

  /** What the handler finds the operation by; never touched by the device. */
  public final Object owner;

  /** Free for the owner, for example an index within it; never touched by the device. */
  public int tag;

  /** Free for an owner that lends its requests to many operations; never touched by the device. */
  public Object context;

  // Package-private: the device reads these while the request is its own.
  IoOperation operation;
  long offsetBytes;
  int lengthBytes;
  IoBuffer buffer;
  int bufferOffset;
  long discardBytes;

  int doneBytes;
  IoResult result;
  int errno;
  boolean submitted;
  IoRequest next;
  int slot;
  int retries;
  UringDevice device;
  SimulatedDevice simulated;
  long dueNanos;
  long order;
  long hardensUpTo;

  /** Of a simulated drive: it hangs, or has. */
  boolean hung;

  /** The device's beat in which it was given to the drive. */
  int begunBeat;

  /** Prepared for memory that was not registered: the kernel may look its pages up later. */
  boolean unregistered;

  public IoRequest(IoHandler handler, Object owner) {
    this.handler = handler;
    this.owner = owner;
  }

  /**
   * Makes this a read of {@code lengthBytes} at {@code offsetBytes} into {@code buffer} from {@code
   * bufferOffset} on. All but the buffer's identity in bytes and multiples of the device's
   * alignment.
   */
  public IoRequest read(long offsetBytes, int lengthBytes, IoBuffer buffer, int bufferOffset) {
    return set(IoOperation.READ, offsetBytes, lengthBytes, buffer, bufferOffset);
  }

  /** Makes this a write; durability on completion: none. Units and alignment as {@link #read}. */
  public IoRequest write(long offsetBytes, int lengthBytes, IoBuffer buffer, int bufferOffset) {
    return set(IoOperation.WRITE, offsetBytes, lengthBytes, buffer, bufferOffset);
  }

  /**
   * Makes this a write whose bytes are hardened on completion. Units and alignment as {@link
   * #read}.
   */
  public IoRequest writeDurable(
      long offsetBytes, int lengthBytes, IoBuffer buffer, int bufferOffset) {
    return set(IoOperation.WRITE_DURABLE, offsetBytes, lengthBytes, buffer, bufferOffset);
  }

  /** Makes this a flush. */
  public IoRequest flush() {
    return set(IoOperation.FLUSH, 0, 0, null, 0);
  }

  /** Makes this a discard of {@code bytes} at {@code offsetBytes}. */
  public IoRequest discard(long offsetBytes, long bytes) {
    set(IoOperation.DISCARD, offsetBytes, 0, null, 0);
    discardBytes = bytes;
    return this;
  }

  private IoRequest set(
      IoOperation newOperation,
      long newOffset,
      int newLength,
      IoBuffer newBuffer,
      int newBufferOffset) {
    if (submitted) {
      throw new IllegalStateException("request is still with the device: " + this);
    }
    operation = newOperation;
    offsetBytes = newOffset;
    lengthBytes = newLength;
    buffer = newBuffer;
    bufferOffset = newBufferOffset;
    discardBytes = 0;
    doneBytes = 0;
    result = null;
    errno = 0;
    return this;
  }

  /** What was asked. */
  public IoOperation operation() {
    return operation;
  }

  /** First device byte. */
  public long offsetBytes() {
    return offsetBytes;
  }

  /** Bytes to transfer; 0 for flush and discard. */
  public int lengthBytes() {
    return lengthBytes;
  }

  /** The memory side of a transfer, null for flush and discard. */
  public IoBuffer buffer() {
    return buffer;
  }

  /** First byte used in {@link #buffer()}. */
  public int bufferOffset() {
    return bufferOffset;
  }

  /** True from submit until the handler is called. */
  public boolean inFlight() {
    return submitted;
  }

  /** How it ended; valid in the handler and until the next use. */
  public IoResult result() {
    return result;
  }

  /** The error number behind a failed result, 0 if none. */
  public int errno() {
    return errno;
  }

  /** Takes it on for a device: throws if the device could not do it as it stands. */
  void begin(Geometry geometry) {
    if (submitted) {
      throw new IllegalStateException("request is still with the device: " + this);
    }
    if (operation == null) {
      throw new IllegalStateException("request was never set");
    }
    long bytes = operation == IoOperation.DISCARD ? discardBytes : lengthBytes;
    int alignmentMask = geometry.alignmentBytes() - 1;
    if (operation != IoOperation.FLUSH) {
      if (bytes <= 0 || offsetBytes < 0 || offsetBytes > geometry.sizeBytes() - bytes) {
        throw new IllegalArgumentException(
            this + " is outside the device of " + geometry.sizeBytes() + " bytes");
      }
      if (((offsetBytes | bytes | bufferOffset) & alignmentMask) != 0) {
        throw new IllegalArgumentException(
            this
                + " (buffer offset "
                + bufferOffset
                + ") is not aligned to "
                + geometry.alignmentBytes()
                + " bytes");
      }
    }
    if (buffer != null
        && (bufferOffset < 0 || bufferOffset > buffer.capacityBytes() - lengthBytes)) {
      throw new IllegalArgumentException(
          this
              + " is outside its buffer: "
              + bufferOffset
              + " of "
              + buffer.capacityBytes()
              + " bytes");
    }
    submitted = true;
    doneBytes = 0;
    result = null;
    errno = 0;
    retries = 0;
  }

  /** Gives it back to its owner. */
  void complete(DeviceCounters counters, IoResult newResult, int newErrno) {
    result = newResult;
    errno = newErrno;
    submitted = false;
    counters.count(this);
    handler.onIo(this);
  }

  @Override
  public String toString() {
    return operation
        + " "
        + offsetBytes
        + "+"
        + (discardBytes != 0 ? discardBytes : lengthBytes)
        + " "
        + result;
  }
}
