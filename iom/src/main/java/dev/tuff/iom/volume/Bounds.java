package dev.tuff.iom.volume;

import dev.tuff.iom.runtime.Invariant;
import java.util.ArrayDeque;

/**
 * How far requests to a volume may reach that start while these are its bounds, and which of those
 * are not over: a volume is resized by giving it others and waiting for what started before.
 * Counted on each shard by itself; methods that take a shard are for its thread only.
 */
public final class Bounds {
  private final long sizeBytes;
  private final boolean lastBlockWhole;

  /** Later bounds of the volume have a higher one. */
  private final long number;

  /** Requests on each shard that started under these. */
  private final int[] inside;

  /** Of all bounds of the volume. */
  private final OnShard[] shards;

  /** One shard's thread's. */
  private static final class OnShard {
    /** Bounds under which something is under way, in the order in which they were given. */
    final ArrayDeque<Bounds> inUse = new ArrayDeque<>();

    /** These and all former ones are waited for; null when none are. */
    Bounds awaited;

    Runnable whenOver;
  }

  /** A volume's first. */
  Bounds(long sizeBytes, boolean lastBlockWhole, int shards) {
    this(sizeBytes, lastBlockWhole, 0, new OnShard[shards]);
    for (int i = 0; i < shards; i++) {
      this.shards[i] = new OnShard();
    }
  }

  private Bounds(long sizeBytes, boolean lastBlockWhole, long number, OnShard[] shards) {
    this.sizeBytes = sizeBytes;
    this.lastBlockWhole = lastBlockWhole;
    this.number = number;
    this.inside = new int[shards.length];
    this.shards = shards;
  }

  /** Those that the volume has after these. */
  Bounds next(long newSizeBytes, boolean newLastBlockWhole) {
    return new Bounds(newSizeBytes, newLastBlockWhole, number + 1, shards);
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
    if (inside[shard]++ == 0) {
      shards[shard].inUse.add(this);
    }
  }

  /** It is over. */
  void leave(int shard) {
    if (--inside[shard] == 0) {
      shards[shard].inUse.remove(this);
      tellIfOver(shards[shard]);
    }
  }

  /**
   * Calls {@code task} on the shard when no request is under way there that started under these
   * bounds or any that the volume had before: not every change of bounds waits, so these may have
   * been given while requests of former ones were under way. Only of bounds that are not the
   * volume's any more; one at a time.
   */
  public void whenOver(int shard, Runnable task) {
    OnShard here = shards[shard];
    Invariant.check(here.awaited == null, "a volume's bounds are waited for by one at a time");
    here.awaited = this;
    here.whenOver = task;
    tellIfOver(here);
  }

  private static void tellIfOver(OnShard here) {
    if (here.awaited == null) {
      return;
    }
    Bounds oldest = here.inUse.peek();
    if (oldest == null || oldest.number > here.awaited.number) {
      Runnable task = here.whenOver;
      here.awaited = null;
      here.whenOver = null;
      task.run();
    }
  }
}
