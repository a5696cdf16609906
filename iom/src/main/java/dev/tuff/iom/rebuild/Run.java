package dev.tuff.iom.rebuild;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.xor.Crc32c;
import java.util.ArrayList;
import java.util.List;

/**
 * The rebuild of one segment on a drive that took another's place: those of its blocks that have no
 * map entry are made, written, hardened, journaled and mapped, in this order. Others may wait for
 * it. Owned by the drive's shard.
 */
abstract class Run implements BlockIo.Listener {
  /** Content that stands for a block that could not be made: no reader takes it for one. */
  private static final byte LOST_FILL = (byte) 0xee;

  private static final byte OTHER_LOST_FILL = (byte) 0x11;

  final DriveRebuild rebuild;
  final SideRooms rooms;
  final Segment segment;
  final Cnode cnode;
  final int count;
  final BlocksRebuilt entry = new BlocksRebuilt();

  /** Blocks, one a bit, that are asked for. */
  long wanted;

  /** Of these, blocks that have no entry, as far as was seen. */
  long missing;

  private boolean begun;

  /** Where the rebuilt blocks are, the i-th at {@code i * 4096}. */
  IoBuffer buffer;

  private final List<Runnable> waiting = new ArrayList<>(1);
  private final PageRequest leaf = new PageRequest(answered -> onPage());
  private final BlockIo io = new BlockIo(this);
  private boolean written;
  private long lost;
  private long placed;

  Run(DriveRebuild rebuild, Segment segment) {
    this.rebuild = rebuild;
    this.rooms = rebuild.rooms();
    this.segment = segment;
    this.cnode = rooms.cnode(segment.gfid());
    this.count = cnode.segmentBlocks();
    entry.gfid = segment.gfid();
    entry.lblk = segment.lblk();
    entry.count = count;
  }

  /** Asks for more blocks; false when it has begun and is about others. */
  boolean want(long blocks) {
    if (begun && (blocks & ~wanted) != 0) {
      return false;
    }
    wanted |= blocks;
    return true;
  }

  /** Has {@code done} called when the segment's blocks are mapped. */
  void await(Runnable done) {
    waiting.add(done);
  }

  /** Begins, with a buffer. */
  void start(IoBuffer taken) {
    buffer = taken;
    begun = true;
    lookUp(false);
  }

  private void lookUp(boolean create) {
    boolean here =
        entry.parity
            ? cnode.parityLeaf(leaf, segment.lblk(), create)
            : cnode.dataLeaf(leaf, segment.lblk(), create);
    if (here) {
      onPage();
    }
  }

  private void onPage() {
    if (written) {
      map();
      return;
    }
    missing = wanted & withoutEntry(leaf.page());
    leaf.release();
    if (missing == 0) {
      end();
    } else {
      make();
    }
  }

  private long withoutEntry(Page page) {
    if (page == null) {
      return (1L << count) - 1;
    }
    long without = 0;
    long at = entry.parity ? cnode.parityEntry(segment.lblk()) : cnode.dataEntry(segment.lblk());
    for (int i = 0; i < count; i++) {
      without |= Cnode.id(page, at) == 0 ? 1L << i : 0;
      at += entry.parity ? cnode.parityEntryBytes() : cnode.dataEntryBytes();
    }
    return without;
  }

  /** Puts the {@link #missing} blocks into the buffer; ends with {@link #onMade}. */
  abstract void make();

  /** True while an update or generation that knows the block already is about to map it. */
  abstract boolean busy(long lblk);

  /**
   * The blocks are made.
   *
   * @param wrote those that were ever written; the others are zeros without an entry
   * @param unplaced of these, those whose version is zeros without a place
   * @param lostBlocks of these, those that could not be made
   */
  void onMade(long wrote, long unplaced, long lostBlocks) {
    if (wrote == 0) {
      end();
      return;
    }
    entry.mask = wrote;
    placed = wrote & ~unplaced;
    lost = lostBlocks;
    for (long rest = lostBlocks; rest != 0; rest &= rest - 1) {
      spoil(Long.numberOfTrailingZeros(rest));
    }
    if (placed == 0) {
      written = true;
      lookUp(true);
      return;
    }
    if (!rebuild.takeSpace(Long.bitCount(placed))) {
      throw new NoRoomException(
          "drive "
              + rooms.driveIndex
              + " has no room for what is to be rebuilt on it; replace it by a larger one");
    }
    for (long rest = placed; rest != 0; rest &= rest - 1) {
      int i = Long.numberOfTrailingZeros(rest);
      entry.address[i] = rooms.allocator.reserve();
      Invariant.check(entry.address[i] != 0, "space was promised before it is set aside", i);
      rooms.blocks.drop(entry.address[i]);
    }
    rooms.drive.write(io, entry.address, 0, count, buffer, 0);
  }

  /** What stands where a block is lost has not the checksum that its entry says. */
  private void spoil(int i) {
    long at = (long) i * Drive.BLOCK_BYTES;
    buffer.segment().asSlice(at, Drive.BLOCK_BYTES).fill(LOST_FILL);
    int now = Crc32c.of(buffer.segment(), at, Drive.BLOCK_BYTES);
    if (entry.parity) {
      entry.crc[i] = ~now;
    } else if (now == entry.crc[i]) {
      buffer.segment().asSlice(at, Drive.BLOCK_BYTES).fill(OTHER_LOST_FILL);
    }
  }

  @Override
  public void onTransferred(BlockIo transferred) {
    // Only what is hardened counts.
  }

  @Override
  public void onHardened(BlockIo transferred) {
    written = true;
    lookUp(true);
  }

  /** An update that went by meanwhile has its own version; it had been let through before. */
  private void map() {
    Page page = leaf.page();
    long made = entry.mask;
    long without = withoutEntry(page);
    for (long rest = made; rest != 0; rest &= rest - 1) {
      int i = Long.numberOfTrailingZeros(rest);
      if ((without >>> i & 1) == 0 || busy(segment.lblk() + i)) {
        entry.mask &= ~(1L << i);
        giveBack(i);
      }
    }
    if (entry.mask != 0) {
      long id = rooms.journal.append(entry);
      for (long rest = entry.mask & placed; rest != 0; rest &= rest - 1) {
        rooms.allocator.takeReserved(entry.address[Long.numberOfTrailingZeros(rest)], id);
      }
      RebuiltEntries.map(cnode, page, entry, id);
      rebuild.count(Long.bitCount(entry.mask), Long.bitCount(lost & entry.mask));
    }
    leaf.release();
    end();
  }

  private void giveBack(int i) {
    if ((placed >>> i & 1) != 0) {
      rooms.allocator.release(entry.address[i]);
      rebuild.giveSpace(1);
    }
  }

  private void end() {
    rebuild.onEnded(this);
    for (Runnable done : waiting) {
      done.run();
    }
  }
}
