package dev.tuff.device;

/** How a request ended. */
public enum IoResult {
  /** All bytes were transferred. */
  OK,
  /**
   * The device could not read or write this range (EIO, EILSEQ, ENODATA, a short transfer that did
   * not go on).
   */
  MEDIA_ERROR,
  /** The device is gone or does not answer any more (ENODEV, ENXIO, ESHUTDOWN, closed). */
  DEVICE_GONE,
  /** No space behind the device (ENOSPC, EDQUOT): a thin image file whose file system is full. */
  NO_SPACE,
  /**
   * The device does not know this operation (EOPNOTSUPP), as a file system without hole punching
   * does.
   */
  UNSUPPORTED
}
