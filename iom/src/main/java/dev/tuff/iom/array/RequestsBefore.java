package dev.tuff.iom.array;

import dev.tuff.iom.runtime.Shard;
import dev.tuff.iom.volume.Bounds;

/**
 * Waits, on all shards, for clients' requests to a volume that started before something about it
 * changed.
 */
final class RequestsBefore {
  private final Shard[] shards;
  private final Shard home;
  private final Runnable then;
  private int owed;

  private RequestsBefore(Shard[] shards, Shard home, Runnable then) {
    this.shards = shards;
    this.home = home;
    this.then = then;
  }

  /**
   * Calls {@code then} on {@code home} when no request is under way any more that started under
   * these bounds or former ones; from any thread.
   */
  static void await(Bounds bounds, Shard[] shards, Shard home, Runnable then) {
    RequestsBefore waiting = new RequestsBefore(shards, home, then);
    offer(home, () -> waiting.ask(bounds));
  }

  private void ask(Bounds bounds) {
    owed = shards.length;
    for (Shard shard : shards) {
      offer(shard, () -> bounds.whenOver(shard.index(), () -> offer(home, this::oneOver)));
    }
  }

  private void oneOver() {
    if (--owed == 0) {
      then.run();
    }
  }

  static void offer(Shard shard, Runnable task) {
    while (!shard.offer(task)) {
      Thread.onSpinWait();
    }
  }
}
