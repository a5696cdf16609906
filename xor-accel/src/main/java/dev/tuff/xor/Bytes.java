package dev.tuff.xor;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/** Checks that stand between the caller's segments and native code that would check nothing. */
final class Bytes {
  private Bytes() {}

  static long readable(MemorySegment segment, long offset, int len) {
    Objects.checkFromIndexSize(offset, len, segment.byteSize());
    if (!segment.isNative()) {
      throw new IllegalArgumentException(
          "A segment on the Java heap was given; parity and checksums work on off-heap memory.");
    }
    return segment.address() + offset;
  }

  static long writable(MemorySegment segment, long offset, int len) {
    if (segment.isReadOnly()) {
      throw new IllegalArgumentException("A read-only segment was given to hold a result.");
    }
    return readable(segment, offset, len);
  }
}
