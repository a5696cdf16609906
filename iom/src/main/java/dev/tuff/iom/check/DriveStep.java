package dev.tuff.iom.check;

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

  private static final int SLOTS = DriveReader.STEP_BLOCKS;

  final CheckedDrive drive;
  private final PageCursor dataMap;
  private final PageCursor parityMap;
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
    this.dataMap = drive.cursor(() -> "data map of volume " + object.attributes.name(), true);
    this.parityMap = drive.cursor(() -> "parity map of volume " + object.attributes.name(), true);
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
    dataMap.open(
        PageFormat.KIND_DATA_MAP,
        object.gfid,
        cnode == null ? 1 : cnode.dataLevels(),
        cnode == null ? 0 : cnode.dataAddress(),
        cnode == null ? 0 : cnode.dataCrc());
    parityMap.open(
        PageFormat.KIND_PARITY_MAP,
        object.gfid,
        cnode == null ? 1 : cnode.parityLevels(),
        cnode == null ? 0 : cnode.parityAddress(),
        cnode == null ? 0 : cnode.parityCrc());
  }

  /**
   * The first row from {@code row} on of which the drive may hold something; {@link Long#MAX_VALUE}
   * when there is none.
   */
  long nextRow(long row) {
    return Math.min(nextDataRow(row), nextParityRow(row));
  }

  private long nextDataRow(long row) {
    long member = object.layout.nextDataRow(drive.index, row);
    if (member == Long.MAX_VALUE) {
      return member;
    }
    int perLeaf = object.shape.dataEntriesPerLeaf();
    long from = object.layout.dataIndex(drive.index, member * object.layout.chunkBlocks());
    long leaf = dataMap.next(from / perLeaf);
    if (leaf < 0) {
      return Long.MAX_VALUE;
    }
    return leaf == from / perLeaf
        ? member
        : object.layout.lblkOfDataIndex(drive.index, leaf * perLeaf) / object.layout.chunkBlocks();
  }

  private long nextParityRow(long row) {
    long member = object.layout.nextParityRow(drive.index, row);
    if (member == Long.MAX_VALUE) {
      return member;
    }
    int perLeaf = object.shape.parityEntriesPerLeaf();
    long from = object.layout.parityIndex(drive.index, member * object.layout.chunkBlocks());
    long leaf = parityMap.next(from / perLeaf);
    if (leaf < 0) {
      return Long.MAX_VALUE;
    }
    return leaf == from / perLeaf
        ? member
        : object.layout.lblkOfParityIndex(drive.index, leaf * perLeaf)
            / object.layout.chunkBlocks();
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

  private void loadData(int slot, long lblk) {
    int perLeaf = object.shape.dataEntriesPerLeaf();
    long index = object.layout.dataIndex(drive.index, lblk);
    PageCursor.Found found = dataMap.seek(index / perLeaf);
    long at = PageFormat.HEADER_BYTES + index % perLeaf * MapShape.DATA_ENTRY_BYTES;
    if (loadEntry(slot, found, dataMap.page(), at)) {
      mappedData++;
    }
  }

  private void loadParity(int slot, long lblk, int members) {
    int perLeaf = object.shape.parityEntriesPerLeaf();
    long index = object.layout.parityIndex(drive.index, lblk);
    PageCursor.Found found = parityMap.seek(index / perLeaf);
    long at = PageFormat.HEADER_BYTES + index % perLeaf * object.shape.parityEntryBytes();
    boolean mapped = loadEntry(slot, found, parityMap.page(), at);
    if (mapped) {
      mappedParity++;
    }
    MemorySegment page = parityMap.page();
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
    return drive.root.rebuilt(object.gfid, firstLblk + slot) ? State.EMPTY : State.NOT_REBUILT;
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
