package dev.tuff.iom.array;

import dev.tuff.device.IoMemory;

/** Which part of an array's memory is whose, for as long as the array runs. */
public final class ArrayMemory {
  private final IomBuffers[] ioms;
  private final IomBuffers[] proxies;

  /**
   * @param memory with room for all IOMs, and for as many proxies as drives can be gone
   */
  public ArrayMemory(IoMemory memory, int drives) {
    this.ioms = new IomBuffers[drives];
    this.proxies = new IomBuffers[drives];
    for (int d = 0; d < drives; d++) {
      ioms[d] = new IomBuffers(memory);
      proxies[d] = new IomBuffers(memory);
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
}
