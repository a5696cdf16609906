package dev.tuff.iom.check;

import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.BlockMap;
import dev.tuff.iom.object.CnodePage;
import dev.tuff.iom.object.MapShape;
import dev.tuff.iom.object.PageCursor;
import dev.tuff.iom.object.PageFormat;
import java.lang.foreign.MemorySegment;

/**
 * What one drive holds of a run of an object's rows: its map entries, loaded from leaves read once
 * each, and then the blocks. A slot is a lblk, counted from the run's first.
 */
final class DriveStep {
  /** What the maps say of a slot. */
  enum State {
    /** The drive is no member of this row. */
    NO_MEMBER,
    /** Never written, or discarded: zeros. */
    EMPTY,
    MAPPED,
    /** The drive's metadata is damaged here. */
    UNKNOWN,
    /** The drive is being rebuilt, and its map does not tell of the block yet. */
    NOT_REBUILT
  }

  private static final CnodePage.Top NO_MAP = new CnodePage.Top(0, 0, 1);
  private static final int SLOTS = DriveReader.STEP_BLOCKS;

  final CheckedDrive drive;
  private final PageCursor[] maps = new PageCursor[BlockMap.values().length];

  /** Goes through maps as a whole. */
  private final PageCursor walk;

  private CheckedObject object;
  private long firstLblk;

  private final State[] states = new State[SLOTS];
  private final long[] addresses = new long[SLOTS];
  private final long[] ids = new long[SLOTS];
  private final int[] crcs = new int[SLOTS];
  private final boolean[] sound = new boolean[SLOTS];
  private long[] memberIds = new long[0];
  private int[] memberCrcs = new int[0];
  private final int[] discarded = new int[SLOTS];

  private long mappedData;
  private long mappedParity;

  DriveStep(CheckedDrive drive) {
    this.drive = drive;
    for (BlockMap map : BlockMap.values()) {
      // Those as stand-in are heard of by the walk.
      maps[map.number()] = drive.cursor(() -> name(map), !map.ofStandIn());
    }
    this.walk = drive.cursor(() -> name(BlockMap.STAND_IN_DATA), true);
  }

  private String name(BlockMap map) {
    return map.label() + " map of volume " + object.attributes.name();
  }

  /** Goes to an object's start. */
  void open(CheckedObject newObject) {
    object = newObject;
    mappedData = 0;
    mappedParity = 0;
    int members = object.layout.dataMembers();
    memberIds = new long[SLOTS * members];
    memberCrcs = new int[SLOTS * members];
    CnodePage cnode = object.cnodes[drive.index];
    for (BlockMap map : BlockMap.values()) {
      open(cursor(map), map, cnode);
    }
    walkStandIns(cnode);
  }

  private PageCursor cursor(BlockMap map) {
    return maps[map.number()];
  }

  private void open(PageCursor cursor, BlockMap map, CnodePage cnode) {
    CnodePage.Top top = cnode == null ? NO_MAP : cnode.top(map);
    cursor.open(map.kind(), object.gfid, top.levels(), top.address(), top.crc());
  }

  /**
   * As a stand-in a drive may have pages, and blocks, of rows that are not its any more: the rows
   * that are gone through do not come to all of them.
   */
  private void walkStandIns(CnodePage cnode) {
    for (BlockMap map : BlockMap.values()) {
      if (map.ofStandIn()) {
        open(walk, map, cnode);
        for (long leaf = walk.next(0); leaf >= 0; leaf = walk.next(leaf + 1)) {
          if (walk.seek(leaf) == PageCursor.Found.PAGE) {
            useLeftovers(map, leaf, walk.page());
          }
        }
      }
    }
  }

  private void useLeftovers(BlockMap map, long leaf, MemorySegment page) {
    int perLeaf = object.shape.entriesPerLeaf(map);
    for (int i = 0; i < perLeaf; i++) {
      long at = PageFormat.HEADER_BYTES + (long) i * object.shape.entryBytes(map);
      long address = page.get(PageFormat.LONG, at);
      long lblk = leaf * perLeaf + i;
      if (address == 0 || object.layout.standsIn(lblk / object.layout.chunkBlocks(), drive.index)) {
        continue;
      }
      if (!drive.journal.freed(address)) {
        drive.use(address, () -> "what drive %d held in place of another".formatted(drive.index));
      }
      mappedData += map.ofParity() ? 0 : 1;
      mappedParity += map.ofParity() ? 1 : 0;
      if (drive.root.leftoversOf() == Layout.NONE) {
        drive.find(
            "volume %s has lblk %d in a map as a stand-in, and no place is vacated whose it could be"
                .formatted(object.attributes.name(), lblk));
      }
    }
  }

  /**
   * The first row from {@code row} on of which the drive may hold something; {@link Long#MAX_VALUE}
   * when there is none.
   */
  long nextRow(long row) {
    long next = Long.MAX_VALUE;
    for (BlockMap map : BlockMap.values()) {
      next = Math.min(next, nextRow(map, row));
    }
    return next;
  }

  private long nextRow(BlockMap map, long row) {
    long member = map.nextRow(object.layout, drive.index, row);
    if (member == Long.MAX_VALUE) {
      return member;
    }
    int perLeaf = object.shape.entriesPerLeaf(map);
    int chunk = object.layout.chunkBlocks();
    long from = map.index(object.layout, drive.index, member * chunk);
    long leaf = cursor(map).next(from / perLeaf);
    if (leaf < 0) {
      return Long.MAX_VALUE;
    }
    return leaf == from / perLeaf
        ? member
        : map.lblk(object.layout, drive.index, leaf * perLeaf) / chunk;
  }

  /** Loads the map entries of {@code count} lblks from {@code lblk} on; true if there are any. */
  boolean load(long lblk, int count) {
    firstLblk = lblk;
    int chunk = object.layout.chunkBlocks();
    int n = object.layout.dataMembers();
    boolean any = false;
    for (int slot = 0; slot < count; slot++) {
      int member = object.layout.member((lblk + slot) / chunk, drive.index);
      if (member >= n + object.layout.parityMembers()) {
        states[slot] = State.NO_MEMBER;
      } else if (!object.known(drive.index)) {
        states[slot] = State.UNKNOWN;
      } else if (member < n) {
        loadData(slot, lblk + slot);
      } else {
        loadParity(slot, lblk + slot, n);
      }
      any |= states[slot] == State.MAPPED || (states[slot] == State.EMPTY && ids[slot] != 0);
    }
    return any;
  }

  private BlockMap map(long lblk, boolean parity) {
    return BlockMap.of(object.layout, drive.index, lblk / object.layout.chunkBlocks(), parity);
  }

  private void loadData(int slot, long lblk) {
    BlockMap map = map(lblk, false);
    if (loadEntry(slot, seek(map, lblk), cursor(map).page(), at(map, lblk))) {
      mappedData++;
    }
  }

  private PageCursor.Found seek(BlockMap map, long lblk) {
    long index = map.index(object.layout, drive.index, lblk);
    return cursor(map).seek(index / object.shape.entriesPerLeaf(map));
  }

  private long at(BlockMap map, long lblk) {
    long index = map.index(object.layout, drive.index, lblk);
    return PageFormat.HEADER_BYTES
        + index % object.shape.entriesPerLeaf(map) * object.shape.entryBytes(map);
  }

  private void loadParity(int slot, long lblk, int members) {
    BlockMap map = map(lblk, true);
    PageCursor.Found found = seek(map, lblk);
    MemorySegment page = cursor(map).page();
    long at = at(map, lblk);
    boolean mapped = loadEntry(slot, found, page, at);
    if (mapped) {
      mappedParity++;
    }
    boolean here = found == PageCursor.Found.PAGE;
    discarded[slot] = here ? page.get(PageFormat.INT, at + 20) : 0;
    for (int m = 0; m < members; m++) {
      long of = at + MapShape.DATA_ENTRY_BYTES;
      memberIds[slot * members + m] = here ? page.get(PageFormat.LONG, of + 8L * m) : 0;
      memberCrcs[slot * members + m] =
          here ? page.get(PageFormat.INT, of + 8L * members + 4L * m) : 0;
    }
  }

  private boolean loadEntry(int slot, PageCursor.Found found, MemorySegment page, long at) {
    addresses[slot] = 0;
    ids[slot] = 0;
    crcs[slot] = 0;
    if (found == PageCursor.Found.DAMAGED) {
      states[slot] = State.UNKNOWN;
      return false;
    }
    states[slot] = State.EMPTY;
    if (found != PageCursor.Found.PAGE) {
      states[slot] = unmapped(slot);
      return false;
    }
    addresses[slot] = page.get(PageFormat.LONG, at);
    ids[slot] = page.get(PageFormat.LONG, at + 8);
    crcs[slot] = page.get(PageFormat.INT, at + 16);
    if (addresses[slot] == 0) {
      if (ids[slot] == 0) {
        states[slot] = unmapped(slot);
      }
      return false;
    }
    states[slot] = State.MAPPED;
    return true;
  }

  /**
   * Begins to read what is mapped and not told of in a journal; that is looked at block by block.
   */
  void beginRead(int count) {
    drive.reader.begin();
    for (int slot = 0; slot < count; slot++) {
      sound[slot] = false;
      long lblk = firstLblk + slot;
      if (states[slot] != State.MAPPED || object.journaled.contains(lblk)) {
        continue;
      }
      if (drive.use(addresses[slot], () -> object.name(lblk, member(lblk)))) {
        drive.reader.want(slot, addresses[slot]);
        sound[slot] = true;
      }
    }
    drive.reader.submit();
  }

  private int member(long lblk) {
    return object.layout.member(lblk / object.layout.chunkBlocks(), drive.index);
  }

  void finishRead(int count) {
    drive.reader.await();
    for (int slot = 0; slot < count; slot++) {
      if (sound[slot]) {
        sound[slot] = drive.reader.readable(slot) && drive.reader.crc(slot) == crcs[slot];
      }
    }
  }

  /** Compares the cnode's counts with what the maps have; after the last row. */
  void compareCounts() {
    CnodePage cnode = object.cnodes[drive.index];
    if (cnode == null || drive.incomplete()) {
      return;
    }
    if (cnode.mappedData() != mappedData || cnode.mappedParity() != mappedParity) {
      drive.find(
          "volume %s has %d data and %d parity blocks by its cnode, and %d and %d in its maps"
              .formatted(
                  object.attributes.name(),
                  cnode.mappedData(),
                  cnode.mappedParity(),
                  mappedData,
                  mappedParity));
    }
  }

  /** Of a drive that is being rebuilt nothing is known where its map says nothing. */
  private State unmapped(int slot) {
    long lblk = firstLblk + slot;
    boolean there =
        drive.root.passed(object.gfid, lblk)
            || (drive.root.standingIn()
                && !object.layout.standsIn(lblk / object.layout.chunkBlocks(), drive.index));
    return there ? State.EMPTY : State.NOT_REBUILT;
  }

  State state(int slot) {
    return states[slot];
  }

  /** True when what the drive has of the slot can't be told by its maps. */
  boolean unknown(int slot) {
    return states[slot] == State.UNKNOWN || states[slot] == State.NOT_REBUILT;
  }

  /** True when the mapped block was read and has its checksum. */
  boolean sound(int slot) {
    return sound[slot];
  }

  long address(int slot) {
    return addresses[slot];
  }

  /** The mj or pj that wrote or discarded the block, 0: never written. */
  long id(int slot) {
    return ids[slot];
  }

  int crc(int slot) {
    return crcs[slot];
  }

  /** Of a parity block: the last mj of a data member that is in it. */
  long memberId(int slot, int member) {
    return memberIds[slot * object.layout.dataMembers() + member];
  }

  int memberCrc(int slot, int member) {
    return memberCrcs[slot * object.layout.dataMembers() + member];
  }

  /** Of a parity block: that mj discarded the member. */
  boolean memberDiscarded(int slot, int member) {
    return (discarded[slot] >>> member & 1) != 0;
  }

  MemorySegment content() {
    return drive.reader.content();
  }

  int place(int slot) {
    return drive.reader.place(slot);
  }

  /** What is wrong with a mapped block that is not sound. */
  String wrong(int slot) {
    return drive.reader.readable(slot) ? "has a wrong checksum" : "could not be read";
  }
}
