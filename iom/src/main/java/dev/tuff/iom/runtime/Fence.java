package dev.tuff.iom.runtime;

/**
 * Waits until every message that a shard has sent to another up to now has been heard there.
 * Mailboxes keep the order of each sender: so a last message from each to each is enough. One
 * crossing at a time, coordinated on one shard.
 */
public final class Fence {
  private final Shard[] shards;
  private final Shard coordinator;
  private final Post[] posts;
  private int owed;
  private Runnable whenCrossed;

  /** Between these shards; {@code coordinator} is one of them. */
  public Fence(Shard[] shards, Shard coordinator) {
    this.shards = shards;
    this.coordinator = coordinator;
    this.posts = new Post[shards.length];
    for (int s = 0; s < shards.length; s++) {
      posts[s] = new Post(shards[s]);
    }
  }

  private final class Post implements Actor {
    private final Shard shard;

    Post(Shard shard) {
      this.shard = shard;
    }

    @Override
    public Shard shard() {
      return shard;
    }

    @Override
    public void onMessage(Message message) {
      ask(coordinator, Fence.this::onHeard);
    }
  }

  /** Begins, on the coordinating shard; calls {@code crossed} there. */
  public void cross(Runnable crossed) {
    Invariant.check(owed == 0, "one crossing of a fence at a time", owed);
    whenCrossed = crossed;
    owed = shards.length * shards.length;
    for (Shard from : shards) {
      ask(
          from,
          () -> {
            for (Post to : posts) {
              from.send(to, MessageType.FENCE, null, null, 0);
            }
          });
    }
  }

  private void onHeard() {
    if (--owed == 0) {
      whenCrossed.run();
    }
  }

  private static void ask(Shard shard, Runnable task) {
    Invariant.check(shard.offer(task), "what a fence asks is bounded");
  }
}
