package dev.tuff.iom.array;

/**
 * How to run an array.
 *
 * @param shards threads, each with a ring; 0: one for each core, at most one for each drive
 * @param readOnly whether clients may only read; an array that was not stopped cleanly is recovered
 *     all the same
 * @param pinned whether each shard stays on one core
 * @param lookOnly refuse to start rather than decide anything without drives that are missing
 * @param serverBytes memory for an NBD server's requests, for each shard; 0 where none is started
 */
public record AssembleOptions(
    int shards, boolean readOnly, boolean pinned, boolean lookOnly, long serverBytes) {
  public AssembleOptions(int shards, boolean readOnly, boolean pinned, boolean lookOnly) {
    this(shards, readOnly, pinned, lookOnly, 0);
  }

  public AssembleOptions(int shards, boolean readOnly, boolean pinned) {
    this(shards, readOnly, pinned, false);
  }

  /** The same with memory for a server. */
  public AssembleOptions withServerBytes(long bytes) {
    return new AssembleOptions(shards, readOnly, pinned, lookOnly, bytes);
  }

  /** One pinned shard a core, for reading and writing. */
  public static AssembleOptions defaults() {
    return new AssembleOptions(0, false, true);
  }
}
