package dev.tuff.iom.check;

/** What the blocks of an array have come to. */
final class Tally {
  long objects;
  long groups;
  long damaged;
  long repairable;
  long made;
  long lost;
  long wrongParities;
  long openBlocks;
  long openParities;
  private final Findings findings;

  Tally(Findings findings) {
    this.findings = findings;
  }

  /** A block can't be read or has a wrong checksum; {@code again}: its group makes it. */
  void damaged(boolean again) {
    damaged++;
    if (again) {
      repairable++;
    } else {
      lost++;
    }
  }

  /** A finding that is no drive's own. */
  void find(String what) {
    findings.add(what);
  }
}
