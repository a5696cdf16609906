package dev.tuff.iom.array;

import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import java.util.ArrayDeque;

/** Which part of an array's memory is whose, for as long as the array runs. */
public final class ArrayMemory {
  private final IomBuffers[] ioms;
  private final IomBuffers[] proxies;
  private final IoMemory memory;

  /** By drive; null where it is not being rebuilt. */
  private final IoBuffer[][] rebuilding;

  private final ArrayDeque<IoBuffer[]> freeOfRebuilds = new ArrayDeque<>();

  /**
   * Of all drives.
   *
   * @param memory with room for all IOMs, for as many proxies as drives can be gone, and for as
   *     many rebuilds as go on at the same time
   */
  public ArrayMemory(IoMemory memory, int drives) {
    this.memory = memory;
    this.rebuilding = new IoBuffer[drives][];
    this.ioms = new IomBuffers[drives];
    this.proxies = new IomBuffers[drives];
    for (int d = 0; d < drives; d++) {
      ioms[d] = new IomBuffers(memory, this, d);
      proxies[d] = new IomBuffers(memory, this, d);
    }
  }

  /** What the IOM of a drive has; all of it is free. */
  IomBuffers ofIom(int drive) {
    ioms[drive].rewind();
    return ioms[drive];
  }

  /** What the proxy of a drive has; all of it is free. */
  IomBuffers ofProxy(int drive) {
    proxies[drive].rewind();
    return proxies[drive];
  }

  /** True when drives that hang have kept pages, and rings have not got the new ones yet. */
  boolean renewalDue() {
    return memory.renewalDue();
  }

  /** All rings have them. */
  void renewed() {
    memory.renewed();
  }

  /**
   * Memory for who looks at a drive before its IOM comes up: the IOM's, or its proxy's where the
   * drive was missing up to now. One of them was up.
   */
  IoBuffer forLabel(int drive) {
    return (ioms[drive].any() ? ioms : proxies)[drive].largest();
  }

  /**
   * What a drive has beside while it is being rebuilt, by turns with others: so many sets are used
   * as drives are rebuilt at the same time.
   */
  synchronized IoBuffer[] forRebuild(int drive, int count, int bytesEach) {
    if (rebuilding[drive] == null) {
      IoBuffer[] free = freeOfRebuilds.poll();
      rebuilding[drive] = free != null ? free : memory.buffers(count, bytesEach);
    }
    return rebuilding[drive];
  }

  /** The drive has everything, or is gone, and nobody uses its buffers any more. */
  synchronized void notRebuilding(int drive) {
    if (rebuilding[drive] != null) {
      freeOfRebuilds.add(rebuilding[drive]);
      rebuilding[drive] = null;
    }
  }
}
