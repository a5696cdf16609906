package dev.tuff.device;

import dev.tuff.natives.NativeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Off-heap memory of a fixed size for I/O, cut into {@link IoBuffer}s from the front; what was cut
 * off is not given back one by one. Thread-safe.
 */
public final class IoMemory implements AutoCloseable {
  /** Buffers and their sizes are multiples of this. */
  public static final int ALIGNMENT_BYTES = 4096;

  /** The kernel takes no larger fixed buffer. */
  public static final long LARGEST_REGION_BYTES = 1L << 30;

  private final List<NativeMemory> owned;
  private final List<MemorySegment> regions;
  private final List<IoBuffer> replaced = new ArrayList<>();
  private int region;
  private long used;

  private IoMemory(List<NativeMemory> owned, List<MemorySegment> regions) {
    this.owned = List.copyOf(owned);
    this.regions = List.copyOf(regions);
  }

  /**
   * Memory for {@link UringLoop}s, in huge pages where there are any.
   *
   * @param bytes size, rounded up to 4 KiB; every loop made with it locks as much (RLIMIT_MEMLOCK)
   * @throws dev.tuff.natives.PosixException if there is not so much
   */
  public static IoMemory open(long bytes) {
    List<NativeMemory> owned = new ArrayList<>();
    List<MemorySegment> regions = new ArrayList<>();
    for (long rest = roundUp(bytes); rest > 0; rest -= LARGEST_REGION_BYTES) {
      long size = Math.min(rest, LARGEST_REGION_BYTES);
      NativeMemory mapped =
          size < NativeMemory.HUGE_PAGE_BYTES
              ? NativeMemory.map(size)
              : NativeMemory.map(size, NativeMemory.Option.HUGE_PAGES);
      owned.add(mapped);
      regions.add(mapped.segment());
    }
    return new IoMemory(owned, regions);
  }

  /** Memory for {@link SimulatedLoop}s, which nothing is registered with. */
  public static IoMemory plain(long bytes) {
    List<MemorySegment> regions = new ArrayList<>();
    for (long rest = roundUp(bytes); rest > 0; rest -= LARGEST_REGION_BYTES) {
      regions.add(Arena.ofAuto().allocate(Math.min(rest, LARGEST_REGION_BYTES), ALIGNMENT_BYTES));
    }
    return new IoMemory(List.of(), regions);
  }

  private static long roundUp(long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("memory of " + bytes + " bytes");
    }
    return Math.addExact(bytes, ALIGNMENT_BYTES - 1) & -ALIGNMENT_BYTES;
  }

  /**
   * Cuts {@code count} buffers off, each within one region.
   *
   * @param bytesEach multiple of 4 KiB, up to 1 GiB
   * @throws IllegalStateException if not so much is left
   */
  public synchronized IoBuffer[] buffers(int count, int bytesEach) {
    if (bytesEach < ALIGNMENT_BYTES || bytesEach % ALIGNMENT_BYTES != 0) {
      throw new IllegalArgumentException(
          "buffers must be multiples of 4 KiB: " + bytesEach + " bytes");
    }
    IoBuffer[] buffers = new IoBuffer[count];
    for (int i = 0; i < count; i++) {
      while (regions.get(region).byteSize() - used < bytesEach) {
        if (region + 1 == regions.size()) {
          throw new IllegalStateException(
              "I/O memory of "
                  + bytes()
                  + " bytes has no room for "
                  + count
                  + " buffers of "
                  + bytesEach
                  + " bytes");
        }
        region++;
        used = 0;
      }
      buffers[i] = new IoBuffer(regions.get(region).asSlice(used, bytesEach), region, this);
      used += bytesEach;
    }
    return buffers;
  }

  /**
   * Takes everything back that was cut off: for a simulated machine that is started anew, whose
   * buffers of before nobody uses any more.
   */
  public synchronized void rewind() {
    region = 0;
    used = 0;
  }

  /** Whether pages of a buffer can be replaced. */
  boolean replaceable(IoBuffer buffer) {
    return owned.isEmpty()
        || owned.get(buffer.region()).pages() != NativeMemory.Pages.RESERVED_HUGE;
  }

  /**
   * Gives a part of a buffer other pages, whose content is anything. What a drive still writes into
   * the former ones nobody sees. Rings go on with the former ones until {@link UringLoop#renew}, so
   * that transfers meanwhile have to name the memory itself.
   *
   * @param offset and {@code bytes} in whole pages
   */
  synchronized void replace(IoBuffer buffer, int offset, int bytes) {
    if (owned.isEmpty()) {
      // Simulated: the device does not write there any more. Nobody may count on the content.
      buffer.segment().asSlice(offset, bytes).fill((byte) 0xA5);
      return;
    }
    buffer.registered = false;
    replaced.add(buffer);
    owned.get(buffer.region()).replacePages(buffer.segment().asSlice(offset, bytes));
  }

  /** Regions of which pages were replaced since {@link #renewed}. */
  synchronized BitSet replacedRegions() {
    BitSet touched = new BitSet();
    replaced.forEach(buffer -> touched.set(buffer.region()));
    return touched;
  }

  /** True from when pages were replaced until {@link #renewed}. */
  public synchronized boolean renewalDue() {
    return !replaced.isEmpty();
  }

  /** Every loop has registered the regions again: all transfers are as before. */
  public synchronized void renewed() {
    replaced.forEach(buffer -> buffer.registered = true);
    replaced.clear();
  }

  /** Size of all regions. */
  public long bytes() {
    long bytes = 0;
    for (MemorySegment segment : regions) {
      bytes += segment.byteSize();
    }
    return bytes;
  }

  List<MemorySegment> regions() {
    return regions;
  }

  /**
   * Gives the memory back; its buffers throw from then on. Loops made with it must have been
   * closed. Stops every thread for a moment, so an appliance does it at its end or not at all.
   */
  @Override
  public synchronized void close() {
    owned.forEach(NativeMemory::close);
  }
}
