package dev.tuff.iom.read;

import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.WriteOp;
import java.util.Arrays;

/**
 * What one IOM knows of which blocks of a run of rows are mapped: its own data blocks, by its map
 * and the updates that it has accepted; and those of members whose drives are gone, if it is the
 * first live parity of their row, by what that parity keeps of its members. A proxy knows the
 * updates that it has accepted. Reads metadata only. Made by a client, owned by the IOM's shard
 * from QUERY_ALLOCATION to ALLOCATION_ANSWERED.
 */
public final class AllocationOp implements PageRequest.Listener {
  // What the client asks. Set before QUERY_ALLOCATION.
  public Actor client;
  public Object request;
  public long gfid;
  public long firstRow;
  public int rows;

  /** The layout that it was asked by: the place that was vacated. */
  public int vacated;

  /** The answer: rows have gone from one drive to another since, and it tells nothing. */
  private boolean outdated;

  /** It was handed over: the others may have answered before the drive went away. */
  private boolean late;

  private long[] mapped = new long[0];
  private ReadSide side;
  private SideRooms rooms;
  private Cnode cnode;
  private Layout layout;
  private long row;
  private int block;
  private final PageRequest leaf = new PageRequest(this);

  /**
   * The answer: bit i, counted over the words, is block i of the rows, as the volume numbers its
   * blocks. Set for each block that this IOM knows to be mapped.
   */
  public long[] mapped() {
    return mapped;
  }

  /** True when all of the query has to be asked again. */
  public boolean outdated() {
    return outdated;
  }

  void start(ReadSide owner) {
    side = owner;
    rooms = owner.rooms();
    cnode = rooms.cnode(gfid);
    layout = cnode.layout();
    int words = (rows * layout.dataMembers() * layout.chunkBlocks() + 63) / 64;
    if (mapped.length < words) {
      mapped = new long[words];
    } else {
      Arrays.fill(mapped, 0);
    }
    row = firstRow;
    block = 0;
    outdated = layout.vacated() != vacated;
    if (outdated) {
      answer();
    } else if (rooms.gone()) {
      answerForGone();
    } else {
      next();
    }
  }

  /** What the client has asked, for another IOM or proxy to begin anew. */
  public AllocationOp again() {
    AllocationOp op = new AllocationOp();
    op.client = client;
    op.request = request;
    op.gfid = gfid;
    op.firstRow = firstRow;
    op.rows = rows;
    op.vacated = vacated;
    op.late = true;
    return op;
  }

  /**
   * The parities tell what the drive held, unless it went away while the query was under way: then
   * it may be anything, and so may what the drive would have told of others as a parity.
   */
  private void answerForGone() {
    for (row = firstRow; row < firstRow + rows; row++) {
      int member = layout.member(row, rooms.driveIndex);
      if (member < layout.dataMembers()) {
        takeOwnOfGone(member);
      } else if (late && member < layout.dataMembers() + layout.parityMembers()) {
        setAllThatIsGone();
      }
    }
    answer();
  }

  private void takeOwnOfGone(int member) {
    long lblk = row * layout.chunkBlocks();
    for (int i = 0; i < layout.chunkBlocks(); i++) {
      WriteOp newest = side.newestUpdate(gfid, lblk + i);
      if (late || (newest != null && !newest.unmaps() && !newest.unchanged())) {
        set(member, i);
      }
    }
  }

  private void setAllThatIsGone() {
    for (int m = 0; m < layout.dataMembers(); m++) {
      for (int i = 0; i < layout.chunkBlocks() && !rooms.present(layout.drive(row, m)); i++) {
        set(m, i);
      }
    }
  }

  private void next() {
    while (row < firstRow + rows) {
      int member = layout.member(row, rooms.driveIndex);
      long lblk = row * layout.chunkBlocks() + block;
      if (member < layout.dataMembers()) {
        if (!cnode.dataLeaf(leaf, lblk, false)) {
          return;
        }
        takeOwn(member);
      } else if (standsIn(member)) {
        if (!cnode.parityLeaf(leaf, lblk, false)) {
          return;
        }
        takeGone();
      } else {
        row++;
      }
    }
    answer();
  }

  private void answer() {
    late = false;
    side.answered(this);
    rooms.shard.send(client, MessageType.ALLOCATION_ANSWERED, this, null, 0);
  }

  /** The first live parity of the row answers for the data members that are gone. */
  private boolean standsIn(int member) {
    if (member >= layout.dataMembers() + layout.parityMembers()) {
      return false;
    }
    for (int earlier = layout.dataMembers(); earlier < member; earlier++) {
      if (rooms.present(layout.drive(row, earlier))) {
        return false;
      }
    }
    for (int m = 0; m < layout.dataMembers(); m++) {
      if (!rooms.present(layout.drive(row, m))) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void onPage(PageRequest answered) {
    int member = layout.member(row, rooms.driveIndex);
    if (member < layout.dataMembers()) {
      takeOwn(member);
    } else {
      takeGone();
    }
    next();
  }

  /** The blocks of one segment, by the newest update that was accepted, or else by the map. */
  private void takeOwn(int member) {
    Page page = leaf.page();
    long lblk = row * layout.chunkBlocks() + block;
    long entry = cnode.dataEntry(lblk);
    for (int i = 0; i < cnode.segmentBlocks(); i++) {
      WriteOp newest = side.newestUpdate(gfid, lblk + i);
      boolean here =
          newest == null
              ? (page != null && Cnode.address(page, entry) != 0) || notRebuilt(page, entry, i)
              : !newest.unmaps() && !newest.unchanged();
      if (here) {
        set(member, i);
      }
      entry += cnode.dataEntryBytes();
    }
    leaf.release();
    advance();
  }

  private void takeGone() {
    Page page = leaf.page();
    long lblk = row * layout.chunkBlocks() + block;
    long entry = cnode.parityEntry(lblk);
    for (int i = 0; i < cnode.segmentBlocks(); i++) {
      // What an update on its way will make of it is not known here: it may be anything.
      boolean open = side.parity().awaits(gfid, lblk + i) || notRebuilt(page, entry, i);
      for (int m = 0; m < layout.dataMembers(); m++) {
        boolean gone = !rooms.present(layout.drive(row, m));
        if (gone && (open || (page != null && cnode.memberMapped(page, entry, m)))) {
          set(m, i);
        }
      }
      entry += cnode.parityEntryBytes();
    }
    leaf.release();
    advance();
  }

  /** Of a drive that is being rebuilt: what its map does not tell of yet may be there. */
  private boolean notRebuilt(Page page, long entry, int i) {
    return (page == null || Cnode.id(page, entry) == 0)
        && !rooms.rebuilt(cnode, row * layout.chunkBlocks() + block + i);
  }

  private void set(int member, int i) {
    long bit =
        ((row - firstRow) * layout.dataMembers() + member) * layout.chunkBlocks() + block + i;
    mapped[(int) (bit / 64)] |= 1L << bit;
  }

  private void advance() {
    block += cnode.segmentBlocks();
    if (block == layout.chunkBlocks()) {
      block = 0;
      row++;
    }
  }
}
