package dev.tuff.xor;

import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;

/**
 * N data members protected by K parities: any K of the N+K may be lost and are computed again.
 *
 * <p>Parity p is the sum over GF(2^8) of coefficient(p, m) times data member m. Parity 0 is the
 * plain XOR of the data, so that K = 1 is RAID-5's arithmetic. The coefficients depend on p and m
 * only, not on N and K; they are part of the on-disk format. The mathematics is in {@code
 * docs/parity.md}.
 *
 * <p>Members are numbered data first: 0 to N-1 are data, N to N+K-1 parity. All segments are
 * off-heap, stay the caller's, and must stay alive during the call; offsets and lengths are in
 * bytes, of any alignment; results may not overlap inputs. Nothing is allocated per call, but for
 * the first {@link #reconstruct} of a pattern.
 *
 * <p>An instance belongs to one thread at a time (it owns scratch memory) and is cheap to make.
 */
public final class ErasureCode {
  /** The most data members. */
  public static final int MAX_N = 32;

  /** The most parities. */
  public static final int MAX_K = 4;

  private final int n;
  private final int k;
  private final Kernel kernel;
  private final byte[] coefficients;
  private final Combination encodeAll;
  private final Combination[] encodeOne;

  /** At {@code parity * n + member}; row 0 stays empty, being XOR. */
  private final Combination[] multiply;

  private final DecodePlans plans;
  private final MemorySegment[] oneOutput = new MemorySegment[1];
  private final long[] oneOutputOffset = new long[1];

  private ErasureCode(int n, int k, Kernel kernel) {
    this.n = n;
    this.k = k;
    this.kernel = kernel.copy();
    this.coefficients = new byte[n * k];
    for (int parity = 0; parity < k; parity++) {
      for (int member = 0; member < n; member++) {
        coefficients[parity * n + member] = (byte) coefficientOf(parity, member);
      }
    }
    int[] data = IntStream.range(0, n).toArray();
    int[] parities = IntStream.range(0, k).toArray();
    this.encodeAll = this.kernel.prepare(coefficients, data, parities);
    this.encodeOne = new Combination[k];
    this.multiply = new Combination[k * n];
    for (int parity = 0; parity < k; parity++) {
      byte[] row = new byte[n];
      System.arraycopy(coefficients, parity * n, row, 0, n);
      encodeOne[parity] = this.kernel.prepare(row, data, new int[1]);
      for (int member = 0; parity > 0 && member < n; member++) {
        multiply[parity * n + member] =
            this.kernel.prepare(new byte[] {row[member]}, new int[1], new int[1]);
      }
    }
    this.plans = new DecodePlans(n, k, this.kernel);
  }

  /**
   * The code for N data members and K parities.
   *
   * @param n 1 to {@link #MAX_N}
   * @param k 0 to {@link #MAX_K}; with 0, encoding does nothing and nothing can be reconstructed
   * @param kernel what to compute with; this code makes a copy for itself
   */
  public static ErasureCode of(int n, int k, Kernel kernel) {
    if (n < 1 || n > MAX_N || k < 0 || k > MAX_K) {
      throw new IllegalArgumentException(
          "%d+%d was asked for; give 1 to %d data members and 0 to %d parities."
              .formatted(n, k, MAX_N, MAX_K));
    }
    return new ErasureCode(n, k, kernel);
  }

  /**
   * A Cauchy matrix, 1 / (x_p + y_m) with x_p = 32 + p and y_m = m, each column divided by its
   * first element: row 0 becomes ones, and every square submatrix stays invertible.
   */
  static int coefficientOf(int parity, int member) {
    return Gf256.divide(MAX_N ^ member, (MAX_N + parity) ^ member);
  }

  /** Number of data members. */
  public int n() {
    return n;
  }

  /** Number of parities. */
  public int k() {
    return k;
  }

  /**
   * What data member {@code member} is multiplied by in parity {@code parity}; 1 in all of parity
   * 0.
   */
  public byte coefficient(int parity, int member) {
    return coefficients[index(parity, member)];
  }

  /**
   * Computes every parity from all data.
   *
   * @param data N segments; a null one stands for zeros
   * @param dataOffsets N offsets
   * @param parity K segments to be overwritten
   * @param parityOffsets K offsets
   * @param len bytes of each
   */
  public void encode(
      MemorySegment[] data,
      long[] dataOffsets,
      MemorySegment[] parity,
      long[] parityOffsets,
      int len) {
    if (k > 0) {
      kernel.combine(encodeAll, data, dataOffsets, parity, parityOffsets, len);
    }
  }

  /**
   * Computes one parity from all data.
   *
   * @param parityIndex 0 to K-1
   * @param data N segments; a null one stands for zeros
   * @param dataOffsets N offsets
   * @param parity the segment to be overwritten
   * @param len bytes of each
   */
  public void encodeOne(
      int parityIndex,
      MemorySegment[] data,
      long[] dataOffsets,
      MemorySegment parity,
      long parityOffset,
      int len) {
    oneOutput[0] = parity;
    oneOutputOffset[0] = parityOffset;
    kernel.combine(encodeOne[parityIndex], data, dataOffsets, oneOutput, oneOutputOffset, len);
    oneOutput[0] = null;
  }

  /**
   * Makes the delta that {@link #apply} takes, in place of the old data: {@code old ^= new}. It is
   * its own inverse: {@code old ^ delta} is the new data.
   */
  public void delta(
      MemorySegment oldAndResult, long offset, MemorySegment newData, long newOffset, int len) {
    kernel.xor(oldAndResult, offset, newData, newOffset, len);
  }

  /**
   * Brings a parity up to date with one member's change: {@code parity ^= coefficient * delta}.
   *
   * @param parityIndex 0 to K-1; for 0 this is a plain XOR
   * @param member 0 to N-1, the data member that changed
   * @param delta its old data XOR its new data
   */
  public void apply(
      int parityIndex,
      int member,
      MemorySegment parity,
      long parityOffset,
      MemorySegment delta,
      long deltaOffset,
      int len) {
    int index = index(parityIndex, member);
    if (parityIndex == 0) {
      kernel.xor(parity, parityOffset, delta, deltaOffset, len);
    } else {
      kernel.multiplyAdd(multiply[index], parity, parityOffset, delta, deltaOffset, len);
    }
  }

  /**
   * Computes lost members, data and parity alike, from any N that are there.
   *
   * @param presentMask bit i set: member i may be read; at least N bits
   * @param wantedMask bit i set: compute member i into {@code members[i]}; none of them present
   * @param members N+K segments; a present one that is null stands for zeros, those neither present
   *     nor wanted are not looked at
   * @param offsets N+K offsets
   * @param len bytes of each
   */
  public void reconstruct(
      long presentMask, long wantedMask, MemorySegment[] members, long[] offsets, int len) {
    if (wantedMask == 0) {
      return;
    }
    Combination plan = plans.find(presentMask, wantedMask);
    kernel.combine(plan, members, offsets, members, offsets, len);
  }

  private int index(int parity, int member) {
    if (parity < 0 || parity >= k || member < 0 || member >= n) {
      throw new IndexOutOfBoundsException(
          "There is no parity %d of member %d in %d+%d.".formatted(parity, member, n, k));
    }
    return parity * n + member;
  }
}
