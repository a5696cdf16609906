package dev.tuff.iom.object;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.drive.Zeros;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.xor.Crc32c;
import java.util.UUID;
import java.util.function.LongPredicate;

/**
 * The metadata pages of one drive that are in memory: a fixed number of frames, filled on demand,
 * given up by the clock algorithm. Dirty pages stay until a checkpoint has written them. Owned by
 * one shard's thread.
 */
public final class PageCache implements BlockIo.Listener {
  /** What a page that can't be believed leads to: its IOM stops. */
  @FunctionalInterface
  public interface DamageListener {
    void onDamagedPage(String what);
  }

  private final Drive drive;
  private final UUID arrayId;
  private final int driveIndex;
  private final DamageListener damage;
  private final boolean hints;
  private final LongPredicate inUse;
  private final IoBuffer slab;
  private final Page[] frames;
  private final BlockIo[] loads;
  private final Page[] buckets;
  private int limit;
  private int hand;
  private int unused;
  private int trees;
  private int dirtyCount;
  private Page dirtyHead;
  private PageRequest frameWaiters;
  private PageRequest frameWaitersTail;

  private long hits;
  private long misses;

  /**
   * A cache of as many pages as {@code slab} holds.
   *
   * @param inUse tells of an address whether something can be there: a pointer to elsewhere is
   *     damage, whatever its page's checksum says
   */
  public PageCache(
      Drive drive,
      UUID arrayId,
      int driveIndex,
      IoBuffer slab,
      DamageListener damage,
      LongPredicate inUse) {
    this(drive, arrayId, driveIndex, slab, damage, false, inUse);
  }

  /**
   * A cache of pages that are hints only: one that can't be believed is taken for a page without
   * entries, and nobody is told. They are only read.
   *
   * @param inUse as of any other cache
   */
  public static PageCache ofHints(
      Drive drive, UUID arrayId, int driveIndex, IoBuffer slab, LongPredicate inUse) {
    return new PageCache(drive, arrayId, driveIndex, slab, what -> {}, true, inUse);
  }

  private PageCache(
      Drive drive,
      UUID arrayId,
      int driveIndex,
      IoBuffer slab,
      DamageListener damage,
      boolean hints,
      LongPredicate inUse) {
    this.drive = drive;
    this.arrayId = arrayId;
    this.driveIndex = driveIndex;
    this.damage = damage;
    this.hints = hints;
    this.inUse = inUse;
    this.slab = slab;
    int count = slab.capacityBytes() / PageFormat.PAGE_BYTES;
    this.frames = new Page[count];
    this.limit = count;
    this.loads = new BlockIo[count];
    for (int i = 0; i < count; i++) {
      frames[i] = new Page(this, i, slab.segment(), (long) i * PageFormat.PAGE_BYTES);
      loads[i] = new BlockIo(this);
      loads[i].tag = i;
    }
    this.buckets = new Page[Integer.highestOneBit(Math.max(16, count)) * 2];
  }

  int register() {
    return trees++;
  }

  /** Goes down from the lowest page in memory; true when the request is answered. */
  boolean advance(PageRequest request) {
    PageTree tree = request.tree;
    request.pending = false;
    while (request.leafIndex >= tree.maxLeaves()) {
      if (!request.create) {
        request.page = null;
        request.nextPossible = PageTree.beyondAll();
        return true;
      }
      if (!raise(tree)) {
        waitForFrame(request);
        return false;
      }
    }
    int level = 0;
    long index = request.leafIndex;
    Page found = null;
    while (level < tree.levels) {
      found = find(tree, level, index);
      if (found != null) {
        break;
      }
      level++;
      index /= PageFormat.FANOUT;
    }
    if (found != null && level == 0 && !found.loading) {
      hits++;
    }
    while (true) {
      if (found != null && found.loading) {
        request.pending = true;
        request.next = found.waiters;
        found.waiters = request;
        return false;
      }
      if (found != null && level == 0) {
        found.referenced = true;
        found.pin();
        request.page = found;
        return true;
      }
      // One level down from found, or to the topmost page.
      int childLevel = level - 1;
      long childIndex = indexAt(request.leafIndex, childLevel);
      long address;
      int crc;
      long pointerOffset = 0;
      if (found == null) {
        address = tree.holder.address();
        crc = tree.holder.crc();
      } else {
        pointerOffset = pointerOffset(childIndex);
        address = found.getLong(pointerOffset);
        crc = found.getInt(pointerOffset + PageFormat.POINTER_CRC);
      }
      if (hints && !inUse.test(address)) {
        address = 0;
      }
      if (address == 0 && !request.create) {
        request.page = null;
        request.nextPossible = (childIndex + 1) * leavesBelow(childLevel);
        return true;
      }
      if (address != 0 && !inUse.test(address)) {
        damage.onDamagedPage(damaged(address) + " lies where nothing can be");
        return false;
      }
      // The page found must not be the one given up for its own child.
      if (found != null) {
        found.pins++;
      }
      Page child = takeFrame();
      if (found != null) {
        found.pins--;
      }
      if (child == null) {
        waitForFrame(request);
        return false;
      }
      enter(child, tree, childLevel, childIndex, found, pointerOffset);
      if (address == 0) {
        Zeros.clear(child.memory, child.base, PageFormat.PAGE_BYTES);
      } else {
        misses++;
        child.address = address;
        child.loading = true;
        child.pointerCrc = crc;
        drive.readRun(loads[child.frame], address, 1, slab, (int) child.base);
      }
      found = child;
      level = childLevel;
    }
  }

  /**
   * Puts a page above the topmost one of a tree; false when there is no frame for it. It is dirty
   * at once, though no journal entry's change is in it: what it points to is nowhere else.
   */
  private boolean raise(PageTree tree) {
    Page top = takeFrame();
    if (top == null) {
      return false;
    }
    // Only now: the former topmost page may have been given up for it.
    Page former = find(tree, tree.levels - 1, 0);
    enter(top, tree, tree.levels, 0, null, 0);
    Zeros.clear(top.memory, top.base, PageFormat.PAGE_BYTES);
    long pointer = pointerOffset(0);
    top.setLong(pointer, tree.holder.address());
    top.setInt(pointer + PageFormat.POINTER_CRC, tree.holder.crc());
    if (former != null) {
      if (former.parent != null) {
        former.parent.pins--;
      }
      former.parent = top;
      former.pointerOffset = pointer;
      top.pins++;
    }
    tree.levels++;
    tree.holder.setLevels(tree.levels);
    top.markDirty(0);
    return true;
  }

  private static long indexAt(long leafIndex, int level) {
    long index = leafIndex;
    for (int i = 0; i < level; i++) {
      index /= PageFormat.FANOUT;
    }
    return index;
  }

  private static long leavesBelow(int level) {
    long leaves = 1;
    for (int i = 0; i < level; i++) {
      leaves *= PageFormat.FANOUT;
    }
    return leaves;
  }

  static long pointerOffset(long childIndex) {
    return PageFormat.HEADER_BYTES + (childIndex % PageFormat.FANOUT) * PageFormat.POINTER_BYTES;
  }

  private void enter(
      Page page, PageTree tree, int level, long index, Page parent, long pointerOffset) {
    page.tree = tree;
    page.level = level;
    page.index = index;
    page.pointerOffset = pointerOffset;
    page.address = 0;
    page.dirty = false;
    page.loading = false;
    page.referenced = true;
    page.oldest = 0;
    page.newest = 0;
    page.parent = parent != null ? parent : tree.holder.page();
    if (page.parent != null) {
      page.parent.pins++;
    }
    int bucket = bucket(tree, level, index);
    page.nextInBucket = buckets[bucket];
    buckets[bucket] = page;
  }

  private int bucket(PageTree tree, int level, long index) {
    long hash = (index * 31 + level) * 0x9E3779B97F4A7C15L + tree.number * 0xC2B2AE3D27D4EB4FL;
    return (int) (hash >>> 40) & (buckets.length - 1);
  }

  private Page find(PageTree tree, int level, long index) {
    for (Page p = buckets[bucket(tree, level, index)]; p != null; p = p.nextInBucket) {
      if (p.tree == tree && p.level == level && p.index == index) {
        return p;
      }
    }
    return null;
  }

  private Page takeFrame() {
    if (unused < limit) {
      return frames[unused++];
    }
    for (int looked = 0; looked < limit * 2; looked++) {
      Page page = frames[hand];
      hand = hand + 1 >= limit ? 0 : hand + 1;
      if (page.pins > 0 || page.dirty || page.loading) {
        continue;
      }
      if (page.referenced) {
        page.referenced = false;
        continue;
      }
      evict(page);
      return page;
    }
    return null;
  }

  private void evict(Page page) {
    int bucket = bucket(page.tree, page.level, page.index);
    if (buckets[bucket] == page) {
      buckets[bucket] = page.nextInBucket;
    } else {
      Page before = buckets[bucket];
      while (before.nextInBucket != page) {
        before = before.nextInBucket;
      }
      before.nextInBucket = page.nextInBucket;
    }
    page.nextInBucket = null;
    if (page.parent != null) {
      page.parent.pins--;
      page.parent = null;
    }
    page.tree = null;
  }

  private void waitForFrame(PageRequest request) {
    request.pending = true;
    request.next = null;
    if (frameWaitersTail == null) {
      frameWaiters = request;
    } else {
      frameWaitersTail.next = request;
    }
    frameWaitersTail = request;
  }

  /** A frame may be free now: those who wait for one try again. */
  void onUnpinned() {
    if (frameWaiters != null) {
      retryFrameWaiters();
    }
  }

  private void retryFrameWaiters() {
    PageRequest waiting = frameWaiters;
    frameWaiters = null;
    frameWaitersTail = null;
    resume(waiting);
  }

  private void resume(PageRequest first) {
    PageRequest request = first;
    while (request != null) {
      PageRequest following = request.next;
      request.next = null;
      if (advance(request)) {
        request.listener.onPage(request);
      }
      request = following;
    }
  }

  @Override
  public void onTransferred(BlockIo io) {
    Page page = frames[io.tag];
    String wrong = io.failed() ? "could not be read" : verify(page);
    if (wrong != null && !hints) {
      damage.onDamagedPage(damaged(page.address) + " " + wrong);
      return;
    }
    if (wrong != null) {
      Zeros.clear(page.memory, page.base, PageFormat.PAGE_BYTES);
    }
    page.loading = false;
    page.oldest = 0;
    page.newest = 0;
    PageRequest waiting = page.waiters;
    page.waiters = null;
    resume(waiting);
  }

  private String damaged(long address) {
    return "metadata page at block " + address + " of drive " + driveIndex;
  }

  private String verify(Page page) {
    if (page.getInt(PageFormat.OFFSET_MAGIC) != PageFormat.MAGIC) {
      return "is not a metadata page";
    }
    int stored = page.getInt(PageFormat.OFFSET_CRC);
    page.setInt(PageFormat.OFFSET_CRC, 0);
    int actual = Crc32c.of(page.memory, page.base, PageFormat.PAGE_BYTES);
    page.setInt(PageFormat.OFFSET_CRC, stored);
    if (stored != actual) {
      return "has a wrong checksum";
    }
    if (stored != page.pointerCrc) {
      return "is an older version of itself (a lost write)";
    }
    boolean itself =
        page.getByte(PageFormat.OFFSET_KIND) == page.tree.kind
            && page.getByte(PageFormat.OFFSET_LEVEL) == page.level
            && page.getShort(PageFormat.OFFSET_DRIVE) == (short) driveIndex
            && page.getLong(PageFormat.OFFSET_ARRAY) == arrayId.getLeastSignificantBits()
            && page.getLong(PageFormat.OFFSET_ADDRESS) == page.address
            && page.getLong(PageFormat.OFFSET_GFID) == page.tree.gfid
            && page.getLong(PageFormat.OFFSET_INDEX) == page.index;
    if (!itself) {
      return "belongs somewhere else (a misdirected write)";
    }
    return page.level > 0 || entriesInUse(page) ? null : "maps a block that is not in use";
  }

  private boolean entriesInUse(Page leaf) {
    for (int i = 0; i < leaf.tree.entries; i++) {
      long address = leaf.getLong(PageFormat.HEADER_BYTES + (long) i * leaf.tree.entryBytes);
      if (address != 0 && !inUse.test(address)) {
        return false;
      }
    }
    return true;
  }

  /** A page whose block fails the test, or null. */
  public Page firstElsewhere(LongPredicate allocated) {
    for (int i = 0; i < unused; i++) {
      Page page = frames[i];
      if (page.tree != null && page.address != 0 && !allocated.test(page.address)) {
        return page;
      }
    }
    return null;
  }

  void onDirty(Page page) {
    dirtyCount++;
    page.nextInList = dirtyHead;
    dirtyHead = page;
  }

  /** Pages changed since they were last written. */
  public int dirtyCount() {
    return dirtyCount;
  }

  /** Frames that can be used. */
  public int capacity() {
    return limit;
  }

  /**
   * Keeps an eighth of the frames free from now on. Pages that were changed since the last
   * checkpoint are all in memory; recovery changes them again, and others beside: those of parities
   * that it makes again. Only when no page is dirty.
   */
  public void keepReserve() {
    Invariant.check(dirtyCount == 0, "no page is dirty when the reserve is set aside", dirtyCount);
    limit = frames.length - frames.length / 8;
    for (int i = limit; i < unused; i++) {
      if (frames[i].tree != null && frames[i].pins == 0 && !frames[i].loading) {
        evict(frames[i]);
      }
    }
  }

  /** True when someone waits for a frame. */
  public boolean starved() {
    return frameWaiters != null;
  }

  /** Makes every ancestor of a dirty page dirty as well, as its pointer is about to change. */
  public void dirtyAncestors() {
    for (Page page = dirtyHead; page != null; page = page.nextInList) {
      for (Page up = page.parent; up != null && !up.dirty; up = up.parent) {
        up.markDirty(page.newest);
      }
    }
  }

  /** The dirty pages as a list through {@link #nextDirty}; the order is of no meaning. */
  public Page firstDirty() {
    return dirtyHead;
  }

  /** The dirty page after {@code page}. */
  public static Page nextDirty(Page page) {
    return page.nextInList;
  }

  /**
   * Writes header and CRC of a page that goes to its {@link Page#newAddress}, and the pointer to
   * it. Its copy may then be written.
   */
  void seal(Page page) {
    long newAddress = page.newAddress;
    page.address = newAddress;
    page.newAddress = 0;
    page.setInt(PageFormat.OFFSET_MAGIC, PageFormat.MAGIC);
    page.setByte(PageFormat.OFFSET_KIND, (byte) page.tree.kind);
    page.setByte(PageFormat.OFFSET_LEVEL, (byte) page.level);
    page.setShort(PageFormat.OFFSET_DRIVE, (short) driveIndex);
    page.setLong(PageFormat.OFFSET_ARRAY, arrayId.getLeastSignificantBits());
    page.setLong(PageFormat.OFFSET_ADDRESS, newAddress);
    page.setLong(PageFormat.OFFSET_GFID, page.tree.gfid);
    page.setLong(PageFormat.OFFSET_INDEX, page.index);
    page.setLong(PageFormat.OFFSET_OLDEST, page.oldest);
    page.setLong(PageFormat.OFFSET_NEWEST, page.newest);
    page.setInt(PageFormat.OFFSET_CRC, 0);
    int crc = Crc32c.of(page.memory, page.base, PageFormat.PAGE_BYTES);
    page.setInt(PageFormat.OFFSET_CRC, crc);
    if (page.level == page.tree.levels - 1) {
      page.tree.holder.set(newAddress, crc);
    } else {
      page.parent.setLong(page.pointerOffset, newAddress);
      page.parent.setInt(page.pointerOffset + PageFormat.POINTER_CRC, crc);
    }
  }

  /**
   * All dirty pages are sealed and their copies taken: they are clean. Those that must stay until
   * written are pinned by the caller.
   */
  public void allSealed() {
    Page page = dirtyHead;
    dirtyHead = null;
    dirtyCount = 0;
    while (page != null) {
      Page following = page.nextInList;
      page.nextInList = null;
      page.dirty = false;
      page = following;
    }
    if (frameWaiters != null) {
      retryFrameWaiters();
    }
  }

  public long hits() {
    return hits;
  }

  public long misses() {
    return misses;
  }
}
