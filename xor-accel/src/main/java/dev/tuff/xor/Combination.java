package dev.tuff.xor;

import java.lang.foreign.MemorySegment;

/**
 * A matrix over GF(2^8), prepared by one kind of kernel: each output is the sum of coefficient
 * times input. Says also at which index of the caller's arrays each input and output stands.
 * Immutable.
 *
 * <p>Made by {@link Kernel#prepare}, used by {@link Kernel#combine} and {@link Kernel#multiplyAdd}
 * of the same kind of kernel.
 */
public final class Combination {
  final int rows;
  final int columns;

  /** Row by row. */
  final byte[] coefficients;

  final int[] inputs;
  final int[] outputs;

  /** One output that is the plain XOR of the inputs. */
  final boolean xor;

  /** The kernel's expanded coefficients; null for one that needs none. */
  final MemorySegment tables;

  final long tablesAddress;

  Combination(byte[] coefficients, int[] inputs, int[] outputs, MemorySegment tables) {
    this.rows = outputs.length;
    this.columns = inputs.length;
    if (coefficients.length != rows * columns) {
      throw new IllegalArgumentException(
          "%d coefficients were given for %d outputs of %d inputs; give one for each pair."
              .formatted(coefficients.length, rows, columns));
    }
    this.coefficients = coefficients.clone();
    this.inputs = inputs.clone();
    this.outputs = outputs.clone();
    boolean ones = rows == 1;
    for (byte coefficient : coefficients) {
      ones &= coefficient == 1;
    }
    this.xor = ones;
    this.tables = tables;
    this.tablesAddress = tables == null ? 0 : tables.address();
  }

  /** Number of inputs. */
  public int columns() {
    return columns;
  }

  /** Number of outputs. */
  public int rows() {
    return rows;
  }
}
