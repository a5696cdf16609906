package dev.tuff.iom.rebuild;

import dev.tuff.iom.write.WriteOp;

/**
 * Data blocks, made by the first parity of their groups that knows them: it tells of each the
 * version and its checksum, and what comes out has just that.
 */
final class DataRun extends Run {
  /** A version that nothing ever has: of a block of which not even that is known. */
  private static final long NO_VERSION = 1;

  DataRun(DriveRebuild rebuild, Segment segment) {
    super(rebuild, segment);
  }

  @Override
  void make() {
    int member =
        cnode.layout().member(segment.lblk() / cnode.layout().chunkBlocks(), rooms.driveIndex);
    rebuild
        .reads()
        .makeRun(
            segment.gfid(), segment.lblk(), count, missing, member, buffer, 0, this::onGroupMade);
  }

  private void onGroupMade(long[] ids, int[] crcs, long discarded, long lost) {
    long wrote = lost;
    for (long rest = missing; rest != 0; rest &= rest - 1) {
      int i = Long.numberOfTrailingZeros(rest);
      wrote |= ids[i] != 0 ? 1L << i : 0;
      entry.versionId[i] = ids[i] != 0 ? ids[i] : NO_VERSION;
      entry.crc[i] = crcs[i];
    }
    onMade(wrote, discarded & wrote, lost);
  }

  /** One that waits for this very run does not count. */
  @Override
  boolean busy(long lblk) {
    WriteOp open = rebuild.data().openOf(segment.gfid(), lblk);
    return open != null && !open.waiting();
  }
}
