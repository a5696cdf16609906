package dev.tuff.device;

/**
 * A drive: asynchronous reads, writes, flushes and discards, each completed by a call of its
 * handler. Bound to one {@link IoLoop} and used on that loop's thread only. While it is open no
 * other process may use the drive.
 *
 * <p>Requests may complete in any order; nothing orders a write against another one in flight. Data
 * in a completed write is hardened only by {@link IoOperation#WRITE_DURABLE}, by a later {@link
 * IoOperation#FLUSH}, or at once where {@link Geometry#volatileCache()} is false.
 */
public interface BlockDevice extends AutoCloseable {
  /** What people call it: its path. */
  String name();

  Geometry geometry();

  /**
   * Takes the request on; its handler is called later, never from within this call. Requests beyond
   * the queue depth wait inside, in order; nothing is allocated for them. A request outside the
   * device or off its alignment is a bug of the caller and throws {@link IllegalArgumentException}.
   */
  void submit(IoRequest request);

  /** Requests taken on and not completed, waiting ones included. */
  int pending();

  /** Requests that the device works on at the same time at most. */
  int queueDepth();

  /** What went through since it was opened. */
  DeviceCounters counters();

  /** Gives the drive back. Requests in flight must have completed. */
  @Override
  void close();
}
