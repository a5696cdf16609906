package dev.tuff.iom.proxy;

import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Message;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.runtime.Shard;

/**
 * A flush that was asked of one IOM whose writes have gone on to several: answered when all of them
 * have. On the shard of the one that it was asked of.
 */
final class FlushOfSeveral implements Actor {
  private final Shard shard;
  private final Object subject;
  private final Actor client;
  private int owed;

  FlushOfSeveral(Shard shard, Object subject, Actor client) {
    this.shard = shard;
    this.subject = subject;
    this.client = client;
  }

  /** Asks one of them, behind all that it was sent from this shard before. */
  void ask(Actor acting) {
    owed++;
    shard.send(acting, MessageType.FLUSH, this, this, 0);
  }

  @Override
  public Shard shard() {
    return shard;
  }

  @Override
  public void onMessage(Message message) {
    if (--owed == 0) {
      shard.send(client, MessageType.FLUSHED, subject, null, 0);
    }
  }
}
