package dev.tuff.iom.runtime;

/** Something that lives on one shard and is spoken to by messages only. */
public interface Actor {
  /** The shard it lives on. */
  Shard shard();

  /** Handles one message on the shard's thread. */
  void onMessage(Message message);

  /**
   * Called on the shard's thread after a round of handlers: the time to start what was gathered in
   * it.
   */
  default void onRoundEnd() {}
}
