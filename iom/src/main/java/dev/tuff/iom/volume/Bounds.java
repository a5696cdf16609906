package dev.tuff.iom.volume;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

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

    /** What waits: for a resize, and for a deletion meanwhile. */
    final List<Waiting> waiting = new ArrayList<>();
  }

  /** For these bounds and all former ones. */
  private record Waiting(Bounds bounds, Runnable task) {}

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
   * volume's any more.
   */
  public void whenOver(int shard, Runnable task) {
    OnShard here = shards[shard];
    here.waiting.add(new Waiting(this, task));
    tellIfOver(here);
  }

  private static void tellIfOver(OnShard here) {
    Bounds oldest = here.inUse.peek();
    for (int i = here.waiting.size() - 1; i >= 0; i--) {
      if (oldest == null || oldest.number > here.waiting.get(i).bounds.number) {
        here.waiting.remove(i).task.run();
      }
    }
  }
}
