package dev.tuff.xor;

import dev.tuff.natives.IsaL;
import java.lang.foreign.MemorySegment;

/**
 * The byte-crunching under {@link ErasureCode} and {@link Crc32c}. Two implementations with
 * identical results: ISA-L's, and plain Java to compare with.
 *
 * <p>All segments are off-heap and stay alive during the call; offsets and lengths are in bytes, of
 * any alignment; a length of 0 does nothing. Results may not overlap inputs. Nothing is allocated
 * per call, except in {@link #prepare}. When a call returns, its result may be handed to another
 * thread by any release store.
 *
 * <p>A kernel belongs to one thread at a time: it owns scratch memory.
 */
public sealed interface Kernel permits IsalKernel, ScalarKernel {

  /**
   * A kernel that uses ISA-L, which the first call in a process compares with plain Java.
   *
   * @throws IllegalStateException if ISA-L computes wrong results on this processor
   * @throws IsaL.MissingLibraryException if the library is not installed
   */
  static Kernel isal() {
    IsaL.check();
    return IsalKernel.checked();
  }

  /** A kernel in plain Java, which needs no library. */
  static Kernel scalar() {
    return new ScalarKernel();
  }

  /** Short name for tables and messages: {@code isa-l} or {@code scalar}. */
  String name();

  /** A kernel of the same kind with scratch memory of its own. */
  Kernel copy();

  /**
   * Prepares a matrix for {@link #combine} (or, 1 by 1, for {@link #multiplyAdd}). Allocates.
   *
   * @param coefficients {@code outputs.length * inputs.length} bytes, row by row
   * @param inputs index of each input in the caller's arrays, at most {@link ErasureCode#MAX_N}
   * @param outputs index of each output in the caller's arrays, at most {@link ErasureCode#MAX_K}
   */
  Combination prepare(byte[] coefficients, int[] inputs, int[] outputs);

  /** {@code destination ^= source}. */
  void xor(
      MemorySegment destination,
      long destinationOffset,
      MemorySegment source,
      long sourceOffset,
      int len);

  /**
   * {@code destination ^= c * source}.
   *
   * @param coefficient a 1 by 1 combination, prepared by a kernel of this kind
   */
  void multiplyAdd(
      Combination coefficient,
      MemorySegment destination,
      long destinationOffset,
      MemorySegment source,
      long sourceOffset,
      int len);

  /**
   * Computes every output from the inputs.
   *
   * @param combination prepared by a kernel of this kind; says which array elements take part
   * @param inputs segments; a null one stands for zeros
   * @param outputs segments; may be the same array as {@code inputs}
   */
  void combine(
      Combination combination,
      MemorySegment[] inputs,
      long[] inputOffsets,
      MemorySegment[] outputs,
      long[] outputOffsets,
      int len);

  /**
   * The CRC32C of a message continued by these bytes.
   *
   * @param crc the CRC32C of the message so far; 0 for none
   */
  int crc32c(int crc, MemorySegment segment, long offset, int len);
}
