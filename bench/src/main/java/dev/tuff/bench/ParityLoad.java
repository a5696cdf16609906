package dev.tuff.bench;

import dev.tuff.xor.Crc32c;
import dev.tuff.xor.ErasureCode;
import dev.tuff.xor.Kernel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Parity arithmetic on stripes of four data and two parity buffers in a row, the same walk as the C
 * peer's.
 */
final class ParityLoad {
  /** What is computed; the names are the C program's. */
  enum Work {
    /** Plain XOR of four data buffers into one. */
    XOR("encode XOR 4+1", 4),
    /** Reed-Solomon, four data buffers into two. */
    RS("encode RS 4+2", 4),
    /** old ^= new, then parity 1 += coefficient * delta. */
    DELTA("delta and apply", 1),
    CRC("CRC32C", 1);

    final String label;
    final int dataBuffers;

    Work(String label, int dataBuffers) {
      this.label = label;
      this.dataBuffers = dataBuffers;
    }
  }

  /** Operations between two looks at the clock. */
  private static final int ROUND = 16;

  private static final int DATA = 4;
  private static final int MEMBERS = 6;

  private final Work work;
  private final int length;
  private final int stripes;
  private final ErasureCode code;
  private final MemorySegment memory;
  private final MemorySegment[] data = new MemorySegment[DATA];
  private final long[] dataOffsets = new long[DATA];
  private final MemorySegment[] parity;
  private final long[] parityOffsets;
  private int at;
  private int checksum;

  ParityLoad(Kernel kernel, Work work, int length, int stripes) {
    this.work = work;
    this.length = length;
    this.stripes = stripes;
    int parities = work == Work.XOR ? 1 : 2;
    this.code = ErasureCode.of(DATA, parities, kernel);
    // Ordinary pages, as the C peer has them.
    this.memory = Arena.ofAuto().allocate((long) stripes * MEMBERS * length, 4096);
    for (long i = 0; i < memory.byteSize(); i++) {
      memory.set(ValueLayout.JAVA_BYTE, i, (byte) (i * 131 + (i >> 12)));
    }
    this.parity = new MemorySegment[parities];
    this.parityOffsets = new long[parities];
    java.util.Arrays.fill(data, memory);
    java.util.Arrays.fill(parity, memory);
  }

  /** One stretch, after a fifth of its time to warm up, as in C. */
  Measurement run(double seconds) {
    spin((long) (seconds / 5 * 1e9));
    long allocated = ResourceMeter.allocatedByThisThread();
    long cpu = ResourceMeter.cpuNanosOfThisThread();
    long begin = System.nanoTime();
    long operations = spin((long) (seconds * 1e9));
    double elapsed = (System.nanoTime() - begin) / 1e9;
    cpu = ResourceMeter.cpuNanosOfThisThread() - cpu;
    allocated = ResourceMeter.allocatedByThisThread() - allocated;
    return new Measurement(
        elapsed,
        operations,
        operations * length * work.dataBuffers,
        Latency.UNKNOWN,
        cpu / 1e9,
        0,
        0,
        0,
        0,
        allocated,
        ResourceMeter.peakResidentBytes());
  }

  private long spin(long nanos) {
    long begin = System.nanoTime();
    long operations = 0;
    do {
      for (int i = 0; i < ROUND; i++) {
        operate((long) at * MEMBERS * length);
        if (++at == stripes) {
          at = 0;
        }
      }
      operations += ROUND;
    } while (System.nanoTime() - begin < nanos);
    return operations;
  }

  private void operate(long stripe) {
    switch (work) {
      case XOR, RS -> {
        for (int i = 0; i < DATA; i++) {
          dataOffsets[i] = stripe + (long) i * length;
        }
        for (int i = 0; i < parityOffsets.length; i++) {
          parityOffsets[i] = stripe + (long) (DATA + i) * length;
        }
        code.encode(data, dataOffsets, parity, parityOffsets, length);
      }
      case DELTA -> {
        code.delta(memory, stripe, memory, stripe + length, length);
        code.apply(1, 0, memory, stripe + (long) (DATA + 1) * length, memory, stripe, length);
      }
      case CRC -> checksum ^= Crc32c.of(memory, stripe, length);
    }
  }

  /** Of all CRCs so far; read, so that computing them is not for nothing. */
  int checksum() {
    return checksum;
  }
}
