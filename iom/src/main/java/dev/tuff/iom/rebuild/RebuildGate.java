package dev.tuff.iom.rebuild;

import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.DataSide;
import dev.tuff.iom.write.WriteOp;

/**
 * What is before every update of an IOM or proxy: every drive of its row that is being rebuilt has
 * to have its part of the groups. Then the update is protected as any other, and nothing that is
 * open ever waits for a rebuild. Owned by one shard's thread.
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
    Layout layout = rooms.cnode(op.gfid).layout();
    long row = op.lblk / layout.chunkBlocks();
    for (int m = 0; m < layout.dataMembers() + layout.parityMembers(); m++) {
      int drive = layout.drive(row, m);
      if (rooms.rebuilding.lacks(layout, row, drive)) {
        op.gatesOwed++;
        rooms.send(drive, MessageType.ENSURE_REBUILT, op, null, 0);
      }
    }
    return --op.gatesOwed == 0;
  }

  /** One of the drives has its part. */
  public void onRebuilt(WriteOp op) {
    if (--op.gatesOwed == 0) {
      data.onGatePassed(op);
    }
  }
}
