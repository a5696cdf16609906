package dev.tuff.iom.volume;

import dev.tuff.device.IoBuffer;

/**
 * One read, write or flush of a volume: made once by its client and used again. From {@link
 * Volume#submit} to {@link RequestHandler#onReleased} it and its buffer belong to the appliance.
 *
 * <p>Byte i of the request is byte {@code offset % 4096 + i} of the buffer, so that whole blocks
 * lie aligned in memory and go to the drives without a copy. After a write the buffer holds
 * anything.
 */
public final class VolumeRequest {
  /** Bytes of one request at most. */
  public static final int MAX_BYTES = 4 << 20;

  enum Kind {
    READ,
    WRITE,
    FLUSH
  }

  private final int shard;
  final RequestHandler handler;
  private final Object owner;

  Kind kind = Kind.FLUSH;
  long offset;
  int bytes;
  IoBuffer buffer;
  Toughness toughness = Toughness.HARDENED;
  Volume volume;
  RequestResult result = RequestResult.OK;
  int repliesOwed;
  int closesOwed;
  boolean submitted;
  boolean issuing;
  VolumeRequest next;

  /**
   * @param shard where it is submitted and completed
   * @param owner for the handler to find its own state by
   */
  public VolumeRequest(int shard, RequestHandler handler, Object owner) {
    this.shard = shard;
    this.handler = handler;
    this.owner = owner;
  }

  /** Makes this a read of {@code newBytes} bytes at {@code newOffset}. */
  public VolumeRequest read(long newOffset, int newBytes, IoBuffer newBuffer) {
    return set(Kind.READ, newOffset, newBytes, newBuffer, Toughness.NONE);
  }

  /** Makes this a write, replied to at toughness {@code level}. */
  public VolumeRequest write(long newOffset, int newBytes, IoBuffer newBuffer, Toughness level) {
    return set(Kind.WRITE, newOffset, newBytes, newBuffer, level);
  }

  /**
   * Makes this a flush: done when every write replied to before it was asked for is hardened,
   * whoever wrote it.
   */
  public VolumeRequest flush() {
    return set(Kind.FLUSH, 0, 0, null, Toughness.HARDENED);
  }

  private VolumeRequest set(
      Kind newKind, long newOffset, int newBytes, IoBuffer newBuffer, Toughness level) {
    if (submitted) {
      throw new IllegalStateException("the request is still with the appliance");
    }
    if (newKind != Kind.FLUSH
        && (newBytes < 1
            || newBytes > MAX_BYTES
            || newBuffer.capacityBytes() < newBytes + (int) (newOffset & 4095))) {
      throw new IllegalArgumentException(
          "a request has 1 to " + MAX_BYTES + " bytes that fit its buffer, not " + newBytes);
    }
    kind = newKind;
    offset = newOffset;
    bytes = newBytes;
    buffer = newBuffer;
    toughness = level;
    return this;
  }

  /** How it ended; valid from {@link RequestHandler#onDone} on. */
  public RequestResult result() {
    return result;
  }

  public int shard() {
    return shard;
  }

  public Object owner() {
    return owner;
  }

  public long offset() {
    return offset;
  }

  public int bytes() {
    return bytes;
  }

  public IoBuffer buffer() {
    return buffer;
  }
}
