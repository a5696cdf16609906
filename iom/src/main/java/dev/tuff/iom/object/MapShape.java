package dev.tuff.iom.object;

import dev.tuff.iom.layout.Layout;

/**
 * How an object's two block maps are laid out on a drive, by its attributes alone.
 *
 * <p>The levels are those of maps that are made now. Those of an object that has been resized since
 * may be others, which is each tree's own matter: see {@link PageTree}.
 *
 * @param segmentBlocks blocks that an update covers at most: a power of two, so that a chunk is a
 *     whole number of them and none crosses a map page
 * @param parityEntryBytes size of an entry of the parity map; one of the data map has {@link
 *     #DATA_ENTRY_BYTES}
 */
public record MapShape(
    int segmentBlocks,
    int parityEntryBytes,
    int dataEntriesPerLeaf,
    int parityEntriesPerLeaf,
    int dataLevels,
    int parityLevels,
    int standInDataLevels,
    int standInParityLevels) {
  /** Size of an entry of the data map. */
  public static final int DATA_ENTRY_BYTES = 24;

  /** Longest run of one update. */
  public static final int MAX_SEGMENT_BLOCKS = 32;

  private static final int ROOM = PageFormat.PAGE_BYTES - PageFormat.HEADER_BYTES;

  /** The shape of an object's maps. */
  public static MapShape of(ObjectAttributes attributes) {
    int segment = segmentBlocks(attributes.dataMembers(), attributes.chunkBlocks());
    int parityEntry = parityEntryBytes(attributes.dataMembers());
    int dataPerLeaf = ROOM / DATA_ENTRY_BYTES / segment * segment;
    int parityPerLeaf = ROOM / parityEntry / segment * segment;
    long rows =
        Layout.rowsFor(
            attributes.extentBytes(), attributes.dataMembers(), attributes.chunkBlocks());
    long periods = periods(attributes, rows);
    long dataBlocks = periods * attributes.dataMembers() * attributes.chunkBlocks();
    long parityBlocks = periods * attributes.parityMembers() * attributes.chunkBlocks();
    return new MapShape(
        segment,
        parityEntry,
        dataPerLeaf,
        parityPerLeaf,
        PageTree.levelsFor(dataBlocks / dataPerLeaf + 1),
        PageTree.levelsFor(parityBlocks / parityPerLeaf + 1),
        PageTree.levelsFor(rows * attributes.chunkBlocks() / dataPerLeaf + 1),
        PageTree.levelsFor(rows * attributes.chunkBlocks() / parityPerLeaf + 1));
  }

  /** In each of these a drive holds one chunk of every member, or none: at most so many, begun. */
  private static long periods(ObjectAttributes attributes, long rows) {
    long periods = 0;
    long row = 0;
    int drives = attributes.drives();
    for (Layout.Stretch stretch : attributes.stretches()) {
      periods += (stretch.firstRow() - row) / drives + 1;
      row = stretch.firstRow();
      drives = stretch.drives();
    }
    return periods + (rows - row) / drives + 1;
  }

  /** Entries in a leaf of a map. */
  public int entriesPerLeaf(BlockMap map) {
    return map.ofParity() ? parityEntriesPerLeaf : dataEntriesPerLeaf;
  }

  /** Size of an entry of a map. */
  public int entryBytes(BlockMap map) {
    return map.ofParity() ? parityEntryBytes : DATA_ENTRY_BYTES;
  }

  int levels(BlockMap map) {
    return switch (map) {
      case DATA -> dataLevels;
      case PARITY -> parityLevels;
      case STAND_IN_DATA -> standInDataLevels;
      case STAND_IN_PARITY -> standInParityLevels;
    };
  }

  static int parityEntryBytes(int dataMembers) {
    return (DATA_ENTRY_BYTES + 12 * dataMembers + 7) / 8 * 8;
  }

  /** Blocks that an update covers at most. */
  public static int segmentBlocks(int dataMembers, int chunkBlocks) {
    int perLeaf = ROOM / parityEntryBytes(dataMembers);
    return Math.min(Math.min(chunkBlocks, MAX_SEGMENT_BLOCKS), Integer.highestOneBit(perLeaf));
  }
}
