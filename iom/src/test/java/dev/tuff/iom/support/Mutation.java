package dev.tuff.iom.support;

import dev.tuff.iom.object.PageFormat;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;

/** Changes bytes as rot, a stray write or an ill-meaning hand would. */
public final class Mutation {
  private static final long[] TELLING = {
    0,
    1,
    -1,
    2,
    255,
    256,
    4095,
    4096,
    Short.MAX_VALUE,
    0xffff,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    1L << 32,
    1L << 48,
    1L << 61,
    Long.MAX_VALUE - 1,
    Long.MAX_VALUE,
    Long.MIN_VALUE
  };

  private Mutation() {}

  /** Changes something between {@code from} and {@code from + bytes}; returns what, in words. */
  public static String apply(SplittableRandom random, MemorySegment memory, long from, long bytes) {
    int width = 1 << random.nextInt(4);
    long at = from + random.nextLong(bytes);
    // Fields lie on multiples of their size.
    at = Math.min(at - at % width, from + bytes - 1);
    width = (int) Math.min(width, from + bytes - at);
    return switch (random.nextInt(6)) {
      case 0 -> {
        int bit = random.nextInt(8);
        memory.set(
            PageFormat.BYTE, at, (byte) (memory.get(PageFormat.BYTE, at) ^ (byte) (1 << bit)));
        yield "bit " + bit + " of byte " + at;
      }
      case 1 -> {
        byte value = (byte) random.nextInt();
        memory.set(PageFormat.BYTE, at, value);
        yield "byte " + at + " is " + value;
      }
      case 2, 3 -> set(memory, at, width, TELLING[random.nextInt(TELLING.length)]);
      case 4 -> set(memory, at, width, get(memory, at, width) + random.nextInt(-2, 3));
      default -> {
        long other = from + random.nextLong(bytes - width + 1);
        yield set(memory, at, width, get(memory, other, width));
      }
    };
  }

  private static long get(MemorySegment memory, long at, int width) {
    long value = 0;
    for (int i = 0; i < width; i++) {
      value |= (memory.get(PageFormat.BYTE, at + i) & 0xffL) << (8 * i);
    }
    return value;
  }

  private static String set(MemorySegment memory, long at, int width, long value) {
    for (int i = 0; i < width; i++) {
      memory.set(PageFormat.BYTE, at + i, (byte) (value >>> (8 * i)));
    }
    return width + " bytes at " + at + " are " + value;
  }
}
