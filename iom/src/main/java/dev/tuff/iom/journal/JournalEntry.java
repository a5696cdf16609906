package dev.tuff.iom.journal;

import java.lang.foreign.MemorySegment;

/**
 * Something to be journaled. Embedded in the operation it belongs to; its content stays as it is
 * until it is hardened.
 */
public abstract class JournalEntry {
  private long id;
  JournalEntry next;

  /** How many completes were noted before it in this run. */
  long completesBefore;

  /** The journal ID, given by {@link Journal#append}. */
  public final long id() {
    return id;
  }

  final void assign(long newId) {
    this.id = newId;
  }

  /** Size of the body in bytes, at most {@link Journal#MAX_BODY_BYTES}. */
  protected abstract int bodyBytes();

  /** One of {@link JournalFormat}'s entry types. */
  protected abstract int type();

  /** Writes the body from {@code offset} on. */
  protected abstract void encode(MemorySegment segment, long offset);

  /** The entry and all before it are on stable media. */
  protected abstract void onJournalHardened();
}
