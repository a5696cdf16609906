package dev.tuff.iom.array;

/**
 * How to run an array.
 *
 * @param shards threads, each with a ring; 0: one for each core, at most one for each drive
 * @param readOnly whether nothing may be written to any drive
 * @param pinned whether each shard stays on one core
 */
public record AssembleOptions(int shards, boolean readOnly, boolean pinned) {
  /** One pinned shard a core, for reading and writing. */
  public static AssembleOptions defaults() {
    return new AssembleOptions(0, false, true);
  }
}
