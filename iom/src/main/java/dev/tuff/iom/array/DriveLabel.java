package dev.tuff.iom.array;

import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.Drive;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The first blocks of a drive, read and believed only as far as they are sound.
 *
 * @param path the drive
 * @param superblock null when there is none to be used
 * @param fault why not; of a damaged copy too when the other serves
 * @param version the format version found, 0 if none
 * @param root the newest sound root, null if there is none
 * @param damagedCopies copies of superblock and root that could not be used
 * @param damagedSuperblocks copies of the superblock that could not be used while another could,
 *     one a bit
 */
public record DriveLabel(
    Path path,
    Superblock superblock,
    Superblock.Fault fault,
    int version,
    Root root,
    int damagedCopies,
    int damagedSuperblocks) {

  /** Reads the label of a drive through the page cache; the drive need not be open. */
  static DriveLabel read(Path path) {
    try (Arena arena = Arena.ofConfined();
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      long blocks = Superblock.LABEL_BLOCKS;
      MemorySegment label = arena.allocate(blocks * Drive.BLOCK_BYTES, 4096);
      long read = 0;
      while (read < label.byteSize()) {
        int now = channel.read(label.asSlice(read).asByteBuffer(), read);
        if (now < 0) {
          break;
        }
        read += now;
      }
      return decode(path, label, channel.size() == 0 ? Long.MAX_VALUE : channel.size());
    } catch (IOException e) {
      throw new ArrayException(path + " could not be read: " + e.getMessage(), e);
    }
  }

  /** Decodes the first {@link Superblock#LABEL_BLOCKS} blocks of a drive of {@code driveBytes}. */
  public static DriveLabel decode(Path path, MemorySegment label, long driveBytes) {
    Superblock found = null;
    Superblock.Fault fault = Superblock.Fault.NO_MAGIC;
    int version = 0;
    int damaged = 0;
    int damagedSuperblocks = 0;
    for (int copy = 0; copy < 2; copy++) {
      long at =
          (Superblock.FIRST_COPY + copy * Superblock.COPY_DISTANCE_BLOCKS) * Drive.BLOCK_BYTES;
      Superblock.Decoded decoded =
          Superblock.decode(label.asSlice(at, Drive.BLOCK_BYTES), driveBytes / Drive.BLOCK_BYTES);
      if (decoded.superblock() != null) {
        found = found == null ? decoded.superblock() : found;
      } else {
        damaged++;
        damagedSuperblocks |= 1 << copy;
        if (fault == Superblock.Fault.NO_MAGIC) {
          fault = decoded.fault();
          version = decoded.version();
        }
      }
    }
    if (found == null) {
      return new DriveLabel(path, null, fault, version, null, damaged, 0);
    }
    Root newest = null;
    for (int slot = 0; slot < Root.SLOTS; slot++) {
      for (int copy = 0; copy < 2; copy++) {
        long at =
            (Root.FIRST_SLOT + slot + copy * Superblock.COPY_DISTANCE_BLOCKS) * Drive.BLOCK_BYTES;
        Root root = Root.decode(label, at, found.arrayId(), found.driveIndex(), slot);
        if (root == null) {
          damaged++;
        } else if (newest == null || root.sequence() > newest.sequence()) {
          newest = root;
        }
      }
    }
    if (newest != null && newest.places() == 0) {
      newest.setPlaces(found.drives());
    }
    return new DriveLabel(
        path,
        found,
        Superblock.Fault.NONE,
        Superblock.VERSION,
        newest,
        damaged,
        damagedSuperblocks);
  }

  /** The sentence for a drive that has no usable superblock. */
  public String refusal() {
    return switch (fault) {
      case NONE -> path + " has a superblock";
      case NO_MAGIC ->
          path
              + " is not a drive of a Tuff array (no superblock was found); name the array's drives, or"
              + " make a new array with 'tuff format'.";
      case OTHER_VERSION ->
          path
              + " was formatted in version "
              + version
              + " of the drive format, and this Tuff knows version "
              + Superblock.VERSION
              + "; use the Tuff that formatted it.";
      case WRONG_CRC ->
          path
              + " has a damaged superblock (both copies fail their checksum); leave the drive out and the"
              + " array runs without it.";
      case NONSENSE ->
          path
              + " has a superblock that does not fit the drive (truncated, or smaller than when it was"
              + " formatted); leave the drive out and the array runs without it.";
    };
  }
}
