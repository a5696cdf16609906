package dev.tuff.iom.side;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Which drives of an array are members that do not have everything yet. Any thread; one that reads
 * too late that a drive is whole asks it in vain.
 */
public final class RebuildingDrives {
  private final AtomicIntegerArray rebuilding;
  private final AtomicInteger count = new AtomicInteger();

  /** None of so many drives. */
  public RebuildingDrives(int drives) {
    this.rebuilding = new AtomicIntegerArray(drives);
  }

  /** True while any drive is. */
  public boolean any() {
    return count.get() > 0;
  }

  /** True while this drive is. */
  public boolean contains(int drive) {
    return rebuilding.get(drive) != 0;
  }

  /** Before its IOM hears of any client. */
  public void add(int drive) {
    if (rebuilding.compareAndSet(drive, 0, 1)) {
      count.incrementAndGet();
    }
  }

  /** It has everything, hardened. */
  public void remove(int drive) {
    if (rebuilding.compareAndSet(drive, 1, 0)) {
      count.decrementAndGet();
    }
  }
}
