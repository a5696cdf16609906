package dev.tuff.iom.object;

import dev.tuff.xor.Crc32c;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.UUID;

/**
 * Goes through a page tree of a drive that no array runs on, checking each page as {@link
 * PageCache} does. Keeps only the pages on the way down to the present leaf, so that a tree of any
 * size is read with a page of memory a level. Meant to be used in ascending order; a page that is
 * come back to is read again, and not heard of again. One thread.
 */
public final class PageCursor {
  /** Levels that a tree can have at most. */
  public static final int MAX_LEVELS = PageTree.MAX_LEVELS;

  /** What stands at a place of the tree. */
  public enum Found {
    /** Nothing was ever stored there. */
    NOTHING,
    /** The page, or one above it, can't be believed. */
    DAMAGED,
    PAGE
  }

  /** Hears of each page when it is read for the first time. */
  public interface Listener {
    /** A page stands at {@code address}; {@code page} is good until the next use of the cursor. */
    void onPage(long address, int level, MemorySegment page);

    /** The page at {@code address} can't be believed; what is below it is left out. */
    void onDamaged(long address, String what);
  }

  private final PageWalk.Source source;
  private final UUID arrayId;
  private final int driveIndex;
  private final MemorySegment[] memory;
  private final Listener listener;
  private final long[] present = new long[MAX_LEVELS];
  private final long[] highest = new long[MAX_LEVELS];
  private final Found[] found = new Found[MAX_LEVELS];
  private int kind;
  private long gfid;
  private int levels;
  private long topAddress;
  private int topCrc;

  /**
   * @param memory one page for each level of the highest tree
   */
  public PageCursor(
      PageWalk.Source source,
      UUID arrayId,
      int driveIndex,
      MemorySegment[] memory,
      Listener listener) {
    this.source = source;
    this.arrayId = arrayId;
    this.driveIndex = driveIndex;
    this.memory = memory;
    this.listener = listener;
  }

  /** Goes to the start of the tree of {@code treeLevels} levels with this topmost pointer. */
  public void open(int treeKind, long treeGfid, int treeLevels, long address, int crc) {
    kind = treeKind;
    gfid = treeGfid;
    levels = treeLevels;
    topAddress = address;
    topCrc = crc;
    Arrays.fill(present, -1);
    Arrays.fill(highest, -1);
  }

  /** Goes to a leaf; if it is found it is {@link #page} until the next use. */
  public Found seek(long leaf) {
    return load(0, leaf);
  }

  /** The leaf that {@link #seek} found. */
  public MemorySegment page() {
    return memory[0];
  }

  /**
   * The first leaf from {@code leaf} on that something leads to, or -1. What is below a damaged
   * page is passed over.
   */
  public long next(long leaf) {
    return next(0, leaf);
  }

  private long next(int level, long from) {
    if (level == levels - 1) {
      return from == 0 && topAddress != 0 ? 0 : -1;
    }
    long above = from / PageFormat.FANOUT;
    int first = (int) (from % PageFormat.FANOUT);
    while (true) {
      long parent = next(level + 1, above);
      if (parent < 0) {
        return -1;
      }
      if (load(level + 1, parent) == Found.PAGE) {
        for (int i = parent == above ? first : 0; i < PageFormat.FANOUT; i++) {
          if (memory[level + 1].get(PageFormat.LONG, pointer(i)) != 0) {
            return parent * PageFormat.FANOUT + i;
          }
        }
      }
      above = parent + 1;
      first = 0;
    }
  }

  private static long pointer(int i) {
    return PageFormat.HEADER_BYTES + (long) i * PageFormat.POINTER_BYTES;
  }

  private Found load(int level, long index) {
    if (present[level] == index) {
      return found[level];
    }
    long address = topAddress;
    int crc = topCrc;
    if (level == levels - 1) {
      address = index == 0 ? address : 0;
    } else {
      Found above = load(level + 1, index / PageFormat.FANOUT);
      if (above != Found.PAGE) {
        return above;
      }
      long pointer = pointer((int) (index % PageFormat.FANOUT));
      address = memory[level + 1].get(PageFormat.LONG, pointer);
      crc = memory[level + 1].get(PageFormat.INT, pointer + PageFormat.POINTER_CRC);
    }
    if (address == 0) {
      return Found.NOTHING;
    }
    source.read(address, memory[level]);
    String wrong = wrong(memory[level], level, index, address, crc);
    present[level] = index;
    found[level] = wrong == null ? Found.PAGE : Found.DAMAGED;
    if (index > highest[level]) {
      highest[level] = index;
      listener.onPage(address, level, memory[level]);
      if (wrong != null) {
        listener.onDamaged(address, wrong);
      }
    }
    return found[level];
  }

  private String wrong(MemorySegment page, int level, long index, long address, int crc) {
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

  /** The newest journal ID whose change was new in this version of a page. */
  public static long newestId(MemorySegment page) {
    return page.get(PageFormat.LONG, PageFormat.OFFSET_NEWEST);
  }
}
