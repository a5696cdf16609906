package dev.tuff.iom.simulation;

/** What a simulation does to the array. Each can be left out, to see whether a failure needs it. */
public enum FaultKind {
  /** Shards run in any order, and what one sends another comes late. */
  LATE_MESSAGES("late messages", "lateMessages"),
  /** The volume is made smaller or larger while clients go on. */
  RESIZE("resizes", "resizes"),
  /** One drive takes ten times as long as the others. */
  SLOW_DRIVE("slow drives", "slowDrives"),
  /** The power of all drives is cut at any event. */
  POWER_CUT("power cuts", "powerCuts"),
  /** Likewise while the array recovers from the cut before. */
  CUT_IN_RECOVERY("power cuts in recovery", "powerCutsInRecovery"),
  /** A drive is missing from a start on. */
  DRIVE_LOSS("drive losses", "driveLosses"),
  /** A drive fails while the array runs, which goes on without it. */
  DRIVE_FAILURE("drive failures in service", "driveFailures"),
  /** A drive leaves requests unanswered, and answers them late or never. */
  HANG("drives that hang", "hangs"),
  /** An exception comes out of the code of an IOM, which stops; the array goes on without it. */
  IOM_BUG("bugs in I/O managers", "iomBugs"),
  /** The power of all drives is cut while the array goes on without a drive that failed. */
  CUT_IN_FAILOVER("power cuts in failover", "powerCutsInFailover"),
  /** A drive that was left behind is there again. */
  STALE_DRIVE("stale drives", "staleDrives"),
  /** An empty drive takes the place of one that is away, and is rebuilt beside everything else. */
  REPLACEMENT("replaced drives", "replacedDrives"),
  /** A drive that was left behind is taken back into its place, and keeps what is still right. */
  RETURN("returned drives", "returnedDrives"),
  /** The others take over what a drive that is missing has, with free space of theirs. */
  VACATION("vacated places", "vacatedPlaces"),
  /** An empty drive is given a place of its own, while the array runs or does not. */
  ADDITION("added drives", "addedDrives"),
  /** The power is cut while the label of such a drive is written, or its first start goes on. */
  CUT_IN_ADDITION("power cuts in an addition", "powerCutsInAddition"),
  /** A block of data or parity changes in its place. */
  ROT("rotten blocks", "rottenBlocks"),
  /** A block of data or parity can't be read until it is written again. */
  UNREADABLE("unreadable blocks", "unreadableBlocks"),
  /** A write of data or parity that is reported as done gets nowhere. */
  LOST_WRITE("lost writes", "lostWrites"),
  /** Likewise, and it goes over another block. */
  MISDIRECTED_WRITE("misdirected writes", "misdirectedWrites");

  private final String plural;

  private final String key;

  FaultKind(String plural, String key) {
    this.plural = plural;
    this.key = key;
  }

  /** For programs. */
  String key() {
    return key;
  }

  /** For a count of them. */
  public String plural() {
    return plural;
  }
}
