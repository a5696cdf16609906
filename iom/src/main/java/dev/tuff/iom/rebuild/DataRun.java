package dev.tuff.iom.rebuild;

import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.write.WriteOp;

/**
 * Data blocks, made by the first parity of their groups that knows them: it tells of each the
 * version and its checksum, and what comes out has just that.
 */
final class DataRun extends Run {
  /** A version that nothing ever has: of a block of which not even that is known. */
  private static final long NO_VERSION = 1;

  /** Blocks that have a place in the version that counts. */
  private long placed;

  DataRun(DriveRebuild rebuild, Segment segment) {
    super(rebuild, segment);
  }

  private int member() {
    return cnode.layout().member(segment.lblk() / cnode.layout().chunkBlocks(), rooms.driveIndex);
  }

  @Override
  void askVersions() {
    rebuild
        .reads()
        .versionsOfRun(
            segment.gfid(), segment.lblk(), count, missing, member(), this::onVersionsTold);
  }

  private void onVersionsTold(long[] ids, int[] crcs, long discarded, long unknown) {
    placed = missing & ~discarded & ~unknown;
    System.arraycopy(ids, 0, entry.versionId, 0, count);
    System.arraycopy(crcs, 0, entry.crc, 0, count);
    onVersions();
  }

  /** The checksum would do; two versions with the same one are told apart by their mjs. */
  @Override
  boolean isVersion(Cnode former, Page page, long at, int i) {
    return (placed >>> i & 1) != 0
        && Cnode.id(page, at) == entry.versionId[i]
        && Cnode.crc(page, at) == entry.crc[i];
  }

  @Override
  void make() {
    rebuild
        .reads()
        .makeRun(
            segment.gfid(), segment.lblk(), count, missing, member(), buffer, 0, this::onGroupMade);
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
