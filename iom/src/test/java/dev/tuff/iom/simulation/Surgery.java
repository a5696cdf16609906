package dev.tuff.iom.simulation;

import dev.tuff.device.SimulatedDrive;
import dev.tuff.iom.array.DriveLabel;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.MapShape;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.object.PageTree;
import dev.tuff.iom.support.Bytes;
import java.lang.foreign.MemorySegment;

/**
 * Changes a stopped drive's metadata so that every checksum up to the root is right again: what a
 * bug would have written, not what a fault does.
 */
final class Surgery {
  private static final int PAGE_CRC = 56;
  private static final int ROOT_CRC = Drive.BLOCK_BYTES - 4;
  private static final int ROOT_EPOCH = 80;
  private static final int ROOT_BITMAP = 88;
  private static final int ROOT_EPOCH_DRIVES = 120;
  private static final int ROOT_OBJECTS = 104;
  private static final int CNODE_DATA_MAP = 352;
  private static final int CNODE_PARITY_MAP = 368;
  private static final int BLOCKS_PER_BITMAP_PAGE = 504 * 64;

  /** Changes the leaf in {@code page}, from {@code offset} on. */
  @FunctionalInterface
  interface Change {
    void at(MemorySegment page, long offset);
  }

  private final SimulatedArray array;
  private final SimulatedDrive drive;
  private final int index;
  private final ObjectAttributes attributes;
  private final Layout layout;
  private final MapShape shape;

  Surgery(SimulatedArray array, int index) {
    this.array = array;
    this.drive = array.drives[index];
    this.index = index;
    this.attributes = array.shape.attributes();
    this.layout =
        new Layout(
            attributes.drives(),
            attributes.dataMembers(),
            attributes.parityMembers(),
            attributes.chunkBlocks());
    this.shape = MapShape.of(attributes);
  }

  MemorySegment read(long address) {
    MemorySegment block = Bytes.block();
    try (SimulatedMedia media = new SimulatedMedia(drive)) {
      media.read(address, 1, block);
    }
    return block;
  }

  void write(long address, MemorySegment block) {
    try (SimulatedMedia media = new SimulatedMedia(drive)) {
      media.write(address, block);
    }
  }

  /** Changes the data map's entry of a lblk. */
  void dataEntry(long lblk, Change change) {
    long at = layout.dataIndex(index, lblk);
    map(
        CNODE_DATA_MAP,
        shape.dataLevels(),
        at / shape.dataEntriesPerLeaf(),
        PageFormat.HEADER_BYTES
            + at % shape.dataEntriesPerLeaf() * (long) MapShape.DATA_ENTRY_BYTES,
        change);
  }

  /** Changes the parity map's entry of a lblk. */
  void parityEntry(long lblk, Change change) {
    long at = layout.parityIndex(index, lblk);
    map(
        CNODE_PARITY_MAP,
        shape.parityLevels(),
        at / shape.parityEntriesPerLeaf(),
        PageFormat.HEADER_BYTES
            + at % shape.parityEntriesPerLeaf() * (long) shape.parityEntryBytes(),
        change);
  }

  private void map(long pointer, int levels, long leaf, long offset, Change change) {
    cnode(
        (page, at) -> {
          long address = page.get(PageFormat.LONG, pointer);
          int crc = edit(address, levels - 1, leaf, p -> change.at(p, offset));
          page.set(PageFormat.INT, pointer + PageFormat.POINTER_CRC, crc);
        });
  }

  /** Changes the volume's cnode. */
  void cnode(Change change) {
    root(
        (root, at) -> {
          long address = root.get(PageFormat.LONG, ROOT_OBJECTS);
          int crc =
              edit(
                  address,
                  PageFormat.OBJECT_LEVELS - 1,
                  attributes.gfid(),
                  page -> change.at(page, PageFormat.HEADER_BYTES));
          root.set(PageFormat.INT, ROOT_OBJECTS + PageFormat.POINTER_CRC, crc);
        });
  }

  /** Turns the bit of a block over. */
  void turnBitmap(long address) {
    long block = address - label().superblock().dataFirstBlock();
    long blocks = label().superblock().sizeBlocks() - label().superblock().dataFirstBlock();
    int levels = PageTree.levelsFor((blocks + BLOCKS_PER_BITMAP_PAGE - 1) / BLOCKS_PER_BITMAP_PAGE);
    root(
        (root, at) -> {
          int crc =
              edit(
                  root.get(PageFormat.LONG, ROOT_BITMAP),
                  levels - 1,
                  block / BLOCKS_PER_BITMAP_PAGE,
                  page ->
                      Bytes.flip(
                          page, PageFormat.HEADER_BYTES * 8L + block % BLOCKS_PER_BITMAP_PAGE));
          root.set(PageFormat.INT, ROOT_BITMAP + PageFormat.POINTER_CRC, crc);
        });
  }

  void setEpoch(long epoch) {
    root((root, at) -> root.set(PageFormat.LONG, ROOT_EPOCH, epoch));
  }

  /** An epoch in which one drive has no part. */
  void beginEpochWithout(long epoch, int drive) {
    root(
        (root, at) -> {
          root.set(PageFormat.LONG, ROOT_EPOCH, epoch);
          Bytes.flip(root, ROOT_EPOCH_DRIVES * 8L + drive);
        });
  }

  private void root(Change change) {
    DriveLabel label = label();
    for (int copy = 0; copy < 2; copy++) {
      MemorySegment root = read(label.root().address(copy));
      if (copy == 0) {
        change.at(root, 0);
      } else {
        MemorySegment first = read(label.root().address(0));
        int ownCopy = root.get(PageFormat.SHORT, 14);
        root.copyFrom(first);
        root.set(PageFormat.SHORT, 14, (short) ownCopy);
      }
      root.set(PageFormat.INT, ROOT_CRC, Bytes.crc(root, 0, ROOT_CRC, -1));
      write(label.root().address(copy), root);
    }
  }

  DriveLabel label() {
    return array.label(index);
  }

  /** Address of the data map's leaf that has a lblk's entry. */
  long dataLeaf(long lblk) {
    long[] found = {0};
    cnode((page, at) -> found[0] = page.get(PageFormat.LONG, CNODE_DATA_MAP));
    long leaf = layout.dataIndex(index, lblk) / shape.dataEntriesPerLeaf();
    for (int level = shape.dataLevels() - 1; level > 0; level--) {
      found[0] = read(found[0]).get(PageFormat.LONG, pointer(level, leaf));
    }
    return found[0];
  }

  private static long pointer(int level, long leaf) {
    long child = leaf;
    for (int i = 1; i < level; i++) {
      child /= PageFormat.FANOUT;
    }
    return PageFormat.HEADER_BYTES + child % PageFormat.FANOUT * PageFormat.POINTER_BYTES;
  }

  private int edit(
      long address, int level, long leaf, java.util.function.Consumer<MemorySegment> change) {
    MemorySegment page = read(address);
    if (level == 0) {
      change.accept(page);
    } else {
      long pointer = pointer(level, leaf);
      int crc = edit(page.get(PageFormat.LONG, pointer), level - 1, leaf, change);
      page.set(PageFormat.INT, pointer + PageFormat.POINTER_CRC, crc);
    }
    page.set(PageFormat.INT, PAGE_CRC, 0);
    int crc = Bytes.crc(page, 0, Drive.BLOCK_BYTES, -1);
    page.set(PageFormat.INT, PAGE_CRC, crc);
    write(address, page);
    return crc;
  }
}
