package dev.tuff.iom.volume;

/** When a write's caller gets its reply. */
public enum Toughness {
  /**
   * Level 0: the data IOM holds the new data and has issued its disk write. Survives nothing yet; a
   * later flush makes up.
   */
  NONE(0),
  /**
   * Level 1: also, every live parity IOM of the group has taken the delta on. Survives the stop of
   * any K IOMs.
   */
  TAKEN(1),
  /**
   * Level 2: also, data and mj, parity and pj are hardened. Survives power loss, and then the loss
   * of any K drives.
   */
  HARDENED(2);

  private static final Toughness[] VALUES = values();

  private final int level;

  Toughness(int level) {
    this.level = level;
  }

  /** The level 0, 1 or 2. */
  public int level() {
    return level;
  }

  /** The toughness of a level from 0 to 2. */
  public static Toughness ofLevel(int level) {
    return VALUES[level];
  }
}
