package dev.tuff.iom.volume;

import dev.tuff.device.IoBuffer;

/**
 * One request to a volume: made once by its client and used again. From {@link Volume#submit} to
 * {@link RequestHandler#onReleased} it and its buffer belong to the appliance. Requests of one
 * shard that overlap take effect in the order in which they are submitted.
 *
 * <p>Reads, writes and flushes have a buffer or nothing. {@link #discard}, {@link #writeZeroes} and
 * {@link #queryAllocation} have none and take ranges of any length: what is long is worked off
 * piece by piece, so that it never holds up others.
 *
 * <p>Byte i of the request is byte {@code offset % 4096 + i} of the buffer, so that whole blocks
 * lie aligned in memory and go to the drives without a copy. After a write the buffer holds
 * anything.
 */
public final class VolumeRequest {
  /** Bytes of one request at most. */
  public static final int MAX_BYTES = 4 << 20;

  /** Bytes of one allocation query at most. */
  public static final int MAX_QUERY_BYTES = 256 << 20;

  /** Bytes of zeros that keep their places, in one request at most. */
  public static final long MAX_KEPT_BYTES = 4L << 30;

  enum Kind {
    READ,
    WRITE,
    DISCARD,
    ZEROES,
    ALLOCATION,
    FLUSH
  }

  private final int shard;
  final RequestHandler handler;
  private final Object owner;

  Kind kind = Kind.FLUSH;
  long offset;
  long bytes;
  IoBuffer buffer;
  boolean keepMapped;
  AllocationMap allocation;

  /** Of a query: some of the answers were given by another layout than others. */
  boolean outdated;

  /** Of a long request: where it is cut, up to what was issued already. */
  Cut cut;

  /** The part that {@link #cut} is at has still to be issued. */
  boolean partWaits;

  Toughness toughness = Toughness.HARDENED;
  Volume volume;

  /** Of a write that found no space: whether all its blocks have places is being asked. */
  boolean asking;

  /** Of such a write: they have. */
  boolean replaces;

  /** Of such a write: blocks that it may take of what is kept for replacing. */
  int replacing;

  /** Those of the volume when it started. */
  Bounds bounds;

  RequestResult result = RequestResult.OK;
  int repliesOwed;
  int closesOwed;
  boolean submitted;

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

  /**
   * Makes this a write, replied to at toughness {@code level}. On a full array it is refused as a
   * whole ({@link RequestResult#NO_SPACE}), unless all its blocks have places already.
   */
  public VolumeRequest write(long newOffset, int newBytes, IoBuffer newBuffer, Toughness level) {
    return set(Kind.WRITE, newOffset, newBytes, newBuffer, level);
  }

  /**
   * Makes this a discard: what is stored in the range is not needed any more. Its whole 4 KiB
   * blocks, and the last block of the volume if the range reaches the volume's end, lose their
   * places on the drives and read as zeros from then on; bytes of other blocks are left alone.
   * Replied to at toughness {@code level}, as a write is, and in order with writes. Works on a full
   * volume; {@link RequestResult#OUT_OF_RANGE} and {@link RequestResult#READ_ONLY} as for writes.
   *
   * @param newBytes at least 1, up to the volume's size
   */
  public VolumeRequest discard(long newOffset, long newBytes, Toughness level) {
    checkRange(newBytes);
    return set(Kind.DISCARD, newOffset, newBytes, null, level);
  }

  /**
   * Makes this write zeros to every byte of the range.
   *
   * @param newBytes at least 1, up to the volume's size
   * @param keep false: whole blocks lose their places on the drives as by {@link #discard}, and
   *     what is not mapped stays so. True: every block has a place afterwards, which takes space
   *     ({@link RequestResult#NO_SPACE} if there is not enough for all of it); then the range has
   *     at most {@link #MAX_KEPT_BYTES}
   * @see #discard for toughness, order and results
   */
  public VolumeRequest writeZeroes(long newOffset, long newBytes, boolean keep, Toughness level) {
    checkRange(newBytes);
    if (keep && newBytes > MAX_KEPT_BYTES) {
      throw new IllegalArgumentException(
          "zeros that keep their places are " + MAX_KEPT_BYTES + " bytes at most, not " + newBytes);
    }
    set(Kind.ZEROES, newOffset, newBytes, null, level);
    keepMapped = keep;
    return this;
  }

  /**
   * Makes this a question: which blocks of the range are mapped? No data is read. It sees every
   * request that was submitted before on its shard, or replied to before on any; a block that is
   * being discarded at the same time may be told either way.
   *
   * @param newBytes 1 to {@link #MAX_QUERY_BYTES}
   * @param answer where the answer goes
   */
  public VolumeRequest queryAllocation(long newOffset, long newBytes, AllocationMap answer) {
    if (newBytes > MAX_QUERY_BYTES) {
      throw new IllegalArgumentException(
          "an allocation query is about " + MAX_QUERY_BYTES + " bytes at most, not " + newBytes);
    }
    checkRange(newBytes);
    set(Kind.ALLOCATION, newOffset, newBytes, null, Toughness.NONE);
    allocation = answer;
    return this;
  }

  private static void checkRange(long newBytes) {
    if (newBytes < 1) {
      throw new IllegalArgumentException("a range has 1 byte or more, not " + newBytes);
    }
  }

  /**
   * Makes this a flush: done when every write replied to before it was asked for is hardened,
   * whoever wrote it.
   */
  public VolumeRequest flush() {
    return set(Kind.FLUSH, 0, 0, null, Toughness.HARDENED);
  }

  private VolumeRequest set(
      Kind newKind, long newOffset, long newBytes, IoBuffer newBuffer, Toughness level) {
    if (submitted) {
      throw new IllegalStateException("the request is still with the appliance");
    }
    if ((newKind == Kind.READ || newKind == Kind.WRITE)
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
    keepMapped = false;
    allocation = null;
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

  /** Length of its range in bytes. */
  public long bytes() {
    return bytes;
  }

  /** Where the answer to an allocation query is, from {@link RequestHandler#onDone} on. */
  public AllocationMap allocation() {
    return allocation;
  }

  /** True when it may change something. */
  boolean writes() {
    return kind == Kind.WRITE || kind == Kind.DISCARD || kind == Kind.ZEROES;
  }

  /** True when it changes or reads a byte that {@code other} is about, too. */
  boolean overlaps(VolumeRequest other) {
    return volume == other.volume
        && offset < other.offset + other.bytes
        && other.offset < offset + bytes;
  }

  public IoBuffer buffer() {
    return buffer;
  }
}
