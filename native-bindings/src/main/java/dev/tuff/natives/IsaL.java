package dev.tuff.natives;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The ISA-L kernels that parity arithmetic and checksums use, by raw address so that a call costs
 * no allocation and no slicing.
 *
 * <p>Every call is short and never blocks, so it runs without leaving Java's thread state ({@link
 * Linker.Option#critical}): a thread in it cannot reach a safepoint, so callers pass at most about
 * {@link #MAX_BYTES_PER_CALL} bytes in all. Nothing is checked here: addresses must be of live
 * off-heap memory of the given lengths, pointer arrays hold 64-bit addresses. Any thread may call.
 *
 * <p>Tables made by {@link #initTables} are opaque: their layout differs between processors (from
 * ISA-L 2.31 on, those with GFNI use 8 bytes a coefficient, others 32), so they must be passed
 * whole to the call shape they were made for, never indexed or cut.
 */
public final class IsaL {
  /** The shared library's name, as the dynamic linker knows it. */
  public static final String LIBRARY = "libisal.so.2";

  /** The most bytes, all vectors together, that one call should touch: some 100 microseconds. */
  public static final int MAX_BYTES_PER_CALL = 1 << 20;

  /** Required alignment in bytes of every vector of {@link #xorGen}. */
  public static final int XOR_ALIGNMENT = 32;

  /** Bytes to reserve for the tables of one coefficient. */
  public static final int TABLE_BYTES = 32;

  /** True once {@link #check} has found it all; what is loaded stays. */
  private static volatile boolean complete;

  private IsaL() {}

  /**
   * Makes sure that the library is there and has every function used.
   *
   * @throws MissingLibraryException if not; the message says what to install
   */
  public static void check() {
    if (complete) {
      return;
    }
    SymbolLookup library = open();
    for (String name :
        new String[] {
          "xor_gen", "ec_init_tables", "ec_encode_data", "ec_encode_data_update", "crc32_iscsi"
        }) {
      find(library, name);
    }
    complete = true;
  }

  /**
   * XORs {@code vectors - 1} sources into the last vector of the array.
   *
   * <p>Some variants store past the caches without ordering those stores: a thread that hands the
   * result to another one must put a full fence between.
   *
   * @param vectors sources plus the destination, at least 3
   * @param len bytes of each vector, any
   * @param array address of {@code vectors} addresses, each a multiple of {@link #XOR_ALIGNMENT};
   *     the destination may be one of the sources
   * @return 0, or another value if the arguments were refused
   */
  public static int xorGen(int vectors, int len, long array) {
    try {
      return (int) Calls.XOR_GEN.invokeExact(vectors, len, array);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  /**
   * Expands coefficients for {@link #encodeData} or {@link #encodeDataUpdate}.
   *
   * @param sources number of source vectors
   * @param rows number of result vectors
   * @param coefficients address of {@code rows * sources} bytes, row by row
   * @param tables address of {@code rows * sources * TABLE_BYTES} bytes to fill
   */
  public static void initTables(int sources, int rows, long coefficients, long tables) {
    try {
      Calls.INIT_TABLES.invokeExact(sources, rows, coefficients, tables);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  /**
   * Computes each result vector as the sum over GF(2^8) of coefficient times source.
   *
   * @param len bytes of each vector, at least 1, any alignment
   * @param sources number of source vectors
   * @param rows number of result vectors, none of which may overlap a source
   * @param tables address of tables made for the same {@code sources} and {@code rows}
   * @param sourceArray address of {@code sources} addresses
   * @param resultArray address of {@code rows} addresses
   */
  public static void encodeData(
      int len, int sources, int rows, long tables, long sourceArray, long resultArray) {
    try {
      Calls.ENCODE_DATA.invokeExact(len, sources, rows, tables, sourceArray, resultArray);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  /**
   * Adds, over GF(2^8), coefficient times one source to each result vector.
   *
   * @param len bytes of each vector, at least 1, any alignment
   * @param sources the number of sources the tables were made for
   * @param rows number of result vectors
   * @param sourceIndex which of the sources this one is
   * @param tables address of tables made for the same {@code sources} and {@code rows}
   * @param source address of the source
   * @param resultArray address of {@code rows} addresses
   */
  public static void encodeDataUpdate(
      int len, int sources, int rows, int sourceIndex, long tables, long source, long resultArray) {
    try {
      Calls.ENCODE_DATA_UPDATE.invokeExact(
          len, sources, rows, sourceIndex, tables, source, resultArray);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  /**
   * The Castagnoli CRC's inner step: register in, register out, neither inverted.
   *
   * @param address first byte
   * @param len number of bytes
   * @param register the register so far; all ones at the start of a message
   * @return the register after these bytes; the message's CRC32C is its complement
   */
  public static int crc32Iscsi(long address, int len, int register) {
    try {
      return (int) Calls.CRC32_ISCSI.invokeExact(address, len, register);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  private static AssertionError unexpected(Throwable t) {
    return new AssertionError("an ISA-L call threw", t);
  }

  private static SymbolLookup open() {
    try {
      return SymbolLookup.libraryLookup(LIBRARY, Arena.global());
    } catch (IllegalArgumentException e) {
      throw new MissingLibraryException(
          "The library " + LIBRARY + " was not found; install the Debian package libisal2.", e);
    }
  }

  private static MemorySegment find(SymbolLookup library, String name) {
    return library
        .find(name)
        .orElseThrow(
            () ->
                new MissingLibraryException(
                    "The library "
                        + LIBRARY
                        + " has no function "
                        + name
                        + ", which is there from version 2.14 on;"
                        + " install the Debian package libisal2.",
                    null));
  }

  /** ISA-L is not installed, or too old; the message says which package mends it. */
  public static final class MissingLibraryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    MissingLibraryException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** Bound at the first call, so that a program that computes no parity needs no library. */
  private static final class Calls {
    private static final SymbolLookup ISAL = open();

    static final MethodHandle XOR_GEN =
        bind(
            "xor_gen",
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_LONG));
    static final MethodHandle INIT_TABLES =
        bind(
            "ec_init_tables",
            FunctionDescriptor.ofVoid(
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG));
    static final MethodHandle ENCODE_DATA =
        bind(
            "ec_encode_data",
            FunctionDescriptor.ofVoid(
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG));
    static final MethodHandle ENCODE_DATA_UPDATE =
        bind(
            "ec_encode_data_update",
            FunctionDescriptor.ofVoid(
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG));
    static final MethodHandle CRC32_ISCSI =
        bind(
            "crc32_iscsi",
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT));

    private static MethodHandle bind(String name, FunctionDescriptor descriptor) {
      return Linker.nativeLinker()
          .downcallHandle(find(ISAL, name), descriptor, Linker.Option.critical(false));
    }
  }
}
