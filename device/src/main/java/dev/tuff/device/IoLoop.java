package dev.tuff.device;

/**
 * The I/O side of one shard: submits what its devices were given and delivers completions. All
 * methods belong to one thread, the one that called {@link #poll} or {@link #await} first, except
 * {@link #wakeUp}.
 */
public interface IoLoop extends AutoCloseable {
  /**
   * Submits everything prepared, in one system call, and runs the handlers of what has completed.
   * Never blocks. Returns how many handlers ran.
   */
  int poll();

  /**
   * Like {@link #poll}, but sleeps while there is nothing to run, until a completion, a {@link
   * #wakeUp}, or {@code timeoutNanos} have passed (negative: no limit). Returns how many handlers
   * ran.
   */
  int await(long timeoutNanos);

  /**
   * Any thread: ends a present or the next {@link #await}. Cheap when repeated before the loop has
   * woken.
   */
  void wakeUp();

  /** Monotonic time in nanoseconds: real, or the simulator's. */
  long nanoTime();

  /** Runs a task once, after so many nanoseconds, as if it were a completion. */
  void timer(long nanos, Runnable task);

  /**
   * Registers the memory again of which devices that were abandoned have kept pages, with no
   * transfer of other devices under way. True when it could be, on this loop; otherwise transfers
   * of those buffers go on unregistered, which is slower.
   */
  boolean renew();

  /** Frees the ring. Its devices must have been closed. */
  @Override
  void close();
}
