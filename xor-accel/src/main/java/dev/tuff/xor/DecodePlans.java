package dev.tuff.xor;

import java.util.Arrays;

/**
 * How to compute lost members from present ones, kept for the last few patterns: an array loses few
 * drives at a time, so that the same pattern comes for every stripe row.
 */
final class DecodePlans {
  private static final int CAPACITY = 16;

  private final int n;
  private final int k;
  private final Kernel kernel;
  private final long[] present = new long[CAPACITY];
  private final long[] wanted = new long[CAPACITY];
  private final Combination[] plans = new Combination[CAPACITY];
  private int next;

  DecodePlans(int n, int k, Kernel kernel) {
    this.n = n;
    this.k = k;
    this.kernel = kernel;
  }

  Combination find(long presentMask, long wantedMask) {
    for (int i = 0; i < CAPACITY; i++) {
      if (wanted[i] == wantedMask && present[i] == presentMask && plans[i] != null) {
        return plans[i];
      }
    }
    Combination plan = plan(presentMask, wantedMask);
    present[next] = presentMask;
    wanted[next] = wantedMask;
    plans[next] = plan;
    next = (next + 1) % CAPACITY;
    return plan;
  }

  /**
   * With M the rows of the generator matrix (identity above parity coefficients) of N present
   * members, data = M^-1 * present; a lost member is its own generator row times that.
   */
  private Combination plan(long presentMask, long wantedMask) {
    check(presentMask, wantedMask);
    int[] sources = sources(presentMask);
    int[][] matrix = new int[n][];
    for (int i = 0; i < n; i++) {
      matrix[i] = generatorRow(sources[i]);
    }
    int[][] inverse = Gf256.invert(matrix);
    if (inverse == null) {
      throw new IllegalStateException(
          "no inverse for members " + Arrays.toString(sources) + " of " + n + "+" + k);
    }
    int[] targets = new int[Long.bitCount(wantedMask)];
    byte[] coefficients = new byte[targets.length * n];
    long left = wantedMask;
    for (int row = 0; row < targets.length; row++) {
      targets[row] = Long.numberOfTrailingZeros(left);
      left &= left - 1;
      int[] generator = generatorRow(targets[row]);
      for (int column = 0; column < n; column++) {
        int sum = 0;
        for (int i = 0; i < n; i++) {
          sum ^= Gf256.multiply(generator[i], inverse[i][column]);
        }
        coefficients[row * n + column] = (byte) sum;
      }
    }
    return kernel.prepare(coefficients, sources, targets);
  }

  /** Data first, then the lowest parities: one lost data member is then a plain XOR. */
  private int[] sources(long presentMask) {
    int[] sources = new int[n];
    long left = presentMask;
    for (int i = 0; i < n; i++) {
      sources[i] = Long.numberOfTrailingZeros(left);
      left &= left - 1;
    }
    return sources;
  }

  private int[] generatorRow(int member) {
    int[] row = new int[n];
    if (member < n) {
      row[member] = 1;
    } else {
      for (int i = 0; i < n; i++) {
        row[i] = ErasureCode.coefficientOf(member - n, i);
      }
    }
    return row;
  }

  private void check(long presentMask, long wantedMask) {
    long all = (1L << (n + k)) - 1;
    if ((presentMask & ~all) != 0 || (wantedMask & ~all) != 0) {
      throw new IllegalArgumentException(
          "Members 0x%x are present and 0x%x wanted, but %d+%d has only 0x%x."
              .formatted(presentMask, wantedMask, n, k, all));
    }
    if ((presentMask & wantedMask) != 0) {
      throw new IllegalArgumentException(
          "Members 0x%x are both present and wanted; ask only for lost ones."
              .formatted(presentMask & wantedMask));
    }
    if (Long.bitCount(presentMask) < n) {
      throw new IllegalArgumentException(
          "%d members are present (0x%x), but %d are needed to compute the others."
              .formatted(Long.bitCount(presentMask), presentMask, n));
    }
  }
}
