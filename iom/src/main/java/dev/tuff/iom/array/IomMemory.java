package dev.tuff.iom.array;

import dev.tuff.iom.allocation.Allocator;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.journal.Journal;
import dev.tuff.iom.rebuild.DriveRebuild;
import dev.tuff.iom.write.SideLimits;
import dev.tuff.iom.write.WriteOp;

/**
 * How much memory one IOM gets, by the size of its drive. Fixed at start.
 *
 * @param pageFrames metadata pages that can be in memory
 * @param bitmapPages pages of the allocation bitmap, all in memory
 * @param cacheBlocks blocks of the block cache
 * @param smallBuffers one-block buffers, for each of four uses: old data, blocks put together,
 *     reads, parity
 * @param largeBuffers buffers of the longest run, likewise
 * @param gatherBuffers buffers of the longest run for reconstruction
 */
public record IomMemory(
    int pageFrames,
    int bitmapPages,
    int cacheBlocks,
    int smallBuffers,
    int largeBuffers,
    int gatherBuffers) {
  static final int LARGE_BYTES = WriteOp.MAX_BLOCKS * Drive.BLOCK_BYTES;

  /** Pinned by open updates and generations at the same time, and a reserve for the pages above. */
  private static final int MIN_PAGE_FRAMES = SideLimits.OPEN_UPDATES * 4;

  static IomMemory of(Superblock superblock, int drives) {
    long blocks = superblock.sizeBlocks() - superblock.dataFirstBlock();
    return new IomMemory(
        Math.clamp(blocks / 64, MIN_PAGE_FRAMES, 4096),
        Allocator.pagesFor(blocks) + 1,
        Math.clamp(blocks / 32, 512, 4096),
        SideLimits.OPEN_UPDATES,
        32,
        Math.max(32, 2 * drives));
  }

  /** One-block buffers of a proxy, for each of three uses. */
  static final int PROXY_SMALL_BUFFERS = 64;

  /** Buffers of the longest run of a proxy. */
  static final int PROXY_LARGE_BUFFERS = 8;

  /** What a proxy has, which keeps nothing but what is under way. */
  public static long proxyBytes() {
    return 3L * PROXY_SMALL_BUFFERS * Drive.BLOCK_BYTES + (PROXY_LARGE_BUFFERS + 1L) * LARGE_BYTES;
  }

  /** Pages that one checkpoint can have at most. */
  int stagingPages() {
    return pageFrames + bitmapPages;
  }

  /** The largest piece that is cut from the array's memory. */
  long largestBufferBytes() {
    return (long) stagingPages() * Drive.BLOCK_BYTES;
  }

  /** What a drive that is being rebuilt needs beside. */
  public long rebuildBytes() {
    return (long) rebuildBuffers() * LARGE_BYTES;
  }

  /**
   * Of these, buffers: for so many runs of each kind that a flush covers many of them, and one for
   * pages of what the drive was before.
   */
  int rebuildBuffers() {
    return DriveRebuild.BUFFERS_PER_RUN * Math.min(largeBuffers, 24) + 1;
  }

  /** All of it; a run of zeros is with it. */
  public long bytes() {
    long pages = pageFrames + bitmapPages + stagingPages() + cacheBlocks + 2 + 4L * smallBuffers;
    return pages * Drive.BLOCK_BYTES
        + (2L * largeBuffers + gatherBuffers + 1) * LARGE_BYTES
        + (long) Journal.BUFFERS * Journal.COMMIT_BYTES;
  }
}
