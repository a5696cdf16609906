package dev.tuff.tools;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;

/**
 * A block of 4 KiB that says what it is: load, place and version, and a checksum over all of it. So
 * a block that is torn, misplaced or of another load is told apart from one that is old.
 */
final class LoadBlock {
  static final int BYTES = 4096;

  // "TUFFLOAD" on the drive.
  private static final long MAGIC = 0x44414F4C46465554L;

  private static final int MAGIC_AT = 0;
  private static final int SEED_AT = 8;
  private static final int BLOCK_AT = 16;
  private static final int VERSION_AT = 24;
  private static final int FILLING_AT = 32;
  private static final int CHECKSUM_AT = BYTES - Long.BYTES;

  /** What a block of a volume turned out to hold. */
  sealed interface Content {
    /** A block of the load, sound and in its place; version 0: zeros, never written. */
    record Sound(long version) implements Content {}

    /**
     * Anything else.
     *
     * @param what completes a sentence that begins with the block
     */
    record Unsound(String what) implements Content {}
  }

  private LoadBlock() {}

  /** Fills the 4 KiB at {@code offset}. */
  static void fill(ByteBuffer target, int offset, long seed, long block, long version) {
    ByteBuffer at = target.slice(offset, BYTES).order(ByteOrder.LITTLE_ENDIAN);
    at.putLong(MAGIC_AT, MAGIC);
    at.putLong(SEED_AT, seed);
    at.putLong(BLOCK_AT, block);
    at.putLong(VERSION_AT, version);
    // Nothing in it repeats, so that a part of another version or block is never taken for its own.
    SplittableRandom filling = new SplittableRandom(seed ^ block << 40 ^ version);
    for (int i = FILLING_AT; i < CHECKSUM_AT; i += Long.BYTES) {
      at.putLong(i, filling.nextLong());
    }
    at.putLong(CHECKSUM_AT, checksum(at));
  }

  /** Judges the 4 KiB at {@code offset}, which were read from {@code block}. */
  static Content read(ByteBuffer source, int offset, long seed, long block) {
    ByteBuffer at = source.slice(offset, BYTES).order(ByteOrder.LITTLE_ENDIAN);
    if (at.getLong(MAGIC_AT) != MAGIC) {
      return zeros(at)
          ? new Content.Sound(0)
          : new Content.Unsound("holds something that no load has written");
    }
    if (at.getLong(CHECKSUM_AT) != checksum(at)) {
      return new Content.Unsound(
          "is torn: it says that it is version "
              + at.getLong(VERSION_AT)
              + ", and the rest is not");
    }
    if (at.getLong(SEED_AT) != seed) {
      return new Content.Unsound("is of another load, with seed " + at.getLong(SEED_AT));
    }
    if (at.getLong(BLOCK_AT) != block) {
      return new Content.Unsound("holds what was written to block " + at.getLong(BLOCK_AT));
    }
    return new Content.Sound(at.getLong(VERSION_AT));
  }

  private static boolean zeros(ByteBuffer at) {
    for (int i = 0; i < BYTES; i += Long.BYTES) {
      if (at.getLong(i) != 0) {
        return false;
      }
    }
    return true;
  }

  private static long checksum(ByteBuffer at) {
    CRC32C crc = new CRC32C();
    crc.update(at.slice(0, CHECKSUM_AT));
    return crc.getValue();
  }
}
