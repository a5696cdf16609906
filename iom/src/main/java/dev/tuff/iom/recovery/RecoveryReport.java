package dev.tuff.iom.recovery;

/**
 * What a start found and did.
 *
 * @param needed whether any drive's journal had anything in it; false after a clean stop
 * @param records commit records read
 * @param entries journal entries in them
 * @param groups groups with an update or a generation that was not closed
 * @param blocksForward data blocks whose new version counts
 * @param blocksBack data blocks whose new version never got to the drive; nobody was told that it
 *     is hardened
 * @param paritiesForward parity blocks whose new version counts
 * @param paritiesBack parity blocks whose older version counts
 * @param paritiesRemade parity blocks made again from their members
 * @param objectsCompleted volumes whose making was cut short and is now complete
 * @param damagedBlocks data blocks of these groups that could not be read and are made from parity
 * @param lostGroups groups that have lost more than their protection makes up for
 * @param epoch the array's epoch now; greater than before when drives were missing
 */
public record RecoveryReport(
    boolean needed,
    long records,
    long entries,
    long groups,
    long blocksForward,
    long blocksBack,
    long paritiesForward,
    long paritiesBack,
    long paritiesRemade,
    long objectsCompleted,
    long damagedBlocks,
    long lostGroups,
    long epoch) {

  static RecoveryReport of(boolean needed, RecoveryCounts c, long epoch) {
    return new RecoveryReport(
        needed,
        c.records,
        c.entries,
        c.groups,
        c.blocksForward,
        c.blocksBack,
        c.paritiesForward,
        c.paritiesBack,
        c.paritiesRemade,
        c.objectsCompleted,
        c.damagedBlocks,
        c.lostGroups,
        epoch);
  }
}
