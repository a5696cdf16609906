package dev.tuff.iom.array;

/**
 * How to run an array.
 *
 * @param shards threads, each with a ring; 0: one for each core, at most one for each drive
 * @param readOnly whether clients may only read; an array that was not stopped cleanly is recovered
 *     all the same
 * @param pinned whether each shard stays on one core
 * @param lookOnly refuse to start rather than decide anything without drives that are missing
 */
public record AssembleOptions(int shards, boolean readOnly, boolean pinned, boolean lookOnly) {
  public AssembleOptions(int shards, boolean readOnly, boolean pinned) {
    this(shards, readOnly, pinned, false);
  }

  /** One pinned shard a core, for reading and writing. */
  public static AssembleOptions defaults() {
    return new AssembleOptions(0, false, true);
  }
}
