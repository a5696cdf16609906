package dev.tuff.xor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The same arithmetic in plain Java: what every test compares ISA-L with. */
final class ScalarKernel implements Kernel {
  /** Castagnoli's polynomial, bits reversed. */
  private static final int CASTAGNOLI = 0x82f63b78;

  private static final int[] CRC = new int[256];

  /** Product of a and b at {@code a << 8 | b}. */
  private static final byte[] PRODUCT = new byte[1 << 16];

  static {
    for (int i = 0; i < 256; i++) {
      int register = i;
      for (int bit = 0; bit < 8; bit++) {
        register = (register & 1) == 0 ? register >>> 1 : register >>> 1 ^ CASTAGNOLI;
      }
      CRC[i] = register;
      for (int j = 0; j < 256; j++) {
        PRODUCT[i << 8 | j] = (byte) Gf256.multiply(i, j);
      }
    }
  }

  @Override
  public String name() {
    return "scalar";
  }

  @Override
  public Kernel copy() {
    return new ScalarKernel();
  }

  @Override
  public Combination prepare(byte[] coefficients, int[] inputs, int[] outputs) {
    return new Combination(coefficients, inputs, outputs, null);
  }

  @Override
  public void xor(
      MemorySegment destination,
      long destinationOffset,
      MemorySegment source,
      long sourceOffset,
      int len) {
    Bytes.writable(destination, destinationOffset, len);
    Bytes.readable(source, sourceOffset, len);
    int i = 0;
    for (; i <= len - 8; i += 8) {
      long sum =
          destination.get(ValueLayout.JAVA_LONG_UNALIGNED, destinationOffset + i)
              ^ source.get(ValueLayout.JAVA_LONG_UNALIGNED, sourceOffset + i);
      destination.set(ValueLayout.JAVA_LONG_UNALIGNED, destinationOffset + i, sum);
    }
    for (; i < len; i++) {
      int sum =
          destination.get(ValueLayout.JAVA_BYTE, destinationOffset + i)
              ^ source.get(ValueLayout.JAVA_BYTE, sourceOffset + i);
      destination.set(ValueLayout.JAVA_BYTE, destinationOffset + i, (byte) sum);
    }
  }

  @Override
  public void multiplyAdd(
      Combination coefficient,
      MemorySegment destination,
      long destinationOffset,
      MemorySegment source,
      long sourceOffset,
      int len) {
    multiplyAdd(
        coefficient.coefficients[0], destination, destinationOffset, source, sourceOffset, len);
  }

  private void multiplyAdd(
      byte coefficient,
      MemorySegment destination,
      long destinationOffset,
      MemorySegment source,
      long sourceOffset,
      int len) {
    if (coefficient == 1) {
      xor(destination, destinationOffset, source, sourceOffset, len);
      return;
    }
    Bytes.writable(destination, destinationOffset, len);
    Bytes.readable(source, sourceOffset, len);
    int products = (coefficient & 0xff) << 8;
    for (int i = 0; i < len; i++) {
      int operand = source.get(ValueLayout.JAVA_BYTE, sourceOffset + i) & 0xff;
      int sum =
          destination.get(ValueLayout.JAVA_BYTE, destinationOffset + i)
              ^ PRODUCT[products | operand];
      destination.set(ValueLayout.JAVA_BYTE, destinationOffset + i, (byte) sum);
    }
  }

  @Override
  public void combine(
      Combination combination,
      MemorySegment[] inputs,
      long[] inputOffsets,
      MemorySegment[] outputs,
      long[] outputOffsets,
      int len) {
    for (int row = 0; row < combination.rows; row++) {
      int to = combination.outputs[row];
      Bytes.writable(outputs[to], outputOffsets[to], len);
      for (int i = 0; i < len; i++) {
        outputs[to].set(ValueLayout.JAVA_BYTE, outputOffsets[to] + i, (byte) 0);
      }
      for (int column = 0; column < combination.columns; column++) {
        int from = combination.inputs[column];
        if (inputs[from] != null) {
          multiplyAdd(
              combination.coefficients[row * combination.columns + column],
              outputs[to],
              outputOffsets[to],
              inputs[from],
              inputOffsets[from],
              len);
        }
      }
    }
  }

  @Override
  public int crc32c(int crc, MemorySegment segment, long offset, int len) {
    Bytes.readable(segment, offset, len);
    int register = ~crc;
    for (int i = 0; i < len; i++) {
      int index = (register ^ segment.get(ValueLayout.JAVA_BYTE, offset + i)) & 0xff;
      register = register >>> 8 ^ CRC[index];
    }
    return ~register;
  }
}
