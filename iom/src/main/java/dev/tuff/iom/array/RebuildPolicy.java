package dev.tuff.iom.array;

/** Who goes first while drives are being rebuilt and clients want something, too. */
public enum RebuildPolicy {
  /**
   * Clients: the rebuild goes on in small pieces, with pauses between them. What they write is as
   * well protected as while the drive was missing, until the rebuild comes to it.
   */
  SERVICE,
  /**
   * Nobody: half of the time a few segments at once. What clients write has its groups made whole
   * first, and is fully protected at once.
   */
  BALANCED,
  /** The rebuild: as fast as it goes; writes as with {@link #BALANCED}. */
  REBUILD
}
