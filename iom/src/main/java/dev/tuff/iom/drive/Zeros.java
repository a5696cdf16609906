package dev.tuff.iom.drive;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Clears memory without making a slice of it, which would be garbage on the data path. */
public final class Zeros {
  private static final MemorySegment BLOCK =
      Arena.global().allocate(Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);

  private Zeros() {}

  /** Writes zeros to {@code bytes} bytes from {@code offset} on. */
  public static void clear(MemorySegment segment, long offset, long bytes) {
    for (long done = 0; done < bytes; done += Drive.BLOCK_BYTES) {
      MemorySegment.copy(
          BLOCK, 0, segment, offset + done, Math.min(Drive.BLOCK_BYTES, bytes - done));
    }
  }
}
