package dev.tuff.xor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class Gf256Test {
  @Test
  void productsWorkedOutByHand() {
    assertThat(Gf256.multiply(0, 7)).isZero();
    assertThat(Gf256.multiply(1, 0xab)).isEqualTo(0xab);
    assertThat(Gf256.multiply(2, 0x80)).isEqualTo(0x1d);
    assertThat(Gf256.multiply(3, 5)).isEqualTo(0x0f);
    // 0x8e * 2 = 0x11c, reduced by 0x11d to 1.
    assertThat(Gf256.inverse(2)).isEqualTo(0x8e);
  }

  @Test
  void productsAgreeWithLongMultiplication() {
    for (int a = 0; a < 256; a++) {
      for (int b = 0; b < 256; b++) {
        int product = 0;
        for (int bit = 7; bit >= 0; bit--) {
          product <<= 1;
          product ^= product > 255 ? Gf256.POLYNOMIAL : 0;
          product ^= (b >> bit & 1) == 1 ? a : 0;
        }
        assertThat(Gf256.multiply(a, b)).isEqualTo(product);
      }
    }
  }

  @Test
  void everyElementButZeroHasItsInverse() {
    for (int a = 1; a < 256; a++) {
      assertThat(Gf256.multiply(a, Gf256.inverse(a))).isEqualTo(1);
    }
  }

  @Test
  void aSingularMatrixHasNoInverse() {
    assertThat(Gf256.invert(new int[][] {{1, 2}, {1, 2}})).isNull();
    assertThat(Gf256.invert(new int[][] {{0, 1}, {1, 0}}))
        .isDeepEqualTo(new int[][] {{0, 1}, {1, 0}});
  }
}
