package dev.tuff.iom.volume;

/** When a write's caller gets its reply. */
public enum Toughness {
  /**
   * Level 0: the data IOM holds the new data and has issued its disk write. Survives nothing yet; a
   * later flush makes up.
   */
  NONE,
  /**
   * Level 1: also, every live parity IOM of the group has taken the delta on. Survives the stop of
   * any K IOMs.
   */
  TAKEN,
  /**
   * Level 2: also, data and mj, parity and pj are hardened. Survives power loss, and then the loss
   * of any K drives.
   */
  HARDENED;

  private static final Toughness[] VALUES = values();

  /** The level 0, 1 or 2. */
  public int level() {
    return ordinal();
  }

  /** The toughness of a level from 0 to 2. */
  public static Toughness ofLevel(int level) {
    return VALUES[level];
  }
}
