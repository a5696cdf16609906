package dev.tuff.iom.allocation;

/**
 * Free blocks of a drive that has come back whose content may still be right: one bit a block. They
 * are given out when there is no other. Only a hint: what is really on a block is told by its
 * checksum. Owned by one shard's thread.
 */
final class FormerBlocks {
  private final int size;

  /** Null while there are none, as on nearly every drive. */
  private long[] words;

  private long count;

  /**
   * None yet.
   *
   * @param words of 64 blocks each
   */
  FormerBlocks(int words) {
    this.size = words;
  }

  void keep(int index, long bits) {
    if (words == null) {
      words = new long[size];
    }
    count += Long.bitCount(bits & ~words[index]);
    words[index] |= bits;
  }

  long word(int index) {
    return words == null ? 0 : words[index];
  }

  boolean has(long block) {
    return words != null && (words[(int) (block / 64)] >>> (block % 64) & 1) != 0;
  }

  void drop(long block) {
    if (has(block)) {
      words[(int) (block / 64)] &= ~(1L << (block % 64));
      count--;
    }
  }

  void clear() {
    words = null;
    count = 0;
  }

  long count() {
    return count;
  }

  /**
   * Gives up as many that {@code wanted} others are among the {@code free} blocks, if there are so
   * many.
   *
   * @param from the word to begin with
   */
  void leave(long wanted, long free, int from) {
    int index = from;
    while (count > 0 && free - count < wanted) {
      count -= Long.bitCount(words[index]);
      words[index] = 0;
      index = index + 1 == size ? 0 : index + 1;
    }
  }
}
