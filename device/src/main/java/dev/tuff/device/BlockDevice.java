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

  /** Requests taken on and not completed, waiting ones included; none once it is abandoned. */
  int pending();

  /**
   * Begins another beat, which are as long as the caller likes. Returns how many have begun since
   * the drive was given the oldest request that it works on; 0 while it works on none. Requests
   * that wait for their turn do not count.
   */
  int beat();

  /**
   * Gives the drive up though it does not answer: no handler of a request that is under way is ever
   * called. What the drive still reads into memory lands in pages that nobody uses any more, and
   * the buffers have others, of any content; what it still writes, comes from memory that may have
   * changed. The device closes itself when the drive has answered everything.
   *
   * @return false when the memory can't be taken away from the drive; nothing has changed then
   */
  boolean abandon();

  /** After {@link #abandon}: requests that the drive has not answered yet. Any thread. */
  int unanswered();

  /** Requests that the device works on at the same time at most. */
  int queueDepth();

  /** What went through since it was opened. */
  DeviceCounters counters();

  /**
   * Gives the drive back. Requests in flight must have completed; a device that was abandoned does
   * it by itself.
   */
  @Override
  void close();
}
