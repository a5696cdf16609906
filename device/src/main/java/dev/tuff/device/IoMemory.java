package dev.tuff.device;

import dev.tuff.natives.NativeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * Off-heap memory for I/O, cut into {@link IoBuffer}s, each from the first region that has room for
 * it; what was cut off is not given back one by one. Thread-safe.
 */
public final class IoMemory implements AutoCloseable {
  /** Buffers and their sizes are multiples of this. */
  public static final int ALIGNMENT_BYTES = 4096;

  /** The kernel takes no larger fixed buffer. */
  public static final long LARGEST_REGION_BYTES = 1L << 30;

  /**
   * A piece of memory in one, which is a fixed buffer of the loops.
   *
   * @param owned what it is mapped with; null where it is the collector's
   */
  public record Region(int index, MemorySegment segment, NativeMemory owned) {}

  private final List<IoBuffer> replaced = new ArrayList<>();

  private final List<Region> regions;
  private long[] used;

  private IoMemory(List<Region> regions) {
    this.regions = new ArrayList<>(regions);
    this.used = new long[regions.size()];
  }

  /**
   * Memory for {@link UringLoop}s, in huge pages where there are any.
   *
   * @param bytes size, rounded up to 4 KiB; every loop made with it locks as much (RLIMIT_MEMLOCK)
   * @throws dev.tuff.natives.PosixException if there is not so much
   */
  public static IoMemory open(long bytes) {
    List<Region> regions = new ArrayList<>();
    for (long rest = roundUp(bytes); rest > 0; rest -= LARGEST_REGION_BYTES) {
      regions.add(map(regions.size(), Math.min(rest, LARGEST_REGION_BYTES)));
    }
    return new IoMemory(regions);
  }

  private static Region map(int index, long bytes) {
    NativeMemory mapped =
        bytes < NativeMemory.HUGE_PAGE_BYTES
            ? NativeMemory.map(bytes)
            : NativeMemory.map(bytes, NativeMemory.Option.HUGE_PAGES);
    return new Region(index, mapped.segment(), mapped);
  }

  /** Memory for {@link SimulatedLoop}s, which nothing is registered with. */
  public static IoMemory plain(long bytes) {
    List<Region> regions = new ArrayList<>();
    for (long rest = roundUp(bytes); rest > 0; rest -= LARGEST_REGION_BYTES) {
      long size = Math.min(rest, LARGEST_REGION_BYTES);
      regions.add(new Region(regions.size(), Arena.ofAuto().allocate(size, ALIGNMENT_BYTES), null));
    }
    return new IoMemory(regions);
  }

  /**
   * Maps a region that the memory is to have beside those that it has. Nothing is cut from it
   * before every loop has {@link UringLoop#register registered} it and it was {@link #add added};
   * it is given back with the memory in any case. One after the other.
   *
   * @param bytes size, rounded up to 4 KiB, at most {@link #LARGEST_REGION_BYTES}
   * @throws dev.tuff.natives.PosixException if there is not so much
   */
  public synchronized Region another(long bytes) {
    Region region = map(regions.size(), roundUp(bytes));
    used = Arrays.copyOf(used, regions.size() + 1);
    used[regions.size()] = region.segment().byteSize();
    regions.add(region);
    return region;
  }

  /** From now on buffers are cut from it, too. */
  public synchronized void add(Region region) {
    used[region.index()] = 0;
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
    int region = 0;
    for (int i = 0; i < count; i++) {
      while (regions.get(region).segment().byteSize() - used[region] < bytesEach) {
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
      }
      buffers[i] =
          new IoBuffer(
              regions.get(region).segment().asSlice(used[region], bytesEach), region, this);
      used[region] += bytesEach;
    }
    return buffers;
  }

  /**
   * Takes everything back that was cut off: for a simulated machine that is started anew, whose
   * buffers of before nobody uses any more.
   */
  public synchronized void rewind() {
    Arrays.fill(used, 0);
  }

  /** Whether pages of a buffer can be replaced. */
  synchronized boolean replaceable(IoBuffer buffer) {
    NativeMemory owned = regions.get(buffer.region()).owned();
    return owned == null || owned.pages() != NativeMemory.Pages.RESERVED_HUGE;
  }

  /**
   * Gives a part of a buffer other pages, whose content is anything. What a drive still writes into
   * the former ones nobody sees. Rings go on with the former ones until {@link UringLoop#renew}, so
   * that transfers meanwhile have to name the memory itself.
   *
   * @param offset and {@code bytes} in whole pages
   */
  synchronized void replace(IoBuffer buffer, int offset, int bytes) {
    NativeMemory owned = regions.get(buffer.region()).owned();
    if (owned == null) {
      // Simulated: the device does not write there any more. Nobody may count on the content.
      buffer.segment().asSlice(offset, bytes).fill((byte) 0xA5);
      return;
    }
    buffer.registered = false;
    replaced.add(buffer);
    owned.replacePages(buffer.segment().asSlice(offset, bytes));
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
  public synchronized long bytes() {
    long bytes = 0;
    for (Region region : regions) {
      bytes += region.segment().byteSize();
    }
    return bytes;
  }

  synchronized List<MemorySegment> regions() {
    return regions.stream().map(Region::segment).toList();
  }

  /**
   * Gives the memory back; its buffers throw from then on. Loops made with it must have been
   * closed. Stops every thread for a moment, so an appliance does it at its end or not at all.
   */
  @Override
  public synchronized void close() {
    for (Region region : regions) {
      if (region.owned() != null) {
        region.owned().close();
      }
    }
  }
}
