package dev.tuff.xor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * ISA-L chooses its code by the processor it finds, so that code no test of ours ever ran may be
 * what protects the data. Before its first use in a process it computes a few small results that
 * plain Java computes too.
 */
final class SelfCheck {
  private static final int MEMBERS = 5;
  private static final int OUTPUTS = 4;
  private static final int VECTORS = MEMBERS + OUTPUTS;
  private static final int STRIDE = 576;
  private static final int[] LENGTHS = {1, 15, 16, 31, 32, 63, 64, 65, 127, 129, 511};

  private SelfCheck() {}

  /**
   * Compares a kernel with plain Java.
   *
   * @throws IllegalStateException at the first difference; the kernel must not be used
   */
  static void run(Kernel kernel) {
    Kernel scalar = Kernel.scalar();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment found = arena.allocate((long) VECTORS * STRIDE, 64);
      MemorySegment expected = arena.allocate((long) VECTORS * STRIDE, 64);
      for (int shift = 0; shift < 2; shift++) {
        for (int len : LENGTHS) {
          for (int outputs = 1; outputs <= OUTPUTS; outputs++) {
            combine(kernel, found, shift, outputs, len);
            combine(scalar, expected, shift, outputs, len);
            compare(kernel, "encode", found, expected, outputs, len);
          }
          int crc = kernel.crc32c(7, found, shift, len);
          if (crc != scalar.crc32c(7, expected, shift, len)) {
            throw wrong(kernel, "CRC32C", 1, len);
          }
        }
      }
    }
  }

  private static void combine(
      Kernel kernel, MemorySegment memory, int shift, int outputs, int len) {
    fill(memory);
    MemorySegment[] segments = new MemorySegment[VECTORS];
    long[] offsets = new long[VECTORS];
    int[] inputs = new int[MEMBERS];
    for (int i = 0; i < VECTORS; i++) {
      segments[i] = memory;
      offsets[i] = (long) i * STRIDE + shift;
    }
    for (int i = 0; i < MEMBERS; i++) {
      inputs[i] = i;
    }
    int[] results = new int[outputs];
    byte[] coefficients = new byte[outputs * MEMBERS];
    for (int row = 0; row < outputs; row++) {
      results[row] = MEMBERS + row;
      for (int column = 0; column < MEMBERS; column++) {
        coefficients[row * MEMBERS + column] = (byte) ErasureCode.coefficientOf(row, column);
      }
    }
    Combination combination = kernel.prepare(coefficients, inputs, results);
    kernel.combine(combination, segments, offsets, segments, offsets, len);
    Combination factor = kernel.prepare(new byte[] {(byte) 0x8e}, new int[1], new int[1]);
    kernel.multiplyAdd(factor, memory, offsets[MEMBERS], memory, offsets[0], len);
    kernel.xor(memory, offsets[1], memory, offsets[2], len);
  }

  private static void fill(MemorySegment memory) {
    for (long i = 0; i < memory.byteSize(); i++) {
      memory.set(ValueLayout.JAVA_BYTE, i, (byte) (i * 131 + (i >> 8)));
    }
  }

  private static void compare(
      Kernel kernel,
      String operation,
      MemorySegment found,
      MemorySegment expected,
      int outputs,
      int len) {
    if (found.mismatch(expected) != -1) {
      throw wrong(kernel, operation, outputs, len);
    }
  }

  private static IllegalStateException wrong(
      Kernel kernel, String operation, int outputs, int len) {
    return new IllegalStateException(
        "%s computes wrong results on this processor (%s, %d outputs, %d bytes); install another version of it."
            .formatted(kernel.name(), operation, outputs, len));
  }
}
