package dev.tuff.iom.journal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The journal on the drive, byte by byte. A commit record fills one or more 4 KiB blocks: a header,
 * entries back to back, zeros to the end of the last block. All little-endian.
 *
 * <pre>
 * header  0 magic u64 | 8 array UUID 16 bytes | 24 sequence u64 | 32 position u64, in journal blocks since format
 *        40 first journal ID u64 | 48 payload bytes u32 | 52 blocks u16 | 54 drive index u16 | 56 entries u32
 *        60 CRC32C u32 of the header's first 60 bytes and the payload
 * entry   0 type u16 | 2 reserved u16 | 4 length u32, this header included | 8 journal ID u64 | 16 body
 * </pre>
 */
public final class JournalFormat {
  private JournalFormat() {}

  static final ValueLayout.OfLong LONG = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfShort SHORT = JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfByte BYTE = JAVA_BYTE;

  /** "TUFFJRNL". */
  static final long MAGIC = 0x4c4e524a46465554L;

  static final int HEADER_BYTES = 64;
  static final long OFFSET_MAGIC = 0;
  static final long OFFSET_UUID = 8;
  static final long OFFSET_SEQUENCE = 24;
  static final long OFFSET_POSITION = 32;
  static final long OFFSET_FIRST_ID = 40;
  static final long OFFSET_PAYLOAD_BYTES = 48;
  static final long OFFSET_BLOCKS = 52;
  static final long OFFSET_DRIVE = 54;
  static final long OFFSET_ENTRIES = 56;
  static final long OFFSET_CRC = 60;

  static final int ENTRY_HEADER_BYTES = 16;

  /** A data write: mj. Body: {@link dev.tuff.iom.write.DataJournalEntry}. */
  public static final int TYPE_MJ = 1;

  /** A parity write: pj. Body: {@link dev.tuff.iom.parity.ParityJournalEntry}. */
  public static final int TYPE_PJ = 2;

  /**
   * Closes data writes. Body: count u32, reserved u32, then that many pairs of mj u64 and the
   * complete's own ID u64. They stand before every entry with a greater ID.
   */
  public static final int TYPE_MJ_COMPLETE = 3;

  /** Closes parity writes. Body as {@link #TYPE_MJ_COMPLETE}, of pj. */
  public static final int TYPE_PJ_COMPLETE = 4;

  /** An object came to be. Body: its attributes as in the cnode. */
  public static final int TYPE_OBJECT_CREATED = 5;

  /**
   * A parity block that recovery has made again. Body: {@link dev.tuff.iom.recovery.ParityRemade}.
   */
  public static final int TYPE_PARITY_REMADE = 6;

  /** A block's content was written to a new place. Body: {@link dev.tuff.iom.repair.BlockMoved}. */
  public static final int TYPE_BLOCK_MOVED = 7;

  /**
   * Blocks of a drive that took another's place were made again. Body: {@link
   * dev.tuff.iom.rebuild.BlocksRebuilt}.
   */
  public static final int TYPE_BLOCKS_REBUILT = 8;

  /** An object's attributes are others now. Body: the attributes, as in the cnode. */
  public static final int TYPE_OBJECT_CHANGED = 9;

  /**
   * Blocks that a drive held in place of another are free. Body: {@link
   * dev.tuff.iom.rebuild.StandInFreed}.
   */
  public static final int TYPE_STAND_IN_FREED = 10;

  /** The name of a type for people. */
  public static String typeName(int type) {
    return switch (type) {
      case TYPE_MJ -> "mj";
      case TYPE_PJ -> "pj";
      case TYPE_MJ_COMPLETE -> "mj_complete";
      case TYPE_PJ_COMPLETE -> "pj_complete";
      case TYPE_OBJECT_CREATED -> "object_created";
      case TYPE_PARITY_REMADE -> "parity_remade";
      case TYPE_BLOCK_MOVED -> "block_moved";
      case TYPE_BLOCKS_REBUILT -> "blocks_rebuilt";
      case TYPE_OBJECT_CHANGED -> "object_changed";
      case TYPE_STAND_IN_FREED -> "stand_in_freed";
      default -> "unknown " + type;
    };
  }
}
