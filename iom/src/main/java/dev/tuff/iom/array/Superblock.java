package dev.tuff.iom.array;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.xor.Crc32c;
import dev.tuff.xor.ErasureCode;
import java.lang.foreign.MemorySegment;
import java.util.UUID;

/**
 * What a drive says of itself: written at format, in two copies, {@link #COPY_DISTANCE_BLOCKS}
 * apart.
 *
 * <pre>
 *   0 magic u64 | 8 format version u32 | 12 copy u32 | 16 array UUID 16 bytes | 32 drive index u16
 *  34 drives when it was written u16
 *  36 default data members u8 | 37 default parity members u8 | 38 reserved u16 | 40 epoch u64 | 48 size in blocks u64
 *  56 journal's first block u64 | 64 journal blocks u32 | 68 reserved u32 | 72 first data block u64
 *  80 formatted at, seconds since 1970 u64 | 88 reserved up to 4091 | 4092 CRC32C u32 of all before it
 * </pre>
 *
 * @param sizeBlocks blocks of the drive that the array uses
 */
public record Superblock(
    UUID arrayId,
    int driveIndex,
    int drives,
    int defaultData,
    int defaultParity,
    long epoch,
    long sizeBlocks,
    long journalFirstBlock,
    int journalBlocks,
    long dataFirstBlock,
    long formattedAtSeconds) {
  /** The only version there is. */
  public static final int VERSION = 1;

  /** "TUFFSUPR". */
  public static final long MAGIC = 0x5250555346465554L;

  /** Address of the first copy. */
  public static final long FIRST_COPY = 0;

  /** Distance between the copies of superblocks and roots. */
  public static final long COPY_DISTANCE_BLOCKS = 128;

  /** Blocks at the start of a drive for superblocks, roots and configuration. */
  public static final long LABEL_BLOCKS = 256;

  /** Smallest journal that is believed; the formatter makes none below 4 MiB. */
  private static final int MIN_JOURNAL_BLOCKS = 64;

  /** The year 9999 and some: what calendars can show. */
  private static final long LATEST_SECONDS = 1L << 38;

  private static final long OFFSET_CRC = Drive.BLOCK_BYTES - 4;

  /** Why a block is no superblock that can be used. */
  public enum Fault {
    NONE,
    NO_MAGIC,
    OTHER_VERSION,
    WRONG_CRC,
    NONSENSE
  }

  /** What a block holds: a superblock or why not. */
  public record Decoded(Superblock superblock, Fault fault, int version) {}

  public void encode(MemorySegment block, int copy) {
    block.fill((byte) 0);
    block.set(PageFormat.LONG, 0, MAGIC);
    block.set(PageFormat.INT, 8, VERSION);
    block.set(PageFormat.INT, 12, copy);
    block.set(PageFormat.LONG, 16, arrayId.getMostSignificantBits());
    block.set(PageFormat.LONG, 24, arrayId.getLeastSignificantBits());
    block.set(PageFormat.SHORT, 32, (short) driveIndex);
    block.set(PageFormat.SHORT, 34, (short) drives);
    block.set(PageFormat.BYTE, 36, (byte) defaultData);
    block.set(PageFormat.BYTE, 37, (byte) defaultParity);
    block.set(PageFormat.LONG, 40, epoch);
    block.set(PageFormat.LONG, 48, sizeBlocks);
    block.set(PageFormat.LONG, 56, journalFirstBlock);
    block.set(PageFormat.INT, 64, journalBlocks);
    block.set(PageFormat.LONG, 72, dataFirstBlock);
    block.set(PageFormat.LONG, 80, formattedAtSeconds);
    block.set(PageFormat.INT, OFFSET_CRC, Crc32c.of(block, 0, (int) OFFSET_CRC));
  }

  /** The same for a drive of another size. */
  Superblock ofSize(long blocks) {
    return new Superblock(
        arrayId,
        driveIndex,
        drives,
        defaultData,
        defaultParity,
        epoch,
        blocks,
        journalFirstBlock,
        journalBlocks,
        dataFirstBlock,
        formattedAtSeconds);
  }

  /** Reads a copy; nothing in it is believed before magic, version, CRC and ranges are checked. */
  public static Decoded decode(MemorySegment block, long driveBlocks) {
    if (block.get(PageFormat.LONG, 0) != MAGIC) {
      return new Decoded(null, Fault.NO_MAGIC, 0);
    }
    int version = block.get(PageFormat.INT, 8);
    if (version != VERSION) {
      return new Decoded(null, Fault.OTHER_VERSION, version);
    }
    if (block.get(PageFormat.INT, OFFSET_CRC) != Crc32c.of(block, 0, (int) OFFSET_CRC)) {
      return new Decoded(null, Fault.WRONG_CRC, version);
    }
    Superblock found =
        new Superblock(
            new UUID(block.get(PageFormat.LONG, 16), block.get(PageFormat.LONG, 24)),
            block.get(PageFormat.SHORT, 32),
            block.get(PageFormat.SHORT, 34),
            block.get(PageFormat.BYTE, 36),
            block.get(PageFormat.BYTE, 37),
            block.get(PageFormat.LONG, 40),
            block.get(PageFormat.LONG, 48),
            block.get(PageFormat.LONG, 56),
            block.get(PageFormat.INT, 64),
            block.get(PageFormat.LONG, 72),
            block.get(PageFormat.LONG, 80));
    boolean sound =
        found.drives >= 1
            && found.drives <= ObjectAttributes.MAX_DRIVES
            && found.driveIndex >= 0
            && found.driveIndex < found.drives
            && found.defaultData >= 1
            && found.defaultData <= ErasureCode.MAX_N
            && found.defaultParity >= 0
            && found.defaultParity <= ErasureCode.MAX_K
            && found.defaultData + found.defaultParity <= found.drives
            && found.journalFirstBlock == LABEL_BLOCKS
            && found.journalBlocks >= MIN_JOURNAL_BLOCKS
            && found.dataFirstBlock == found.journalFirstBlock + found.journalBlocks
            && found.sizeBlocks > found.dataFirstBlock
            && found.sizeBlocks <= driveBlocks
            && found.formattedAtSeconds >= 0
            && found.formattedAtSeconds <= LATEST_SECONDS;
    return sound
        ? new Decoded(found, Fault.NONE, version)
        : new Decoded(null, Fault.NONSENSE, version);
  }
}
