package dev.tuff.iom.allocation;

import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageCache;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.object.PageTree;
import dev.tuff.iom.runtime.Counter;
import dev.tuff.iom.runtime.Invariant;

/**
 * Which blocks of a drive are in use: a bitmap, one bit a block, whose pages stay in memory. Goes
 * round the drive (next fit), so that what is written at the same time lies together. Owned by one
 * shard's thread.
 *
 * <p>On a drive that has come back into its place there are free blocks whose content may still be
 * right. They count as free and are given out when there is no other ({@link #loadFormer}).
 *
 * <p>A freed block may have to be kept as it is until a checkpoint is on the drive ({@link
 * #freeHeld}); such a block is free in the bitmap and not given out.
 */
public final class Allocator {
  private static final int WORDS_PER_PAGE = (PageFormat.PAGE_BYTES - PageFormat.HEADER_BYTES) / 8;

  /** Blocks that one bitmap page is about. */
  public static final int BLOCKS_PER_PAGE = WORDS_PER_PAGE * 64;

  /** Words looked at for a run in one piece before a scattered one is taken. */
  private static final int RUN_SEARCH_WORDS = 4096;

  private final PageCache cache;
  private final PageTree tree;
  private final long firstBlock;
  private final long blocks;
  private final Page[] pages;
  private final long[] held;
  private final FormerBlocks former;
  private final int words;
  private int cursor;
  private final Counter freeBlocks = new Counter();

  /**
   * Pages that the bitmap of {@code blocks} blocks needs in memory, those above the leaves
   * included.
   */
  public static int pagesFor(long blocks) {
    long level = leavesFor(blocks);
    long sum = level;
    while (level > 1) {
      level = (level + PageFormat.FANOUT - 1) / PageFormat.FANOUT;
      sum += level;
    }
    return Math.toIntExact(sum);
  }

  static long leavesFor(long blocks) {
    return (blocks + BLOCKS_PER_PAGE - 1) / BLOCKS_PER_PAGE;
  }

  /**
   * @param cache holds the whole bitmap
   * @param holder where the bitmap's topmost pointer is kept
   * @param firstBlock the first block's address; those before it are not given out
   * @param blocks how many there are
   */
  public Allocator(PageCache cache, PageTree.Holder holder, long firstBlock, long blocks) {
    this.cache = cache;
    this.firstBlock = firstBlock;
    this.blocks = blocks;
    int leaves = Math.toIntExact(leavesFor(blocks));
    this.tree = new PageTree(cache, PageFormat.KIND_BITMAP, 0, PageTree.levelsFor(leaves), holder);
    this.pages = new Page[leaves];
    this.words = Math.toIntExact((blocks + 63) / 64);
    this.held = new long[words];
    this.former = new FormerBlocks(words);
  }

  /** Brings the bitmap into memory and calls {@code done} when it is there. Used once, first. */
  public void load(Runnable done) {
    Loading loading = new Loading(done);
    for (int i = 0; i < pages.length; i++) {
      loading.owed++;
    }
    for (int i = 0; i < pages.length; i++) {
      PageRequest request = new PageRequest(loading);
      request.tag = i;
      if (tree.get(request, i, true)) {
        loading.onPage(request);
      }
    }
  }

  private final class Loading implements PageRequest.Listener {
    final Runnable done;
    int owed;

    Loading(Runnable done) {
      this.done = done;
    }

    @Override
    public void onPage(PageRequest request) {
      pages[request.tag] = request.page();
      if (--owed == 0) {
        long used = 0;
        for (int i = 0; i < words; i++) {
          used += Long.bitCount(word(i));
        }
        freeBlocks.add(blocks - used);
        done.run();
      }
    }
  }

  /**
   * Has blocks that a former state of the drive had in use, and that are free now, given out last:
   * what is on them may still be needed. After {@link #load}.
   *
   * @param hints holds pages of the former state
   * @param holder where the topmost pointer of its bitmap is kept
   */
  public void loadFormer(PageCache hints, PageTree.Holder holder, Runnable done) {
    int leaves = pages.length;
    PageTree of =
        new PageTree(hints, PageFormat.KIND_BITMAP, 0, PageTree.levelsFor(leaves), holder);
    new FormerBitmap(of, leaves, this::keepFormer, done).next();
  }

  private void keepFormer(int leaf, Page page) {
    for (int i = 0; i < WORDS_PER_PAGE && leaf * WORDS_PER_PAGE + i < words; i++) {
      int index = leaf * WORDS_PER_PAGE + i;
      former.keep(index, page.getLong(PageFormat.HEADER_BYTES + 8L * i) & ~notFree(index));
    }
  }

  private long word(int index) {
    return pages[index / WORDS_PER_PAGE].getLong(
        PageFormat.HEADER_BYTES + 8L * (index % WORDS_PER_PAGE));
  }

  private void setWord(int index, long value, long id) {
    Page page = pages[index / WORDS_PER_PAGE];
    page.setLong(PageFormat.HEADER_BYTES + 8L * (index % WORDS_PER_PAGE), value);
    page.markDirty(id);
  }

  /** Bits that are not to be given out now: not free, or better left as they are. */
  private long taken(int index) {
    return notFree(index) | former.word(index);
  }

  /** Bits that are in use, held, or beyond the end. */
  private long notFree(int index) {
    long bits = word(index) | held[index];
    long first = (long) index * 64;
    if (first + 64 > blocks) {
      bits |= -1L << (blocks - first);
    }
    return bits;
  }

  /**
   * Takes {@code count} free blocks, together if that can be had cheaply, and writes their
   * addresses to {@code addresses} from {@code first} on. The caller has made sure of the space by
   * {@link SpaceBudget}.
   *
   * @param id journal ID of the change
   */
  public void allocate(int count, long[] addresses, int first, long id) {
    former.leave(count, freeBlocks.get(), cursor);
    long run = count > 1 && count <= 64 ? findRun(count) : -1;
    if (run >= 0) {
      for (int i = 0; i < count; i++) {
        take(run + i, id);
        addresses[first + i] = firstBlock + run + i;
      }
      return;
    }
    int done = 0;
    int looked = 0;
    while (done < count) {
      Invariant.check(looked++ <= words + 1, "space was reserved before it is allocated", count);
      long free = ~taken(cursor);
      while (free != 0 && done < count) {
        int bit = Long.numberOfTrailingZeros(free);
        free &= free - 1;
        long block = (long) cursor * 64 + bit;
        take(block, id);
        addresses[first + done++] = firstBlock + block;
      }
      if (done < count) {
        cursor = cursor + 1 == words ? 0 : cursor + 1;
      }
    }
  }

  /** The first block of a run of free ones from the cursor on, or -1. */
  private long findRun(int count) {
    long length = 0;
    int index = cursor;
    for (int looked = 0; looked < RUN_SEARCH_WORDS && looked < words; looked++) {
      long bits = taken(index);
      if (bits == 0 && length + 64 < count) {
        length += 64;
      } else {
        for (int bit = 0; bit < 64; bit++) {
          if ((bits >>> bit & 1) != 0) {
            length = 0;
          } else if (++length == count) {
            cursor = index;
            return (long) index * 64 + bit - count + 1;
          }
        }
      }
      index++;
      if (index == words) {
        index = 0;
        length = 0;
      }
    }
    return -1;
  }

  /**
   * Sets a free block aside that is not in use yet: free in the bitmap and not given out, until
   * {@link #takeReserved} or {@link #release}. Returns its address, or 0 when there is none.
   */
  public long reserve() {
    former.leave(1, freeBlocks.get(), cursor);
    for (int looked = 0; looked < words; looked++) {
      long free = ~taken(cursor);
      if (free != 0) {
        int bit = Long.numberOfTrailingZeros(free);
        held[cursor] |= 1L << bit;
        freeBlocks.add(-1);
        return firstBlock + (long) cursor * 64 + bit;
      }
      cursor = cursor + 1 == words ? 0 : cursor + 1;
    }
    return 0;
  }

  /** True for a free block that a former state of the drive had in use, and nobody since. */
  public boolean isFormer(long address) {
    return inBlockSpace(address) && former.has(address - firstBlock);
  }

  /** Sets such a block aside, as {@link #reserve} does with one that is merely free. */
  public void reserveFormer(long address) {
    long block = address - firstBlock;
    Invariant.check(former.has(block), "a former block is set aside once", address);
    former.drop(block);
    held[(int) (block / 64)] |= 1L << (block % 64);
    freeBlocks.add(-1);
  }

  /** What is on such a block is not needed: it is like any other that is free. */
  public void dropFormer(long address) {
    former.drop(address - firstBlock);
  }

  /** Nothing of a former state is needed any more. */
  public void dropAllFormer() {
    former.clear();
  }

  /** Free blocks that a former state of the drive had in use, and nobody since. */
  public long formerBlocks() {
    return former.count();
  }

  /** Takes a block that was set aside. */
  public void takeReserved(long address, long id) {
    release(address);
    take(address - firstBlock, id);
  }

  /** Takes just this block, as recovery does where the journal says that it was taken. */
  public void takeAt(long address, long id) {
    take(address - firstBlock, id);
  }

  /** True for an address that can be given out. */
  public boolean inBlockSpace(long address) {
    return address >= firstBlock && address < firstBlock + blocks;
  }

  /** True for an address at which something can be: one of the block space that is in use. */
  public boolean inUse(long address) {
    return inBlockSpace(address) && allocated(address);
  }

  private void take(long block, long id) {
    int index = (int) (block / 64);
    long bit = 1L << (block % 64);
    long bits = word(index);
    Invariant.check((bits & bit) == 0, "a block is allocated once", block);
    setWord(index, bits | bit, id);
    former.drop(block);
    freeBlocks.add(-1);
  }

  /** Gives a block back; it may be given out again at once. */
  public void free(long address, long id) {
    long block = address - firstBlock;
    Invariant.check(
        block >= 0 && block < blocks, "a freed address lies in the block space", address);
    int index = (int) (block / 64);
    long bit = 1L << (block % 64);
    long bits = word(index);
    Invariant.check((bits & bit) != 0, "a block is freed once", address);
    setWord(index, bits & ~bit, id);
    freeBlocks.add(1);
  }

  /** Gives a block back in the bitmap, but keeps it from being given out until {@link #release}. */
  public void freeHeld(long address, long id) {
    free(address, id);
    long block = address - firstBlock;
    held[(int) (block / 64)] |= 1L << (block % 64);
    freeBlocks.add(-1);
  }

  /** Ends the hold of {@link #freeHeld} or {@link #reserve}. */
  public void release(long address) {
    long block = address - firstBlock;
    long bit = 1L << (block % 64);
    Invariant.check((held[(int) (block / 64)] & bit) != 0, "a hold ends once", address);
    held[(int) (block / 64)] &= ~bit;
    freeBlocks.add(1);
  }

  /** True when the block is in use according to the bitmap. */
  public boolean allocated(long address) {
    long block = address - firstBlock;
    return (word((int) (block / 64)) >>> (block % 64) & 1) != 0;
  }

  /** Blocks that can be given out. Any thread, a little late. */
  public long freeBlocks() {
    return freeBlocks.get();
  }

  /** Blocks that are not given out although the bitmap has them free. The owner's thread. */
  public long heldBlocks() {
    long blocksHeld = 0;
    for (long word : held) {
      blocksHeld += Long.bitCount(word);
    }
    return blocksHeld;
  }

  /** Blocks there are in all. */
  public long blocks() {
    return blocks;
  }

  /** The first block's address. */
  public long firstBlock() {
    return firstBlock;
  }

  /** The pages of the bitmap. */
  public PageCache cache() {
    return cache;
  }
}
