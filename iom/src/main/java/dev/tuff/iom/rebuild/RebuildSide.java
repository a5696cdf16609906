package dev.tuff.iom.rebuild;

import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.PageCache;
import dev.tuff.iom.parity.ParitySide;
import dev.tuff.iom.read.ReadSide;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.DataSide;
import dev.tuff.iom.write.WriteOp;

/**
 * An IOM's part in rebuilds: of its own drive, if that took another's place, and of others, which
 * its updates wait for and its blocks are needed for. Owned by one shard's thread.
 */
public final class RebuildSide {
  private final SideRooms rooms;
  private final DataSide data;
  private final ReadSide reads;
  private final RebuildGate gate;
  private final DriveRebuild own;
  private final StandInRelease release;

  /**
   * @param formerPages memory for pages of what the drive was before it came back; null when it was
   *     nothing
   */
  public RebuildSide(
      SideRooms rooms, DataSide data, ParitySide parity, ReadSide reads, PageCache formerPages) {
    this.rooms = rooms;
    this.data = data;
    this.reads = reads;
    this.own =
        rooms.root.incomplete()
            ? new DriveRebuild(rooms, data, parity, reads, new FormerMaps(rooms, formerPages))
            : null;
    this.release = new StandInRelease(rooms);
    this.gate = new RebuildGate(rooms, data);
  }

  /** The rebuild of this drive; null when it had everything at the start. */
  public DriveRebuild own() {
    return own;
  }

  /** Frees so many leaves' worth of what the drive held in place of one that has come home. */
  public void release(int leaves) {
    release.step(leaves);
  }

  /** True when a checkpoint is wanted, to say that something of this room is over. */
  public boolean endsWithCheckpoint() {
    return release.endsWithCheckpoint() || (own != null && own.endsWithCheckpoint());
  }

  /** A checkpoint has frozen what the root says. */
  public void onCheckpointStarted() {
    release.onCheckpointStarted();
    if (own != null) {
      own.onCheckpointStarted();
    }
  }

  /** And it is on the drive. */
  public void onCheckpointDone() {
    release.onCheckpointDone();
    if (own != null) {
      own.onCheckpointDone();
    }
  }

  /** Handles the messages between IOMs that are about rebuilding. */
  public void onMessage(MessageType type, Object subject, long number) {
    switch (type) {
      case ENSURE_REBUILT -> onEnsure((WriteOp) subject, Need.of(number));
      case REBUILT -> gate.onRebuilt((WriteOp) subject, (int) number);
      case READ_VERSIONS -> onReadVersions((MemberRead) subject);
      case VERSIONS_READ -> ((MemberRead) subject).run.onMember();
      case FIND_MAPPED -> ((MappedSearch) subject).start(rooms);
      case MAPPED_FOUND -> ((MappedSearch) subject).found(number);
      default -> throw new IllegalArgumentException(type + " is not about rebuilding");
    }
  }

  private void onEnsure(WriteOp op, Need need) {
    Layout layout = rooms.cnode(op.gfid).layout();
    long row = op.lblk / layout.chunkBlocks();
    int drive = layout.drive(row, op.member);
    DriveRebuild.Ensured done =
        has ->
            rooms.send(drive, MessageType.REBUILT, op, null, has ? 0 : leaveOut(op, layout, row));
    if (own == null) {
      done.onEnsured(true);
      return;
    }
    own.ensure(op.gfid, op.lblk, (1L << op.count) - 1, need, done);
  }

  /**
   * This drive has nothing of an update's groups, and the update goes on without it. The space that
   * was reserved for its new parity is not needed: what is made here later has its own.
   */
  private int leaveOut(WriteOp op, Layout layout, long row) {
    if (!op.unmaps()) {
      rooms.budget.give(op.count);
    }
    return 1 << (layout.member(row, rooms.driveIndex) - layout.dataMembers());
  }

  /** A drive that is being rebuilt itself has its own blocks made first. */
  private void onReadVersions(MemberRead read) {
    if (own == null) {
      read.start(rooms, data, reads);
    } else {
      own.ensure(
          read.gfid, read.lblk, read.mask, Need.HARDENED, has -> read.start(rooms, data, reads));
    }
  }

  /** Stops at once, whatever is under way. */
  public void halt() {
    release.halt();
    if (own != null) {
      own.halt();
    }
  }

  /** True when no rebuild of this drive is at work. */
  public boolean quiet() {
    return release.quiet() && (own == null || own.quiet());
  }
}
