package dev.tuff.natives;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tuff.natives.generated.net.iovec;
import dev.tuff.natives.generated.net.msghdr;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What one send hands to the kernel: pieces of memory, in order. A {@code struct msghdr} with its
 * vectors, made once and filled again and again. From the send's preparation to its completion it
 * and the pieces must stay as they are. Not thread-safe.
 */
public final class SendList {
  private static final int VECTOR_BYTES = 16;

  private final MemorySegment message;
  private final MemorySegment vectors;
  private final int capacity;
  private int pieces;
  private long bytes;

  /** A list of up to {@code capacity} pieces. */
  public SendList(int capacity) {
    this.capacity = capacity;
    // Not closed by hand: small, and it must outlive what the kernel has of it.
    Arena arena = Arena.ofAuto();
    vectors = arena.allocate(iovec.layout(), capacity);
    message = arena.allocate(msghdr.layout());
    msghdr.msg_iov(message, vectors);
  }

  /** Empties it. */
  public void clear() {
    pieces = 0;
    bytes = 0;
  }

  /** Adds a piece of at least one byte. There must be room. */
  public void add(MemorySegment memory, long offset, long length) {
    if (pieces == capacity || length < 1 || offset < 0 || offset > memory.byteSize() - length) {
      throw new IndexOutOfBoundsException(
          offset + "+" + length + " of " + memory.byteSize() + " as piece " + pieces);
    }
    vectors.set(JAVA_LONG, (long) pieces * VECTOR_BYTES, memory.address() + offset);
    vectors.set(JAVA_LONG, (long) pieces * VECTOR_BYTES + 8, length);
    pieces++;
    bytes += length;
  }

  /** Whether there is no room for another piece. */
  public boolean full() {
    return pieces == capacity;
  }

  /** Bytes of all pieces. */
  public long bytes() {
    return bytes;
  }

  /** The {@code struct msghdr}. */
  MemorySegment message() {
    msghdr.msg_iovlen(message, pieces);
    return message;
  }
}
