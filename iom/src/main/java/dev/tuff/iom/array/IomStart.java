package dev.tuff.iom.array;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.allocation.Allocator;
import dev.tuff.iom.allocation.SpaceBudget;
import dev.tuff.iom.cache.BlockCache;
import dev.tuff.iom.cache.BufferPool;
import dev.tuff.iom.checkpoint.Checkpoint;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.drive.Zeros;
import dev.tuff.iom.journal.Journal;
import dev.tuff.iom.journal.JournalPosition;
import dev.tuff.iom.journal.JournalRegion;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.PageCache;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.object.PageTree;
import dev.tuff.iom.recovery.IomRecovery;
import dev.tuff.iom.runtime.Roster;
import dev.tuff.iom.runtime.Shard;
import dev.tuff.iom.side.RebuildingDrives;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.xor.Kernel;
import java.util.Arrays;
import java.util.function.LongPredicate;

/**
 * Brings one IOM up: its memory, its side rooms, its bitmap and its cnodes. On the drive's shard.
 */
final class IomStart {
  private final Superblock superblock;
  private final Root root;
  private final Iom iom;
  private final IomRecovery recovery;
  private final SideRooms rooms;
  private final PageTree objects;

  /** Pages of what the drive was before it came back; null when it was nothing. */
  private final PageCache formerPages;

  private Runnable done;
  private long gfid;

  @SuppressWarnings("ParameterNumber")
  IomStart(
      Superblock superblock,
      Root root,
      Shard shard,
      Drive drive,
      IomBuffers memory,
      IomMemory sizes,
      Roster roster,
      SpaceBudget budget,
      RebuildingDrives rebuilding,
      boolean readOnly,
      ArrayStart.Alarm alarm) {
    this.superblock = superblock;
    this.root = root;
    // What is in use is not known before the bitmap is there.
    PageCache bitmap = pageCache(drive, memory, sizes.bitmapPages(), alarm, this::inBlockSpace);
    Allocator allocator =
        new Allocator(
            bitmap,
            root.bitmap(),
            superblock.dataFirstBlock(),
            superblock.sizeBlocks() - superblock.dataFirstBlock());
    PageCache maps = pageCache(drive, memory, sizes.pageFrames(), alarm, allocator::inUse);
    JournalRegion region =
        new JournalRegion(
            superblock.journalFirstBlock(),
            superblock.journalBlocks(),
            superblock.arrayId(),
            superblock.driveIndex());
    Journal journal =
        new Journal(
            region,
            drive,
            memory.take(Journal.BUFFERS, Journal.COMMIT_BYTES),
            new JournalPosition(root.tailPosition(), root.tailSequence()),
            root.checkpointId());
    IoBuffer staging = memory.takeOne(sizes.stagingPages() * Drive.BLOCK_BYTES);
    Checkpoint checkpoint =
        new Checkpoint(
            drive,
            journal,
            maps,
            allocator,
            budget,
            root,
            staging,
            memory.takeOne(2 * Drive.BLOCK_BYTES));
    IoBuffer[] forRebuild =
        root.incomplete()
            ? memory.takeForRebuild(sizes.rebuildBuffers(), IomMemory.LARGE_BYTES)
            : new IoBuffer[0];
    IoBuffer[] forRuns = Arrays.copyOf(forRebuild, Math.max(0, forRebuild.length - 1));
    this.formerPages =
        root.formerStates().isEmpty()
            ? null
            : PageCache.ofHints(
                drive,
                superblock.arrayId(),
                superblock.driveIndex(),
                forRebuild[forRuns.length],
                this::inBlockSpace);
    BufferPool[] pools = {
      pool(memory, sizes.smallBuffers(), Drive.BLOCK_BYTES),
      pool(memory, sizes.largeBuffers(), IomMemory.LARGE_BYTES),
      pool(memory, sizes.smallBuffers(), Drive.BLOCK_BYTES),
      pool(memory, sizes.largeBuffers(), IomMemory.LARGE_BYTES),
      pool(memory, sizes.gatherBuffers(), IomMemory.LARGE_BYTES),
      pool(memory, sizes.smallBuffers(), Drive.BLOCK_BYTES),
      pool(memory, sizes.smallBuffers(), Drive.BLOCK_BYTES),
      new BufferPool(forRuns)
    };
    IoBuffer zeros = zeros(memory);
    BlockCache blocks = new BlockCache(memory.takeOne(sizes.cacheBlocks() * Drive.BLOCK_BYTES));
    this.objects =
        new PageTree(maps, PageFormat.KIND_OBJECTS, 0, PageFormat.OBJECT_LEVELS, root.objects());
    this.rooms =
        new SideRooms(
            superblock.driveIndex(),
            shard,
            drive,
            journal,
            maps,
            allocator,
            budget,
            checkpoint,
            root,
            blocks,
            pools,
            zeros,
            roster,
            rebuilding,
            Kernel.isal());
    this.iom = new Iom(rooms, objects, formerPages, readOnly, alarm);
    this.recovery = new IomRecovery(rooms, objects, region, staging);
  }

  /** The longest run of zeros. */
  static IoBuffer zeros(IomBuffers memory) {
    IoBuffer zeros = memory.takeOne(IomMemory.LARGE_BYTES);
    Zeros.clear(zeros.segment(), 0, IomMemory.LARGE_BYTES);
    return zeros;
  }

  private boolean inBlockSpace(long address) {
    return address >= superblock.dataFirstBlock() && address < superblock.sizeBlocks();
  }

  private PageCache pageCache(
      Drive drive, IomBuffers memory, int frames, ArrayStart.Alarm alarm, LongPredicate inUse) {
    IoBuffer slab = memory.takeOne(frames * PageFormat.PAGE_BYTES);
    return new PageCache(drive, superblock.arrayId(), superblock.driveIndex(), slab, alarm, inUse);
  }

  static BufferPool pool(IomBuffers memory, int count, int bytesEach) {
    return new BufferPool(memory.take(count, bytesEach));
  }

  Iom iom() {
    return iom;
  }

  /** This IOM's part in what follows the loading: recovery with all drives in view. */
  IomRecovery recovery() {
    return recovery;
  }

  /**
   * Mends the superblock, reads the bitmap, all cnodes and the journal, then calls {@code
   * whenDone}.
   *
   * @param damagedSuperblocks copies of the superblock to be written again, one a bit
   */
  void load(int damagedSuperblocks, Runnable whenDone) {
    done = whenDone;
    // What was written and is found on the drive may still be in its volatile cache: after a kill,
    // or when the array goes on without another drive. Recovery takes what it finds for hardened.
    rooms.drive.harden(() -> mendSuperblock(damagedSuperblocks));
  }

  /** A copy that is damaged is written from the other one, while that is still sound. */
  private void mendSuperblock(int copies) {
    if (copies == 0) {
      loadMaps();
      return;
    }
    int copy = Integer.numberOfTrailingZeros(copies);
    IoBuffer block = rooms.smallData.take(late -> {});
    superblock.encode(block.segment().asSlice(0, Drive.BLOCK_BYTES), copy);
    BlockIo io =
        new BlockIo(
            new BlockIo.Listener() {
              @Override
              public void onTransferred(BlockIo written) {
                // Only what is hardened counts.
              }

              @Override
              public void onHardened(BlockIo written) {
                rooms.smallData.give(block);
                mendSuperblock(copies & ~(1 << copy));
              }
            });
    long address = Superblock.FIRST_COPY + copy * Superblock.COPY_DISTANCE_BLOCKS;
    rooms.drive.writeRun(io, address, 1, block, 0);
  }

  private void loadMaps() {
    rooms.allocator.load(() -> loadFormer(0));
  }

  /** Before anything is given out: what may still be right is to be left alone. */
  private void loadFormer(int state) {
    if (state == root.formerStates().size()) {
      gfid = 0;
      nextCnode();
      return;
    }
    rooms.allocator.loadFormer(
        formerPages, root.formerStates().get(state).bitmap(), () -> loadFormer(state + 1));
  }

  /**
   * Recovery is over: says what space there is, and lets clients come.
   *
   * @param mapped the most that any drive has of each object
   */
  void open(RebuildSpace mapped) {
    // Metadata pages take space as they are written; what the budget promises leaves room for them.
    long forMetadata = rooms.allocator.blocks() / 20 + rooms.maps.capacity();
    long forFreeing = SpaceBudget.blocksForFreeing(rooms.allocator.blocks());
    rooms.budget.keepForMetadata(forMetadata);
    rooms.budget.keepForFreeing(forFreeing);
    rooms.budget.keepForReplacing(SpaceBudget.blocksForReplacing(rooms.allocator.blocks()));
    // Pages that recovery's checkpoint has superseded are free in a moment.
    long free = rooms.allocator.freeBlocks() + rooms.allocator.heldBlocks();
    free -= forMetadata + forFreeing;
    if (iom.rebuild() != null) {
      // What it has already of it is not known; more than there is can't be kept.
      long kept = Math.min(mapped.keptSpace(rooms), Math.max(0, free));
      iom.rebuild().open(mapped.expected(rooms), kept);
      free -= kept;
    }
    rooms.budget.begin(Math.max(0, free));
    rooms.maps.keepReserve();
    iom.open();
  }

  private void nextCnode() {
    while (++gfid < root.nextGfid()) {
      PageRequest request = new PageRequest(this::onCnodePage);
      if (!objects.get(request, gfid, false)) {
        return;
      }
      open(request);
    }
    recovery.replay(done);
  }

  private void onCnodePage(PageRequest request) {
    open(request);
    nextCnode();
  }

  private void open(PageRequest request) {
    if (request.page() == null) {
      return;
    }
    Cnode cnode = Cnode.open(request.page(), superblock.driveIndex(), root.vacated(), rooms.maps);
    boolean sound =
        cnode != null
            && cnode.attributes().gfid() == gfid
            && cnode.attributes().mostDrives() <= rooms.drives();
    if (!sound) {
      throw new ArrayException(
          "Object "
              + gfid
              + " on drive "
              + superblock.driveIndex()
              + " has attributes that make no sense; run without this drive.");
    }
    rooms.cnodes().put(cnode);
  }
}
