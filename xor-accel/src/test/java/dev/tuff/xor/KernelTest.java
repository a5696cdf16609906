package dev.tuff.xor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** ISA-L against plain Java, over every operation, any length, any alignment. */
class KernelTest {
  private final Kernel isal = Kernel.isal();
  private final Kernel scalar = Kernel.scalar();
  private final RandomGenerator random = Seeds.random();

  private List<Integer> lengths() {
    List<Integer> lengths = new ArrayList<>();
    for (int len = 1; len <= 300; len++) {
      lengths.add(len);
    }
    lengths.addAll(List.of(0, 4095, 4096, 4097, 65535, 65536, 65536 + 7, 3 * 65536 + 33));
    return lengths;
  }

  @Test
  void theSelfCheckAcceptsBoth() {
    SelfCheck.run(isal);
    SelfCheck.run(scalar);
  }

  @Test
  void xor() {
    for (int len : lengths()) {
      try (Arena arena = Arena.ofConfined()) {
        Stripe stripe = new Stripe(arena, 2, len, random, random.nextBoolean());
        byte[] before = stripe.get(0);
        isal.xor(stripe.segments[0], stripe.offsets[0], stripe.segments[1], stripe.offsets[1], len);
        byte[] found = stripe.get(0);
        stripe.put(0, before);
        scalar.xor(
            stripe.segments[0], stripe.offsets[0], stripe.segments[1], stripe.offsets[1], len);
        assertThat(found).as("length %d", len).isEqualTo(stripe.get(0));
        assertThat(stripe.guardsIntact()).isTrue();
      }
    }
  }

  @Test
  void multiplyAdd() {
    for (int len : lengths()) {
      byte[] coefficient = {(byte) random.nextInt(256)};
      Combination native1 = isal.prepare(coefficient, new int[1], new int[1]);
      Combination plain1 = scalar.prepare(coefficient, new int[1], new int[1]);
      try (Arena arena = Arena.ofConfined()) {
        Stripe stripe = new Stripe(arena, 2, len, random, random.nextBoolean());
        byte[] before = stripe.get(0);
        isal.multiplyAdd(
            native1,
            stripe.segments[0],
            stripe.offsets[0],
            stripe.segments[1],
            stripe.offsets[1],
            len);
        byte[] found = stripe.get(0);
        stripe.put(0, before);
        scalar.multiplyAdd(
            plain1,
            stripe.segments[0],
            stripe.offsets[0],
            stripe.segments[1],
            stripe.offsets[1],
            len);
        assertThat(found).as("length %d, times %d", len, coefficient[0]).isEqualTo(stripe.get(0));
        assertThat(stripe.guardsIntact()).isTrue();
      }
    }
  }

  @Test
  void combine() {
    for (int len : lengths()) {
      int rows = 1 + random.nextInt(4);
      int columns = 1 + random.nextInt(random.nextBoolean() ? 5 : 32);
      byte[] coefficients = new byte[rows * columns];
      random.nextBytes(coefficients);
      if (rows == 1 && random.nextBoolean()) {
        java.util.Arrays.fill(coefficients, (byte) 1);
      }
      int[] inputs = new int[columns];
      for (int i = 0; i < columns; i++) {
        inputs[i] = rows + i;
      }
      int[] outputs = new int[rows];
      for (int i = 0; i < rows; i++) {
        outputs[i] = i;
      }
      Combination nativeOne = isal.prepare(coefficients, inputs, outputs);
      Combination plain = scalar.prepare(coefficients, inputs, outputs);
      try (Arena arena = Arena.ofConfined()) {
        Stripe stripe = new Stripe(arena, rows + columns, len, random, random.nextBoolean());
        MemorySegment[] segments = stripe.segments.clone();
        int absent = random.nextInt(3) == 0 ? random.nextInt(columns + 1) : 0;
        for (int i = 0; i < absent; i++) {
          segments[rows + random.nextInt(columns)] = null;
        }
        isal.combine(nativeOne, segments, stripe.offsets, segments, stripe.offsets, len);
        List<byte[]> found = new ArrayList<>();
        for (int i = 0; i < rows; i++) {
          found.add(stripe.get(i));
          stripe.wipe(i);
        }
        scalar.combine(plain, segments, stripe.offsets, segments, stripe.offsets, len);
        for (int i = 0; i < rows; i++) {
          assertThat(found.get(i))
              .as("length %d, %d by %d, row %d, absent %d", len, rows, columns, i, absent)
              .isEqualTo(stripe.get(i));
        }
        assertThat(stripe.guardsIntact()).isTrue();
      }
    }
  }

  @Test
  void crc32c() {
    for (int len : lengths()) {
      try (Arena arena = Arena.ofConfined()) {
        Stripe stripe = new Stripe(arena, 1, len, random, false);
        MemorySegment segment = stripe.segments[0];
        long offset = stripe.offsets[0];
        java.util.zip.CRC32C reference = new java.util.zip.CRC32C();
        reference.update(stripe.get(0));
        int expected = (int) reference.getValue();
        assertThat(Crc32c.of(segment, offset, len)).as("length %d", len).isEqualTo(expected);
        assertThat(scalar.crc32c(0, segment, offset, len)).isEqualTo(expected);
        int cut = random.nextInt(len + 1);
        int first = Crc32c.of(segment, offset, cut);
        assertThat(Crc32c.update(first, segment, offset + cut, len - cut)).isEqualTo(expected);
        int scalarFirst = scalar.crc32c(0, segment, offset, cut);
        assertThat(scalar.crc32c(scalarFirst, segment, offset + cut, len - cut))
            .isEqualTo(expected);
      }
    }
  }

  @Test
  void refusesWhatNativeCodeWouldCrashOn() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment good = arena.allocate(64);
      MemorySegment heap = MemorySegment.ofArray(new byte[64]);
      for (Kernel kernel : List.of(isal, scalar)) {
        assertThatThrownBy(() -> kernel.xor(good, 0, heap, 0, 64))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("off-heap");
        assertThatThrownBy(() -> kernel.xor(good.asReadOnly(), 0, good, 0, 64))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("read-only");
        assertThatThrownBy(() -> kernel.xor(good, 1, good, 0, 64))
            .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> kernel.xor(good, -1, good, 0, 8))
            .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> kernel.crc32c(0, good, 0, 65))
            .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> kernel.crc32c(0, good, 0, -1))
            .isInstanceOf(IndexOutOfBoundsException.class);
      }
    }
  }
}
