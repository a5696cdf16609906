package dev.tuff.iom.object;

import dev.tuff.iom.runtime.Invariant;

/**
 * A radix tree of metadata pages: leaves hold entries, pages above hold pointers to pages. Where
 * the pointer is 0 nothing was ever stored. The pointer to the topmost page is kept by a {@link
 * Holder}. Pages are changed in memory and become current on the drive all at once, by a
 * checkpoint.
 */
public final class PageTree {
  /** Where a tree's topmost pointer is kept: in another tree's page, or in the drive's root. */
  public interface Holder {
    long address();

    int crc();

    void set(long address, int crc);

    /**
     * The page that holds the pointer and becomes dirty with it; null when it is the drive's root.
     */
    Page page();
  }

  final PageCache cache;
  final int kind;
  final long gfid;
  final int levels;
  final Holder holder;

  /** Map entries in a leaf and the size of each, which begins with an address; 0: no map. */
  final int entries;

  final int entryBytes;
  final int number;

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
    Invariant.check(levels >= 1 && levels <= 6, "a page tree has 1 to 6 levels", levels);
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

  /** Leaves that the tree can have at most. */
  public long maxLeaves() {
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
        leafIndex >= 0 && leafIndex < maxLeaves(), "a leaf lies within its tree", leafIndex);
    request.tree = this;
    request.leafIndex = leafIndex;
    request.create = create;
    return cache.advance(request);
  }

  public int kind() {
    return kind;
  }

  public long gfid() {
    return gfid;
  }
}
