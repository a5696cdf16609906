package dev.tuff.iom.object;

import java.lang.foreign.MemorySegment;
import java.util.UUID;

/**
 * Walks the page trees of a drive that no array runs on, leaf by leaf, checking each page as {@link
 * PageCursor} does. One thread.
 */
public final class PageWalk {
  /** Where pages come from. */
  @FunctionalInterface
  public interface Source {
    /** Fills {@code target} with the page at {@code address}. */
    void read(long address, MemorySegment target);
  }

  /** Takes a leaf; its memory is good until the consumer returns. */
  @FunctionalInterface
  public interface LeafConsumer {
    void leaf(long index, MemorySegment page);
  }

  /** Hears of a page that can't be believed; what is below it is left out. */
  @FunctionalInterface
  public interface Damage {
    void page(long address, String what);
  }

  private final PageCursor cursor;

  /**
   * @param memory one page for each level of the highest tree
   */
  public PageWalk(
      Source source, UUID arrayId, int driveIndex, MemorySegment[] memory, Damage damage) {
    this.cursor =
        new PageCursor(
            source,
            arrayId,
            driveIndex,
            memory,
            new PageCursor.Listener() {
              @Override
              public void onPage(long address, int level, MemorySegment page) {
                // Only leaves are of interest.
              }

              @Override
              public void onDamaged(long address, String what) {
                damage.page(address, what);
              }
            });
  }

  /**
   * Hands over every leaf of the tree of {@code levels} levels whose topmost pointer is given, in
   * order.
   */
  public void walk(int kind, long gfid, int levels, long address, int crc, LeafConsumer leaves) {
    cursor.open(kind, gfid, levels, address, crc);
    for (long leaf = cursor.next(0); leaf >= 0; leaf = cursor.next(leaf + 1)) {
      if (cursor.seek(leaf) == PageCursor.Found.PAGE) {
        leaves.leaf(leaf, cursor.page());
      }
    }
  }
}
