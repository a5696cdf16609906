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

  /** Frees the ring. Its devices must have been closed. */
  @Override
  void close();
}
