package dev.tuff.xor;

import java.lang.foreign.MemorySegment;

/**
 * CRC32C (Castagnoli) of off-heap bytes, by ISA-L: the same values as {@link java.util.zip.CRC32C}.
 * Allocates nothing; any thread may call.
 */
public final class Crc32c {
  // Its checksum uses no scratch memory, so that all threads may share this one.
  private static final Kernel KERNEL = Kernel.isal();

  private Crc32c() {}

  /**
   * The CRC32C of these bytes.
   *
   * @param offset in bytes, any alignment
   * @param len in bytes, 0 or more
   */
  public static int of(MemorySegment segment, long offset, int len) {
    return KERNEL.crc32c(0, segment, offset, len);
  }

  /**
   * The CRC32C of a message continued by these bytes: {@code update(of(a), b)} is that of a and b
   * joined.
   *
   * @param crc the CRC32C of the message so far; 0 for none
   */
  public static int update(int crc, MemorySegment segment, long offset, int len) {
    return KERNEL.crc32c(crc, segment, offset, len);
  }
}
