package dev.tuff.xor;

/**
 * Arithmetic in GF(2^8) with the polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11d) and generator 2, the
 * field of RAID-6 and of ISA-L. Addition is XOR. Elements are ints in 0..255.
 */
final class Gf256 {
  static final int POLYNOMIAL = 0x11d;

  private static final int[] EXP = new int[510];
  private static final int[] LOG = new int[256];

  static {
    int x = 1;
    for (int i = 0; i < 255; i++) {
      EXP[i] = x;
      EXP[i + 255] = x;
      LOG[x] = i;
      x <<= 1;
      if (x > 255) {
        x ^= POLYNOMIAL;
      }
    }
  }

  private Gf256() {}

  static int multiply(int a, int b) {
    return a == 0 || b == 0 ? 0 : EXP[LOG[a] + LOG[b]];
  }

  static int inverse(int a) {
    if (a == 0) {
      throw new ArithmeticException("zero has no inverse in GF(256)");
    }
    return EXP[255 - LOG[a]];
  }

  static int divide(int a, int b) {
    return multiply(a, inverse(b));
  }

  /**
   * Inverts a square matrix by Gauss-Jordan elimination.
   *
   * @param matrix rows of elements; destroyed
   * @return the inverse, or null if there is none
   */
  static int[][] invert(int[][] matrix) {
    int size = matrix.length;
    int[][] inverse = new int[size][size];
    for (int i = 0; i < size; i++) {
      inverse[i][i] = 1;
    }
    for (int column = 0; column < size; column++) {
      int pivot = column;
      while (pivot < size && matrix[pivot][column] == 0) {
        pivot++;
      }
      if (pivot == size) {
        return null;
      }
      swap(matrix, pivot, column);
      swap(inverse, pivot, column);
      int scale = inverse(matrix[column][column]);
      for (int i = 0; i < size; i++) {
        matrix[column][i] = multiply(matrix[column][i], scale);
        inverse[column][i] = multiply(inverse[column][i], scale);
      }
      for (int row = 0; row < size; row++) {
        int factor = matrix[row][column];
        if (row == column || factor == 0) {
          continue;
        }
        for (int i = 0; i < size; i++) {
          matrix[row][i] ^= multiply(factor, matrix[column][i]);
          inverse[row][i] ^= multiply(factor, inverse[column][i]);
        }
      }
    }
    return inverse;
  }

  private static void swap(int[][] rows, int a, int b) {
    int[] row = rows[a];
    rows[a] = rows[b];
    rows[b] = row;
  }
}
