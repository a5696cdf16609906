package dev.tuff.device;

import java.lang.foreign.MemorySegment;

/**
 * A fixed piece of off-heap memory, 4 KiB-aligned, registered with every {@link IoLoop} of its
 * {@link IoMemory}. Lives as long as the memory it was cut from. Has one owner at a time; hands no
 * references around by itself.
 */
public final class IoBuffer {
  private final MemorySegment segment;
  private final int region;
  private final IoMemory memory;

  /** Free for the owner, for example its place in a pool. */
  public int tag;

  /**
   * Whether the rings have its pages registered. Not from {@link IoMemory#replace} until its memory
   * is registered again; the owners of rings tell each other by messages.
   */
  boolean registered = true;

  IoBuffer(MemorySegment segment, int region, IoMemory memory) {
    this.segment = segment;
    this.region = region;
    this.memory = memory;
  }

  /** The whole buffer. */
  public MemorySegment segment() {
    return segment;
  }

  /** Size in bytes. */
  public int capacityBytes() {
    return (int) segment.byteSize();
  }

  /** Which registered region of the memory it lies in: the ring's fixed-buffer index. */
  int region() {
    return region;
  }

  /** What it was cut from. */
  IoMemory memory() {
    return memory;
  }
}
