package dev.tuff.iom.array;

import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.side.SideRooms;
import java.util.HashMap;
import java.util.Map;

/**
 * What a drive that is being rebuilt will have, by what the others have: the layout spreads an
 * object evenly, so no drive has much more of it than the one that has most. Filled on one shard,
 * then read on all.
 */
final class RebuildSpace {
  /** Rows by which drives may differ beyond their share. */
  private static final long SLACK_ROWS = 64;

  /** The most that any drive has mapped of an object. */
  private record Most(long data, long parity) {}

  private final Map<Long, Most> most = new HashMap<>();

  /** Takes note of what one drive has of an object. */
  void note(long gfid, long data, long parity) {
    most.merge(
        gfid,
        new Most(data, parity),
        (a, b) -> new Most(Math.max(a.data, b.data), Math.max(a.parity, b.parity)));
  }

  /** Takes note of what another has noted. */
  void add(RebuildSpace other) {
    other.most.forEach((gfid, of) -> note(gfid, of.data, of.parity));
  }

  /** Blocks that the drive will have of each object, by GFID. */
  Map<Long, Long> expected(SideRooms rooms) {
    Map<Long, Long> expected = new HashMap<>();
    for (Cnode cnode : rooms.cnodes().all()) {
      Most of = most.getOrDefault(cnode.attributes().gfid(), new Most(0, 0));
      expected.put(
          cnode.attributes().gfid(),
          rooms.root.standingIn()
              ? (of.data + of.parity) / (rooms.drives() - 1)
              : Math.min(of.data, share(cnode, rooms.driveIndex, false))
                  + Math.min(of.parity, share(cnode, rooms.driveIndex, true)));
    }
    return expected;
  }

  /** Blocks of space that clients can't have because what is to be rebuilt will need them. */
  long keptSpace(SideRooms rooms) {
    if (rooms.root.standingIn()) {
      return spaceToStandIn(rooms.root.vacated(), rooms);
    }
    long kept = 0;
    for (Cnode cnode : rooms.cnodes().all()) {
      Most of = most.getOrDefault(cnode.attributes().gfid(), new Most(0, 0));
      long data = share(cnode, rooms.driveIndex, false);
      kept += kept(cnode, of.data, cnode.mappedDataBlocks(), data);
      long parity = share(cnode, rooms.driveIndex, true);
      kept += kept(cnode, of.parity, cnode.mappedParityBlocks(), parity);
    }
    return kept;
  }

  /**
   * Blocks that a drive may get at most when it stands in for a place: it may be that all that was
   * written there is its.
   */
  long spaceToStandIn(int place, SideRooms rooms) {
    long blocks = 0;
    for (Cnode cnode : rooms.cnodes().all()) {
      Most of = most.getOrDefault(cnode.attributes().gfid(), new Most(0, 0));
      Layout layout = cnode.layout();
      long rows = cnode.lblks() / layout.chunkBlocks();
      long data = layout.standInChunksAtMost(rooms.driveIndex, place, rows, false);
      long parity = layout.standInChunksAtMost(rooms.driveIndex, place, rows, true);
      blocks += Math.min(of.data, data * layout.chunkBlocks());
      blocks += Math.min(of.parity, parity * layout.chunkBlocks());
    }
    return blocks;
  }

  private static long kept(Cnode cnode, long mostElsewhere, long here, long share) {
    long slack = mostElsewhere / 8 + SLACK_ROWS * cnode.layout().chunkBlocks();
    long atMost = Math.min(mostElsewhere + slack, share);
    return Math.max(0, atMost - here);
  }

  /**
   * What a drive has at most of an object that is written as a whole, each stretch rounded up to
   * whole rounds of its drives: runs take space for a moment for what is there already.
   */
  private static long share(Cnode cnode, int drive, boolean parity) {
    Layout layout = cnode.layout();
    ObjectAttributes attributes = cnode.attributes();
    int members = parity ? layout.parityMembers() : layout.dataMembers();
    long chunks = 0;
    long firstRow = 0;
    int drives = attributes.drives();
    for (Layout.Stretch next : attributes.stretches()) {
      chunks += share(next.firstRow() - firstRow, drives, drive, members);
      firstRow = next.firstRow();
      drives = next.drives();
    }
    long rows = layout.rowsFor(attributes.extentBytes());
    return (chunks + share(rows - firstRow, drives, drive, members)) * layout.chunkBlocks();
  }

  private static long share(long rows, int drives, int drive, int members) {
    return drive < drives ? Math.min(rows, (rows + drives - 1) / drives * members) : 0;
  }
}
