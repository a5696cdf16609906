package dev.tuff.iom.read;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.cache.BufferPool;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.drive.Zeros;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.SideLimits;
import dev.tuff.iom.write.WriteOp;
import dev.tuff.xor.Crc32c;
import java.lang.foreign.MemorySegment;

/**
 * One read on its data IOM: a run of blocks of one chunk, or a part of one block. Sees the latest
 * accepted update of each block; everything that comes from the drive is checked against the CRC in
 * the block map, and reconstructed from the group where it does not match. Made by a client, owned
 * by the data IOM's shard from READ to READ_DONE.
 */
public final class ReadOp
    implements BlockIo.Listener, PageRequest.Listener, WriteOp.ReadersWaiting {
  /** Times a block that changed under the read is looked up again before it counts as damaged. */
  private static final int LOOKS = 3;

  // What the client asks. Set before READ.
  public Actor client;
  public Object request;
  public long gfid;
  public long lblk;
  public int count;
  public int member;
  public IoBuffer target;
  public int targetOffset;

  /** Part of one block: bytes from here on, {@link #readBytes} of them; else 0 and whole blocks. */
  public int readStart;

  public int readBytes;

  /** True when the bytes could not be had. Valid in READ_DONE. */
  public boolean failed;

  ReadOp older;
  ReadOp newer;
  private ReadSide side;
  private Cnode cnode;
  private WriteOp.ReadersWaiting nextReader;
  private final PageRequest leaf = new PageRequest(this);
  private final BlockIo io = new BlockIo(this);
  private final BufferPool.Waiter scratchWaiter = this::onScratch;
  private final long[] address = new long[WriteOp.MAX_BLOCKS];
  private final long[] id = new long[WriteOp.MAX_BLOCKS];
  private final int[] crc = new int[WriteOp.MAX_BLOCKS];
  private IoBuffer scratch;
  private Repaired repaired;

  /**
   * Of blocks that were made from their groups: the versions and checksums that the parity knows.
   */
  final long[] madeId = new long[WriteOp.MAX_BLOCKS];

  final int[] madeCrc = new int[WriteOp.MAX_BLOCKS];
  long owedBlocks;
  private long readBlocks;

  /** Blocks whose drive is there and does not give them any more. */
  private long damaged;

  /** Blocks that may be on other drives only: this one is being rebuilt. */
  private long notRebuilt;

  /** Blocks whose version is a discard. */
  long discarded;

  /** Blocks that the coordinator could not make. */
  long lost;

  /**
   * Of these, parity blocks whose members are all sound and make something else than what the map
   * says; that is in the buffer, and {@link #madeId} is the version that they are the members of.
   */
  long unlike;

  /** Only what the parity knows of the blocks is asked for, and nothing is to be made. */
  boolean versionsOnly;

  private int looks;

  /** True when the target takes every byte of the blocks. */
  boolean wholeBlocks() {
    return readBytes == count * Drive.BLOCK_BYTES;
  }

  /** Where whole blocks go: the target, or scratch memory for a part of one. */
  IoBuffer blockBuffer() {
    return scratch != null ? scratch : target;
  }

  int blockOffset() {
    return scratch != null ? 0 : targetOffset;
  }

  /** What the client has asked, for another IOM or proxy to begin anew. */
  public ReadOp again() {
    ReadOp op = new ReadOp();
    op.client = client;
    op.request = request;
    op.gfid = gfid;
    op.lblk = lblk;
    op.count = count;
    op.member = member;
    op.target = target;
    op.targetOffset = targetOffset;
    op.readStart = readStart;
    op.readBytes = readBytes;
    return op;
  }

  void accept(ReadSide owner) {
    side = owner;
    side.entered(this);
    cnode = owner.rooms().cnode(gfid);
    failed = false;
    looks = 0;
    damaged = 0;
    notRebuilt = 0;
    lost = 0;
    owedBlocks = count == 64 ? -1L : (1L << count) - 1;
    if (wholeBlocks()) {
      resolve();
      return;
    }
    IoBuffer buffer = side.scratchPool().take(scratchWaiter);
    if (buffer != null) {
      onScratch(buffer);
    }
  }

  private void onScratch(IoBuffer buffer) {
    scratch = buffer;
    resolve();
  }

  /** Takes what accepted updates hold in memory; the rest stands where the map says. */
  private void resolve() {
    for (int i = 0; i < count; i++) {
      if ((owedBlocks >>> i & 1) == 0) {
        continue;
      }
      WriteOp op = side.newestUpdate(gfid, lblk + i);
      if (op == null) {
        continue;
      }
      if (!op.contentReady()) {
        nextReader = side.lastReader(op);
        side.awaitContent(op, this);
        return;
      }
      MemorySegment.copy(
          op.content().segment(),
          op.contentOffset() + (lblk + i - op.lblk) * Drive.BLOCK_BYTES,
          blockBuffer().segment(),
          blockOffset() + (long) i * Drive.BLOCK_BYTES,
          Drive.BLOCK_BYTES);
      owedBlocks &= ~(1L << i);
    }
    if (owedBlocks == 0) {
      finish();
    } else if (side.rooms().gone()) {
      side.reconstruct(this);
    } else if (cnode.dataLeaf(leaf, lblk, false)) {
      onPage(leaf);
    }
  }

  @Override
  public void onContent() {
    resolve();
  }

  @Override
  public WriteOp.ReadersWaiting next() {
    return nextReader;
  }

  @Override
  public void onPage(PageRequest pageRequest) {
    Page page = leaf.page();
    long entry = cnode.dataEntry(lblk);
    MemorySegment memory = blockBuffer().segment();
    readBlocks = 0;
    notRebuilt = 0;
    for (int i = 0; i < count; i++) {
      address[i] = 0;
      long at = blockOffset() + (long) i * Drive.BLOCK_BYTES;
      if ((owedBlocks >>> i & 1) != 0) {
        long where = page == null ? 0 : Cnode.address(page, entry);
        boolean known = page != null && Cnode.id(page, entry) != 0;
        if (!known && !side.rooms().rebuilt(cnode, lblk + i)) {
          notRebuilt |= 1L << i;
        } else if (where == 0) {
          Zeros.clear(memory, at, Drive.BLOCK_BYTES);
          owedBlocks &= ~(1L << i);
        } else if (side.rooms().blocks.get(where, Cnode.id(page, entry), memory, at)) {
          owedBlocks &= ~(1L << i);
        } else {
          address[i] = where;
          id[i] = Cnode.id(page, entry);
          crc[i] = Cnode.crc(page, entry);
          readBlocks |= 1L << i;
        }
      }
      entry += cnode.dataEntryBytes();
    }
    leaf.release();
    if (readBlocks != 0) {
      side.rooms().drive.read(io, address, 0, count, blockBuffer(), blockOffset());
    } else if (notRebuilt != 0) {
      side.reconstruct(this);
    } else {
      finish();
    }
  }

  @Override
  public void onTransferred(BlockIo transferred) {
    MemorySegment memory = blockBuffer().segment();
    for (int i = 0; i < count; i++) {
      if ((readBlocks >>> i & 1) == 0) {
        continue;
      }
      long at = blockOffset() + (long) i * Drive.BLOCK_BYTES;
      boolean read = (io.failedMask() >>> i & 1) == 0;
      if (read && Crc32c.of(memory, at, Drive.BLOCK_BYTES) == crc[i]) {
        owedBlocks &= ~(1L << i);
        if (count <= SideLimits.CACHED_RUN_BLOCKS) {
          side.rooms().blocks.put(address[i], id[i], memory, at);
        }
      }
    }
    if (owedBlocks == 0) {
      finish();
    } else if (owedBlocks == notRebuilt) {
      side.reconstruct(this);
    } else if (++looks < LOOKS) {
      // The block may have been overwritten, freed and used again since its address was looked up.
      resolve();
    } else {
      damaged = owedBlocks & ~notRebuilt;
      side.countDamage(damaged, io.failedMask() & readBlocks);
      side.reconstruct(this);
    }
  }

  /** The group has given what the drive could not, or it could not either. */
  void onReconstructed(boolean made) {
    if (!made) {
      failed = true;
    } else {
      owedBlocks = 0;
      if (damaged != 0) {
        side.repair(this, damaged);
      }
    }
    damaged = 0;
    finish();
  }

  /**
   * Makes this the repair of {@code blocks} whole blocks of a segment for an operation of this very
   * IOM, which {@code done} tells of the outcome.
   */
  @SuppressWarnings("ParameterNumber")
  void repair(
      ReadSide owner,
      long ofGfid,
      long block,
      int blocks,
      int ofMember,
      IoBuffer into,
      int at,
      Repaired done) {
    make(owner, ofGfid, block, blocks, (1L << blocks) - 1, ofMember, into, at, done);
  }

  /** Likewise of those of the run, of this or another member, whose bit is set. */
  @SuppressWarnings("ParameterNumber")
  void make(
      ReadSide owner,
      long ofGfid,
      long firstBlock,
      int blocks,
      long mask,
      int ofMember,
      IoBuffer into,
      int at,
      Repaired done) {
    side = owner;
    cnode = owner.rooms().cnode(ofGfid);
    gfid = ofGfid;
    lblk = firstBlock;
    count = blocks;
    member = ofMember;
    target = into;
    targetOffset = at;
    readStart = 0;
    readBytes = blocks * Drive.BLOCK_BYTES;
    failed = false;
    damaged = 0;
    lost = 0;
    unlike = 0;
    discarded = 0;
    owedBlocks = mask;
    repaired = done;
    side.reconstruct(this);
  }

  /** Asks for what the group's parity knows of those of the run whose bit is set. */
  void askVersions(
      ReadSide owner,
      long ofGfid,
      long firstBlock,
      int blocks,
      long mask,
      int ofMember,
      Repaired done) {
    versionsOnly = true;
    make(owner, ofGfid, firstBlock, blocks, mask, ofMember, null, 0, done);
  }

  /** Hears how a repair ended. */
  @FunctionalInterface
  interface Repaired {
    void onRepaired(boolean made);
  }

  private void finish() {
    if (repaired != null) {
      Repaired hears = repaired;
      repaired = null;
      hears.onRepaired(!failed);
      return;
    }
    if (scratch != null) {
      if (!failed) {
        MemorySegment.copy(scratch.segment(), readStart, target.segment(), targetOffset, readBytes);
      }
      IoBuffer buffer = scratch;
      scratch = null;
      side.scratchPool().give(buffer);
    }
    Invariant.check(failed || owedBlocks == 0, "a read that succeeds has every block", lblk);
    SideRooms rooms = side.rooms();
    side.left(this);
    rooms.shard.send(client, MessageType.READ_DONE, this, null, 0);
  }
}
