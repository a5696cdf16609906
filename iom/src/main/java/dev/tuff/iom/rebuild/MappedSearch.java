package dev.tuff.iom.rebuild;

import dev.tuff.iom.layout.Layout;
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
  private boolean parity;
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
    begin(false);
  }

  private void begin(boolean inParity) {
    parity = inParity;
    Layout layout = cnode.layout();
    memberRow =
        parity
            ? layout.nextParityRow(rooms.driveIndex, row)
            : layout.nextDataRow(rooms.driveIndex, row);
    if (memberRow == Long.MAX_VALUE) {
      next();
      return;
    }
    long lblk = memberRow * layout.chunkBlocks();
    firstLeaf =
        parity
            ? layout.parityIndex(rooms.driveIndex, lblk) / cnode.parityEntriesPerLeaf()
            : layout.dataIndex(rooms.driveIndex, lblk) / cnode.dataEntriesPerLeaf();
    leafIndex = firstLeaf;
    look();
  }

  private void look() {
    while (leafIndex < leaves()) {
      if (!(parity ? cnode.parityMap() : cnode.dataMap()).get(leaf, leafIndex, false)) {
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
    Layout layout = cnode.layout();
    long lblk =
        parity
            ? layout.lblkOfParityIndex(rooms.driveIndex, index * cnode.parityEntriesPerLeaf())
            : layout.lblkOfDataIndex(rooms.driveIndex, index * cnode.dataEntriesPerLeaf());
    return lblk / layout.chunkBlocks();
  }

  private long leaves() {
    Layout layout = cnode.layout();
    long rows = layout.rowsFor(cnode.attributes().extentBytes());
    long entries =
        parity
            ? layout.parityBlocksBefore(rooms.driveIndex, rows)
            : layout.dataBlocksBefore(rooms.driveIndex, rows);
    int perLeaf = parity ? cnode.parityEntriesPerLeaf() : cnode.dataEntriesPerLeaf();
    return (entries + perLeaf - 1) / perLeaf;
  }

  private void next() {
    if (!parity && cnode.layout().parityMembers() > 0) {
      begin(true);
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
