package dev.tuff.xor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/**
 * That any K of N+K may be lost is the statement that every square submatrix of the coefficients is
 * invertible. The coefficients depend on neither N nor K, so the 4 by 32 matrix proves all codes.
 */
class MatrixTest {
  @Test
  void parityZeroIsPlainXor() {
    for (int member = 0; member < ErasureCode.MAX_N; member++) {
      assertThat(ErasureCode.coefficientOf(0, member)).isEqualTo(1);
    }
  }

  /** On every drive parity was written with these: they may never change. */
  @Test
  void theFirstCoefficientsAreFrozen() {
    int[][] frozen = new int[3][6];
    for (int parity = 1; parity < 4; parity++) {
      for (int member = 0; member < 6; member++) {
        frozen[parity - 1][member] = ErasureCode.coefficientOf(parity, member);
      }
    }
    assertThat(frozen)
        .isDeepEqualTo(
            new int[][] {
              {236, 109, 80, 56, 87, 97},
              {115, 163, 217, 198, 89, 8},
              {242, 74, 43, 181, 130, 117}
            });
  }

  @Test
  void everySquareSubmatrixIsInvertible() {
    int checked = 0;
    for (int rows = 1; rows < 16; rows++) {
      int size = Integer.bitCount(rows);
      int[] columns = new int[size];
      for (int i = 0; i < size; i++) {
        columns[i] = i;
      }
      do {
        assertThat(determinant(rows, columns)).isNotZero();
        checked++;
      } while (next(columns));
    }
    // 4 C(32,1) + 6 C(32,2) + 4 C(32,3) + C(32,4)
    assertThat(checked).isEqualTo(128 + 2976 + 19840 + 35960);
  }

  /** Expansion along the first row; signs do not matter, minus being plus. */
  private static int determinant(int rows, int[] columns) {
    if (rows == 0) {
      return 1;
    }
    int row = Integer.numberOfTrailingZeros(rows);
    int sum = 0;
    for (int i = 0; i < columns.length; i++) {
      int[] rest = new int[columns.length - 1];
      System.arraycopy(columns, 0, rest, 0, i);
      System.arraycopy(columns, i + 1, rest, i, rest.length - i);
      sum ^=
          Gf256.multiply(
              ErasureCode.coefficientOf(row, columns[i]), determinant(rows & (rows - 1), rest));
    }
    return sum;
  }

  private static boolean next(int[] columns) {
    for (int i = columns.length - 1; i >= 0; i--) {
      if (columns[i] < ErasureCode.MAX_N - columns.length + i) {
        columns[i]++;
        for (int j = i + 1; j < columns.length; j++) {
          columns[j] = columns[j - 1] + 1;
        }
        return true;
      }
    }
    return false;
  }
}
