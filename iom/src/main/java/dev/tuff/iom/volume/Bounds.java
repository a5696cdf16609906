package dev.tuff.iom.volume;

/**
 * How far requests to a volume may reach that start while these are its bounds, and which of those
 * are not over: a volume is resized by giving it others and waiting for what started under the
 * former ones. Counted on each shard by itself; methods that take a shard are for its thread only.
 */
public final class Bounds {
  private final long sizeBytes;
  private final boolean lastBlockWhole;
  private final int[] inside;
  private final Runnable[] whenOver;

  Bounds(long sizeBytes, boolean lastBlockWhole, int shards) {
    this.sizeBytes = sizeBytes;
    this.lastBlockWhole = lastBlockWhole;
    this.inside = new int[shards];
    this.whenOver = new Runnable[shards];
  }

  long sizeBytes() {
    return sizeBytes;
  }

  /**
   * True when nothing can be stored beyond the size in the block where it ends: what is discarded
   * up to the size may take that block as a whole.
   */
  boolean lastBlockWhole() {
    return lastBlockWhole;
  }

  /** A request starts on a shard. */
  void enter(int shard) {
    inside[shard]++;
  }

  /** It is over. */
  void leave(int shard) {
    inside[shard]--;
    tellIfOver(shard);
  }

  /**
   * Calls {@code task} on the shard when no request is under way there that started under these
   * bounds. Only of bounds that are not the volume's any more; once a shard.
   */
  public void whenOver(int shard, Runnable task) {
    whenOver[shard] = task;
    tellIfOver(shard);
  }

  private void tellIfOver(int shard) {
    Runnable task = whenOver[shard];
    if (task != null && inside[shard] == 0) {
      whenOver[shard] = null;
      task.run();
    }
  }
}
