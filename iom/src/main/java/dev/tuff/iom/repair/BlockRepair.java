package dev.tuff.iom.repair;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.parity.ParitySide;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.DataSide;
import dev.tuff.xor.Crc32c;
import java.lang.foreign.MemorySegment;

/**
 * Writes blocks that could not be read, and were made from their groups, to new places on their own
 * drive, and parity that was made wrong. A repair never stands in anybody's way: it is given up
 * when an update of the block is under way, which replaces it anyhow, or when there is no buffer or
 * space at hand; the next reader or the next scrub finds the damage again. Owned by one shard's
 * thread.
 */
public final class BlockRepair {
  /** Repairs under way on one IOM at most. */
  private static final int LIMIT = 16;

  private final SideRooms rooms;
  private final DataSide data;
  private final ParitySide parity;
  private int inside;

  public BlockRepair(SideRooms rooms, DataSide data, ParitySide parity) {
    this.rooms = rooms;
    this.data = data;
    this.parity = parity;
  }

  /** Hears how a repair ended. */
  @FunctionalInterface
  public interface Listener {
    void onRepaired(boolean repaired);
  }

  /**
   * Repairs a data block of this drive.
   *
   * @param content its content, good until this returns; it is checked against the map
   */
  public void repairData(
      long gfid, long lblk, MemorySegment content, long offset, Listener listener) {
    begin(new Repair(gfid, lblk, false, listener), content, offset);
  }

  /** Repairs a parity block of this drive, likewise. */
  public void repairParity(
      long gfid, long lblk, MemorySegment content, long offset, Listener listener) {
    begin(new Repair(gfid, lblk, true, listener), content, offset);
  }

  /**
   * Replaces a parity block of this drive that was made wrong.
   *
   * @param version its version; if another one is there by now nothing is done
   * @param content what its members make, good until this returns
   */
  public void replaceParity(
      long gfid, long lblk, long version, MemorySegment content, long offset, Listener listener) {
    Repair repair = new Repair(gfid, lblk, true, listener);
    repair.madeWrong = version;
    begin(repair, content, offset);
  }

  private void begin(Repair repair, MemorySegment content, long offset) {
    IoBuffer buffer =
        inside < LIMIT && rooms.readScratch.freeCount() > 0 && rooms.budget.tryReserveToReplace(1)
            ? rooms.readScratch.take(late -> {})
            : null;
    if (buffer == null) {
      repair.listener.onRepaired(false);
      return;
    }
    inside++;
    MemorySegment.copy(content, offset, buffer.segment(), 0, Drive.BLOCK_BYTES);
    repair.buffer = buffer;
    repair.lookUp();
  }

  /** Repairs that are not over. */
  public int inside() {
    return inside;
  }

  private final class Repair implements BlockIo.Listener {
    final Listener listener;
    private final BlockMoved entry = new BlockMoved(this::onJournaled);
    private final BlockIo io = new BlockIo(this);
    private final PageRequest leaf = new PageRequest(answered -> onPage());
    private final Cnode cnode;
    private boolean written;
    IoBuffer buffer;

    /** The version that was made wrong, so that its checksum is wrong, too; else 0. */
    long madeWrong;

    Repair(long gfid, long lblk, boolean ofParity, Listener listener) {
      this.listener = listener;
      entry.gfid = gfid;
      entry.lblk = lblk;
      entry.parity = ofParity;
      cnode = rooms.cnode(gfid);
    }

    /** Before the write: what is it that is to be moved? After it: is it still so? */
    void lookUp() {
      boolean here =
          entry.parity
              ? cnode.parityLeaf(leaf, entry.lblk, false)
              : cnode.dataLeaf(leaf, entry.lblk, false);
      if (here) {
        onPage();
      }
    }

    private boolean busy() {
      return entry.parity
          ? parity.busy(entry.gfid, entry.lblk)
          : data.newestOf(entry.gfid, entry.lblk) != null;
    }

    private void onPage() {
      Page page = leaf.page();
      if (page == null || busy()) {
        giveUp();
        return;
      }
      long at = entry.parity ? cnode.parityEntry(entry.lblk) : cnode.dataEntry(entry.lblk);
      if (written) {
        move(page, at);
      } else {
        write(page, at);
      }
    }

    private void write(Page page, long at) {
      entry.oldAddress = Cnode.address(page, at);
      entry.id = Cnode.id(page, at);
      entry.crc = Crc32c.of(buffer.segment(), 0, Drive.BLOCK_BYTES);
      boolean right = madeWrong == 0 ? entry.crc == Cnode.crc(page, at) : entry.id == madeWrong;
      boolean fits = entry.oldAddress != 0 && right;
      leaf.release();
      entry.newAddress = fits ? rooms.allocator.reserve() : 0;
      if (entry.newAddress == 0) {
        giveUp();
        return;
      }
      rooms.blocks.drop(entry.newAddress);
      rooms.drive.writeRun(io, entry.newAddress, 1, buffer, 0);
    }

    @Override
    public void onTransferred(BlockIo transferred) {
      // Only what is hardened counts.
    }

    @Override
    public void onHardened(BlockIo transferred) {
      written = true;
      lookUp();
    }

    /** The old place is free, but not given out before the journal says where the block is now. */
    private void move(Page page, long at) {
      if (Cnode.address(page, at) != entry.oldAddress || Cnode.id(page, at) != entry.id) {
        giveUp();
        return;
      }
      long id = rooms.journal.append(entry);
      rooms.allocator.takeReserved(entry.newAddress, id);
      rooms.allocator.freeHeld(entry.oldAddress, id);
      Cnode.setEntry(page, at, entry.newAddress, entry.id, entry.crc);
      page.markDirty(id);
      leaf.release();
      rooms.blocks.drop(entry.oldAddress);
    }

    private void onJournaled() {
      rooms.allocator.release(entry.oldAddress);
      rooms.counters().repairedBlocks.add(1);
      end(true);
    }

    private void giveUp() {
      leaf.release();
      if (entry.newAddress != 0) {
        rooms.allocator.release(entry.newAddress);
      }
      end(false);
    }

    private void end(boolean repaired) {
      inside--;
      rooms.budget.give(1);
      rooms.readScratch.give(buffer);
      listener.onRepaired(repaired);
    }
  }
}
