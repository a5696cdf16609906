package dev.tuff.iom.object;

import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.layout.Layout.Stretch;
import dev.tuff.iom.volume.Toughness;
import java.lang.foreign.MemorySegment;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * An object's attributes, kept in its cnode on every drive: with K drives gone they are still
 * there, which two copies could not promise for K above 1.
 *
 * <pre>
 *   0 GFID u64 | 8 size in bytes u64 | 16 chunk blocks u32 | 20 data members u8 | 21 parity members u8
 *  22 toughness u8 | 23 layout u8, 1: rotated, 2: in stretches | 24 drives u16 | 26 name bytes u16
 *  28 changes u16 | 30 map extent u8 | 31 1 if deleted u8 | 32 name, UTF-8, up to 255 bytes
 * 287 stretches after the first u8
 * stretch: 0 first row u64 | 8 drives u64
 * </pre>
 *
 * The stretches follow in a journal entry, and have a place of their own in a cnode.
 *
 * @param drives of the first stretch of rows; see {@link #mostDrives}
 * @param changes how often they were changed: of different ones on different drives those with the
 *     most count
 * @param extentBits of an object that was shrunk: no size that it ever had was above 2 to the power
 *     of this; 0: none was above the present one. See {@link #extentBytes}
 * @param deleted the object is to lose all that it holds, and is nobody's any more; stays known, as
 *     its GFID is never given again
 * @param stretches those after the first: rows that came when it grew after drives had been added.
 *     None is ever taken away, so a row lies where it lay, whatever size the object has
 */
public record ObjectAttributes(
    long gfid,
    String name,
    long sizeBytes,
    int chunkBlocks,
    int dataMembers,
    int parityMembers,
    int drives,
    Toughness toughness,
    int changes,
    int extentBits,
    boolean deleted,
    List<Stretch> stretches) {
  private static final int MAX_CHANGES = 65_535;

  /** 2 to the power of this: {@link #MAX_SIZE_BYTES}. */
  private static final int MAX_EXTENT_BITS = 50;

  /** Those of a new object. */
  @SuppressWarnings("ParameterNumber")
  public ObjectAttributes(
      long gfid,
      String name,
      long sizeBytes,
      int chunkBlocks,
      int dataMembers,
      int parityMembers,
      int drives,
      Toughness toughness) {
    this(
        gfid,
        name,
        sizeBytes,
        chunkBlocks,
        dataMembers,
        parityMembers,
        drives,
        toughness,
        0,
        0,
        false,
        List.of());
  }

  /** Longest name in UTF-8 bytes. */
  public static final int MAX_NAME_BYTES = 255;

  /** Largest object: 1 PiB. */
  public static final long MAX_SIZE_BYTES = 1L << 50;

  /** GFIDs are 1 to this: as many leaves as the object tree has. */
  public static final long MAX_GFID =
      (long) PageFormat.FANOUT * PageFormat.FANOUT * PageFormat.FANOUT - 1;

  /** Drives of an array at most. */
  public static final int MAX_DRIVES = 1024;

  /** Size of the encoded attributes without stretches after the first. */
  public static final int BYTES = 288;

  /** Size of a stretch. */
  static final int STRETCH_BYTES = 16;

  private static final byte LAYOUT_ROTATED = 1;
  private static final byte LAYOUT_STRETCHES = 2;
  private static final int OFFSET_STRETCHES = BYTES - 1;

  public ObjectAttributes {
    stretches = List.copyOf(stretches);
  }

  /** Size of the attributes as {@link #encode(MemorySegment, long)} writes them. */
  public int bytes() {
    return BYTES + STRETCH_BYTES * stretches.size();
  }

  /**
   * Where its chunks lie.
   *
   * @param vacated the place whose rows are on stand-ins, {@link Layout#NONE} when there is none
   */
  public Layout layout(int vacated) {
    return new Layout(drives, stretches, dataMembers, parityMembers, chunkBlocks, vacated);
  }

  /** Drives over which its last rows are spread: it has no place on others. */
  public int mostDrives() {
    return stretches.isEmpty() ? drives : stretches.getLast().drives();
  }

  /** The attributes of the object when it is deleted. */
  public ObjectAttributes asDeleted() {
    return new ObjectAttributes(
        gfid,
        name,
        sizeBytes,
        chunkBlocks,
        dataMembers,
        parityMembers,
        drives,
        toughness,
        Math.min(MAX_CHANGES, changes + 1),
        extentBits,
        true,
        stretches);
  }

  /**
   * The attributes of the object with another size. Its map extent never shrinks. Rows beyond the
   * map extent, of which no drive can know anything, are spread over all drives of the array; rows
   * within stay where they are.
   *
   * @param newSizeBytes 1 to {@link #MAX_SIZE_BYTES}
   * @param arrayDrives drives of the array
   */
  public ObjectAttributes resized(long newSizeBytes, int arrayDrives) {
    int bits = extentBits;
    if (newSizeBytes < sizeBytes) {
      bits = Math.max(bits, Long.SIZE - Long.numberOfLeadingZeros(sizeBytes - 1));
    }
    return new ObjectAttributes(
        gfid,
        name,
        newSizeBytes,
        chunkBlocks,
        dataMembers,
        parityMembers,
        drives,
        toughness,
        changes + 1,
        bits,
        false,
        stretchesFor(newSizeBytes, arrayDrives));
  }

  private List<Stretch> stretchesFor(long newSizeBytes, int arrayDrives) {
    long firstRow = Layout.rowsFor(extentBytes(), dataMembers, chunkBlocks);
    boolean another =
        Layout.rowsFor(newSizeBytes, dataMembers, chunkBlocks) > firstRow
            && arrayDrives > mostDrives()
            && stretches.size() + 1 < Layout.MAX_STRETCHES;
    if (!another) {
      return stretches;
    }
    List<Stretch> longer = new ArrayList<>(stretches);
    longer.add(new Stretch(firstRow, arrayDrives));
    return longer;
  }

  /** False when its size has been changed so often that no count is left but that of a deletion. */
  public boolean resizable() {
    return changes < MAX_CHANGES - 1;
  }

  /**
   * Bytes from the object's start that its maps may tell of: at least its size, and at least every
   * size that it has had. What was discarded beyond a new end keeps its entries there, which data
   * and parity drives must go on agreeing about.
   */
  public long extentBytes() {
    return extentBits == 0 ? sizeBytes : Math.max(sizeBytes, 1L << extentBits);
  }

  /**
   * True when both are of the same object, changed or not: its layout, name and toughness stay what
   * they are.
   */
  public boolean sameObject(ObjectAttributes other) {
    return gfid == other.gfid
        && name.equals(other.name)
        && chunkBlocks == other.chunkBlocks
        && dataMembers == other.dataMembers
        && parityMembers == other.parityMembers
        && drives == other.drives
        && toughness == other.toughness
        && oneGoesOn(stretches, other.stretches);
  }

  private static boolean oneGoesOn(List<Stretch> a, List<Stretch> b) {
    int both = Math.min(a.size(), b.size());
    return a.subList(0, both).equals(b.subList(0, both));
  }

  /** Writes the attributes from {@code offset} on, the stretches behind them. */
  public void encode(MemorySegment segment, long offset) {
    encode(segment, offset, offset + BYTES);
  }

  /** Likewise, the stretches at a place of their own. */
  void encode(MemorySegment segment, long offset, long stretchesOffset) {
    byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
    segment.asSlice(offset, BYTES).fill((byte) 0);
    segment.set(PageFormat.LONG, offset, gfid);
    segment.set(PageFormat.LONG, offset + 8, sizeBytes);
    segment.set(PageFormat.INT, offset + 16, chunkBlocks);
    segment.set(PageFormat.BYTE, offset + 20, (byte) dataMembers);
    segment.set(PageFormat.BYTE, offset + 21, (byte) parityMembers);
    segment.set(PageFormat.BYTE, offset + 22, (byte) toughness.level());
    segment.set(
        PageFormat.BYTE, offset + 23, stretches.isEmpty() ? LAYOUT_ROTATED : LAYOUT_STRETCHES);
    segment.set(PageFormat.SHORT, offset + 24, (short) drives);
    segment.set(PageFormat.SHORT, offset + 26, (short) nameBytes.length);
    segment.set(PageFormat.SHORT, offset + 28, (short) changes);
    segment.set(PageFormat.BYTE, offset + 30, (byte) extentBits);
    segment.set(PageFormat.BYTE, offset + 31, (byte) (deleted ? 1 : 0));
    MemorySegment.copy(nameBytes, 0, segment, PageFormat.BYTE, offset + 32, nameBytes.length);
    segment.set(PageFormat.BYTE, offset + OFFSET_STRETCHES, (byte) stretches.size());
    long at = stretchesOffset;
    for (Stretch stretch : stretches) {
      segment.set(PageFormat.LONG, at, stretch.firstRow());
      segment.set(PageFormat.LONG, at + 8, (long) stretch.drives());
      at += STRETCH_BYTES;
    }
  }

  /**
   * Reads attributes and the stretches behind them; null when they make no sense, as no field of a
   * drive is believed before it is checked.
   */
  public static ObjectAttributes decode(MemorySegment segment, long offset) {
    return decode(segment, offset, offset + BYTES);
  }

  /** Likewise of a journal entry's body, which ends where they end. */
  public static ObjectAttributes decodeBody(MemorySegment segment, long offset, int bodyBytes) {
    boolean whole =
        bodyBytes >= BYTES
            && bodyBytes
                == BYTES + STRETCH_BYTES * segment.get(PageFormat.BYTE, offset + OFFSET_STRETCHES);
    return whole ? decode(segment, offset) : null;
  }

  /** Likewise, with the stretches at a place of their own. */
  static ObjectAttributes decode(MemorySegment segment, long offset, long stretchesOffset) {
    long gfid = segment.get(PageFormat.LONG, offset);
    long size = segment.get(PageFormat.LONG, offset + 8);
    int chunk = segment.get(PageFormat.INT, offset + 16);
    int data = segment.get(PageFormat.BYTE, offset + 20);
    int parity = segment.get(PageFormat.BYTE, offset + 21);
    int toughness = segment.get(PageFormat.BYTE, offset + 22);
    int layout = segment.get(PageFormat.BYTE, offset + 23);
    int drives = segment.get(PageFormat.SHORT, offset + 24);
    int nameBytes = segment.get(PageFormat.SHORT, offset + 26);
    int extentBits = segment.get(PageFormat.BYTE, offset + 30);
    int further = segment.get(PageFormat.BYTE, offset + OFFSET_STRETCHES);
    boolean sound =
        gfid > 0
            && size > 0
            && size <= MAX_SIZE_BYTES
            && chunk >= 1
            && chunk <= 64
            && Integer.bitCount(chunk) == 1
            && data >= 1
            && data <= 32
            && parity >= 0
            && parity <= 4
            && toughness >= 0
            && toughness <= 2
            && layout == (further == 0 ? LAYOUT_ROTATED : LAYOUT_STRETCHES)
            && further >= 0
            && further < Layout.MAX_STRETCHES
            && drives >= data + parity
            && drives <= MAX_DRIVES
            && extentBits >= 0
            && extentBits <= MAX_EXTENT_BITS
            && (segment.get(PageFormat.BYTE, offset + 31) & ~1) == 0
            && nameBytes >= 1
            && nameBytes <= MAX_NAME_BYTES;
    if (!sound) {
      return null;
    }
    String name = name(segment.asSlice(offset + 32, nameBytes));
    List<Stretch> stretches = stretches(segment, stretchesOffset, further);
    if (name == null || !Layout.inOrder(drives, stretches)) {
      return null;
    }
    return new ObjectAttributes(
        gfid,
        name,
        size,
        chunk,
        data,
        parity,
        drives,
        Toughness.ofLevel(toughness),
        Short.toUnsignedInt(segment.get(PageFormat.SHORT, offset + 28)),
        extentBits,
        segment.get(PageFormat.BYTE, offset + 31) == 1,
        stretches);
  }

  private static List<Stretch> stretches(MemorySegment segment, long offset, int count) {
    List<Stretch> found = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long at = offset + (long) i * STRETCH_BYTES;
      long drives = segment.get(PageFormat.LONG, at + 8);
      // What can't be makes them come out of order.
      boolean sound = drives >= 0 && drives <= MAX_DRIVES;
      found.add(new Stretch(segment.get(PageFormat.LONG, at), sound ? (int) drives : 0));
    }
    return found;
  }

  /** The name; null when its bytes are no UTF-8. */
  private static String name(MemorySegment bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes.asByteBuffer()).toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }
}
