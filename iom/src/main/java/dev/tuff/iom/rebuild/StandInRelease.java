package dev.tuff.iom.rebuild;

import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.BlockMap;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.WriteOp;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Frees what a drive held in place of another that has come home: goes through its maps as stand-in
 * in the background, as fast as it is told to. Not before the other has everything, or is gone
 * again. Owned by the drive's shard.
 */
public final class StandInRelease {
  private static final BlockMap[] MAPS = {BlockMap.STAND_IN_DATA, BlockMap.STAND_IN_PARITY};

  private enum End {
    NOT_YET,
    /** Nothing is left; a checkpoint has to say so. */
    DUE,
    IN_CHECKPOINT,
    OVER
  }

  private final SideRooms rooms;
  private final ArrayDeque<Cnode> objects = new ArrayDeque<>();
  private final PageRequest leaf = new PageRequest(answered -> onPage());
  private int map;
  private long leafIndex;
  private boolean begun;
  private boolean looking;
  private boolean halted;
  private End end = End.NOT_YET;
  private int steps;

  StandInRelease(SideRooms rooms) {
    this.rooms = rooms;
  }

  /** Goes on with so many leaves, if there is anything to free. */
  void step(int leaves) {
    if (halted
        || looking
        || end != End.NOT_YET
        || rooms.root.leftoversOf() == Layout.NONE
        || isNeeded()) {
      return;
    }
    if (!begun) {
      begun = true;
      List<Cnode> all = new ArrayList<>(rooms.cnodes().all());
      all.sort(Comparator.comparingLong(cnode -> cnode.attributes().gfid()));
      objects.addAll(all);
    }
    steps = leaves;
    proceed();
  }

  /** As long as the other is being rebuilt nothing is given away that it may be made from. */
  private boolean isNeeded() {
    int home = rooms.root.leftoversOf();
    return rooms.present(home) && rooms.rebuilding.contains(home);
  }

  private void proceed() {
    while (steps > 0 && !objects.isEmpty() && !halted) {
      Cnode cnode = objects.peek();
      if (leafIndex >= cnode.leaves(MAPS[map])) {
        nextMap();
        continue;
      }
      if (!DriveRebuild.hasRoom(rooms)) {
        return;
      }
      looking = true;
      if (!cnode.map(MAPS[map]).get(leaf, leafIndex, false)) {
        return;
      }
      take();
    }
    if (objects.isEmpty() && end == End.NOT_YET) {
      rooms.root.endLeftovers();
      end = End.DUE;
    }
  }

  /** True when a checkpoint is wanted, to say that nothing is left. */
  boolean endsWithCheckpoint() {
    return end == End.DUE;
  }

  /** A checkpoint has frozen what the root says. */
  void onCheckpointStarted() {
    if (end == End.DUE) {
      end = End.IN_CHECKPOINT;
    }
  }

  /** And it is on the drive: only now another place may be vacated. */
  void onCheckpointDone() {
    if (end == End.IN_CHECKPOINT) {
      end = End.OVER;
      rooms.rebuilding.removeLeftovers(rooms.driveIndex);
    }
  }

  private void nextMap() {
    leafIndex = 0;
    map++;
    if (map == MAPS.length) {
      map = 0;
      objects.poll();
    }
  }

  private void onPage() {
    take();
    proceed();
  }

  private void take() {
    looking = false;
    Page page = leaf.page();
    if (page == null) {
      leafIndex = Math.max(leafIndex + 1, leaf.nextPossible());
      return;
    }
    if (!halted) {
      free(objects.peek(), page);
    }
    leaf.release();
    leafIndex++;
    steps--;
  }

  private void free(Cnode cnode, Page page) {
    BlockMap of = MAPS[map];
    int segment = cnode.segmentBlocks();
    for (int first = 0; first < cnode.entriesPerLeaf(of); first += segment) {
      StandInFreed entry = new StandInFreed();
      boolean any = false;
      for (int i = 0; i < segment; i++) {
        long at = PageFormat.HEADER_BYTES + (long) (first + i) * cnode.entryBytes(of);
        entry.address[i] = Cnode.address(page, at);
        any |= Cnode.id(page, at) != 0;
      }
      if (any) {
        entry.gfid = cnode.attributes().gfid();
        entry.lblk = cnode.lblkOf(of, leafIndex, first);
        entry.count = Math.min(segment, WriteOp.MAX_BLOCKS);
        entry.parity = of.ofParity();
        free(cnode, page, entry);
      }
    }
  }

  private void free(Cnode cnode, Page page, StandInFreed entry) {
    long id = rooms.journal.append(entry);
    for (int i = 0; i < entry.count; i++) {
      if (entry.address[i] != 0) {
        rooms.blocks.drop(entry.address[i]);
        rooms.allocator.free(entry.address[i], id);
        rooms.budget.give(1);
      }
    }
    entry.unmap(cnode, page, id);
  }

  /** Stops at once. */
  void halt() {
    halted = true;
  }

  /** True when it waits for nothing. */
  boolean quiet() {
    return !looking;
  }
}
