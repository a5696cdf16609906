package dev.tuff.iom.allocation;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What may still be promised of a drive's space. A client's write reserves all blocks that it can
 * need on each drive before any part of it starts, so that no update finds its drive full half-way.
 * Updates that free space must work on a full drive, too: a discard needs a new place for parity
 * before it gives the old one back. For these some blocks are kept that the budget never promises;
 * clients see to it that what is under way at the same time does not need more ({@link
 * #forFreeing}). Any thread.
 */
public final class SpaceBudget {
  private static final long MIN_FOR_FREEING = 64;

  private final AtomicLong available;
  private volatile long forFreeing;

  /** Blocks that are kept for freeing on a drive with so many blocks. */
  public static long blocksForFreeing(long blocks) {
    return MIN_FOR_FREEING + blocks / 256;
  }

  public SpaceBudget(long blocks) {
    this.available = new AtomicLong(blocks);
  }

  /** Takes {@code blocks} out of the budget, all or nothing. */
  public boolean tryReserve(long blocks) {
    long now = available.get();
    while (now >= blocks) {
      if (available.compareAndSet(now, now - blocks)) {
        return true;
      }
      now = available.get();
    }
    return false;
  }

  /** Puts back what was reserved and not used, or what was freed. */
  public void give(long blocks) {
    available.addAndGet(blocks);
  }

  /** Says how many blocks beside the budget are kept for freeing; once, at start. */
  public void keepForFreeing(long blocks) {
    forFreeing = blocks;
  }

  /** Blocks that all updates that free space may take without a reservation, at the same time. */
  public long forFreeing() {
    return forFreeing;
  }

  /** Blocks that can be reserved now. */
  public long available() {
    return available.get();
  }
}
