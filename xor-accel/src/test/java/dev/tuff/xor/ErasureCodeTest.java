package dev.tuff.xor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ErasureCodeTest {
  private final RandomGenerator random = Seeds.random();

  private static Kernel kernel(String name) {
    return name.equals("isa-l") ? Kernel.isal() : Kernel.scalar();
  }

  /** Data 1, 2, 4. */
  @ParameterizedTest
  @ValueSource(strings = {"isa-l", "scalar"})
  void parityWorkedOutByHand(String kernel) {
    ErasureCode code = ErasureCode.of(3, 2, kernel(kernel));
    try (Arena arena = Arena.ofConfined()) {
      Stripe stripe = new Stripe(arena, 5, 1, random, false);
      for (int i = 0; i < 3; i++) {
        stripe.put(i, new byte[] {(byte) (1 << i)});
      }
      encode(code, stripe);
      assertThat(stripe.get(3)).containsExactly(7);
      // Parity 1 begins with the coefficients 236, 109, 80: c0 ^ 2 c1 ^ 4 c2, reduced by 0x11d.
      assertThat(stripe.get(4)).containsExactly((byte) 107);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"isa-l", "scalar"})
  void everyErasurePatternOfSmallCodes(String kernel) {
    for (int n = 1; n <= 6; n++) {
      for (int k = 0; k <= 4; k++) {
        ErasureCode code = ErasureCode.of(n, k, kernel(kernel));
        try (Arena arena = Arena.ofConfined()) {
          Stripe stripe = new Stripe(arena, n + k, 1 + random.nextInt(200), random, false);
          encode(code, stripe);
          long all = (1L << (n + k)) - 1;
          for (long lost = 0; lost <= all; lost++) {
            if (Long.bitCount(lost) <= k) {
              loseAndReconstruct(code, stripe, all & ~lost, lost);
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"isa-l", "scalar"})
  void randomErasurePatternsOfEveryCode(String kernel) {
    for (int n = 1; n <= ErasureCode.MAX_N; n++) {
      for (int k = 1; k <= ErasureCode.MAX_K; k++) {
        ErasureCode code = ErasureCode.of(n, k, kernel(kernel));
        try (Arena arena = Arena.ofConfined()) {
          Stripe stripe =
              new Stripe(arena, n + k, 1 + random.nextInt(300), random, random.nextBoolean());
          encode(code, stripe);
          long all = (1L << (n + k)) - 1;
          for (int round = 0; round < 12; round++) {
            long absent = 0;
            int lost = 1 + random.nextInt(k);
            while (Long.bitCount(absent) < lost) {
              absent |= 1L << random.nextInt(n + k);
            }
            // Not all that is absent need be wanted.
            long wanted = absent & random.nextLong();
            loseAndReconstruct(code, stripe, all & ~absent, wanted);
          }
        }
      }
    }
  }

  @Test
  void longMembersAreReconstructed() {
    for (int len : new int[] {4096, 65536, 65536 + 7, 300_000}) {
      for (boolean aligned : new boolean[] {true, false}) {
        for (int[] shape : new int[][] {{4, 1}, {4, 2}, {32, 4}}) {
          int members = shape[0] + shape[1];
          ErasureCode code = ErasureCode.of(shape[0], shape[1], Kernel.isal());
          try (Arena arena = Arena.ofConfined()) {
            Stripe stripe = new Stripe(arena, members, len, random, aligned);
            encode(code, stripe);
            long all = (1L << members) - 1;
            long lost = shape[1] == 1 ? 4 : 0b11L << (shape[0] - 1);
            loseAndReconstruct(code, stripe, all & ~lost, lost);
          }
        }
      }
    }
  }

  /** Random small writes by delta and apply leave the same parity as encoding afresh. */
  @ParameterizedTest
  @ValueSource(strings = {"isa-l", "scalar"})
  void deltaAndApplyKeepParityTrue(String kernel) {
    for (int round = 0; round < 60; round++) {
      int n = 1 + random.nextInt(ErasureCode.MAX_N);
      int k = random.nextInt(ErasureCode.MAX_K + 1);
      int len = 1 + random.nextInt(5000);
      ErasureCode code = ErasureCode.of(n, k, kernel(kernel));
      try (Arena arena = Arena.ofConfined()) {
        Stripe stripe = new Stripe(arena, n + k, len, random, random.nextBoolean());
        encode(code, stripe);
        for (int write = 0; write < 5; write++) {
          int member = random.nextInt(n);
          int start = random.nextInt(len);
          int count = 1 + random.nextInt(len - start);
          Stripe fresh = new Stripe(arena, 1, count, random, false);
          MemorySegment data = stripe.segments[member];
          long offset = stripe.offsets[member] + start;
          code.delta(data, offset, fresh.segments[0], fresh.offsets[0], count);
          for (int parity = 0; parity < k; parity++) {
            code.apply(
                parity,
                member,
                stripe.segments[n + parity],
                stripe.offsets[n + parity] + start,
                data,
                offset,
                count);
          }
          MemorySegment.copy(fresh.segments[0], fresh.offsets[0], data, offset, count);
        }
        for (int parity = 0; parity < k; parity++) {
          byte[] kept = stripe.get(n + parity);
          stripe.wipe(n + parity);
          code.encodeOne(
              parity,
              stripe.segments(0, n),
              stripe.offsets(0, n),
              stripe.segments[n + parity],
              stripe.offsets[n + parity],
              len);
          assertThat(kept).as("%d+%d parity %d", n, k, parity).isEqualTo(stripe.get(n + parity));
        }
        assertThat(stripe.guardsIntact()).isTrue();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"isa-l", "scalar"})
  void absentDataStandsForZeros(String kernel) {
    for (int round = 0; round < 100; round++) {
      int n = 1 + random.nextInt(8);
      int k = 1 + random.nextInt(4);
      int len = 1 + random.nextInt(300);
      ErasureCode code = ErasureCode.of(n, k, kernel(kernel));
      try (Arena arena = Arena.ofConfined()) {
        Stripe stripe = new Stripe(arena, n + k, len, random, random.nextBoolean());
        MemorySegment[] sparse = stripe.segments.clone();
        for (int i = 0; i < n; i++) {
          if (random.nextBoolean()) {
            stripe.put(i, new byte[len]);
            sparse[i] = null;
          }
        }
        encode(code, stripe);
        List<byte[]> expected = new ArrayList<>();
        for (int i = n; i < n + k; i++) {
          expected.add(stripe.get(i));
          stripe.wipe(i);
        }
        code.encode(
            java.util.Arrays.copyOf(sparse, n),
            stripe.offsets(0, n),
            stripe.segments(n, n + k),
            stripe.offsets(n, n + k),
            len);
        for (int i = 0; i < k; i++) {
          assertThat(stripe.get(n + i)).isEqualTo(expected.get(i));
        }
        int lost = random.nextInt(n);
        byte[] data = stripe.get(lost);
        stripe.wipe(lost);
        sparse[lost] = stripe.segments[lost];
        long all = (1L << (n + k)) - 1;
        code.reconstruct(all & ~(1L << lost), 1L << lost, sparse, stripe.offsets, len);
        assertThat(stripe.get(lost)).isEqualTo(data);
        assertThat(stripe.guardsIntact()).isTrue();
      }
    }
  }

  @Test
  void refusesImpossibleShapesAndPatterns() {
    Kernel kernel = Kernel.scalar();
    for (int[] shape : new int[][] {{0, 1}, {33, 1}, {4, -1}, {4, 5}}) {
      assertThatThrownBy(() -> ErasureCode.of(shape[0], shape[1], kernel))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(shape[0] + "+" + shape[1]);
    }
    ErasureCode code = ErasureCode.of(4, 2, kernel);
    MemorySegment[] members = new MemorySegment[6];
    long[] offsets = new long[6];
    assertThatThrownBy(() -> code.reconstruct(0b000111, 0b001000, members, offsets, 1))
        .hasMessageContaining("4 are needed");
    assertThatThrownBy(() -> code.reconstruct(0b011111, 0b000001, members, offsets, 1))
        .hasMessageContaining("both present and wanted");
    assertThatThrownBy(() -> code.reconstruct(0b011111, 0b1000000, members, offsets, 1))
        .hasMessageContaining("has only 0x3f");
    assertThatThrownBy(() -> code.coefficient(2, 0)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> code.coefficient(0, 4)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  private static void encode(ErasureCode code, Stripe stripe) {
    int n = code.n();
    int members = n + code.k();
    code.encode(
        stripe.segments(0, n),
        stripe.offsets(0, n),
        stripe.segments(n, members),
        stripe.offsets(n, members),
        stripe.len);
  }

  private static void loseAndReconstruct(
      ErasureCode code, Stripe stripe, long present, long wanted) {
    int members = code.n() + code.k();
    List<byte[]> before = new ArrayList<>();
    for (int i = 0; i < members; i++) {
      before.add(stripe.get(i));
      if ((present >> i & 1) == 0) {
        stripe.wipe(i);
      }
    }
    code.reconstruct(present, wanted, stripe.segments, stripe.offsets, stripe.len);
    for (int i = 0; i < members; i++) {
      if (((present | wanted) >> i & 1) == 1) {
        assertThat(stripe.get(i))
            .as("%d+%d present 0x%x wanted 0x%x", code.n(), code.k(), present, wanted)
            .isEqualTo(before.get(i));
      }
      stripe.put(i, before.get(i));
    }
    assertThat(stripe.guardsIntact()).isTrue();
  }
}
