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

  /**
   * Code of its own has thrown {@code bug}: out of a message, a round's end, a task of its own or
   * the end of a transfer. On its shard's thread, when nothing else of it runs.
   *
   * @return true when it has stopped for good, and the others may go on without it; false when they
   *     may not
   */
  default boolean onBug(RuntimeException bug) {
    return false;
  }
}
