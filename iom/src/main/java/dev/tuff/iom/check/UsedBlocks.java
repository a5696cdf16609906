package dev.tuff.iom.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Which blocks of a drive are needed, as far as the check has come: a bit each, off the heap. */
final class UsedBlocks {
  private final long firstBlock;
  private final long blocks;
  private final MemorySegment words;

  UsedBlocks(Arena arena, long firstBlock, long blocks) {
    this.firstBlock = firstBlock;
    this.blocks = blocks;
    this.words = arena.allocate((blocks + 63) / 64 * 8, 8);
  }

  /** True when the address lies in the block space. */
  boolean covers(long address) {
    return address >= firstBlock && address < firstBlock + blocks;
  }

  /** Notes a need; false when there was one already. */
  boolean add(long address) {
    long block = address - firstBlock;
    long bit = 1L << (block % 64);
    long word = word(block / 64);
    words.setAtIndex(ValueLayout.JAVA_LONG, block / 64, word | bit);
    return (word & bit) == 0;
  }

  /** The needs of blocks {@code index * 64} and up, counted from the first; 0 beyond the end. */
  long word(long index) {
    return index * 8 < words.byteSize() ? words.getAtIndex(ValueLayout.JAVA_LONG, index) : 0;
  }

  long firstBlock() {
    return firstBlock;
  }

  long blocks() {
    return blocks;
  }
}
