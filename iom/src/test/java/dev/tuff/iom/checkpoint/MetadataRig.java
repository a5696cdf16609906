package dev.tuff.iom.checkpoint;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.allocation.Allocator;
import dev.tuff.iom.allocation.SpaceBudget;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.journal.Journal;
import dev.tuff.iom.journal.JournalEntry;
import dev.tuff.iom.journal.JournalPosition;
import dev.tuff.iom.journal.JournalRegion;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.BlockMap;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.CnodePage;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.object.PageCache;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.object.PageTree;
import dev.tuff.iom.object.PageWalk;
import dev.tuff.iom.support.Bytes;
import dev.tuff.iom.support.DriveRig;
import dev.tuff.iom.volume.Toughness;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * One drive's metadata without the protocol: journal, bitmap, an object with a data map, and
 * checkpoints. Entries of the map are changed as a write changes them, and compared with a model.
 */
final class MetadataRig {
  static final UUID ID = new UUID(0x0011223344556677L, 0x8899aabbccddeeffL);
  static final int FRAMES = 32;
  private static final int DRIVE = 2;
  private static final int LABEL_BLOCKS = 256;
  private static final int JOURNAL_BLOCKS = 512;
  private static final int OBJECT_LEVELS = 4;
  private static final int GFID = 1;

  /** Entry of a block: where it is and who wrote it. */
  record Entry(long address, long id, int crc) {}

  /** What stands on the drive, read past everything. */
  record OnDrive(Map<Long, Entry> map, Set<Long> pages, Set<Long> used) {}

  /** The power went off at the step that was asked for. */
  static final class PowerCut extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  final DriveRig rig;
  final Map<Long, Entry> model = new HashMap<>();

  /** By checkpoint ID, the map that the checkpoint was to bring to the drive. */
  final Map<Long, Map<Long, Entry>> frozen = new HashMap<>();

  long powerCutAfter = Long.MAX_VALUE;
  long steps;

  private final long blocks;
  private final int bitmapPages;
  private final IoBuffer mapSlab;
  private final IoBuffer bitmapSlab;
  private final IoBuffer staging;
  private final IoBuffer rootBuffer;
  private final IoBuffer[] journalBuffers;

  Root root;
  PageCache maps;
  Allocator allocator;
  Journal journal;
  Checkpoint checkpoint;
  private Cnode cnode;
  private boolean rootHardened;

  /** Metadata pages of the last hardened root: nobody may write there. */
  Set<Long> kept = new HashSet<>();

  MetadataRig(long seed, long blocks) {
    this.blocks = blocks;
    this.bitmapPages = Allocator.pagesFor(blocks) + 1;
    this.rig = new DriveRig(seed, LABEL_BLOCKS + JOURNAL_BLOCKS + blocks, 4L << 20);
    this.mapSlab = rig.buffers(1, FRAMES * 4096)[0];
    this.bitmapSlab = rig.buffers(1, bitmapPages * 4096)[0];
    this.staging = rig.buffers(1, (FRAMES + bitmapPages) * 4096)[0];
    this.rootBuffer = rig.buffers(1, 2 * 4096)[0];
    this.journalBuffers = rig.buffers(Journal.BUFFERS, Journal.COMMIT_BYTES);
    Root first = new Root(ID, DRIVE);
    for (int copy = 0; copy < 2; copy++) {
      MemorySegment block = Bytes.block();
      first.encode(block, 0, copy);
      rig.write(first.address(copy), block);
    }
    frozen.put(1L, Map.of());
    open();
  }

  private void open() {
    root = newestRoot();
    Drive drive = rig.drive();
    PageCache bitmap =
        new PageCache(
            drive, ID, DRIVE, bitmapSlab, MetadataRig::damaged, address -> address >= firstBlock());
    allocator = new Allocator(bitmap, root.bitmap(), firstBlock(), blocks);
    maps = new PageCache(drive, ID, DRIVE, mapSlab, MetadataRig::damaged, allocator::inUse);
    journal =
        new Journal(
            new JournalRegion(LABEL_BLOCKS, JOURNAL_BLOCKS, ID, DRIVE),
            drive,
            journalBuffers,
            new JournalPosition(root.tailPosition(), root.tailSequence()),
            root.checkpointId());
    checkpoint =
        new Checkpoint(
            drive, journal, maps, allocator, new SpaceBudget(blocks), root, staging, rootBuffer);
    boolean[] loaded = new boolean[1];
    allocator.load(() -> loaded[0] = true);
    rig.settle();
    if (!loaded[0]) {
      throw new IllegalStateException("the bitmap did not load");
    }
    openObject();
  }

  private void openObject() {
    PageTree objects =
        new PageTree(maps, PageFormat.KIND_OBJECTS, 0, OBJECT_LEVELS, root.objects());
    PageRequest request = new PageRequest(answered -> {});
    if (!objects.get(request, GFID, true)) {
      rig.settle();
    }
    cnode = Cnode.open(request.page(), DRIVE, Layout.NONE, maps);
    if (cnode == null) {
      ObjectAttributes attributes =
          new ObjectAttributes(GFID, "map", 1L << 31, 16, 1, 0, 3, Toughness.HARDENED);
      cnode =
          Cnode.create(
              request.page(), DRIVE, Layout.NONE, attributes, maps, journal.append(entry()));
    }
  }

  private static void damaged(String what) {
    throw new IllegalStateException(what);
  }

  long firstBlock() {
    return LABEL_BLOCKS + JOURNAL_BLOCKS;
  }

  private Root newestRoot() {
    Root newest = null;
    for (int slot = 0; slot < Root.SLOTS; slot++) {
      for (int copy = 0; copy < 2; copy++) {
        MemorySegment block = rig.block(Root.FIRST_SLOT + slot + copy * 128L);
        Root found = Root.decode(block, 0, ID, DRIVE, slot);
        if (found != null && (newest == null || found.sequence() > newest.sequence())) {
          newest = found;
        }
      }
    }
    return newest;
  }

  private static JournalEntry entry() {
    return new JournalEntry() {
      @Override
      protected int bodyBytes() {
        return 8;
      }

      @Override
      protected int type() {
        return 1;
      }

      @Override
      protected void encode(MemorySegment segment, long offset) {
        segment.set(PageFormat.LONG, offset, id());
      }

      @Override
      protected void onJournalHardened() {}
    };
  }

  /** One completion, and what follows from it. */
  boolean step() {
    journal.commit();
    checkpoint.proceed();
    if (++steps > powerCutAfter) {
      throw new PowerCut();
    }
    boolean stepped = rig.step();
    if (rootHardened) {
      rootHardened = false;
      kept = read(root).pages();
    }
    return stepped;
  }

  private void stepOn() {
    if (!step()) {
      throw new IllegalStateException("waits for something that never comes");
    }
  }

  /** The block's place in the object: drive 2 of 3 with one data member has every third row. */
  static long lblk(int leaf, int inLeaf) {
    long index = leaf * 160L + inLeaf;
    return (index / 16 * 3 + 1) * 16 + index % 16;
  }

  private PageRequest leaf(long lblk, boolean create) {
    boolean[] answered = new boolean[1];
    PageRequest request = new PageRequest(r -> answered[0] = true);
    answered[0] = cnode.dataLeaf(request, lblk, create);
    while (!answered[0]) {
      stepOn();
    }
    return request;
  }

  /** A write of one block as its metadata sees it. Returns the block's new address. */
  long change(long lblk) {
    while (maps.dirtyCount() > FRAMES * 3 / 8) {
      startCheckpoint();
      stepOn();
    }
    PageRequest request = leaf(lblk, true);
    long at = cnode.dataEntry(lblk);
    long[] address = new long[1];
    long old = Cnode.address(request.page(), at);
    allocator.allocate(1, address, 0, journal.nextId());
    if (kept.contains(address[0])) {
      throw new IllegalStateException("a page of the hardened root is given out: " + address[0]);
    }
    long id = journal.append(entry());
    Entry entry = new Entry(address[0], id, (int) (id * 0x9E3779B9L));
    Cnode.setEntry(request.page(), at, entry.address(), entry.id(), entry.crc());
    request.page().markDirty(id);
    request.release();
    if (old != 0) {
      allocator.free(old, journal.nextId());
      journal.appendDataComplete(id);
    } else {
      cnode.addMappedDataBlocks(1, id);
    }
    model.put(lblk, entry);
    return address[0];
  }

  /** The entry as the cache has it; null for a hole. */
  Entry look(long lblk) {
    PageRequest request = leaf(lblk, false);
    if (request.page() == null) {
      return null;
    }
    long at = cnode.dataEntry(lblk);
    Entry entry =
        new Entry(
            Cnode.address(request.page(), at),
            Cnode.id(request.page(), at),
            Cnode.crc(request.page(), at));
    request.release();
    return entry.address() == 0 ? null : entry;
  }

  /** Begins a checkpoint unless one is under way. */
  void startCheckpoint() {
    if (checkpoint.running()) {
      return;
    }
    long id = journal.nextId();
    checkpoint.start(Long.MAX_VALUE, () -> rootHardened = true);
    frozen.put(id, Map.copyOf(model));
  }

  void finishCheckpoint() {
    while (checkpoint.running()) {
      stepOn();
    }
  }

  /** Everything that a root leads to; throws where a page can't be believed. */
  OnDrive read(Root from) {
    Map<Long, Entry> map = new HashMap<>();
    Set<Long> pages = new HashSet<>();
    Set<Long> used = new HashSet<>();
    int leaves = (int) ((blocks + Allocator.BLOCKS_PER_PAGE - 1) / Allocator.BLOCKS_PER_PAGE);
    walk(pages)
        .walk(
            PageFormat.KIND_BITMAP,
            0,
            PageTree.levelsFor(leaves),
            from.bitmap().address(),
            from.bitmap().crc(),
            (index, page) -> {
              for (int bit = 0; bit < Allocator.BLOCKS_PER_PAGE; bit++) {
                long word = page.get(PageFormat.LONG, PageFormat.HEADER_BYTES + bit / 64 * 8L);
                if ((word >>> bit % 64 & 1) != 0) {
                  used.add(firstBlock() + index * Allocator.BLOCKS_PER_PAGE + bit);
                }
              }
            });
    PageWalk maps = walk(pages);
    walk(pages)
        .walk(
            PageFormat.KIND_OBJECTS,
            0,
            OBJECT_LEVELS,
            from.objects().address(),
            from.objects().crc(),
            (gfid, page) -> {
              CnodePage found = CnodePage.decode(page);
              maps.walk(
                  PageFormat.KIND_DATA_MAP,
                  gfid,
                  3,
                  found.top(BlockMap.DATA).address(),
                  found.top(BlockMap.DATA).crc(),
                  (index, leaf) -> entries(index, leaf, map));
            });
    return new OnDrive(map, pages, used);
  }

  private static void entries(long index, MemorySegment leaf, Map<Long, Entry> map) {
    for (int i = 0; i < 160; i++) {
      long at = PageFormat.HEADER_BYTES + 24L * i;
      long address = leaf.get(PageFormat.LONG, at);
      if (address != 0) {
        map.put(
            lblk((int) index, i),
            new Entry(
                address, leaf.get(PageFormat.LONG, at + 8), leaf.get(PageFormat.INT, at + 16)));
      }
    }
  }

  private PageWalk walk(Set<Long> pages) {
    MemorySegment[] memory = new MemorySegment[6];
    for (int i = 0; i < memory.length; i++) {
      memory[i] = Bytes.block();
    }
    return new PageWalk(
        (address, target) -> {
          if (!pages.add(address)) {
            throw new IllegalStateException("page reached twice: " + address);
          }
          rig.read(address, 1, target);
        },
        ID,
        DRIVE,
        memory,
        (address, what) -> damaged("page at " + address + " " + what));
  }

  /** Cuts the power and starts again from what is on the drive. */
  void crash() {
    rig.crash();
    open();
    rootHardened = false;
    model.clear();
    model.putAll(frozen.get(root.checkpointId()));
    kept = read(root).pages();
  }
}
