package dev.tuff.iom.object;

import dev.tuff.iom.runtime.Invariant;
import java.lang.foreign.MemorySegment;

/**
 * A metadata page in memory. Pinned by whoever uses it, by its cached children, and while a
 * checkpoint writes it; a page that is dirty or pinned stays in memory.
 */
public final class Page {
  final PageCache cache;
  final int frame;

  /** The memory that the page lies in, from {@link #base} on. */
  public final MemorySegment memory;

  public final long base;

  PageTree tree;
  int level;
  long index;
  Page parent;

  /** Where the parent (or, for a root, its holder) keeps the pointer to this page. */
  long pointerOffset;

  long address;
  int pointerCrc;
  int pins;
  boolean dirty;

  /** Where the checkpoint that is being prepared will write it, 0 if not decided. */
  public long newAddress;

  boolean loading;
  boolean referenced;
  long oldest;
  long newest;
  PageRequest waiters;
  Page nextInBucket;
  Page nextInList;

  Page(PageCache cache, int frame, MemorySegment memory, long base) {
    this.cache = cache;
    this.frame = frame;
    this.memory = memory;
    this.base = base;
  }

  /** Keeps it in memory until {@link #unpin}. */
  public void pin() {
    pins++;
  }

  public void unpin() {
    Invariant.check(pins > 0, "a page is unpinned as often as it was pinned");
    pins--;
    if (pins == 0) {
      cache.onUnpinned();
    }
  }

  /** Notes that the change of journal ID {@code id} is in the page and not yet on the drive. */
  public void markDirty(long id) {
    if (!dirty) {
      dirty = true;
      oldest = id;
      newest = id;
      cache.onDirty(this);
    } else {
      oldest = Math.min(oldest, id);
      newest = Math.max(newest, id);
    }
  }

  /** Writes header and CRC for {@link #newAddress}, and the pointer in the page above. */
  public void seal() {
    cache.seal(this);
  }

  public PageTree tree() {
    return tree;
  }

  public int level() {
    return level;
  }

  public long index() {
    return index;
  }

  /** Where its last written copy lies, 0 if it was never written. */
  public long address() {
    return address;
  }

  public boolean dirty() {
    return dirty;
  }

  public long getLong(long offset) {
    return memory.get(PageFormat.LONG, base + offset);
  }

  public void setLong(long offset, long value) {
    memory.set(PageFormat.LONG, base + offset, value);
  }

  public int getInt(long offset) {
    return memory.get(PageFormat.INT, base + offset);
  }

  public void setInt(long offset, int value) {
    memory.set(PageFormat.INT, base + offset, value);
  }

  public short getShort(long offset) {
    return memory.get(PageFormat.SHORT, base + offset);
  }

  public void setShort(long offset, short value) {
    memory.set(PageFormat.SHORT, base + offset, value);
  }

  public byte getByte(long offset) {
    return memory.get(PageFormat.BYTE, base + offset);
  }

  public void setByte(long offset, byte value) {
    memory.set(PageFormat.BYTE, base + offset, value);
  }
}
