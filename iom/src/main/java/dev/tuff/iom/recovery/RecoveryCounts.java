package dev.tuff.iom.recovery;

/** What recovery does on one drive, and for the groups it settles. One thread. */
final class RecoveryCounts {
  long records;
  long entries;
  long blocksForward;
  long blocksBack;
  long paritiesForward;
  long paritiesBack;
  long paritiesRemade;
  long groups;
  long damagedBlocks;
  long lostGroups;
  long objectsCompleted;

  void add(RecoveryCounts other) {
    records += other.records;
    entries += other.entries;
    blocksForward += other.blocksForward;
    blocksBack += other.blocksBack;
    paritiesForward += other.paritiesForward;
    paritiesBack += other.paritiesBack;
    paritiesRemade += other.paritiesRemade;
    groups += other.groups;
    damagedBlocks += other.damagedBlocks;
    lostGroups += other.lostGroups;
    objectsCompleted += other.objectsCompleted;
  }
}
