package dev.tuff.iom.object;

import dev.tuff.iom.runtime.Invariant;

/**
 * A radix tree of metadata pages: leaves hold entries, pages above hold pointers to pages. Where
 * the pointer is 0 nothing was ever stored. The pointer to the topmost page is kept by a {@link
 * Holder}. Pages are changed in memory and become current on the drive all at once, by a
 * checkpoint.
 *
 * <p>A tree has as many levels as it was made with, or as were needed since: when a leaf is to be
 * made that lies beyond its reach, a new topmost page comes above the former one, as often as it
 * takes. Beyond its reach there is nothing. It never loses a level. How many it has is told by who
 * holds the pointer, and is nobody's matter but this drive's: after a crash, or on a drive that was
 * rebuilt, a tree with the same entries may well have fewer.
 */
public final class PageTree {
  /** Where a tree's topmost pointer is kept: in another tree's page, or in the drive's root. */
  public interface Holder {
    long address();

    int crc();

    void set(long address, int crc);

    /** The tree has so many levels from now on; the topmost page is dirty. */
    void setLevels(int levels);

    /**
     * The page that holds the pointer and becomes dirty with it; null when it is the drive's root.
     */
    Page page();
  }

  final PageCache cache;
  final int kind;
  final long gfid;
  int levels;
  final Holder holder;

  /** Map entries in a leaf and the size of each, which begins with an address; 0: no map. */
  final int entries;

  final int entryBytes;
  final int number;

  /** Levels that a tree can have at most. */
  static final int MAX_LEVELS = 6;

  /** A tree of {@code levels} levels, leaves included. */
  public PageTree(PageCache cache, int kind, long gfid, int levels, Holder holder) {
    this(cache, kind, gfid, levels, holder, 0, 0);
  }

  /** A block map whose leaves have so many entries of this size. */
  PageTree(
      PageCache cache,
      int kind,
      long gfid,
      int levels,
      Holder holder,
      int entries,
      int entryBytes) {
    Invariant.check(levels >= 1 && levels <= MAX_LEVELS, "a page tree has 1 to 6 levels", levels);
    this.cache = cache;
    this.kind = kind;
    this.gfid = gfid;
    this.levels = levels;
    this.holder = holder;
    this.entries = entries;
    this.entryBytes = entryBytes;
    this.number = cache.register();
  }

  /** Levels that a tree needs for {@code leaves} leaves. */
  public static int levelsFor(long leaves) {
    int levels = 1;
    for (long reach = 1; reach < leaves; reach *= PageFormat.FANOUT) {
      levels++;
    }
    return levels;
  }

  /** Levels that it has now. */
  int levels() {
    return levels;
  }

  /** Leaves that the tree has room for without another level. */
  public long maxLeaves() {
    return leaves(levels);
  }

  private static long leaves(int levels) {
    long leaves = 1;
    for (int i = 1; i < levels; i++) {
      leaves *= PageFormat.FANOUT;
    }
    return leaves;
  }

  /**
   * Asks for the leaf {@code leafIndex}, made if {@code create} and there is none. True when the
   * answer is there at once (the listener is not called); otherwise the listener is called when it
   * is.
   */
  public boolean get(PageRequest request, long leafIndex, boolean create) {
    Invariant.check(
        !request.pending && request.page == null, "a page request is used once at a time");
    Invariant.check(
        leafIndex >= 0 && leafIndex < leaves(MAX_LEVELS),
        "a leaf lies where a tree can reach",
        leafIndex);
    request.tree = this;
    request.leafIndex = leafIndex;
    request.create = create;
    return cache.advance(request);
  }

  /** The first leaf that no tree reaches. */
  static long beyondAll() {
    return leaves(MAX_LEVELS);
  }

  public int kind() {
    return kind;
  }

  public long gfid() {
    return gfid;
  }
}
