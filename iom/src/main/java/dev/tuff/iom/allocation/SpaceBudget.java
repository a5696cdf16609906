package dev.tuff.iom.allocation;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What may still be promised of a drive's space. A client's write reserves all blocks that it can
 * need on each drive before any part of it starts, so that no update finds its drive full half-way.
 * Any thread.
 */
public final class SpaceBudget {
  private final AtomicLong available;

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

  /** Blocks that can be reserved now. */
  public long available() {
    return available.get();
  }
}
