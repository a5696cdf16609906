package dev.tuff.xor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/** Members of one stripe in off-heap memory, each at an offset of its own, between guard bytes. */
final class Stripe {
  private static final byte GUARD = (byte) 0xa5;
  private static final int MARGIN = 64;

  final MemorySegment[] segments;
  final long[] offsets;
  final int len;

  Stripe(Arena arena, int members, int len, RandomGenerator random, boolean aligned) {
    this.len = len;
    segments = new MemorySegment[members];
    offsets = new long[members];
    for (int i = 0; i < members; i++) {
      segments[i] = arena.allocate(len + 3L * MARGIN, 64);
      segments[i].fill(GUARD);
      offsets[i] = (long) MARGIN + (aligned ? 0 : random.nextInt(64));
      byte[] bytes = new byte[len];
      random.nextBytes(bytes);
      put(i, bytes);
    }
  }

  void put(int member, byte[] bytes) {
    MemorySegment.copy(
        bytes, 0, segments[member], ValueLayout.JAVA_BYTE, offsets[member], bytes.length);
  }

  byte[] get(int member) {
    byte[] bytes = new byte[len];
    MemorySegment.copy(
        segments[member], ValueLayout.JAVA_BYTE, offsets[member], bytes, 0, bytes.length);
    return bytes;
  }

  void wipe(int member) {
    byte[] bytes = new byte[len];
    Arrays.fill(bytes, (byte) 0x77);
    put(member, bytes);
  }

  MemorySegment[] segments(int from, int to) {
    return Arrays.copyOfRange(segments, from, to);
  }

  long[] offsets(int from, int to) {
    return Arrays.copyOfRange(offsets, from, to);
  }

  boolean guardsIntact() {
    for (int member = 0; member < segments.length; member++) {
      MemorySegment segment = segments[member];
      for (long i = 0; i < segment.byteSize(); i++) {
        boolean inside = i >= offsets[member] && i < offsets[member] + len;
        if (!inside && segment.get(ValueLayout.JAVA_BYTE, i) != GUARD) {
          return false;
        }
      }
    }
    return true;
  }
}
