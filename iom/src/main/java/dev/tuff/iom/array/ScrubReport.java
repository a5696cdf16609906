package dev.tuff.iom.array;

import java.util.List;

/** What a scrub has found. */
public record ScrubReport(List<ScrubbedDrive> drives) {
  /**
   * One drive.
   *
   * @param blocks data and parity blocks read
   * @param damaged of these, not what their map says
   * @param repaired of these, made from their groups and written to a new place
   * @param lost of the damaged, not to be made from their groups either
   * @param unconfirmed parity blocks with the right checksum that their members do not make
   */
  public record ScrubbedDrive(
      int index,
      String path,
      long blocks,
      long damaged,
      long repaired,
      long lost,
      long unconfirmed) {}

  /** Damaged blocks that could not be made good. */
  public long lost() {
    return drives.stream().mapToLong(ScrubbedDrive::lost).sum();
  }

  /** Parity that is not what its members make. */
  public long unconfirmed() {
    return drives.stream().mapToLong(ScrubbedDrive::unconfirmed).sum();
  }

  public long damaged() {
    return drives.stream().mapToLong(ScrubbedDrive::damaged).sum();
  }

  public long repaired() {
    return drives.stream().mapToLong(ScrubbedDrive::repaired).sum();
  }

  public long blocks() {
    return drives.stream().mapToLong(ScrubbedDrive::blocks).sum();
  }
}
