package dev.tuff.device;

/** What a request asks of a device. */
public enum IoOperation {
  /** Transfers device bytes into the buffer. */
  READ,
  /** Transfers buffer bytes to the device. Durability on completion: none. */
  WRITE,
  /**
   * Transfers buffer bytes to the device as a write with force-unit-access. Durability on
   * completion: these bytes are hardened.
   */
  WRITE_DURABLE,
  /** Durability on completion: every write that completed before this was submitted is hardened. */
  FLUSH,
  /**
   * Tells the device that the range's content is not needed any more; it reads as anything
   * afterwards.
   */
  DISCARD
}
