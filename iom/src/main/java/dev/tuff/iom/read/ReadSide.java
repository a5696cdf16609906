package dev.tuff.iom.read;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.cache.BufferPool;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.parity.Generation;
import dev.tuff.iom.parity.ParitySide;
import dev.tuff.iom.repair.BlockRepair;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.DataSide;
import dev.tuff.iom.write.WriteOp;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * An IOM as the one that reads: its own blocks for clients, and groups for members that can't be
 * read.
 */
public final class ReadSide implements DataSide.Repairs, ParitySide.Repairs {
  private final SideRooms rooms;
  private final DataSide data;
  private final ParitySide parity;
  private final BlockRepair repair;
  private final ArrayDeque<BufferClaim> claims = new ArrayDeque<>();
  private Reconstruction free;
  private int inside;

  private final List<AllocationOp> queries = new ArrayList<>();

  /** Clients' reads, in the order in which they came. */
  private ReadOp oldest;

  private ReadOp newest;

  /**
   * A reconstruction's wish for all its buffers at once: two that hold half of theirs each would
   * wait for ever.
   */
  private record BufferClaim(int count, Reconstruction claimant) {}

  /**
   * @param parity null for a proxy, which holds none
   * @param repair for blocks that had to be made from their groups; null where nothing is written
   */
  public ReadSide(SideRooms rooms, DataSide data, ParitySide parity, BlockRepair repair) {
    this.rooms = rooms;
    this.data = data;
    this.parity = parity;
    this.repair = repair;
    data.setRepairs(this);
  }

  @Override
  public void repairOld(WriteOp op, int index) {
    new ReadOp()
        .repair(
            this,
            op.gfid,
            op.lblk + index,
            1,
            op.member,
            op.oldBuffer(),
            index * Drive.BLOCK_BYTES,
            op::onOldRepaired);
  }

  @Override
  public void makeOld(WriteOp op) {
    ReadOp made = new ReadOp();
    made.repair(
        this,
        op.gfid,
        op.lblk,
        op.count,
        op.member,
        op.oldBuffer(),
        0,
        whole -> op.onOldMade(whole ? made.madeId : null, made.madeCrc));
  }

  @Override
  public void repairOldParity(Generation generation, int index) {
    new ReadOp()
        .repair(
            this,
            generation.gfid(),
            generation.lblk() + index,
            1,
            generation.member(),
            generation.buffer(),
            index * Drive.BLOCK_BYTES,
            generation::onOldRepaired);
  }

  SideRooms rooms() {
    return rooms;
  }

  ParitySide parity() {
    return parity;
  }

  BufferPool scratchPool() {
    return rooms.readScratch;
  }

  WriteOp newestUpdate(long gfid, long lblk) {
    return data.newestOf(gfid, lblk);
  }

  WriteOp openUpdate(long gfid, long lblk) {
    return data.openOf(gfid, lblk);
  }

  WriteOp.ReadersWaiting lastReader(WriteOp op) {
    return data.lastReader(op);
  }

  void awaitContent(WriteOp op, WriteOp.ReadersWaiting reader) {
    data.awaitContent(op, reader);
  }

  /** A part of a client's read arrives. */
  public void onRead(ReadOp op) {
    op.accept(this);
  }

  /** A client asks which blocks of some rows are mapped. */
  public void onQueryAllocation(AllocationOp op) {
    queries.add(op);
    op.start(this);
  }

  void answered(AllocationOp op) {
    queries.remove(op);
  }

  void entered(ReadOp op) {
    op.newer = null;
    op.older = newest;
    if (newest == null) {
      oldest = op;
    } else {
      newest.newer = op;
    }
    newest = op;
  }

  void left(ReadOp op) {
    if (op.older == null) {
      oldest = op.newer;
    } else {
      op.older.newer = op.newer;
    }
    if (op.newer == null) {
      newest = op.older;
    } else {
      op.newer.older = op.older;
    }
  }

  /** Tells of every read of a client that is not answered; of an IOM that has stopped. */
  public void handOver(Consumer<ReadOp> hears) {
    for (ReadOp op = oldest; op != null; op = op.newer) {
      hears.accept(op);
    }
  }

  /** Likewise of every allocation query. */
  public void handOverQueries(Consumer<AllocationOp> hears) {
    queries.forEach(hears);
  }

  void countDamage(long damaged, long unreadable) {
    rooms.counters().mediaErrors.add(Long.bitCount(unreadable));
    rooms.counters().checksumErrors.add(Long.bitCount(damaged & ~unreadable));
  }

  /** Hears whether a block could be made. */
  @FunctionalInterface
  public interface Made {
    void onMade(boolean made);
  }

  /**
   * Makes {@code blocks} blocks of this drive that lie in one segment, data or parity, from their
   * groups, in the version that the groups' parity knows.
   */
  @SuppressWarnings("ParameterNumber")
  public void make(
      long gfid, long lblk, int blocks, int member, IoBuffer into, int offset, Made listener) {
    new ReadOp().repair(this, gfid, lblk, blocks, member, into, offset, listener::onMade);
  }

  /** Hears what the members of a parity block make. */
  @FunctionalInterface
  public interface Confirmed {
    /**
     * They have been added up.
     *
     * @param confirmed whether it is what the parity's map says
     * @param version if it is not, and all members are sound: the version whose members they are,
     *     what they make is in the buffer then; else 0
     */
    void onConfirmed(boolean confirmed, long version);
  }

  /** Makes one parity block of this drive from its members, whatever its map says of it. */
  public void confirm(
      long gfid, long lblk, int member, IoBuffer into, int offset, Confirmed listener) {
    ReadOp op = new ReadOp();
    op.repair(
        this,
        gfid,
        lblk,
        1,
        member,
        into,
        offset,
        made -> listener.onConfirmed(made, op.unlike != 0 ? op.madeId[0] : 0));
  }

  /** Hears what became of a run of blocks. */
  @FunctionalInterface
  public interface RunMade {
    /**
     * All that can be made is in the buffer.
     *
     * @param ids of each block the version that was made, 0: it was never written, zeros
     * @param crcs of each the checksum that it has
     * @param discarded blocks, one a bit, whose version is a discard: zeros without a place
     * @param lost blocks, one a bit, that could not be made
     */
    void onMade(long[] ids, int[] crcs, long discarded, long lost);
  }

  /**
   * Makes those of a run of a data member's blocks whose bit is set from their groups, each in the
   * version that the group's first sound parity knows.
   */
  @SuppressWarnings("ParameterNumber")
  public void makeRun(
      long gfid,
      long lblk,
      int count,
      long mask,
      int member,
      IoBuffer into,
      int offset,
      RunMade listener) {
    ReadOp op = new ReadOp();
    op.make(
        this,
        gfid,
        lblk,
        count,
        mask,
        member,
        into,
        offset,
        made -> listener.onMade(op.madeId, op.madeCrc, op.discarded, op.lost));
  }

  /**
   * Asks which version of those of a run of a data member's blocks whose bit is set the group's
   * first sound parity knows. Nothing is made: of {@link RunMade} what it says of versions counts,
   * and blocks of which none knows anything are lost.
   */
  public void versionsOfRun(
      long gfid, long lblk, int count, long mask, int member, RunMade listener) {
    ReadOp op = new ReadOp();
    op.askVersions(
        this,
        gfid,
        lblk,
        count,
        mask,
        member,
        told -> listener.onMade(op.madeId, op.madeCrc, op.discarded, op.lost));
  }

  /** Someone else has used a buffer for reconstruction and given it back. */
  public void buffersAreBack() {
    serveGatherBuffers();
  }

  /** Has blocks of this drive that were made from their groups written to new places. */
  void repair(ReadOp op, long damaged) {
    if (repair == null) {
      return;
    }
    for (long rest = damaged; rest != 0; rest &= rest - 1) {
      int i = Long.numberOfTrailingZeros(rest);
      repair.repairData(
          op.gfid,
          op.lblk + i,
          op.blockBuffer().segment(),
          op.blockOffset() + (long) i * Drive.BLOCK_BYTES,
          repaired -> {});
    }
  }

  /** Asks the first live parity of the row to make the read's blocks. */
  void reconstruct(ReadOp op) {
    int coordinator = coordinator(rooms, op);
    if (coordinator < 0) {
      op.lost = op.owedBlocks;
      op.onReconstructed(false);
      return;
    }
    rooms.send(coordinator, MessageType.RECONSTRUCT, op, null, rooms.driveIndex);
  }

  /** The drive of the row's first live parity, or -1. */
  static int coordinator(SideRooms rooms, ReadOp op) {
    Cnode cnode = rooms.cnode(op.gfid);
    Layout layout = cnode.layout();
    long row = op.lblk / layout.chunkBlocks();
    if (op.member >= layout.dataMembers()) {
      // A parity is made again where it lives: its own map says which versions of the members are
      // in it.
      return rooms.driveIndex;
    }
    for (int p = 0; p < layout.parityMembers(); p++) {
      int drive = layout.drive(row, layout.dataMembers() + p);
      if (rooms.present(drive)) {
        return drive;
      }
    }
    return -1;
  }

  /** This IOM is to make the blocks, for the IOM or proxy of {@code asker}. */
  public void onReconstruct(ReadOp op, int asker) {
    inside++;
    Reconstruction reconstruction = free;
    if (reconstruction == null) {
      reconstruction = new Reconstruction(this, rooms);
    } else {
      free = reconstruction.nextFree;
      reconstruction.nextFree = null;
    }
    reconstruction.start(op, asker);
  }

  void onGather(Gather gather) {
    gather.start(rooms, this);
  }

  /** Handles the messages between reconstructing IOMs. */
  public void onMessage(MessageType type, Object subject, long number) {
    switch (type) {
      case GATHER -> onGather((Gather) subject);
      case GATHERED -> {
        Gather gather = (Gather) subject;
        gather.reconstruction.onGathered(gather);
      }
      case RECONSTRUCTED -> ((ReadOp) subject).onReconstructed(number != 0);
      default -> throw new IllegalArgumentException(type + " is not about reading");
    }
  }

  void takeGatherBuffers(int count, Reconstruction claimant) {
    claims.add(new BufferClaim(count, claimant));
    serveGatherBuffers();
  }

  void serveGatherBuffers() {
    while (!claims.isEmpty() && rooms.gather.freeCount() >= claims.peek().count()) {
      BufferClaim claim = claims.poll();
      for (int i = 0; i < claim.count(); i++) {
        IoBuffer buffer = rooms.gather.take(late -> {});
        claim.claimant().onGatherBuffer(buffer);
      }
    }
  }

  void recycle(Reconstruction reconstruction) {
    inside--;
    reconstruction.nextFree = free;
    free = reconstruction;
  }

  /** Reconstructions that are not over. */
  public int inside() {
    return inside;
  }
}
