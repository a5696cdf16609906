package dev.tuff.iom.support;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.Random;
import java.util.zip.CRC32C;

/** Bytes for tests: blocks, hex, an independent checksum. */
public final class Bytes {
  private Bytes() {}

  /** CRC32C by the JDK of two ranges one after the other. */
  public static int crc(MemorySegment segment, long from, long bytes, long then, long thenBytes) {
    CRC32C crc = new CRC32C();
    crc.update(segment.asSlice(from, bytes).toArray(JAVA_BYTE));
    crc.update(segment.asSlice(then, thenBytes).toArray(JAVA_BYTE));
    return (int) crc.getValue();
  }

  /** A block of zeros, off the heap as all that is read or written. */
  public static MemorySegment block() {
    return blocks(1);
  }

  public static MemorySegment blocks(int count) {
    return Arena.ofAuto().allocate(count * 4096L, 4096);
  }

  /**
   * Sixteen bytes a line after their offset; lines of zeros are left out, as nearly all of a block
   * is.
   */
  public static String hex(MemorySegment segment, long from, long bytes) {
    StringBuilder text = new StringBuilder();
    for (long line = 0; line < bytes; line += 16) {
      byte[] row = segment.asSlice(from + line, Math.min(16, bytes - line)).toArray(JAVA_BYTE);
      boolean zeros = true;
      for (byte b : row) {
        zeros &= b == 0;
      }
      if (!zeros) {
        text.append(String.format("%04x  ", line));
        text.append(HexFormat.ofDelimiter(" ").formatHex(row)).append('\n');
      }
    }
    return text.toString();
  }

  /** CRC32C by the JDK, with the four bytes at {@code zeroAt} taken as 0 (negative: none). */
  public static int crc(MemorySegment segment, long from, long bytes, int zeroAt) {
    byte[] content = segment.asSlice(from, bytes).toArray(JAVA_BYTE);
    for (int i = 0; zeroAt >= 0 && i < 4; i++) {
      content[zeroAt + i] = 0;
    }
    CRC32C crc = new CRC32C();
    crc.update(content);
    return (int) crc.getValue();
  }

  public static void flip(MemorySegment segment, long bit) {
    long at = bit / 8;
    segment.set(JAVA_BYTE, at, (byte) (segment.get(JAVA_BYTE, at) ^ 1 << bit % 8));
  }

  public static void fill(MemorySegment segment, long from, long bytes, Random random) {
    byte[] content = new byte[(int) bytes];
    random.nextBytes(content);
    MemorySegment.copy(content, 0, segment, JAVA_BYTE, from, content.length);
  }
}
