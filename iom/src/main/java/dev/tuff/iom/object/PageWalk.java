package dev.tuff.iom.object;

import dev.tuff.xor.Crc32c;
import java.lang.foreign.MemorySegment;
import java.util.UUID;

/**
 * Walks the page trees of a drive that no array runs on, page by page from a topmost pointer,
 * checking each as {@link PageCache} does. One thread.
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

  private final Source source;
  private final UUID arrayId;
  private final int driveIndex;
  private final MemorySegment[] memory;
  private final Damage damage;

  /**
   * @param memory one page for each level of the highest tree
   */
  public PageWalk(
      Source source, UUID arrayId, int driveIndex, MemorySegment[] memory, Damage damage) {
    this.source = source;
    this.arrayId = arrayId;
    this.driveIndex = driveIndex;
    this.memory = memory;
    this.damage = damage;
  }

  /**
   * Hands over every leaf of the tree of {@code levels} levels whose topmost pointer is given, in
   * order.
   */
  public void walk(int kind, long gfid, int levels, long address, int crc, LeafConsumer leaves) {
    if (address != 0) {
      page(kind, gfid, levels - 1, 0, address, crc, leaves);
    }
  }

  private void page(
      int kind, long gfid, int level, long index, long address, int crc, LeafConsumer leaves) {
    MemorySegment page = memory[level];
    source.read(address, page);
    String wrong = wrong(page, kind, gfid, level, index, address, crc);
    if (wrong != null) {
      damage.page(address, wrong);
      return;
    }
    if (level == 0) {
      leaves.leaf(index, page);
      return;
    }
    for (int i = 0; i < PageFormat.FANOUT; i++) {
      long pointer = PageFormat.HEADER_BYTES + (long) i * PageFormat.POINTER_BYTES;
      long child = page.get(PageFormat.LONG, pointer);
      if (child != 0) {
        int childCrc = page.get(PageFormat.INT, pointer + PageFormat.POINTER_CRC);
        page(kind, gfid, level - 1, index * PageFormat.FANOUT + i, child, childCrc, leaves);
      }
    }
  }

  private String wrong(
      MemorySegment page, int kind, long gfid, int level, long index, long address, int crc) {
    int stored = page.get(PageFormat.INT, PageFormat.OFFSET_CRC);
    page.set(PageFormat.INT, PageFormat.OFFSET_CRC, 0);
    int actual = Crc32c.of(page, 0, PageFormat.PAGE_BYTES);
    page.set(PageFormat.INT, PageFormat.OFFSET_CRC, stored);
    if (page.get(PageFormat.INT, PageFormat.OFFSET_MAGIC) != PageFormat.MAGIC) {
      return "is not a metadata page";
    }
    if (stored != actual) {
      return "has a wrong checksum";
    }
    if (stored != crc) {
      return "is an older version of itself (a lost write)";
    }
    boolean itself =
        page.get(PageFormat.BYTE, PageFormat.OFFSET_KIND) == kind
            && page.get(PageFormat.BYTE, PageFormat.OFFSET_LEVEL) == level
            && page.get(PageFormat.SHORT, PageFormat.OFFSET_DRIVE) == (short) driveIndex
            && page.get(PageFormat.LONG, PageFormat.OFFSET_ARRAY)
                == arrayId.getLeastSignificantBits()
            && page.get(PageFormat.LONG, PageFormat.OFFSET_ADDRESS) == address
            && page.get(PageFormat.LONG, PageFormat.OFFSET_GFID) == gfid
            && page.get(PageFormat.LONG, PageFormat.OFFSET_INDEX) == index;
    return itself ? null : "belongs somewhere else (a misdirected write)";
  }
}
