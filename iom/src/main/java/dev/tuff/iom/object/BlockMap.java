package dev.tuff.iom.object;

import dev.tuff.iom.layout.Layout;

/** The block maps of an object on one drive: see {@link Cnode}. */
public enum BlockMap {
  /** Of the blocks that the drive holds as data member. */
  DATA(0, "data", PageFormat.KIND_DATA_MAP, false, false),

  /** Of those that it holds as parity. */
  PARITY(1, "parity", PageFormat.KIND_PARITY_MAP, true, false),

  /** Of the data blocks that it holds in place of the vacated drive. */
  STAND_IN_DATA(2, "stand-in-data", PageFormat.KIND_STAND_IN_DATA_MAP, false, true),

  /** Likewise, of the parity blocks. */
  STAND_IN_PARITY(3, "stand-in-parity", PageFormat.KIND_STAND_IN_PARITY_MAP, true, true);

  private final int number;
  private final String label;
  private final int kind;
  private final boolean parity;
  private final boolean standIn;

  BlockMap(int number, String label, int kind, boolean parity, boolean standIn) {
    this.number = number;
    this.label = label;
    this.kind = kind;
    this.parity = parity;
    this.standIn = standIn;
  }

  /** Which one it is, counted from 0. */
  public int number() {
    return number;
  }

  /** The one after it, null after the last. */
  public BlockMap next() {
    return number + 1 < values().length ? values()[number + 1] : null;
  }

  /** Its name in notes that are kept. */
  public String label() {
    return label;
  }

  /** The kind of its pages. */
  public int kind() {
    return kind;
  }

  /** True when its entries are those of parity blocks. */
  public boolean ofParity() {
    return parity;
  }

  /** True when it is of what the drive has in place of the vacated one. */
  public boolean ofStandIn() {
    return standIn;
  }

  /**
   * The map that tells of a drive's member of a row, of which it has one at most: of a row that its
   * own place is not on what it has, or had, as a stand-in, whichever place is vacated now.
   */
  public static BlockMap of(Layout layout, int drive, long row, boolean parity) {
    if (layout.isOwn(row, drive)) {
      return parity ? PARITY : DATA;
    }
    return parity ? STAND_IN_PARITY : STAND_IN_DATA;
  }

  /**
   * The place of a block in this map. Those of the drive's own are dense, in the order of rows; as
   * a stand-in it has few of many rows, and the lblk itself is the place.
   */
  public long index(Layout layout, int drive, long lblk) {
    if (standIn) {
      return lblk;
    }
    return parity ? layout.parityIndex(drive, lblk) : layout.dataIndex(drive, lblk);
  }

  /** The lblk whose {@link #index} is {@code index}. */
  public long lblk(Layout layout, int drive, long index) {
    if (standIn) {
      return index;
    }
    return parity ? layout.lblkOfParityIndex(drive, index) : layout.lblkOfDataIndex(drive, index);
  }

  /** Places that the map has of the rows before this one. */
  public long blocksBefore(Layout layout, int drive, long row) {
    if (standIn) {
      return row * layout.chunkBlocks();
    }
    return parity ? layout.parityBlocksBefore(drive, row) : layout.dataBlocksBefore(drive, row);
  }

  /**
   * The first row from {@code row} on of which the map may tell something; {@link Long#MAX_VALUE}
   * when there is none.
   */
  public long nextRow(Layout layout, int drive, long row) {
    if (standIn) {
      return layout.nextStandInRow(drive, row, !parity, parity);
    }
    return parity ? layout.nextParityRow(drive, row) : layout.nextDataRow(drive, row);
  }
}
