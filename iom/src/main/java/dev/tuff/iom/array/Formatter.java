package dev.tuff.iom.array;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.DeviceOptions;
import dev.tuff.device.DriveUnusableException;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoLoop;
import dev.tuff.device.IoMemory;
import dev.tuff.device.IoRequest;
import dev.tuff.device.IoResult;
import dev.tuff.device.UringDevice;
import dev.tuff.device.UringLoop;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.xor.ErasureCode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/**
 * Makes an array: checks all drives first, then writes roots and, when they are hardened
 * everywhere, superblocks.
 */
final class Formatter {
  /** Smallest drive of an array. */
  static final long MIN_DRIVE_BYTES = 64L << 20;

  private static final long MIN_JOURNAL_BYTES = 4L << 20;
  private static final long MAX_JOURNAL_BYTES = 1L << 30;
  private static final long DEFAULT_MAX_JOURNAL_BYTES = 64L << 20;

  private Formatter() {}

  static UUID format(List<Path> drives, FormatOptions options) {
    checkProtection(drives.size(), options.dataMembers(), options.parityMembers());
    checkDistinct(drives);
    try (IoMemory memory = IoMemory.open(1 << 20);
        UringLoop loop = UringLoop.open(memory, drives.size(), drives.size() * 4)) {
      List<BlockDevice> devices = new ArrayList<>();
      try {
        for (Path drive : drives) {
          devices.add(open(loop, drive));
        }
        if (!options.overwrite()) {
          for (Path drive : drives) {
            refuseWhatHoldsData(drive);
          }
        }
        UUID id = UUID.randomUUID();
        List<Superblock> superblocks = new ArrayList<>();
        for (int i = 0; i < devices.size(); i++) {
          superblocks.add(plan(id, i, devices, options));
        }
        IoBuffer block = memory.buffers(1, Drive.BLOCK_BYTES)[0];
        write(loop, devices, superblocks, block);
        return id;
      } finally {
        devices.forEach(BlockDevice::close);
      }
    }
  }

  private static BlockDevice open(UringLoop loop, Path drive) {
    try {
      return UringDevice.open(loop, drive, new DeviceOptions(4, MIN_DRIVE_BYTES));
    } catch (DriveUnusableException e) {
      throw new ArrayException(e.getMessage(), e);
    }
  }

  /** N+K that can't be had on so many drives is refused. */
  static void checkProtection(int drives, int data, int parity) {
    if (data < 1 || data > ErasureCode.MAX_N || parity < 0 || parity > ErasureCode.MAX_K) {
      throw new ArrayException(
          "Protection "
              + data
              + "+"
              + parity
              + " was asked for; give 1 to 32 data members and 0 to 4 parities, for example 4+1.");
    }
    if (drives > ObjectAttributes.MAX_DRIVES) {
      throw new ArrayException(
          "An array has at most "
              + ObjectAttributes.MAX_DRIVES
              + " drives and "
              + drives
              + " were named; name fewer.");
    }
    if (drives < data + parity) {
      throw new ArrayException(
          "Protection "
              + data
              + "+"
              + parity
              + " needs "
              + (data + parity)
              + " drives and there are "
              + drives
              + "; add drives or choose less.");
    }
  }

  private static void checkDistinct(List<Path> drives) {
    Set<Path> seen = new HashSet<>();
    for (Path drive : drives) {
      if (!seen.add(drive.toAbsolutePath().normalize())) {
        throw new ArrayException(drive + " is named twice; each drive is one member of the array.");
      }
    }
  }

  private static void refuseWhatHoldsData(Path drive) {
    refuseWhatHoldsData(drive, DriveLabel.read(drive));
  }

  /** Refuses a drive that holds anything. */
  static void refuseWhatHoldsData(Path drive, DriveLabel label) {
    if (label.fault() != Superblock.Fault.NO_MAGIC) {
      String owner =
          label.superblock() == null ? "an array" : "array " + label.superblock().arrayId();
      throw new ArrayException(
          drive
              + " belongs to "
              + owner
              + " already; use --force to format it all the same, and lose what is on it.");
    }
    String foreign = ForeignData.find(drive);
    if (foreign != null) {
      throw new ArrayException(
          drive
              + " holds "
              + foreign
              + "; use --force to format it all the same, and lose what is on it.");
    }
  }

  private static Superblock plan(
      UUID id, int index, List<BlockDevice> devices, FormatOptions options) {
    long blocks = devices.get(index).geometry().sizeBytes() / Drive.BLOCK_BYTES;
    long journal = options.journalBytes();
    if (journal == 0) {
      journal =
          Math.clamp(blocks * Drive.BLOCK_BYTES / 16, MIN_JOURNAL_BYTES, DEFAULT_MAX_JOURNAL_BYTES);
    }
    if (journal < MIN_JOURNAL_BYTES
        || journal > MAX_JOURNAL_BYTES
        || journal > blocks * Drive.BLOCK_BYTES / 4) {
      throw new ArrayException(
          "A journal of "
              + journal
              + " bytes was asked for; give 4 MiB to 1 GiB and at most a quarter of the drive.");
    }
    int journalBlocks = (int) (journal / Drive.BLOCK_BYTES);
    return new Superblock(
        id,
        index,
        devices.size(),
        options.dataMembers(),
        options.parityMembers(),
        1,
        blocks,
        Superblock.LABEL_BLOCKS,
        journalBlocks,
        Superblock.LABEL_BLOCKS + journalBlocks,
        Instant.now().getEpochSecond());
  }

  /** Old superblocks go first and new ones come last: a drive is never half of two arrays. */
  static void write(
      IoLoop loop, List<BlockDevice> devices, List<Superblock> superblocks, IoBuffer block) {
    for (BlockDevice device : devices) {
      clear(loop, device, block);
    }
    for (int i = 0; i < devices.size(); i++) {
      Root root = new Root(superblocks.get(i).arrayId(), i);
      BitSet all = new BitSet();
      all.set(0, superblocks.size());
      root.beginEpoch(superblocks.get(i).epoch(), all);
      write(loop, devices.get(i), root, block);
    }
    for (int i = 0; i < devices.size(); i++) {
      write(loop, devices.get(i), superblocks.get(i), block);
    }
  }

  /** What an open drive says of itself; copies that can't be read count as damaged. */
  static DriveLabel readLabel(IoLoop loop, BlockDevice device, IoBuffer block) {
    MemorySegment label =
        Arena.ofAuto().allocate(Superblock.LABEL_BLOCKS * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
    for (int copy = 0; copy < 2; copy++) {
      long first = copy * Superblock.COPY_DISTANCE_BLOCKS;
      for (long at = first; at < first + Root.FIRST_SLOT + Root.SLOTS; at++) {
        IoRequest request = new IoRequest(done -> {}, device);
        device.submit(request.read(at * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES, block, 0));
        while (request.inFlight()) {
          loop.await(-1);
        }
        if (request.result() == IoResult.OK) {
          MemorySegment.copy(block.segment(), 0, label, at * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
        }
      }
    }
    return DriveLabel.decode(Path.of(device.name()), label, device.geometry().sizeBytes());
  }

  /** Takes away whatever label there was, hardened. */
  static void clear(IoLoop loop, BlockDevice device, IoBuffer block) {
    block.segment().fill((byte) 0);
    for (int copy = 0; copy < 2; copy++) {
      put(loop, device, Superblock.FIRST_COPY + copy * Superblock.COPY_DISTANCE_BLOCKS, block);
      for (int slot = 0; slot < Root.SLOTS; slot++) {
        put(loop, device, Root.FIRST_SLOT + slot + copy * Superblock.COPY_DISTANCE_BLOCKS, block);
      }
    }
    flush(loop, device);
  }

  /** Writes both copies of a drive's first root, hardened. */
  static void write(IoLoop loop, BlockDevice device, Root root, IoBuffer block) {
    for (int copy = 0; copy < 2; copy++) {
      root.encode(block.segment(), 0, copy);
      put(loop, device, root.address(copy), block);
    }
    flush(loop, device);
  }

  /**
   * Writes both copies of a drive's superblock, hardened: from then on it is a drive of an array.
   */
  static void write(IoLoop loop, BlockDevice device, Superblock superblock, IoBuffer block) {
    for (int copy = 0; copy < 2; copy++) {
      superblock.encode(block.segment(), copy);
      put(loop, device, Superblock.FIRST_COPY + copy * Superblock.COPY_DISTANCE_BLOCKS, block);
    }
    flush(loop, device);
  }

  private static void put(IoLoop loop, BlockDevice device, long address, IoBuffer block) {
    IoRequest request = new IoRequest(done -> {}, device);
    finish(loop, device, request.write(address * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES, block, 0));
  }

  private static void flush(IoLoop loop, BlockDevice device) {
    finish(loop, device, new IoRequest(done -> {}, device).flush());
  }

  private static void finish(IoLoop loop, BlockDevice device, IoRequest request) {
    device.submit(request);
    long end = loop.nanoTime() + AssembleOptions.DRIVE_TIMEOUT_SECONDS * 1_000_000_000L;
    while (request.inFlight()) {
      long left = end - loop.nanoTime();
      if (left <= 0) {
        // What it still writes is the drive's own affair: it is none of the array.
        device.abandon();
        throw new ArrayException(
            device.name()
                + " did not answer for "
                + AssembleOptions.DRIVE_TIMEOUT_SECONDS
                + " s; it was not made a drive of the array. Use another one.");
      }
      loop.await(left);
    }
    if (request.result() != IoResult.OK) {
      throw new ArrayException(
          device.name()
              + " could not be written (error "
              + request.errno()
              + "); it was not made a drive of the array. Use another one.");
    }
  }
}
