package dev.tuff.iom.rebuild;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.WriteOp;
import dev.tuff.xor.Crc32c;
import java.util.ArrayList;
import java.util.List;

/**
 * The rebuild of one segment on a drive that took another's place: those of its blocks that have no
 * map entry are made, written, hardened, journaled and mapped, in this order. On a drive that has
 * come back into its place those that are where they were, in the version that counts, are kept:
 * read, checked, journaled and mapped. Others may wait for it. Owned by the drive's shard.
 */
abstract class Run implements BlockIo.Listener, FormerMaps.Looker {
  /** Content that stands for a block that could not be made: no reader takes it for one. */
  private static final byte LOST_FILL = (byte) 0xee;

  private static final byte OTHER_LOST_FILL = (byte) 0x11;

  final DriveRebuild rebuild;
  final SideRooms rooms;
  final Segment segment;
  final Cnode cnode;
  final int count;
  final BlocksRebuilt entry = new BlocksRebuilt(this::hardened);

  /** Blocks, one a bit, that are asked for. */
  long wanted;

  /** Of these, blocks that have no entry, as far as was seen. */
  long missing;

  private boolean begun;

  /** Where the rebuilt blocks are, the i-th at {@code i * 4096}. */
  IoBuffer buffer;

  private final List<Runnable> awaitMapped = new ArrayList<>(1);
  private final List<Runnable> awaitHardened = new ArrayList<>(1);
  private final PageRequest leaf = new PageRequest(answered -> onPage());
  private final BlockIo io = new BlockIo(this);
  private final BlockIo formerIo = new BlockIo(this::onFormerRead);

  /** Where kept blocks were found, until they are read; then where made ones go. */
  private final long[] address = new long[WriteOp.MAX_BLOCKS];

  /** Blocks that are kept as they were found. */
  private long kept;

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

  /** Has {@code done} called when the segment's blocks are mapped, or when that is hardened. */
  void await(boolean hardened, Runnable done) {
    (hardened ? awaitHardened : awaitMapped).add(done);
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
    } else if (rebuild.former().any()) {
      askVersions();
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

  // ---- what is kept

  /** Asks which versions of the {@link #missing} blocks count; ends with {@link #onVersions}. */
  abstract void askVersions();

  /** The versions are known, of some blocks or all: what is there of them? */
  void onVersions() {
    rebuild.former().look(segment, entry.parity, this);
  }

  /**
   * True when the entry at {@code at} of a former leaf is of the version that counts of block
   * {@code i}; takes it for what the block is.
   */
  abstract boolean isVersion(Cnode former, Page page, long at, int i);

  @Override
  public void onFormerLeaf(Cnode former, Page page, boolean latest) {
    long at = entry.parity ? former.parityEntry(segment.lblk()) : former.dataEntry(segment.lblk());
    for (int i = 0; i < count; i++) {
      long found = Cnode.address(page, at);
      if ((missing >>> i & 1) != 0 && rooms.allocator.isFormer(found)) {
        boolean keeps =
            (kept >>> i & 1) == 0 && isVersion(former, page, at, i) && rebuild.takeSpace(1);
        if (keeps) {
          // Set aside before it is read: nobody writes there from now on.
          rooms.allocator.reserveFormer(found);
          rooms.blocks.drop(found);
          address[i] = found;
          kept |= 1L << i;
        } else if (latest) {
          rooms.allocator.dropFormer(found);
        }
      }
      at += entry.parity ? former.parityEntryBytes() : former.dataEntryBytes();
    }
  }

  @Override
  public void onFormerLeafsEnd() {
    if (kept == 0) {
      make();
    } else {
      rooms.drive.read(formerIo, address, 0, count, buffer, 0);
    }
  }

  /** A former map may be right and its block not: written over since, or rotten. */
  private void onFormerRead(BlockIo transferred) {
    for (long rest = kept; rest != 0; rest &= rest - 1) {
      int i = Long.numberOfTrailingZeros(rest);
      boolean sound =
          (formerIo.failedMask() >>> i & 1) == 0
              && Crc32c.of(buffer.segment(), (long) i * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES)
                  == entry.crc[i];
      if (sound) {
        entry.address[i] = address[i];
      } else {
        kept &= ~(1L << i);
        rooms.allocator.release(address[i]);
        rebuild.giveSpace(1);
      }
      address[i] = 0;
    }
    missing &= ~kept;
    if (missing == 0) {
      onMade(0, 0, 0);
    } else {
      make();
    }
  }

  // ---- what is made

  /** Puts the {@link #missing} blocks into the buffer; ends with {@link #onMade}. */
  abstract void make();

  /** True while an update or generation that knows the block already is about to map it. */
  abstract boolean busy(long lblk);

  /**
   * The blocks are made, but for those that are kept.
   *
   * @param wrote those that were ever written; the others are zeros without an entry
   * @param unplaced of these, those whose version is zeros without a place
   * @param lostBlocks of these, those that could not be made
   */
  void onMade(long wrote, long unplaced, long lostBlocks) {
    entry.mask = wrote | kept;
    if (entry.mask == 0) {
      end();
      return;
    }
    long made = wrote & ~unplaced;
    placed = made | kept;
    lost = lostBlocks;
    for (long rest = lostBlocks; rest != 0; rest &= rest - 1) {
      spoil(Long.numberOfTrailingZeros(rest));
    }
    if (made == 0) {
      written = true;
      lookUp(true);
      return;
    }
    if (!rebuild.takeSpace(Long.bitCount(made))) {
      throw new NoRoomException(
          "drive "
              + rooms.driveIndex
              + " has no room for what is to be rebuilt on it; replace it by a larger one");
    }
    for (long rest = made; rest != 0; rest &= rest - 1) {
      int i = Long.numberOfTrailingZeros(rest);
      address[i] = rooms.allocator.reserve();
      Invariant.check(address[i] != 0, "space was promised before it is set aside", i);
      rooms.blocks.drop(address[i]);
      entry.address[i] = address[i];
    }
    rooms.drive.write(io, address, 0, count, buffer, 0);
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
    // Only what is hardened counts; but the next ones may have the memory already, so that a flush
    // covers many. A drive that did not take it has told its IOM, which stops.
    if (!transferred.failed()) {
      giveBuffers();
    }
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
      rebuild.count(
          Long.bitCount(entry.mask & ~kept),
          Long.bitCount(entry.mask & kept),
          Long.bitCount(lost & entry.mask));
    }
    leaf.release();
    if (entry.mask == 0) {
      end();
    } else {
      mapped();
    }
  }

  private void giveBack(int i) {
    if ((placed >>> i & 1) != 0) {
      rooms.allocator.release(entry.address[i]);
      rebuild.giveSpace(1);
    }
  }

  private void end() {
    mapped();
    hardened();
  }

  private void giveBuffers() {
    if (buffer != null) {
      rebuild.onWritten(this);
      buffer = null;
    }
  }

  private void mapped() {
    giveBuffers();
    tell(awaitMapped);
  }

  /**
   * An update that is open beside a block that only memory knows of would find its group a member
   * short after a power cut.
   */
  private void hardened() {
    rebuild.onEnded(this);
    tell(awaitMapped);
    tell(awaitHardened);
  }

  private static void tell(List<Runnable> waiting) {
    List<Runnable> told = List.copyOf(waiting);
    waiting.clear();
    told.forEach(Runnable::run);
  }
}
