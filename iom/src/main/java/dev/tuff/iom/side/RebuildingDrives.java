package dev.tuff.iom.side;

import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.layout.Layout;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.BooleanSupplier;

/**
 * Which drives of an array are members that do not have everything yet, or that hold something for
 * another which that does not need any more. Any thread; one that reads too late that a drive is
 * whole asks it in vain.
 */
public final class RebuildingDrives {
  private static final int REBUILDING = 1;
  private static final int STANDING_IN = 2;
  private static final int LEFTOVERS = 4;
  private static final int INCOMPLETE = REBUILDING | STANDING_IN;

  private final AtomicIntegerArray states;
  private final AtomicInteger incomplete = new AtomicInteger();

  private final BooleanSupplier serviceFirst;

  /**
   * None of so many drives.
   *
   * @param serviceFirst true while updates go before rebuilds; asked by any thread
   */
  public RebuildingDrives(int drives, BooleanSupplier serviceFirst) {
    this.states = new AtomicIntegerArray(drives);
    this.serviceFirst = serviceFirst;
  }

  /**
   * True while an update need not have its groups made whole first: it is as well protected as it
   * was while the drive was missing.
   */
  public boolean serviceFirst() {
    return serviceFirst.getAsBoolean();
  }

  /** True while any drive does not have everything. */
  public boolean any() {
    return incomplete.get() > 0;
  }

  /** True while this drive is rebuilt as a whole. */
  public boolean contains(int drive) {
    return is(drive, REBUILDING);
  }

  /** True while this drive has not all yet that it is to hold in place of the vacated one. */
  public boolean standsIn(int drive) {
    return is(drive, STANDING_IN);
  }

  /** True while any drive has not. */
  public boolean anyStandsIn() {
    return any(STANDING_IN);
  }

  /** True while any drive holds something for another which that does not need any more. */
  public boolean anyLeftovers() {
    return any(LEFTOVERS);
  }

  /** True while a drive may not have its member of a row. */
  public boolean lacks(Layout layout, long row, int drive) {
    return contains(drive) || (standsIn(drive) && layout.standsIn(row, drive));
  }

  /** False for one that was let in since: the next start tells of it. */
  private boolean is(int drive, int state) {
    return drive < states.length() && (states.get(drive) & state) != 0;
  }

  private boolean any(int state) {
    for (int d = 0; d < states.length(); d++) {
      if (is(d, state)) {
        return true;
      }
    }
    return false;
  }

  /** What a drive's root says of it; before its IOM hears of any client. */
  public void note(int drive, Root root) {
    int state = root.rebuilding() ? REBUILDING : root.standingIn() ? STANDING_IN : 0;
    state |= root.leftoversOf() == Layout.NONE ? 0 : LEFTOVERS;
    states.set(drive, state);
    if (root.incomplete()) {
      incomplete.incrementAndGet();
    }
  }

  /** It has everything, hardened. */
  public void remove(int drive) {
    if ((states.getAndUpdate(drive, state -> state & ~INCOMPLETE) & INCOMPLETE) != 0) {
      incomplete.decrementAndGet();
    }
  }

  /** It has given all back that it held for another. */
  public void removeLeftovers(int drive) {
    states.getAndUpdate(drive, state -> state & ~LEFTOVERS);
  }
}
