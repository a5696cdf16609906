package dev.tuff.iom.drive;

import dev.tuff.xor.Crc32c;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Blocks of zeros. Clears memory without making a slice of it, which would be garbage on the data
 * path.
 */
public final class Zeros {
  private static final MemorySegment BLOCK =
      Arena.global().allocate(Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);

  /** CRC32C of a block of zeros. */
  public static final int CRC = Crc32c.of(BLOCK, 0, Drive.BLOCK_BYTES);

  private Zeros() {}

  /** Writes zeros to {@code bytes} bytes from {@code offset} on. */
  public static void clear(MemorySegment segment, long offset, long bytes) {
    for (long done = 0; done < bytes; done += Drive.BLOCK_BYTES) {
      MemorySegment.copy(
          BLOCK, 0, segment, offset + done, Math.min(Drive.BLOCK_BYTES, bytes - done));
    }
  }

  /** True when the block at {@code offset} is nothing but zeros. */
  public static boolean is(MemorySegment segment, long offset) {
    return MemorySegment.mismatch(
            BLOCK, 0, Drive.BLOCK_BYTES, segment, offset, offset + Drive.BLOCK_BYTES)
        == -1;
  }
}
