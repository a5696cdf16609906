package dev.tuff.iom.object;

import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.runtime.Invariant;

/**
 * An object on one drive: its attributes and the tops of its block maps, one for the blocks that
 * this drive holds as data member and one for those it holds as parity, and two more for what it
 * holds in place of a vacated drive. Lives in a page of its own, which stays in memory while the
 * array runs.
 *
 * <pre>
 * page     64 attributes, {@link ObjectAttributes#BYTES} | 352 data map pointer 16 bytes | 368 parity map pointer 16 bytes
 *         384 mapped data blocks u64 | 392 mapped parity blocks u64
 *         400 levels of the data map u8 | 401 levels of the parity map u8, 0: what the map extent takes
 *         402 levels of the two maps as stand-in u8 each, likewise | 404 reserved 4 bytes
 *         408 stretches of the layout after the first, up to 7, 16 bytes each
 *         520 data map pointer as stand-in 16 bytes | 536 parity map pointer as stand-in 16 bytes
 * entry    0 address u64, 0: zeros | 8 mj or pj u64 | 16 CRC32C u32
 *         20 of data reserved u32, of parity the data members that were discarded, one a bit
 *   of parity also, for each data member: mj last merged u64; then for each: CRC32C of its content u32; padded to 8 bytes
 * </pre>
 *
 * <p>A block that was never written has neither address nor ID. One that was discarded has no
 * address, the mj that discarded it, and the CRC32C of zeros: that mj is what the parities know of
 * it, and what the next update starts from.
 */
public final class Cnode {
  static final long OFFSET_ATTRIBUTES = PageFormat.HEADER_BYTES;
  static final long OFFSET_DATA_MAP = OFFSET_ATTRIBUTES + ObjectAttributes.BYTES;
  static final long OFFSET_PARITY_MAP = OFFSET_DATA_MAP + PageFormat.POINTER_BYTES;
  static final long OFFSET_DATA_BLOCKS = OFFSET_PARITY_MAP + PageFormat.POINTER_BYTES;
  static final long OFFSET_PARITY_BLOCKS = OFFSET_DATA_BLOCKS + 8;
  static final long OFFSET_DATA_LEVELS = OFFSET_PARITY_BLOCKS + 8;
  static final long OFFSET_PARITY_LEVELS = OFFSET_DATA_LEVELS + 1;
  static final long OFFSET_STAND_IN_DATA_LEVELS = OFFSET_DATA_LEVELS + 2;
  static final long OFFSET_STAND_IN_PARITY_LEVELS = OFFSET_DATA_LEVELS + 3;
  static final long OFFSET_STRETCHES = OFFSET_DATA_LEVELS + 8;
  static final long OFFSET_STAND_IN_DATA_MAP =
      OFFSET_STRETCHES + (Layout.MAX_STRETCHES - 1L) * ObjectAttributes.STRETCH_BYTES;
  static final long OFFSET_STAND_IN_PARITY_MAP =
      OFFSET_STAND_IN_DATA_MAP + PageFormat.POINTER_BYTES;

  private static final int ENTRY_ID = 8;
  private static final int ENTRY_CRC = 16;
  private static final int ENTRY_DISCARDED = 20;

  private final Page page;
  private final int drive;
  private final int vacated;
  private ObjectAttributes attributes;
  private Layout layout;
  private final MapShape shape;
  private final PageTree[] maps = new PageTree[BlockMap.values().length];

  /** Those that the maps may tell of: 0 to below this. */
  private long lblks;

  private Cnode(Page page, int drive, ObjectAttributes attributes, PageCache cache, int vacated) {
    this.page = page;
    this.drive = drive;
    this.attributes = attributes;
    this.vacated = vacated;
    this.layout = attributes.layout(vacated);
    this.shape = MapShape.of(attributes);
    this.lblks = lblks(attributes);
    if (cache != null) {
      for (BlockMap map : BlockMap.values()) {
        maps[map.number()] =
            new PageTree(
                cache,
                map.kind(),
                attributes.gfid(),
                levels(page.getByte(offsetOfLevels(map)), shape.levels(map)),
                new MapHolder(offsetOf(map), offsetOfLevels(map)),
                shape.entriesPerLeaf(map),
                shape.entryBytes(map));
      }
    }
  }

  static long offsetOf(BlockMap map) {
    return switch (map) {
      case DATA -> OFFSET_DATA_MAP;
      case PARITY -> OFFSET_PARITY_MAP;
      case STAND_IN_DATA -> OFFSET_STAND_IN_DATA_MAP;
      case STAND_IN_PARITY -> OFFSET_STAND_IN_PARITY_MAP;
    };
  }

  static long offsetOfLevels(BlockMap map) {
    return switch (map) {
      case DATA -> OFFSET_DATA_LEVELS;
      case PARITY -> OFFSET_PARITY_LEVELS;
      case STAND_IN_DATA -> OFFSET_STAND_IN_DATA_LEVELS;
      case STAND_IN_PARITY -> OFFSET_STAND_IN_PARITY_LEVELS;
    };
  }

  private final class MapHolder implements PageTree.Holder {
    private final long offset;
    private final long levelsOffset;

    MapHolder(long offset, long levelsOffset) {
      this.offset = offset;
      this.levelsOffset = levelsOffset;
    }

    @Override
    public long address() {
      return page.getLong(offset);
    }

    @Override
    public int crc() {
      return page.getInt(offset + PageFormat.POINTER_CRC);
    }

    @Override
    public void set(long address, int crc) {
      page.setLong(offset, address);
      page.setInt(offset + PageFormat.POINTER_CRC, crc);
    }

    @Override
    public void setLevels(int levels) {
      page.setByte(levelsOffset, (byte) levels);
    }

    @Override
    public Page page() {
      return page;
    }
  }

  /** Levels that a map has, where the cnode tells {@code told}. */
  static int levels(int told, int byExtent) {
    return told == 0 ? byExtent : told;
  }

  /**
   * Makes the cnode of a new object in an empty page.
   *
   * @param vacated the place whose rows are on stand-ins: see {@link Layout}
   */
  public static Cnode create(
      Page page, int drive, int vacated, ObjectAttributes attributes, PageCache cache, long id) {
    encode(page, attributes);
    page.markDirty(id);
    return new Cnode(page, drive, attributes, cache, vacated);
  }

  /** Opens the cnode in a page; null when there is no sound one. */
  public static Cnode open(Page page, int drive, int vacated, PageCache cache) {
    ObjectAttributes attributes =
        ObjectAttributes.decode(
            page.memory, page.base + OFFSET_ATTRIBUTES, page.base + OFFSET_STRETCHES);
    boolean sound = attributes != null;
    for (BlockMap map : BlockMap.values()) {
      sound = sound && soundLevels(page.getByte(offsetOfLevels(map)));
    }
    return sound ? new Cnode(page, drive, attributes, cache, vacated) : null;
  }

  static boolean soundLevels(int told) {
    return told >= 0 && told <= PageTree.MAX_LEVELS;
  }

  /** An object on a drive that is gone: its attributes and arithmetic, no maps. */
  public static Cnode ofGone(int drive, int vacated, ObjectAttributes attributes) {
    return new Cnode(null, drive, attributes, null, vacated);
  }

  public ObjectAttributes attributes() {
    return attributes;
  }

  /**
   * Takes newer attributes of the same object; older ones are passed over. The maps keep the levels
   * that they have, whatever the size is now, until something is mapped that takes more.
   */
  public void change(ObjectAttributes newer, long id) {
    Invariant.check(
        newer.sameObject(attributes), "an object's layout stays what it is", newer.gfid());
    if (newer.changes() > attributes.changes()) {
      if (newer.extentBytes() != attributes.extentBytes()) {
        for (BlockMap map : BlockMap.values()) {
          page.setByte(offsetOfLevels(map), (byte) map(map).levels());
        }
      }
      encode(page, newer);
      page.markDirty(id);
      if (!newer.stretches().equals(attributes.stretches())) {
        layout = newer.layout(vacated);
      }
      attributes = newer;
      lblks = lblks(newer);
    }
  }

  private static void encode(Page page, ObjectAttributes attributes) {
    attributes.encode(page.memory, page.base + OFFSET_ATTRIBUTES, page.base + OFFSET_STRETCHES);
  }

  private long lblks(ObjectAttributes of) {
    return layout.rowsFor(of.extentBytes()) * layout.chunkBlocks();
  }

  /** The lblks that its maps may tell of are 0 to below this: all up to the map extent. */
  public long lblks() {
    return lblks;
  }

  public Layout layout() {
    return layout;
  }

  public int segmentBlocks() {
    return shape.segmentBlocks();
  }

  /** Asks for the page with the data entries from {@code lblk} on, as {@link PageTree#get} does. */
  public boolean dataLeaf(PageRequest request, long lblk, boolean create) {
    return leaf(mapOf(lblk, false), request, lblk, create);
  }

  /** Asks for the page with the parity entries from {@code lblk} on. */
  public boolean parityLeaf(PageRequest request, long lblk, boolean create) {
    return leaf(mapOf(lblk, true), request, lblk, create);
  }

  private BlockMap mapOf(long lblk, boolean parity) {
    return BlockMap.of(layout, drive, lblk / layout.chunkBlocks(), parity);
  }

  private boolean leaf(BlockMap map, PageRequest request, long lblk, boolean create) {
    checkInside(lblk);
    return map(map)
        .get(request, map.index(layout, drive, lblk) / shape.entriesPerLeaf(map), create);
  }

  private void checkInside(long lblk) {
    Invariant.check(lblk >= 0 && lblk < lblks, "a block lies within its object", lblk);
  }

  /**
   * Where in its page the data entry of {@code lblk} lies; {@code lblk + i} within a segment lies i
   * entries on.
   */
  public long dataEntry(long lblk) {
    return entry(mapOf(lblk, false), lblk);
  }

  /** Where in its page the parity entry of {@code lblk} lies. */
  public long parityEntry(long lblk) {
    return entry(mapOf(lblk, true), lblk);
  }

  private long entry(BlockMap map, long lblk) {
    return PageFormat.HEADER_BYTES
        + map.index(layout, drive, lblk) % shape.entriesPerLeaf(map) * shape.entryBytes(map);
  }

  public int dataEntryBytes() {
    return MapShape.DATA_ENTRY_BYTES;
  }

  public int parityEntryBytes() {
    return shape.parityEntryBytes();
  }

  /** Address in the entry at {@code entry}; 0: zeros. */
  public static long address(Page leaf, long entry) {
    return leaf.getLong(entry);
  }

  /** The mj or pj that wrote the block. */
  public static long id(Page leaf, long entry) {
    return leaf.getLong(entry + ENTRY_ID);
  }

  /** CRC32C of the block. */
  public static int crc(Page leaf, long entry) {
    return leaf.getInt(entry + ENTRY_CRC);
  }

  /** Sets an entry; the caller marks the page dirty with the ID. */
  public static void setEntry(Page leaf, long entry, long address, long id, int crc) {
    leaf.setLong(entry, address);
    leaf.setLong(entry + ENTRY_ID, id);
    leaf.setInt(entry + ENTRY_CRC, crc);
  }

  /**
   * The last mj of a data member that is merged into the parity block; 0: none, it was never
   * written.
   */
  public long memberId(Page leaf, long entry, int member) {
    return leaf.getLong(entry + MapShape.DATA_ENTRY_BYTES + 8L * member);
  }

  /** CRC32C of that member's content. */
  public int memberCrc(Page leaf, long entry, int member) {
    return leaf.getInt(
        entry + MapShape.DATA_ENTRY_BYTES + 8L * attributes.dataMembers() + 4L * member);
  }

  /**
   * The data members whose last mj in the parity block discarded them, one a bit: zeros, without a
   * place on their drive.
   */
  public static int discardedMembers(Page leaf, long entry) {
    return leaf.getInt(entry + ENTRY_DISCARDED);
  }

  /** True when a data member has a place on its drive, as the parity block knows it. */
  public boolean memberMapped(Page leaf, long entry, int member) {
    return memberId(leaf, entry, member) != 0
        && (discardedMembers(leaf, entry) >>> member & 1) == 0;
  }

  /**
   * Sets what the parity block says of a member.
   *
   * @param discarded the mj discarded it: see {@link #discardedMembers}
   */
  public void setMember(Page leaf, long entry, int member, long mj, int crc, boolean discarded) {
    Invariant.check(member >= 0 && member < attributes.dataMembers(), "a data member", member);
    int others = discardedMembers(leaf, entry) & ~(1 << member);
    leaf.setInt(entry + ENTRY_DISCARDED, others | (discarded ? 1 << member : 0));
    leaf.setLong(entry + MapShape.DATA_ENTRY_BYTES + 8L * member, mj);
    leaf.setInt(
        entry + MapShape.DATA_ENTRY_BYTES + 8L * attributes.dataMembers() + 4L * member, crc);
  }

  /** Data blocks of the object that are mapped on this drive. */
  public long mappedDataBlocks() {
    return page.getLong(OFFSET_DATA_BLOCKS);
  }

  public long mappedParityBlocks() {
    return page.getLong(OFFSET_PARITY_BLOCKS);
  }

  /** Counts data blocks that were newly mapped, or unmapped if below 0. */
  public void addMappedDataBlocks(long blocks, long id) {
    page.setLong(OFFSET_DATA_BLOCKS, mappedDataBlocks() + blocks);
    page.markDirty(id);
  }

  public void addMappedParityBlocks(long blocks, long id) {
    page.setLong(OFFSET_PARITY_BLOCKS, mappedParityBlocks() + blocks);
    page.markDirty(id);
  }

  // ---- for who walks a map as a whole

  /** The tree with a map's entries. */
  public PageTree map(BlockMap map) {
    return maps[map.number()];
  }

  /** Leaves that a map may have. */
  public long leaves(BlockMap map) {
    long entries = map.blocksBefore(layout, drive, lblks / layout.chunkBlocks());
    int perLeaf = shape.entriesPerLeaf(map);
    return (entries + perLeaf - 1) / perLeaf;
  }

  /** Entries of a leaf. */
  public int entriesPerLeaf(BlockMap map) {
    return shape.entriesPerLeaf(map);
  }

  /** Size of an entry. */
  public int entryBytes(BlockMap map) {
    return shape.entryBytes(map);
  }

  /** The leaf with the entry of a block. */
  public long leafOf(BlockMap map, long lblk) {
    return map.index(layout, drive, lblk) / shape.entriesPerLeaf(map);
  }

  /** The block that an entry of a leaf is about. */
  public long lblkOf(BlockMap map, long leaf, int entry) {
    return map.lblk(layout, drive, leaf * shape.entriesPerLeaf(map) + entry);
  }

  /**
   * True when a map can tell of anything that counts: maps as stand-in only of the vacated place.
   */
  public boolean inUse(BlockMap map) {
    return (!map.ofParity() || attributes.parityMembers() > 0)
        && (!map.ofStandIn() || layout.vacated() != Layout.NONE);
  }
}
