package dev.tuff.iom.rebuild;

import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.BlockMap;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.side.SideRooms;

/**
 * Asks one drive from which row on it has anything of an object, so that what nobody ever wrote to
 * is passed over. As fine as its map's leaves. With the other drive's IOM from FIND_MAPPED to
 * MAPPED_FOUND.
 */
final class MappedSearch {
  private final DriveRebuild asker;
  private final int askerDrive;
  long gfid;
  long row;
  private SideRooms rooms;
  private Cnode cnode;
  private final PageRequest leaf = new PageRequest(answered -> onPage());
  private BlockMap map;
  private long firstLeaf;
  private long leafIndex;
  private long memberRow;
  private long found;

  MappedSearch(DriveRebuild asker, int askerDrive) {
    this.asker = asker;
    this.askerDrive = askerDrive;
  }

  /** On the other drive's IOM. */
  void start(SideRooms owner) {
    rooms = owner;
    cnode = rooms.cnodes().get(gfid);
    found = Long.MAX_VALUE;
    if (cnode == null) {
      answer();
      return;
    }
    map = BlockMap.DATA;
    begin();
  }

  private void begin() {
    Layout layout = cnode.layout();
    memberRow = map.nextRow(layout, rooms.driveIndex, row);
    if (!cnode.inUse(map) || memberRow >= cnode.lblks() / layout.chunkBlocks()) {
      next();
      return;
    }
    firstLeaf = cnode.leafOf(map, memberRow * layout.chunkBlocks());
    leafIndex = firstLeaf;
    look();
  }

  private void look() {
    while (leafIndex < cnode.leaves(map)) {
      if (!cnode.map(map).get(leaf, leafIndex, false)) {
        return;
      }
      if (taken()) {
        return;
      }
    }
    next();
  }

  private void onPage() {
    if (!taken()) {
      look();
    }
  }

  /** True when the answer is found in this leaf. */
  private boolean taken() {
    if (leaf.page() == null) {
      leafIndex = Math.max(leafIndex + 1, leaf.nextPossible());
      return false;
    }
    leaf.release();
    found = Math.min(found, leafIndex == firstLeaf ? memberRow : firstRowOf(leafIndex));
    next();
    return true;
  }

  private long firstRowOf(long index) {
    return cnode.lblkOf(map, index, 0) / cnode.layout().chunkBlocks();
  }

  private void next() {
    if (map.next() != null) {
      map = map.next();
      begin();
    } else {
      answer();
    }
  }

  private void answer() {
    rooms.send(askerDrive, MessageType.MAPPED_FOUND, this, null, found);
  }

  /** Back with the asker. */
  void found(long atRow) {
    asker.onMappedFound(atRow);
  }
}
