package dev.tuff.iom.runtime;

/**
 * Who acts for each drive of an array: its I/O manager, or a proxy where the drive is gone. One for
 * all shards; changed only while no messages between IOMs are under way, and read by shards that
 * have been sent a task since.
 */
public final class Roster {
  private final Actor[] ioms;
  private final Actor[] proxies;
  private volatile int drives;
  private volatile int vacated = -1;

  /** For so many drives, none of which is there yet. */
  public Roster(int drives) {
    this(drives, drives);
  }

  /** Likewise, with room for up to {@code most}. */
  public Roster(int drives, int most) {
    this.ioms = new Actor[most];
    this.proxies = new Actor[most];
    this.drives = drives;
  }

  /** Drives of the array, missing ones too. */
  public int drives() {
    return drives;
  }

  /** The array has so many drives from now on, none of the new ones there yet. */
  public void grow(int newDrives) {
    Invariant.check(newDrives >= drives && newDrives <= ioms.length, "a roster grows", newDrives);
    drives = newDrives;
  }

  /** The place whose rows are on stand-ins, below 0 when there is none. */
  public int vacated() {
    return vacated;
  }

  /** All that is sent from now on goes by a layout with this place vacated. */
  public void setVacated(int place) {
    vacated = place;
  }

  /** The IOM of a drive; null where the drive is gone. */
  public Actor iom(int drive) {
    return ioms[drive];
  }

  /** True when the drive is there and its IOM serves. */
  public boolean present(int drive) {
    return ioms[drive] != null;
  }

  /** The IOM of a drive, or its proxy where it is gone; null while the array is not up. */
  public Actor acting(int drive) {
    return ioms[drive] != null ? ioms[drive] : proxies[drive];
  }

  /** The drive is there, and this its IOM. */
  public void setIom(int drive, Actor iom) {
    ioms[drive] = iom;
    proxies[drive] = null;
  }

  /** The drive is gone, and this acts in its place. */
  public void setProxy(int drive, Actor proxy) {
    ioms[drive] = null;
    proxies[drive] = proxy;
  }
}
