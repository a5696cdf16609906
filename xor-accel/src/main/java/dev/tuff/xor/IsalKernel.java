package dev.tuff.xor;

import dev.tuff.natives.IsaL;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;

/** ISA-L's kernels, fed through one scratch array of pointers: inputs first, then outputs. */
final class IsalKernel implements Kernel {
  /** A piece of every vector together should fit a core's level-2 cache. */
  private static final int PIECE_BYTES = 64 << 10;

  private static final int CRC_PIECE_BYTES = 4096;
  private static final int LINE_PAIR_BYTES = 128;

  /** Keeps {@link #fetch}'s reads from being dropped as unused. */
  @SuppressWarnings("unused")
  private static int fetched;

  private static final int POINTERS = ErasureCode.MAX_N + ErasureCode.MAX_K;
  private static final int COEFFICIENTS = ErasureCode.MAX_N * ErasureCode.MAX_K;

  private static volatile boolean proved;

  private final MemorySegment pointers;
  private final long pointersAddress;

  /** Tables for the coefficient 1, and scratch for combinations with absent inputs. */
  private final MemorySegment one;

  private final MemorySegment partialCoefficients;
  private final MemorySegment partialTables;

  IsalKernel() {
    Arena arena = Arena.ofAuto();
    pointers = arena.allocate(ValueLayout.JAVA_LONG, POINTERS);
    pointersAddress = pointers.address();
    one = arena.allocate(IsaL.TABLE_BYTES, 64);
    partialCoefficients = arena.allocate(COEFFICIENTS);
    partialTables = arena.allocate((long) COEFFICIENTS * IsaL.TABLE_BYTES, 64);
    partialCoefficients.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
    IsaL.initTables(1, 1, partialCoefficients.address(), one.address());
  }

  static IsalKernel checked() {
    IsalKernel kernel = new IsalKernel();
    if (!proved) {
      SelfCheck.run(kernel);
      proved = true;
    }
    return kernel;
  }

  @Override
  public String name() {
    return "isa-l";
  }

  @Override
  public Kernel copy() {
    return new IsalKernel();
  }

  @Override
  public Combination prepare(byte[] coefficients, int[] inputs, int[] outputs) {
    MemorySegment tables =
        Arena.ofAuto().allocate((long) coefficients.length * IsaL.TABLE_BYTES, 64);
    Combination combination = new Combination(coefficients, inputs, outputs, tables);
    MemorySegment.copy(
        coefficients, 0, partialCoefficients, ValueLayout.JAVA_BYTE, 0, coefficients.length);
    IsaL.initTables(
        combination.columns, combination.rows, partialCoefficients.address(), tables.address());
    return combination;
  }

  // Not xor_gen, although it could: in place it must run on 32-byte alignment and it stores past
  // the
  // caches, which costs several times as much as this for bytes that are used again at once.
  @Override
  public void xor(
      MemorySegment destination,
      long destinationOffset,
      MemorySegment source,
      long sourceOffset,
      int len) {
    long to = Bytes.writable(destination, destinationOffset, len);
    long from = Bytes.readable(source, sourceOffset, len);
    try {
      multiplyAdd(one.address(), to, from, len);
    } finally {
      Reference.reachabilityFence(this);
      Reference.reachabilityFence(destination);
      Reference.reachabilityFence(source);
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
    long to = Bytes.writable(destination, destinationOffset, len);
    long from = Bytes.readable(source, sourceOffset, len);
    try {
      multiplyAdd(coefficient.tablesAddress, to, from, len);
    } finally {
      Reference.reachabilityFence(this);
      Reference.reachabilityFence(coefficient);
      Reference.reachabilityFence(destination);
      Reference.reachabilityFence(source);
    }
  }

  private void multiplyAdd(long tables, long to, long from, int len) {
    while (len > 0) {
      int piece = Math.min(len, PIECE_BYTES);
      pointers.set(ValueLayout.JAVA_LONG, 0, to);
      IsaL.encodeDataUpdate(piece, 1, 1, 0, tables, from, pointersAddress);
      to += piece;
      from += piece;
      len -= piece;
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
    int[] inputIndex = combination.inputs;
    int[] outputIndex = combination.outputs;
    long addresses = 0;
    int present = 0;
    for (int index : inputIndex) {
      MemorySegment input = inputs[index];
      if (input != null) {
        long address = Bytes.readable(input, inputOffsets[index], len);
        addresses |= address;
        setPointer(present++, address);
      }
    }
    int count = present;
    for (int index : outputIndex) {
      long address = Bytes.writable(outputs[index], outputOffsets[index], len);
      addresses |= address;
      setPointer(count++, address);
    }
    if (len == 0 || outputIndex.length == 0) {
      return;
    }
    if (present == 0) {
      for (int index : outputIndex) {
        zero(outputs[index], outputOffsets[index], len);
      }
      return;
    }
    try {
      if (combination.xor && present >= 2 && addresses % IsaL.XOR_ALIGNMENT == 0) {
        xorPieces(count, len);
      } else {
        long tables =
            present == inputIndex.length
                ? combination.tablesAddress
                : partialTables(combination, inputs, present);
        encodePieces(present, outputIndex.length, tables, len);
      }
    } finally {
      Reference.reachabilityFence(this);
      Reference.reachabilityFence(combination);
      Reference.reachabilityFence(inputs);
      Reference.reachabilityFence(outputs);
    }
  }

  private void xorPieces(int vectors, int len) {
    int piece = pieceBytes(vectors);
    while (true) {
      if (IsaL.xorGen(vectors, Math.min(piece, len), pointersAddress) != 0) {
        throw new IllegalStateException("xor_gen refused " + vectors + " vectors of " + len);
      }
      len -= piece;
      if (len <= 0) {
        break;
      }
      advance(vectors, piece);
    }
    // xor_gen stores past the caches, unordered: without this, another thread could see the message
    // that the parity is ready before the parity.
    VarHandle.fullFence();
  }

  private void encodePieces(int sources, int rows, long tables, int len) {
    int piece = pieceBytes(sources + rows);
    long results = pointersAddress + 8L * sources;
    while (true) {
      IsaL.encodeData(Math.min(piece, len), sources, rows, tables, pointersAddress, results);
      len -= piece;
      if (len <= 0) {
        return;
      }
      advance(sources + rows, piece);
    }
  }

  /** The tables of the inputs that are there. They are made again: ISA-L's cannot be cut. */
  private long partialTables(Combination combination, MemorySegment[] inputs, int present) {
    int next = 0;
    for (int row = 0; row < combination.rows; row++) {
      for (int column = 0; column < combination.columns; column++) {
        if (inputs[combination.inputs[column]] != null) {
          partialCoefficients.set(
              ValueLayout.JAVA_BYTE,
              next++,
              combination.coefficients[row * combination.columns + column]);
        }
      }
    }
    IsaL.initTables(
        present, combination.rows, partialCoefficients.address(), partialTables.address());
    return partialTables.address();
  }

  private void setPointer(int index, long address) {
    pointers.set(ValueLayout.JAVA_LONG, 8L * index, address);
  }

  private void advance(int count, int bytes) {
    for (int i = 0; i < count; i++) {
      setPointer(i, pointers.get(ValueLayout.JAVA_LONG, 8L * i) + bytes);
    }
  }

  private static int pieceBytes(int vectors) {
    return vectors <= 8 ? PIECE_BYTES : vectors <= 16 ? PIECE_BYTES / 2 : PIECE_BYTES / 4;
  }

  private static void zero(MemorySegment segment, long offset, int len) {
    long end = offset + len;
    long at = offset;
    for (; at <= end - 8; at += 8) {
      segment.set(ValueLayout.JAVA_LONG_UNALIGNED, at, 0);
    }
    for (; at < end; at++) {
      segment.set(ValueLayout.JAVA_BYTE, at, (byte) 0);
    }
  }

  @Override
  public int crc32c(int crc, MemorySegment segment, long offset, int len) {
    long address = Bytes.readable(segment, offset, len);
    int register = ~crc;
    int left = len;
    try {
      while (left > 0) {
        int piece = Math.min(left, CRC_PIECE_BYTES);
        fetch(segment, offset + len - left, piece);
        register = IsaL.crc32Iscsi(address, piece, register);
        address += piece;
        left -= piece;
      }
    } finally {
      Reference.reachabilityFence(segment);
    }
    return ~register;
  }

  /**
   * Brings bytes into the cache by reading one of every pair of cache lines. ISA-L's checksum walks
   * three places of a block at once and waits for memory at each step; these reads wait for many
   * lines together. Measured: 9.6 instead of 5.2 GB/s for blocks that come from a drive and are in
   * no cache, 18.8 instead of 21.5 for those that are.
   */
  private static void fetch(MemorySegment segment, long offset, int bytes) {
    int seen = 0;
    for (int i = 0; i < bytes; i += LINE_PAIR_BYTES) {
      seen += segment.get(ValueLayout.JAVA_BYTE, offset + i);
    }
    // Never so, which the compiler cannot know: it must read, and no line is shared by writing it.
    if (seen == Integer.MIN_VALUE) {
      fetched = seen;
    }
  }
}
