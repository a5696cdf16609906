package dev.tuff.iom.allocation;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What may still be promised of a drive's space. A client's write reserves all blocks that it can
 * need on each drive before any part of it starts, so that no update finds its drive full half-way.
 * Updates that free space must work on a full drive, too: a discard needs a new place for parity
 * before it gives the old one back. For these some blocks are kept that the budget never promises;
 * clients see to it that what is under way at the same time does not need more ({@link
 * #forFreeing}). A write to blocks that have places already needs new ones until it is closed, and
 * gives back as many: some of the budget is kept for those ({@link #tryReserveToReplace}). Any
 * thread.
 */
public final class SpaceBudget {
  private static final long MIN_FOR_FREEING = 64;
  private static final long MIN_FOR_REPLACING = 128;

  private final AtomicLong available;
  private volatile long forMetadata;
  private volatile long forFreeing;
  private volatile long forReplacing;

  /** Blocks that are kept for freeing on a drive with so many blocks. */
  public static long blocksForFreeing(long blocks) {
    return MIN_FOR_FREEING + blocks / 256;
  }

  /** Blocks of the budget that are kept for replacing on a drive with so many blocks. */
  public static long blocksForReplacing(long blocks) {
    return Math.min(MIN_FOR_REPLACING + blocks / 256, blocks / 32);
  }

  public SpaceBudget(long blocks) {
    this.available = new AtomicLong(blocks);
  }

  /** Takes {@code blocks} out of the budget, all or nothing. */
  public boolean tryReserve(long blocks) {
    return tryReserve(blocks, forReplacing);
  }

  /**
   * Likewise, also what is kept for replacing: for an update that gives back as many blocks when it
   * is closed.
   */
  public boolean tryReserveToReplace(long blocks) {
    return tryReserve(blocks, 0);
  }

  private boolean tryReserve(long blocks, long kept) {
    long now = available.get();
    while (now - kept >= blocks) {
      if (available.compareAndSet(now, now - blocks)) {
        return true;
      }
      now = available.get();
    }
    return false;
  }

  /** Says what there is, whatever was taken before; once, before clients come. */
  public void begin(long blocks) {
    available.set(blocks);
  }

  /** Puts back what was reserved and not used, or what was freed. */
  public void give(long blocks) {
    available.addAndGet(blocks);
  }

  /**
   * Says how many blocks beside the budget are kept for metadata on its way to the drive, twice
   * while a checkpoint replaces it; once, at start.
   */
  public void keepForMetadata(long blocks) {
    forMetadata = blocks;
  }

  /** Blocks that are kept for metadata. */
  public long forMetadata() {
    return forMetadata;
  }

  /** Says how many blocks beside the budget are kept for freeing; once, at start. */
  public void keepForFreeing(long blocks) {
    forFreeing = blocks;
  }

  /** Blocks that all updates that free space may take without a reservation, at the same time. */
  public long forFreeing() {
    return forFreeing;
  }

  /** Says how many blocks of the budget are kept for replacing; once, at start. */
  public void keepForReplacing(long blocks) {
    forReplacing = blocks;
  }

  /** Blocks that updates that replace may take beyond what others can, at the same time. */
  public long forReplacing() {
    return forReplacing;
  }

  /** Blocks that can be reserved now, by updates of any kind. */
  public long available() {
    return available.get() - forReplacing;
  }

  /** Blocks that are promised to nobody. */
  public long unpromised() {
    return available.get();
  }
}
