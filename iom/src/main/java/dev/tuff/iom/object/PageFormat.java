package dev.tuff.iom.object;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.tuff.iom.drive.Drive;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A metadata page on the drive, byte by byte: 4 KiB, little-endian, carrying its own location so
 * that a misdirected write is found, and its CRC, which its parent repeats so that a lost write is
 * found too.
 *
 * <pre>
 * header   0 magic u32 | 4 kind u8 | 5 level u8 | 6 drive index u16 | 8 array UUID's low half u64
 *         16 address u64, its own | 24 GFID u64, 0 if none | 32 index u64 among the pages of its level
 *         40 jmrange oldest u64 | 48 jmrange newest u64 | 56 CRC32C u32, itself taken as 0 | 60 reserved u32
 * pointer  0 address u64, 0: none, all below reads as zeros | 8 CRC32C u32 of that page | 12 reserved u32
 * </pre>
 */
public final class PageFormat {
  private PageFormat() {}

  public static final ValueLayout.OfLong LONG =
      JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  public static final ValueLayout.OfInt INT = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  public static final ValueLayout.OfShort SHORT =
      JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  public static final ValueLayout.OfByte BYTE = JAVA_BYTE;

  public static final int PAGE_BYTES = Drive.BLOCK_BYTES;

  /** "TFPG". */
  static final int MAGIC = 0x47504654;

  public static final int HEADER_BYTES = 64;
  static final int OFFSET_MAGIC = 0;
  static final int OFFSET_KIND = 4;
  static final int OFFSET_LEVEL = 5;
  static final int OFFSET_DRIVE = 6;
  static final int OFFSET_ARRAY = 8;
  static final int OFFSET_ADDRESS = 16;
  static final int OFFSET_GFID = 24;
  static final int OFFSET_INDEX = 32;
  static final int OFFSET_OLDEST = 40;
  static final int OFFSET_NEWEST = 48;
  static final int OFFSET_CRC = 56;

  public static final int POINTER_BYTES = 16;
  public static final int POINTER_CRC = 8;

  /** Pointers in an interior page. */
  public static final int FANOUT = (PAGE_BYTES - HEADER_BYTES) / POINTER_BYTES;

  /** What a page belongs to. Values are on the drive. */
  public static final int KIND_BITMAP = 1;

  public static final int KIND_OBJECTS = 2;

  /** Levels of the object tree: 252 x 252 x 252 objects. */
  public static final int OBJECT_LEVELS = 4;

  public static final int KIND_DATA_MAP = 3;
  public static final int KIND_PARITY_MAP = 4;

  /** What a drive has in place of the vacated one: see {@link Cnode}. */
  public static final int KIND_STAND_IN_DATA_MAP = 5;

  public static final int KIND_STAND_IN_PARITY_MAP = 6;
}
