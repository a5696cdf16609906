package dev.tuff.device;

/**
 * How a drive is opened.
 *
 * @param queueDepth requests that the drive works on at the same time at most, 1 to 4096; further
 *     ones wait in order
 * @param minimumBytes a smaller drive is refused
 */
public record DeviceOptions(int queueDepth, long minimumBytes) {
  static final int LARGEST_DEPTH = 4096;

  public DeviceOptions {
    if (queueDepth < 1 || queueDepth > LARGEST_DEPTH) {
      throw new IllegalArgumentException(
          "queue depth must be 1 to " + LARGEST_DEPTH + ": " + queueDepth);
    }
    if (minimumBytes < 0) {
      throw new IllegalArgumentException("minimum size is negative: " + minimumBytes);
    }
  }

  /** Takes a drive of any size that holds at least one 4 KiB block. */
  public DeviceOptions(int queueDepth) {
    this(queueDepth, 0);
  }
}
