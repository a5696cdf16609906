package dev.tuff.iom.array;

/** Who goes first while drives are being rebuilt and clients want something, too. */
public enum RebuildPolicy {
  /** Clients: the rebuild goes on in small pieces, with pauses between them. */
  SERVICE,
  /** Nobody: a few segments at a time. */
  BALANCED,
  /** The rebuild: as fast as it goes. */
  REBUILD
}
