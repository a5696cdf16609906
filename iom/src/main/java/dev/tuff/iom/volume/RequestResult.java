package dev.tuff.iom.volume;

/** How a request ended. */
public enum RequestResult {
  OK,
  /** Bytes could not be read, and the group could not make them. */
  IO_ERROR,
  /** A drive of the volume has no room for what would be written; nothing was. */
  NO_SPACE,
  /** The range does not lie within the volume. */
  OUT_OF_RANGE,
  /** The array runs read-only. */
  READ_ONLY,
  /** The volume was deleted. */
  DELETED
}
