package dev.tuff.iom.array;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoLoop;
import dev.tuff.device.IoMemory;
import dev.tuff.device.UringLoop;
import dev.tuff.iom.checkpoint.Epoch;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.write.SideLimits;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How an empty drive gets a place of its own in an array, behind all others. As in {@link
 * DriveJoin} its label says that it is a member of the others' next epoch, which the next start
 * writes to all others; only, this epoch has a place more. Nothing of any object is on it, so it
 * has nothing to be rebuilt: objects that are there keep their places, and those that are made or
 * grow after the start are spread over it, too. A cut anywhere leaves the array with the drive or
 * without it.
 */
final class DriveAddition {
  /** Drives that were in a place before: those of an added one are counted from a number below. */
  private static final int MOST_TRIES = Root.MAX_INCARNATION / 2;

  private DriveAddition() {}

  /**
   * Checks everything, and makes the new drives members of the array that the drives belong to. The
   * array does not run. Returns the paths of its drives now.
   *
   * @param force also those that hold something or belong to another array
   * @throws ArrayException with one sentence; then nothing was changed
   */
  static List<Path> add(List<Path> drives, List<Path> added, boolean force) {
    checkDistinct(drives, added);
    AssembledDrives found = AssembledDrives.of(drives);
    requireWhole(found);
    int count = found.present() + added.size();
    List<Path> paths = new ArrayList<>();
    for (DriveLabel member : found.labels()) {
      paths.add(member.path());
    }
    try (IoMemory memory = IoMemory.open(1 << 20);
        UringLoop loop = UringLoop.open(memory, count, count * 4)) {
      List<BlockDevice> devices = new ArrayList<>();
      try {
        for (Path path : paths) {
          devices.add(DriveJoin.open(loop, path));
        }
        List<BlockDevice> fresh = new ArrayList<>();
        for (Path drive : added) {
          BlockDevice device = DriveJoin.open(loop, drive);
          devices.add(device);
          fresh.add(device);
        }
        found.readAgain();
        DriveLabel[] labels = found.labels();
        for (BlockDevice device : fresh) {
          check(device, labels, added.size(), force);
        }
        IoBuffer block = memory.buffers(1, Drive.BLOCK_BYTES)[0];
        for (BlockDevice device : fresh) {
          DriveLabel label = DriveLabel.read(Path.of(device.name()));
          labels = Arrays.copyOf(labels, labels.length + 1);
          labels[labels.length - 1] =
              isMember(label, labels)
                  ? label
                  : add(
                      loop,
                      device,
                      block,
                      Arrays.copyOf(labels, labels.length - 1),
                      newIncarnation(),
                      Long.MAX_VALUE,
                      Instant.now().getEpochSecond());
        }
      } finally {
        devices.forEach(BlockDevice::close);
      }
    }
    paths.addAll(added);
    return paths;
  }

  /** Refuses what is no drive, and what is named twice. */
  static void checkDistinct(List<Path> drives, List<Path> added) {
    Set<Path> seen = new HashSet<>();
    for (Path drive : drives) {
      seen.add(drive.toAbsolutePath().normalize());
    }
    for (Path drive : added) {
      checkThere(drive);
      if (drives.stream().anyMatch(member -> same(member, drive))) {
        throw new ArrayException(drive + " is a drive of the array already; name another one.");
      }
      if (!seen.add(drive.toAbsolutePath().normalize())) {
        throw new ArrayException(drive + " is named twice; name each drive once.");
      }
    }
  }

  private static void checkThere(Path drive) {
    if (!Files.exists(drive)) {
      throw new ArrayException(drive + " does not exist; name the drive that is to be added.");
    }
    if (Files.isDirectory(drive)) {
      throw new ArrayException(drive + " is a directory; name a drive or an image file.");
    }
  }

  private static boolean same(Path a, Path b) {
    return a.toAbsolutePath().normalize().equals(b.toAbsolutePath().normalize());
  }

  private static void requireWhole(AssembledDrives found) {
    for (int d = 0; d < found.count(); d++) {
      DriveLabel label = found.labels()[d];
      if (label == null || label.root().rebuilding()) {
        throw new ArrayException(notWhole(d, label != null));
      }
    }
  }

  /** Why no drive can be added to an array of which one is not whole. */
  static String notWhole(int drive, boolean rebuilding) {
    return "Drive %d is %s; drives are added when all that the array has are there and rebuilt."
        .formatted(drive, rebuilding ? "not rebuilt yet" : "missing or stale");
  }

  private static void check(BlockDevice device, DriveLabel[] labels, int more, boolean force) {
    checkCount(labels, more);
    DriveLabel label = DriveLabel.read(Path.of(device.name()));
    checkOwner(label, labels, force);
    DriveJoin.plan(device, labels, 0, Long.MAX_VALUE, 0);
  }

  /** Refuses more drives than an array can have. */
  static void checkCount(DriveLabel[] labels, int more) {
    if (labels.length + more > ObjectAttributes.MAX_DRIVES) {
      throw new ArrayException(
          "An array has at most %d drives, and this one has %d; make another array."
              .formatted(ObjectAttributes.MAX_DRIVES, labels.length));
    }
    int journal =
        Arrays.stream(labels)
            .filter(Objects::nonNull)
            .mapToInt(label -> label.superblock().journalBlocks())
            .min()
            .orElseThrow();
    int most = SideLimits.mostDrives(journal);
    if (labels.length + more > most) {
      throw new ArrayException(
          "The array's journals of %d bytes do for %d drives, and it has %d; make another array with larger ones (--journal)."
              .formatted((long) journal * Drive.BLOCK_BYTES, most, labels.length));
    }
  }

  /**
   * Refuses a drive that is someone's. One whose addition to this array came to nothing is
   * nobody's.
   */
  static void checkOwner(DriveLabel label, DriveLabel[] labels, boolean force) {
    Superblock superblock = label.superblock();
    Superblock ours =
        Arrays.stream(labels).filter(Objects::nonNull).findFirst().orElseThrow().superblock();
    if (superblock != null && superblock.arrayId().equals(ours.arrayId())) {
      int index = superblock.driveIndex();
      if (index >= labels.length) {
        return;
      }
      boolean member =
          labels[index] != null
              && label.root() != null
              && label.root().incarnation(index) == labels[index].root().incarnation(index);
      if (member) {
        throw new ArrayException(
            "%s is drive %d of the array already; name another one."
                .formatted(label.path(), index));
      }
    }
    if (!force) {
      Formatter.refuseWhatHoldsData(label.path(), label);
    }
  }

  /** True when an earlier try has made it the member that it is to become: the last of these. */
  private static boolean isMember(DriveLabel label, DriveLabel[] labels) {
    int index = labels.length - 1;
    if (label.superblock() == null || label.root() == null) {
      return false;
    }
    Root newest = Epoch.newest(roots(labels));
    Root all = Epoch.newest(newest, label.root());
    return label.superblock().arrayId().equals(labels[0].superblock().arrayId())
        && label.superblock().driveIndex() == index
        && label.root().places() == labels.length
        && !Epoch.stale(label.root(), all)
        && !Epoch.stale(newest, all);
  }

  /** For a try to add a drive: see {@link Root#ofAddition}. */
  static int newIncarnation() {
    return ThreadLocalRandom.current().nextInt(1, MOST_TRIES);
  }

  /** Writes the label; see {@link ArrayStart#add}. */
  static DriveLabel add(
      IoLoop loop,
      BlockDevice device,
      IoBuffer block,
      DriveLabel[] labels,
      int incarnation,
      long mostBlocks,
      long nowSeconds) {
    checkCount(labels, 1);
    int index = labels.length;
    Root newest = Epoch.newest(roots(labels));
    Invariant.check(newest.places() == index, "an added drive has the place behind all", index);
    Superblock superblock =
        DriveJoin.plan(device, Arrays.copyOf(labels, index + 1), index, mostBlocks, nowSeconds);
    BitSet there = new BitSet();
    there.set(0, index);
    Root root = Root.ofAddition(newest, there, incarnation);
    Formatter.clear(loop, device, block);
    Formatter.write(loop, device, root, block);
    Formatter.write(loop, device, superblock, block);
    return new DriveLabel(
        Path.of(device.name()), superblock, Superblock.Fault.NONE, Superblock.VERSION, root, 0, 0);
  }

  private static Root[] roots(DriveLabel[] labels) {
    return Arrays.stream(labels)
        .map(label -> label == null ? null : label.root())
        .toArray(Root[]::new);
  }
}
