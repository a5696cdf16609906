package dev.tuff.iom.rebuild;

import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.DataSide;
import dev.tuff.iom.write.WriteOp;

/**
 * What is before every update of an IOM or proxy while drives of its row are being rebuilt.
 *
 * <p>Where the rebuild goes before clients, or a drive stands in for another, each such drive has
 * to have its part of the groups, hardened: then the update is protected as any other. Where
 * clients go first it is as well protected as it was while the drive was missing, until the rebuild
 * comes to it: other data members are not waited for, and a parity that has nothing of the groups
 * is left out ({@link WriteOp#leaveOut}). What the update itself replaces is always waited for, so
 * nothing that is open ever waits for a rebuild.
 *
 * <p>Owned by one shard's thread.
 */
public final class RebuildGate implements DataSide.Gate {
  private final SideRooms rooms;
  private final DataSide data;

  public RebuildGate(SideRooms rooms, DataSide data) {
    this.rooms = rooms;
    this.data = data;
    data.setGate(this);
  }

  @Override
  public boolean pass(WriteOp op) {
    if (!rooms.rebuilding.any()) {
      return true;
    }
    op.gatesOwed = 1;
    if (rooms.rebuilding.serviceFirst() && canDoWithoutParities(op)) {
      new Look(op).start();
    } else {
      ask(op, false);
    }
    return --op.gatesOwed == 0;
  }

  /**
   * A stripe goes to all its parities or to none. What a proxy writes is only where the parities
   * are.
   */
  private boolean canDoWithoutParities(WriteOp op) {
    return op.stripe == 0 && !rooms.gone() && lacksParity(op);
  }

  private boolean lacksParity(WriteOp op) {
    Layout layout = rooms.cnode(op.gfid).layout();
    long row = op.lblk / layout.chunkBlocks();
    for (int p = 0; p < op.parities; p++) {
      if (rooms.rebuilding.lacks(layout, row, op.parityDrive[p])) {
        return true;
      }
    }
    return false;
  }

  /**
   * A parity can be left out where all that the update replaces is mapped: so the parity's block is
   * counted in what its rebuild has space for, and its rebuild finds these groups.
   */
  private final class Look {
    private final WriteOp op;
    private final Cnode cnode;
    private final PageRequest leaf = new PageRequest(answered -> onPage());

    Look(WriteOp op) {
      this.op = op;
      this.cnode = rooms.cnode(op.gfid);
    }

    void start() {
      op.gatesOwed++;
      if (cnode.dataLeaf(leaf, op.lblk, false)) {
        ask(op, allMapped());
        op.gatesOwed--;
      }
    }

    private void onPage() {
      ask(op, allMapped());
      passed(op);
    }

    private boolean allMapped() {
      Page page = leaf.page();
      boolean all = page != null;
      long entry = cnode.dataEntry(op.lblk);
      for (int i = 0; i < op.count && all; i++) {
        all = Cnode.address(page, entry) != 0;
        entry += cnode.dataEntryBytes();
      }
      leaf.release();
      return all;
    }
  }

  private void ask(WriteOp op, boolean mayLeaveOut) {
    Layout layout = rooms.cnode(op.gfid).layout();
    long row = op.lblk / layout.chunkBlocks();
    for (int m = 0; m < layout.dataMembers() + layout.parityMembers(); m++) {
      int drive = layout.drive(row, m);
      if (rooms.rebuilding.lacks(layout, row, drive)) {
        Need need = need(layout, drive, m, op, mayLeaveOut);
        if (need != Need.NOTHING) {
          op.gatesOwed++;
          rooms.send(drive, MessageType.ENSURE_REBUILT, op, null, need.number);
        }
      }
    }
  }

  private Need need(Layout layout, int drive, int member, WriteOp op, boolean mayLeaveOut) {
    if (rooms.rebuilding.standsIn(drive) || !rooms.rebuilding.serviceFirst()) {
      return Need.HARDENED;
    }
    if (member < layout.dataMembers()) {
      return member == op.member ? Need.HARDENED : Need.NOTHING;
    }
    // Its part in the update is journaled behind what it makes, and so hardened after it.
    return mayLeaveOut ? Need.IF_ANY : Need.MAPPED;
  }

  /**
   * One of the drives has its part.
   *
   * @param leaveOut parities, one a bit, that have nothing of it instead, and that it is to leave
   *     out
   */
  public void onRebuilt(WriteOp op, int leaveOut) {
    op.leaveOut(leaveOut);
    passed(op);
  }

  private void passed(WriteOp op) {
    if (--op.gatesOwed == 0) {
      data.onGatePassed(op);
    }
  }
}
