package dev.tuff.iom.simulation;

import dev.tuff.iom.allocation.Allocator;
import dev.tuff.iom.array.IomMemory;
import dev.tuff.iom.array.Superblock;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.volume.Toughness;
import java.util.SplittableRandom;

/**
 * An array to be simulated, and its clients.
 *
 * @param driveBlocks size of each drive
 * @param depth requests that clients have under way at the same time
 * @param maxRequestBytes longest read or write
 * @param sizes memory of each IOM
 * @param slowness how many times slower than a fast drive the drives are
 */
public record Shape(
    int drives,
    int data,
    int parity,
    int chunkBytes,
    int shards,
    int driveBlocks,
    int journalBlocks,
    int volumeBytes,
    int depth,
    int maxRequestBytes,
    IomMemory sizes,
    int slowness) {
  /** The one volume's object. */
  public static final long GFID = 1;

  /** A journal of less per drive could not hold what few open updates of all drives need. */
  private static final int JOURNAL_BLOCKS_PER_DRIVE = 32;

  /** In a smaller one the journal's own buffers alone would bring about checkpoints. */
  private static final int MIN_JOURNAL_BLOCKS = 264;

  /** What recovery needs for the groups that it settles at the same time. */
  private static final int MIN_SMALL_BUFFERS = 48;

  private static final int[] SLOWNESS = {1, 10, 100, 100};

  /**
   * What is fixed of shapes that are random otherwise.
   *
   * @param drives 0: any number
   * @param data 0: any protection
   */
  public record Pin(int drives, int data, int parity) {
    /** Nothing. */
    public static final Pin NONE = new Pin(0, 0, 0);
  }

  static Shape of(int drives, int data, int parity, int chunkBytes, int shards) {
    return new Shape(
        drives,
        data,
        parity,
        chunkBytes,
        shards,
        4096,
        512,
        1 << 20,
        12,
        200_000,
        new IomMemory(128, Allocator.pagesFor(4096) + 1, 64, 32, 8, 2 * drives),
        1);
  }

  /** A small one by chance: small arrays are fast, and what happens in them meets more often. */
  static Shape random(SplittableRandom random, Pin pin) {
    int parity = Math.min(3, random.nextInt(9) / 2);
    int data = 1 + random.nextInt(4);
    int spare = Math.max(0, random.nextInt(4) - 1);
    if (pin.data() > 0) {
      data = pin.data();
      parity = pin.parity();
    } else if (pin.drives() > 0) {
      parity = Math.min(parity, pin.drives() - 1);
      data = Math.min(data, pin.drives() - parity);
    }
    int drives = pin.drives() > 0 ? pin.drives() : data + parity + spare;
    int chunkBytes = Drive.BLOCK_BYTES << random.nextInt(4);
    int shards = 1 + random.nextInt(Math.min(3, drives));
    int journalBlocks =
        Math.max(MIN_JOURNAL_BLOCKS, JOURNAL_BLOCKS_PER_DRIVE * (drives + 2)) + random.nextInt(128);
    int rowBlocks = chunkBytes / Drive.BLOCK_BYTES * data;
    int volumeBlocks = Math.min(192, Math.max(4, rowBlocks * (1 + random.nextInt(6))));
    int frames = 40 + random.nextInt(60);
    int perDrive = volumeBlocks * (data + parity) / data / drives + 2 * rowBlocks / data;
    int dataBlocks = 3 * perDrive + 4 * frames + random.nextInt(256);
    int driveBlocks = (int) Superblock.LABEL_BLOCKS + journalBlocks + dataBlocks;
    int depth = 1 + random.nextInt(12);
    int maxRequestBytes = Math.min(volumeBlocks * Drive.BLOCK_BYTES, 4096 << random.nextInt(6));
    return new Shape(
        drives,
        data,
        parity,
        chunkBytes,
        shards,
        driveBlocks,
        journalBlocks,
        volumeBlocks * Drive.BLOCK_BYTES,
        depth,
        maxRequestBytes,
        new IomMemory(
            frames,
            Allocator.pagesFor(dataBlocks) + 1,
            8 + random.nextInt(40),
            MIN_SMALL_BUFFERS + random.nextInt(12),
            2 + random.nextInt(3),
            Math.max(5, drives) + random.nextInt(4)),
        SLOWNESS[random.nextInt(SLOWNESS.length)]);
  }

  Shape drives(int blocks, int journal) {
    return new Shape(
        drives,
        data,
        parity,
        chunkBytes,
        shards,
        blocks,
        journal,
        volumeBytes,
        depth,
        maxRequestBytes,
        sizes,
        slowness);
  }

  Shape client(int newVolumeBytes, int newDepth, int newMaxRequestBytes) {
    return new Shape(
        drives,
        data,
        parity,
        chunkBytes,
        shards,
        driveBlocks,
        journalBlocks,
        newVolumeBytes,
        newDepth,
        newMaxRequestBytes,
        sizes,
        slowness);
  }

  Shape memory(IomMemory newSizes) {
    return new Shape(
        drives,
        data,
        parity,
        chunkBytes,
        shards,
        driveBlocks,
        journalBlocks,
        volumeBytes,
        depth,
        maxRequestBytes,
        newSizes,
        slowness);
  }

  /** The volume. */
  ObjectAttributes attributes() {
    return attributes(volumeBytes);
  }

  /** The volume, made with another size. */
  ObjectAttributes attributes(int sizeBytes) {
    return new ObjectAttributes(
        GFID,
        "v",
        sizeBytes,
        chunkBytes / Drive.BLOCK_BYTES,
        data,
        parity,
        drives,
        Toughness.HARDENED);
  }

  int volumeBlocks() {
    return volumeBytes / Drive.BLOCK_BYTES;
  }

  /** How long a drive may take for a request: the slowest takes half of it when it is busy. */
  long hangNanos() {
    return 400_000_000L * slowness;
  }

  /** Bytes of the buffer that each request of a client has. */
  int slotBytes() {
    return (maxRequestBytes + 2 * Drive.BLOCK_BYTES - 1) & -Drive.BLOCK_BYTES;
  }

  /** Memory of the IOMs of so many drives and of all clients. */
  long memoryBytes(int drivesThere) {
    return sizes.bytes() * drivesThere
        + IomMemory.proxyBytes() * parity
        + (long) slotBytes() * depth
        + (1 << 20);
  }

  @Override
  public String toString() {
    return "%d drives of %d blocks, %d+%d, chunk %d, %d shards, journal %d, volume %d blocks, depth %d, slowness %d"
        .formatted(
            drives,
            driveBlocks,
            data,
            parity,
            chunkBytes,
            shards,
            journalBlocks,
            volumeBlocks(),
            depth,
            slowness);
  }
}
