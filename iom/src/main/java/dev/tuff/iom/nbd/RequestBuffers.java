package dev.tuff.iom.nbd;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.runtime.Invariant;
import java.util.ArrayDeque;
import java.util.Iterator;

/**
 * The buffers of one shard's connections, in three sizes. When there is none, a connection waits
 * for one, first come, first served; a buffer that is given back goes straight to who has waited
 * longest. The shard's thread only.
 */
final class RequestBuffers {
  /** Where buffers are cut from: registered memory, 4 KiB-aligned. */
  @FunctionalInterface
  interface Source {
    IoBuffer[] buffers(int count, int bytesEach);
  }

  private static final int BLOCK = 4096;

  /**
   * A request's first byte may lie anywhere in its first block, so each size has a block more than
   * the request it is for.
   */
  private static final int[] REQUEST_BYTES = {4096, 64 << 10, 1 << 20};

  private static final int LARGEST = REQUEST_BYTES.length - 1;

  /** Bytes of one piece of a request at most. */
  static final int MAX_PIECE_BYTES = REQUEST_BYTES[LARGEST];

  /** Shares of the memory in eighths. */
  private static final int[] SHARE = {1, 2, 5};

  private final IoBuffer[][] free = new IoBuffer[REQUEST_BYTES.length][];
  private final int[] freeCount = new int[REQUEST_BYTES.length];
  private final ArrayDeque<Connection>[] waiting;

  private final long connectionBytes;

  /** Cuts the buffers; {@code bytes} is the shard's memory for them. */
  @SuppressWarnings({"unchecked", "rawtypes"})
  RequestBuffers(Source source, long bytes) {
    waiting = new ArrayDeque[REQUEST_BYTES.length];
    connectionBytes = bytes / 4;
    for (int i = 0; i < REQUEST_BYTES.length; i++) {
      int each = REQUEST_BYTES[i] + BLOCK;
      int count = (int) Math.max(2, bytes * SHARE[i] / 8 / each);
      free[i] = source.buffers(count, each);
      for (IoBuffer buffer : free[i]) {
        buffer.tag = i;
      }
      freeCount[i] = count;
      waiting[i] = new ArrayDeque<>();
    }
  }

  /** A connection that has so much gets no more until it gives some back. */
  long connectionBytes() {
    return connectionBytes;
  }

  /** The size of the buffer for {@code bytes} of a piece at a volume's offset. */
  private static int sizeFor(long offset, int bytes) {
    int needed = (int) (offset & (BLOCK - 1)) + bytes;
    for (int i = 0; i < LARGEST; i++) {
      if (needed <= REQUEST_BYTES[i] + BLOCK) {
        return i;
      }
    }
    Invariant.check(needed <= MAX_PIECE_BYTES + BLOCK, "a piece fits the largest buffer", needed);
    return LARGEST;
  }

  /**
   * A buffer for a piece, or null: then the connection is woken when there is one for it, and has
   * to ask for the same, or to be {@linkplain #forget forgotten}.
   */
  IoBuffer take(Connection connection, long offset, int bytes) {
    int size = sizeFor(offset, bytes);
    if (connection.granted != null) {
      IoBuffer granted = connection.granted;
      connection.granted = null;
      Invariant.check(granted.tag == size, "who waited for a buffer takes it", granted.tag);
      return granted;
    }
    if (freeCount[size] > 0) {
      return free[size][--freeCount[size]];
    }
    if (!connection.waitsForBuffer) {
      connection.waitsForBuffer = true;
      waiting[size].add(connection);
    }
    return null;
  }

  void give(IoBuffer buffer) {
    int size = buffer.tag;
    Connection next = waiting[size].poll();
    if (next == null) {
      free[size][freeCount[size]++] = buffer;
    } else {
      next.waitsForBuffer = false;
      next.granted = buffer;
      next.wake();
    }
  }

  /** Takes a connection that needs no buffer any more out of all queues. */
  void forget(Connection connection) {
    if (connection.waitsForBuffer) {
      connection.waitsForBuffer = false;
      for (ArrayDeque<Connection> queue : waiting) {
        for (Iterator<Connection> i = queue.iterator(); i.hasNext(); ) {
          if (i.next() == connection) {
            i.remove();
          }
        }
      }
    }
    if (connection.granted != null) {
      IoBuffer granted = connection.granted;
      connection.granted = null;
      give(granted);
    }
  }

  /** Whether all buffers are here. */
  boolean complete() {
    for (int i = 0; i < free.length; i++) {
      if (freeCount[i] < free[i].length) {
        return false;
      }
    }
    return true;
  }

  /** All buffers, to be given back to where they came from; none may be out. */
  IoBuffer[][] all() {
    Invariant.check(complete(), "no buffer is under way any more");
    return free;
  }
}
