package dev.tuff.iom.cache;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.runtime.Invariant;
import java.util.ArrayDeque;

/**
 * A fixed number of equal buffers. When all are out, askers wait in order. Owned by one shard's
 * thread.
 */
public final class BufferPool {
  /** Hears of its buffer. */
  @FunctionalInterface
  public interface Waiter {
    void onBuffer(IoBuffer buffer);
  }

  private final IoBuffer[] free;
  private final int total;
  private int freeCount;
  private final ArrayDeque<Waiter> waiters = new ArrayDeque<>(64);

  public BufferPool(IoBuffer[] buffers) {
    this.free = buffers.clone();
    this.total = buffers.length;
    this.freeCount = buffers.length;
  }

  /** A buffer at once, or null and the waiter is called with one later. */
  public IoBuffer take(Waiter waiter) {
    if (freeCount > 0 && waiters.isEmpty()) {
      return free[--freeCount];
    }
    waiters.add(waiter);
    return null;
  }

  /** Gives a buffer back. */
  public void give(IoBuffer buffer) {
    Waiter next = waiters.poll();
    if (next != null) {
      next.onBuffer(buffer);
      return;
    }
    Invariant.check(freeCount < total, "a buffer is given back once");
    free[freeCount++] = buffer;
  }

  /** Size of each in bytes. */
  public int bufferBytes() {
    return free.length == 0 ? 0 : free[0].capacityBytes();
  }

  /** Buffers that are not out. */
  public int freeCount() {
    return freeCount;
  }

  /** Buffers in all. */
  public int total() {
    return total;
  }
}
