package dev.tuff.iom.array;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.DeviceOptions;
import dev.tuff.device.DriveUnusableException;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoLoop;
import dev.tuff.device.IoMemory;
import dev.tuff.device.UringDevice;
import dev.tuff.device.UringLoop;
import dev.tuff.iom.checkpoint.Epoch;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.Drive;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import java.util.UUID;

/**
 * How an empty drive becomes the one in a place of an array. It is given a label that says: member
 * of the others' next epoch, in that place, and nothing rebuilt. The superblock is hardened last,
 * so it is that or no drive of the array; with it there, the next start writes the epoch to all
 * others ({@link dev.tuff.iom.recovery.Recovery}), and the drive that had the place before is stale
 * for good. A cut anywhere leaves the one or the other.
 *
 * <p>A drive that had this very place before comes back: it gets such a root, too, but keeps what
 * it was in mind, and its superblock. That root goes beside the former one, so it is the stale
 * drive that it was or the member that it is to become.
 */
final class DriveJoin {
  private DriveJoin() {}

  /**
   * Checks everything, and makes the new drive a member of the array that the drives belong to. The
   * array does not run. Returns the paths of its drives now.
   *
   * @throws ArrayException with one sentence; then nothing was changed
   */
  static List<Path> join(List<Path> drives, Replacement replacement) {
    Path fresh = replacement.drive();
    if (!Files.exists(fresh)) {
      throw new ArrayException(fresh + " does not exist; name the drive that is to be taken in.");
    }
    AssembledDrives found =
        AssembledDrives.of(drives.stream().filter(drive -> !same(drive, fresh)).toList());
    int index = replacement.index();
    if (Files.isDirectory(fresh)) {
      throw new ArrayException(fresh + " is a directory; name a drive or an image file.");
    }
    DriveLabel label = DriveLabel.read(fresh);
    if (isIn(found, label, index)) {
      return with(found, fresh);
    }
    found.makeRoom(index, replacement.fail());
    int count = found.present() + 1;
    try (IoMemory memory = IoMemory.open(1 << 20);
        UringLoop loop = UringLoop.open(memory, count, count * 4)) {
      List<BlockDevice> devices = new ArrayList<>();
      try {
        for (DriveLabel member : found.labels()) {
          if (member != null) {
            devices.add(open(loop, member.path()));
          }
        }
        BlockDevice device = open(loop, fresh);
        devices.add(device);
        found.readAgain();
        if (!replacement.force()) {
          refuseOthers(found, label, index);
        }
        IoBuffer block = memory.buffers(1, Drive.BLOCK_BYTES)[0];
        join(
            loop,
            device,
            block,
            found.labels(),
            index,
            Long.MAX_VALUE,
            Instant.now().getEpochSecond(),
            replacement.fromNothing());
      } finally {
        devices.forEach(BlockDevice::close);
      }
    }
    return with(found, fresh);
  }

  private static boolean same(Path a, Path b) {
    return a.toAbsolutePath().normalize().equals(b.toAbsolutePath().normalize());
  }

  /** True when an earlier try has made it the member that it is to become. */
  private static boolean isIn(AssembledDrives found, DriveLabel label, int index) {
    if (label.superblock() == null || label.root() == null) {
      return false;
    }
    Root newest = Epoch.newest(found.roots());
    Root all = Epoch.newest(newest, label.root());
    return label.superblock().arrayId().equals(found.any().superblock().arrayId())
        && label.superblock().driveIndex() == index
        && label.root().rebuilding()
        && !Epoch.stale(label.root(), all);
  }

  private static List<Path> with(AssembledDrives found, Path fresh) {
    List<Path> paths = new ArrayList<>();
    for (DriveLabel member : found.labels()) {
      if (member != null) {
        paths.add(member.path());
      }
    }
    paths.add(fresh);
    return paths;
  }

  static BlockDevice open(UringLoop loop, Path drive) {
    try {
      return UringDevice.open(loop, drive, new DeviceOptions(4, Formatter.MIN_DRIVE_BYTES));
    } catch (DriveUnusableException e) {
      throw new ArrayException(e.getMessage(), e);
    }
  }

  /** A stale drive of this very place has nothing that is not out of date. */
  private static void refuseOthers(AssembledDrives found, DriveLabel label, int index) {
    if (!hadPlace(label, found.any().superblock().arrayId(), index)) {
      Formatter.refuseWhatHoldsData(label.path(), label);
    }
  }

  /** True for a drive that was in place {@code index} of the array, whenever that was. */
  static boolean hadPlace(DriveLabel label, UUID arrayId, int index) {
    return label.superblock() != null
        && label.superblock().arrayId().equals(arrayId)
        && label.superblock().driveIndex() == index;
  }

  /** Writes the label; see {@link ArrayStart#join}. */
  @SuppressWarnings("ParameterNumber")
  static DriveLabel join(
      IoLoop loop,
      BlockDevice device,
      IoBuffer block,
      DriveLabel[] labels,
      int index,
      long mostBlocks,
      long nowSeconds,
      boolean fromNothing) {
    Superblock superblock = plan(device, labels, index, mostBlocks, nowSeconds);
    BitSet there = new BitSet();
    for (int d = 0; d < labels.length; d++) {
      there.set(d, labels[d] != null);
    }
    Root newest =
        Epoch.newest(
            Arrays.stream(labels)
                .map(label -> label == null ? null : label.root())
                .toArray(Root[]::new));
    if (newest.vacated() == index) {
      checkBearable(labels, index);
    }
    if (newest.incarnation(index) >= Root.MAX_INCARNATION) {
      throw new ArrayException(
          "Drive %d was replaced %d times, and that is all an array can tell apart; copy its volumes to a new array."
              .formatted(index, newest.incarnation(index)));
    }
    DriveLabel before = fromNothing ? null : Formatter.readLabel(loop, device, block);
    if (before != null && canComeBack(before, newest, superblock, mostBlocks)) {
      Root back = Root.ofReturning(newest, before.root(), there);
      Formatter.write(loop, device, back, block);
      return new DriveLabel(
          before.path(),
          before.superblock(),
          before.fault(),
          before.version(),
          back,
          before.damagedCopies(),
          before.damagedSuperblocks());
    }
    Root root = Root.ofReplacement(newest, index, there);
    Formatter.clear(loop, device, block);
    Formatter.write(loop, device, root, block);
    Formatter.write(loop, device, superblock, block);
    return new DriveLabel(
        Path.of(device.name()), superblock, Superblock.Fault.NONE, Superblock.VERSION, root, 0, 0);
  }

  /**
   * A drive that takes a vacated place back does not have everything at once, and what the others
   * have in its place is not counted any more.
   */
  private static void checkBearable(DriveLabel[] labels, int index) {
    int bearable = 0;
    int lost = 1;
    int another = index;
    for (int d = 0; d < labels.length; d++) {
      if (labels[d] != null) {
        bearable = labels[d].superblock().defaultParity();
      }
      if (d != index && (labels[d] == null || labels[d].root().rebuilding())) {
        another = d;
        lost++;
      }
    }
    if (lost > bearable) {
      throw new ArrayException(
          "Drive %d would be rebuilt from the others, and drive %d is missing or not rebuilt yet; replace that one and wait for it first."
              .formatted(index, another));
    }
  }

  /**
   * True when the drive had this place, in a state that is not newer than the array's, and is laid
   * out as one that takes it now.
   */
  private static boolean canComeBack(
      DriveLabel before, Root newest, Superblock planned, long mostBlocks) {
    Superblock was = before.superblock();
    return before.root() != null
        && hadPlace(before, planned.arrayId(), planned.driveIndex())
        && before.root().epoch() <= newest.epoch()
        && was.drives() == planned.drives()
        && was.defaultData() == planned.defaultData()
        && was.defaultParity() == planned.defaultParity()
        && was.journalBlocks() == planned.journalBlocks()
        && was.sizeBlocks() == planned.sizeBlocks()
        && was.sizeBlocks() <= mostBlocks;
  }

  static Superblock plan(
      BlockDevice device, DriveLabel[] labels, int index, long mostBlocks, long nowSeconds) {
    Superblock smallest =
        Arrays.stream(labels)
            .filter(Objects::nonNull)
            .map(DriveLabel::superblock)
            .min((a, b) -> Long.compare(a.sizeBlocks(), b.sizeBlocks()))
            .orElseThrow();
    long blocks = device.geometry().sizeBytes() / Drive.BLOCK_BYTES;
    if (blocks < smallest.sizeBlocks()) {
      throw new ArrayException(
          "%s has %d bytes, and the smallest drive of the array %d; use one that is at least as large."
              .formatted(
                  device.name(),
                  device.geometry().sizeBytes(),
                  smallest.sizeBlocks() * Drive.BLOCK_BYTES));
    }
    return new Superblock(
        smallest.arrayId(),
        index,
        labels.length,
        smallest.defaultData(),
        smallest.defaultParity(),
        Arrays.stream(labels)
                .filter(Objects::nonNull)
                .mapToLong(label -> label.root().epoch())
                .max()
                .orElseThrow()
            + 1,
        Math.min(blocks, mostBlocks),
        Superblock.LABEL_BLOCKS,
        smallest.journalBlocks(),
        Superblock.LABEL_BLOCKS + smallest.journalBlocks(),
        nowSeconds);
  }
}
