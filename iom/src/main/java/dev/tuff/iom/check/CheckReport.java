package dev.tuff.iom.check;

import java.util.List;
import java.util.UUID;

/**
 * What a check has found.
 *
 * @param stoppedCleanly no drive's journal has anything after its last checkpoint
 * @param findings what does not hold, a sentence each; the first ones when there are very many
 * @param findingCount how many there are in all
 * @param notes what is unusual and no fault
 * @param verdict the whole in one sentence
 */
public record CheckReport(
    UUID array,
    int dataMembers,
    int parityMembers,
    boolean stoppedCleanly,
    List<DriveReport> drives,
    Totals totals,
    List<String> findings,
    long findingCount,
    List<String> notes,
    String verdict) {

  /** How a drive was found. */
  public enum DriveState {
    /** Nothing is wrong with it. */
    SOUND,
    /** Likewise, and it is being rebuilt: part of what it will have is still made by the others. */
    REBUILDING,
    /** Something on it does not hold; the findings tell. */
    DAMAGED,
    /** Not there. */
    MISSING,
    /** Was left out of the array for a time; what is on it is out of date and was not looked at. */
    STALE,
    /** Its superblock or root can't be believed; what is on it was not looked at. */
    UNUSABLE
  }

  /**
   * One drive; of one that was not looked at only index, path and state are known.
   *
   * @param path null of a missing one
   * @param usedBlocks blocks in use by its bitmap, metadata included
   * @param journalRecords commit records after its last checkpoint; 0 after a clean stop
   * @param openUpdates journal entries that are not known to be closed
   * @param damagedBlocks data, parity and metadata blocks that can't be believed
   */
  public record DriveReport(
      int index,
      String path,
      DriveState state,
      long usedBlocks,
      long blocks,
      long journalRecords,
      long openUpdates,
      long damagedBlocks) {}

  /**
   * Sums over the array.
   *
   * @param groups groups of data and parity blocks looked at
   * @param blocksRead blocks read, metadata included
   * @param damagedBlocks data and parity blocks that can't be read or have a wrong checksum
   * @param repairableBlocks those of them that their group makes again, proved by their checksum
   * @param damagedPages metadata pages that can't be believed
   * @param madeBlocks data blocks that are known of but not to be found, on a missing drive or
   *     below a damaged page, and that their group makes
   * @param lostBlocks blocks that nothing makes again
   * @param openBlocks data blocks with an update that did not get to the drive: the former version
   *     counts
   * @param openParities likewise, parity blocks
   */
  public record Totals(
      long objects,
      long groups,
      long blocksRead,
      long damagedBlocks,
      long repairableBlocks,
      long damagedPages,
      long madeBlocks,
      long lostBlocks,
      long openBlocks,
      long openParities) {}

  public CheckReport {
    drives = List.copyOf(drives);
    findings = List.copyOf(findings);
    notes = List.copyOf(notes);
  }

  /** True when everything holds and nothing is missing. */
  public boolean sound() {
    return findingCount == 0;
  }
}
