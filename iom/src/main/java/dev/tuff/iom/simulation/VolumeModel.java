package dev.tuff.iom.simulation;

import dev.tuff.iom.drive.Drive;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a volume may hold, block by block: every content since the last that was promised to
 * survive, in the order of the writes.
 */
final class VolumeModel {
  private static final class Block {
    /** Number of the first version kept. */
    int base;

    final List<byte[]> versions = new ArrayList<>();
    int replied;

    /** A write was refused for which others did not wait: what it holds is not known. */
    boolean unsure;

    Block() {
      versions.add(new byte[Drive.BLOCK_BYTES]);
    }

    int newest() {
      return base + versions.size() - 1;
    }

    void promise(int version) {
      while (base < version) {
        versions.removeFirst();
        base++;
      }
    }
  }

  private final Block[] blocks;

  VolumeModel(int sizeBytes) {
    blocks = new Block[(sizeBytes + Drive.BLOCK_BYTES - 1) / Drive.BLOCK_BYTES];
    for (int i = 0; i < blocks.length; i++) {
      blocks[i] = new Block();
    }
  }

  /** A write is accepted; returns the number of the newest version of each block it touches. */
  int[] write(long offset, byte[] bytes) {
    int first = block(offset);
    int last = block(offset + bytes.length - 1);
    int[] versions = new int[last - first + 1];
    for (int b = first; b <= last; b++) {
      byte[] content = blocks[b].versions.getLast().clone();
      long blockStart = (long) b * Drive.BLOCK_BYTES;
      long from = Math.max(offset, blockStart);
      long to = Math.min(offset + bytes.length, blockStart + Drive.BLOCK_BYTES);
      System.arraycopy(
          bytes, (int) (from - offset), content, (int) (from - blockStart), (int) (to - from));
      blocks[b].versions.add(content);
      versions[b - first] = blocks[b].newest();
    }
    return versions;
  }

  /** A write that was taken for accepted was refused: what its blocks hold is not known. */
  void refused(long offset, int[] versions) {
    for (int i = 0; i < versions.length; i++) {
      blocks[block(offset) + i].unsure = true;
    }
  }

  /** Zeros from here on are promised, whatever was not known of the blocks. */
  void emptied(long offset, int[] versions) {
    replied(offset, versions, true);
    for (int i = offset % Drive.BLOCK_BYTES == 0 ? 0 : 1; i < versions.length; i++) {
      blocks[block(offset) + i].unsure = false;
    }
  }

  /** False when what a block of the range holds is not known until the next start. */
  boolean sure(long offset, int bytes) {
    for (int b = block(offset); b <= block(offset + bytes - 1); b++) {
      if (blocks[b].unsure) {
        return false;
      }
    }
    return true;
  }

  /** A write is replied to; {@code hardened}: it was promised to survive. */
  void replied(long offset, int[] versions, boolean hardened) {
    int first = block(offset);
    for (int i = 0; i < versions.length; i++) {
      Block block = blocks[first + i];
      block.replied = Math.max(block.replied, versions[i]);
      if (hardened) {
        block.promise(versions[i]);
      }
    }
  }

  /** What a flush that is asked for now will promise. */
  int[] repliedNow() {
    int[] versions = new int[blocks.length];
    for (int i = 0; i < versions.length; i++) {
      versions[i] = blocks[i].replied;
    }
    return versions;
  }

  void flushed(int[] versions) {
    for (int i = 0; i < versions.length; i++) {
      blocks[i].promise(versions[i]);
    }
  }

  /** The newest content of a range. */
  byte[] read(long offset, int bytes) {
    byte[] content = new byte[bytes];
    for (int done = 0; done < bytes; ) {
      int in = (int) ((offset + done) % Drive.BLOCK_BYTES);
      int now = Math.min(bytes - done, Drive.BLOCK_BYTES - in);
      System.arraycopy(blocks[block(offset + done)].versions.getLast(), in, content, done, now);
      done += now;
    }
    return content;
  }

  /**
   * Null when the block may be found with this content after a crash now; of the volume's last
   * block that may be less than a block.
   */
  String wrong(long volumeBlock, MemorySegment content) {
    if (volumeBlock >= blocks.length) {
      return null;
    }
    Block block = blocks[(int) volumeBlock];
    if (block.unsure) {
      return null;
    }
    for (int i = block.versions.size() - 1; i >= 0; i--) {
      MemorySegment version = MemorySegment.ofArray(block.versions.get(i));
      if (version.asSlice(0, content.byteSize()).mismatch(content) == -1) {
        return null;
      }
    }
    return "block "
        + volumeBlock
        + " holds what is none of its versions from the promised "
        + block.base
        + " to "
        + block.newest();
  }

  /**
   * After a crash: the block holds this, from now on. Null, or what is wrong when it is none of its
   * versions.
   */
  String found(int block, MemorySegment content) {
    String wrong = wrong(block, content);
    if (wrong == null) {
      // Beyond the end are zeros, or it could not grow.
      byte[] now = Arrays.copyOf(content.toArray(ValueLayout.JAVA_BYTE), Drive.BLOCK_BYTES);
      blocks[block].versions.clear();
      blocks[block].versions.add(now);
      blocks[block].base = 0;
      blocks[block].replied = 0;
      blocks[block].unsure = false;
    }
    return wrong;
  }

  int blocks() {
    return blocks.length;
  }

  private static int block(long offset) {
    return (int) (offset / Drive.BLOCK_BYTES);
  }
}
