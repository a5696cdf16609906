package dev.tuff.iom.side;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.allocation.Allocator;
import dev.tuff.iom.allocation.SpaceBudget;
import dev.tuff.iom.cache.BlockCache;
import dev.tuff.iom.cache.BufferPool;
import dev.tuff.iom.checkpoint.Checkpoint;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.journal.Journal;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.CnodeTable;
import dev.tuff.iom.object.PageCache;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Counter;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.runtime.Roster;
import dev.tuff.iom.runtime.Shard;
import dev.tuff.xor.ErasureCode;
import dev.tuff.xor.Kernel;

/**
 * What write, parity and read ask for on one IOM: its drive, journal, maps, space, caches and
 * buffers, and the way to the other IOMs. These rooms answer by completions and know nothing of who
 * asks.
 */
public final class SideRooms {
  public final int driveIndex;
  public final Shard shard;
  public final Drive drive;
  public final Journal journal;
  public final PageCache maps;
  public final Allocator allocator;
  public final SpaceBudget budget;
  public final Checkpoint checkpoint;
  public final Root root;
  public final BlockCache blocks;

  /** For the data side: old data, which becomes the delta. */
  public final BufferPool smallData;

  public final BufferPool largeData;

  /** For the parity side, which must get on when the data side has run out. */
  public final BufferPool smallParity;

  public final BufferPool largeParity;

  /** For reconstruction. */
  public final BufferPool gather;

  /**
   * For blocks that are put together from old and new bytes. Not those of {@link #smallData}: an
   * update that holds one kind waits for the other, and never the other way round.
   */
  public final BufferPool mergedData;

  /**
   * For reads of a part of a block. Reads wait for the content of updates, so updates must never
   * wait for what reads hold.
   */
  public final BufferPool readScratch;

  /** For blocks that are rebuilt on this drive; none of them on a drive that has everything. */
  public final BufferPool rebuilt;

  /** Drives that are members and do not have everything yet. */
  public final RebuildingDrives rebuilding;

  /** Zeros for the longest run: what is written when blocks are zeroed. Never written to. */
  public final IoBuffer zeros;

  private final Roster roster;
  private final CnodeTable cnodes = new CnodeTable();
  private final ErasureCode[][] codes =
      new ErasureCode[ErasureCode.MAX_N + 1][ErasureCode.MAX_K + 1];
  private final Kernel kernel;
  private final Counters counters = new Counters();

  /** What an IOM counts. */
  public static final class Counters {
    public final Counter checksumErrors = new Counter();
    public final Counter mediaErrors = new Counter();
    public final Counter reconstructedBlocks = new Counter();
    public final Counter repairedBlocks = new Counter();
    public final Counter unmappedBlocks = new Counter();
    public final Counter unmappedParities = new Counter();
    public final Counter updates = new Counter();
    public final Counter generations = new Counter();
    public final Counter mergedUpdates = new Counter();
  }

  @SuppressWarnings("ParameterNumber")
  public SideRooms(
      int driveIndex,
      Shard shard,
      Drive drive,
      Journal journal,
      PageCache maps,
      Allocator allocator,
      SpaceBudget budget,
      Checkpoint checkpoint,
      Root root,
      BlockCache blocks,
      BufferPool[] pools,
      IoBuffer zeros,
      Roster roster,
      RebuildingDrives rebuilding,
      Kernel kernel) {
    this.driveIndex = driveIndex;
    this.shard = shard;
    this.drive = drive;
    this.journal = journal;
    this.maps = maps;
    this.allocator = allocator;
    this.budget = budget;
    this.checkpoint = checkpoint;
    this.root = root;
    this.blocks = blocks;
    this.smallData = pools[0];
    this.largeData = pools[1];
    this.smallParity = pools[2];
    this.largeParity = pools[3];
    this.gather = pools[4];
    this.mergedData = pools[5];
    this.readScratch = pools[6];
    this.rebuilt = pools[7];
    this.rebuilding = rebuilding;
    this.zeros = zeros;
    this.roster = roster;
    this.kernel = kernel;
  }

  /**
   * The rooms of a proxy: no drive, no journal, no maps, no space, as the drive is gone; only
   * buffers, the objects' shapes and the way to the others.
   *
   * @param pools as for an IOM; those of the parity side and for reconstruction may be empty
   */
  public static SideRooms ofProxy(
      int driveIndex,
      Shard shard,
      BufferPool[] pools,
      IoBuffer zeros,
      Roster roster,
      RebuildingDrives rebuilding,
      Kernel kernel) {
    return new SideRooms(
        driveIndex,
        shard,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        pools,
        zeros,
        roster,
        rebuilding,
        kernel);
  }

  /** True for the rooms of a proxy: the drive is gone, and nothing is kept here. */
  public boolean gone() {
    return drive == null;
  }

  /** The object's cnode here. */
  public Cnode cnode(long gfid) {
    Cnode cnode = cnodes.get(gfid);
    Invariant.check(cnode != null, "an object in use has a cnode on every drive", gfid);
    return cnode;
  }

  /**
   * True when a block that no map entry tells of was never written; false when it may be one that
   * this drive does not have yet.
   */
  public boolean rebuilt(Cnode cnode, long lblk) {
    if (root.passed(cnode.attributes().gfid(), lblk)) {
      return true;
    }
    return root.standingIn()
        && !cnode.layout().standsIn(lblk / cnode.layout().chunkBlocks(), driveIndex);
  }

  /** All objects here. */
  public CnodeTable cnodes() {
    return cnodes;
  }

  /** The code of an object's protection; belongs to this IOM's thread. */
  public ErasureCode code(int dataMembers, int parityMembers) {
    ErasureCode code = codes[dataMembers][parityMembers];
    if (code == null) {
      code = ErasureCode.of(dataMembers, parityMembers, kernel);
      codes[dataMembers][parityMembers] = code;
    }
    return code;
  }

  /** Says something to the IOM of a drive, or to its proxy where the drive is gone. */
  public void send(int drive, MessageType type, Object subject, Object detail, long number) {
    shard.send(acting(drive), type, subject, detail, number);
  }

  /** The IOM of a drive, or its proxy where the drive is gone. */
  public Actor acting(int drive) {
    return roster.acting(drive);
  }

  /** Drives of the array, missing ones too. */
  public int drives() {
    return roster.drives();
  }

  /** The place whose rows are on stand-ins, below 0 when there is none. */
  public int vacated() {
    return roster.vacated();
  }

  /** False for a drive that the array runs without. */
  public boolean present(int drive) {
    return roster.present(drive);
  }

  public Counters counters() {
    return counters;
  }
}
