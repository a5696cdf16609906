package dev.tuff.iom.array;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.DriveUnusableException;
import dev.tuff.device.IoMemory;
import dev.tuff.device.UringDevice;
import dev.tuff.device.UringLoop;
import dev.tuff.iom.drive.Drive;
import dev.tuff.natives.PosixException;
import dev.tuff.natives.RingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Drives that leave a running array, come into it, or have others take over for them, because
 * somebody wants it: checks what can be checked before, then has the array go on with other drives.
 * Ordinary threads; the array's.
 */
final class DrivesInService {
  private final Array array;
  private final AssembledDrives drives;
  private final AssembleOptions options;
  private final IoMemory memory;
  private final UringLoop[] loops;

  /** Why drives have left the service in this run. */
  private final Map<Integer, String> failedDrives;

  private final Object takingOut = new Object();

  /** One drive is added at a time; not the array's monitor, as a start is waited for. */
  private final Object adding = new Object();

  /** Drives by which the memory of an IOM is measured: as many as there were at the start. */
  private final int drivesAtStart;

  /** There is memory for all drives to be rebuilding at the same time. */
  private final boolean roomToTakeOver;

  DrivesInService(
      Array array,
      AssembledDrives drives,
      AssembleOptions options,
      IoMemory memory,
      UringLoop[] loops,
      Map<Integer, String> failedDrives) {
    this.array = array;
    this.drives = drives;
    this.options = options;
    this.memory = memory;
    this.loops = loops;
    this.failedDrives = failedDrives;
    this.drivesAtStart = drives.count();
    this.roomToTakeOver = options.longRunning() && drives.leavesOver();
  }

  /** See {@link Array#failDrive}. */
  void fail(int drive) {
    // One after the other: the check of the second must see what the first has done.
    synchronized (takingOut) {
      takeOut(drive);
    }
  }

  private void takeOut(int drive) {
    if (drive < 0 || drive >= array.driveCount() || !array.present(drive)) {
      throw new ArrayException(
          "Drive " + drive + " is not in service; 'tuff status' shows which drives are.");
    }
    if (array.lost(drive) + 1 > drives.bearable()) {
      throw new ArrayException(
          "Drive "
              + drive
              + " can't be done without: "
              + array.lost(drive)
              + " drives are missing or not rebuilt already, and protection makes up for "
              + drives.bearable()
              + ". Replace a missing drive first.");
    }
    array.onFailed(drive, "was taken out of service");
    while (array.present(drive)) {
      ArrayException stopped = array.failure();
      if (stopped != null) {
        throw new ArrayException(stopped.getMessage(), stopped);
      }
      Array.pause();
    }
    array.awaitServing();
  }

  /** See {@link Array#replaceInService}. */
  boolean replace(Replacement replacement) {
    if (!options.longRunning() || options.readOnly()) {
      throw new ArrayException(
          "This process has the array for a short time, or to read it; replace the drive when it has ended.");
    }
    int index = replacement.index();
    boolean replaceable =
        index >= 0 && index < array.driveCount() && (replacement.fail() || !array.present(index));
    if (!replaceable) {
      throw new ArrayException(
          "Drive " + index + " is not missing; 'tuff status' shows which drives are.");
    }
    refuseWhatHangs(replacement.drive());
    DriveLabel former = drives.labels()[index];
    Superblock size = former == null ? drives.smallest() : former.superblock();
    JoinInService joining =
        new JoinInService(
            replacement,
            size.arrayId(),
            failedDrives.get(index),
            loops[index % loops.length],
            Array.DRIVE_QUEUE_DEPTH,
            size.sizeBlocks());
    if (array.present(index)) {
      fail(index);
      // It may be the same drive, and hang.
      refuseWhatHangs(replacement.drive());
    }
    array.failover().join(joining);
    DriveLabel joined = array.await(joining.joined());
    drives.labels()[index] = joined;
    failedDrives.remove(index);
    array.awaitServing();
    return !joined.root().formerStates().isEmpty();
  }

  /** See {@link Array#addInService}. */
  int add(List<Path> added, boolean force) {
    if (!options.longRunning() || options.readOnly()) {
      throw new ArrayException(
          "This process has the array for a short time, or to read it; add the drive when it has ended.");
    }
    synchronized (adding) {
      array.awaitServing();
      checkAddable(added, force);
      int first = array.driveCount();
      for (Path drive : added) {
        add(drive);
      }
      return first;
    }
  }

  private void checkAddable(List<Path> added, boolean force) {
    List<Path> members = new ArrayList<>();
    for (int d = 0; d < array.driveCount(); d++) {
      if (!array.present(d) || array.rebuilding(d)) {
        throw new ArrayException(DriveAddition.notWhole(d, array.present(d)));
      }
      members.add(drives.labels()[d].path());
    }
    DriveAddition.checkDistinct(members, added);
    if (array.driveCount() + added.size() > array.mostDrives()) {
      throw new ArrayException(
          "There is room for %d more drives in this run of the array; stop it, and add the drives then."
              .formatted(array.mostDrives() - array.driveCount()));
    }
    DriveAddition.checkCount(drives.labels(), added.size());
    for (Path drive : added) {
      if (array.spares().contains(drive.toAbsolutePath().normalize())) {
        throw new ArrayException(
            drive
                + " is a spare that waits; take it out with 'tuff drive remove', and start again.");
      }
      DriveAddition.checkOwner(DriveLabel.read(drive), drives.labels(), force);
      sizeOf(drive);
    }
  }

  private void add(Path drive) {
    int index = array.driveCount();
    long blocks = sizeOf(drive) / Drive.BLOCK_BYTES;
    makeRoomFor(blocks);
    AddInService joining =
        new AddInService(
            index,
            drive,
            loops[index % loops.length],
            Array.DRIVE_QUEUE_DEPTH,
            blocks,
            label -> {
              drives.add(label);
              options.driveListener().onAdded(index, drive);
            });
    array.failover().join(joining);
    array.await(joining.joined());
    array.awaitServing();
    if (!array.present(index)) {
      throw new ArrayException(
          "%s is drive %d now and has failed since (%s); replace it."
              .formatted(drive, index, failedDrives.get(index)));
    }
  }

  private long sizeOf(Path drive) {
    try {
      return UringDevice.sizeBytes(drive, drives.smallest().sizeBlocks() * Drive.BLOCK_BYTES);
    } catch (DriveUnusableException e) {
      throw new ArrayException(e.getMessage(), e);
    }
  }

  /**
   * Memory for the IOM of a drive of so many blocks, for its proxy and for its rebuild, known to
   * every ring before any of it is used.
   */
  private void makeRoomFor(long blocks) {
    IomMemory sizes = IomMemory.of(drives.smallest().ofSize(blocks), drivesAtStart);
    long bytes =
        sizes.bytes()
            + sizes.rebuildBytes()
            + IomMemory.proxyBytes()
            + 2 * sizes.largestBufferBytes();
    if (bytes > IoMemory.LARGEST_REGION_BYTES) {
      throw new ArrayException(
          "The drive is too large to be added while the array runs; stop it, and add the drive then.");
    }
    try {
      IoMemory.Region region = memory.another(bytes);
      for (int s = 0; s < loops.length; s++) {
        UringLoop loop = loops[s];
        array.await(
            array.<Void>onShard(
                s,
                done -> {
                  try {
                    loop.register(region);
                    done.complete(null);
                  } catch (RingException e) {
                    done.completeExceptionally(new ArrayException(e.getMessage(), e));
                  }
                }));
      }
      memory.add(region);
    } catch (PosixException e) {
      throw new ArrayException("There is no memory for another drive: " + e.getMessage() + ".", e);
    }
  }

  /** See {@link Array#takeOver}. */
  void takeOver(int index) {
    if (!roomToTakeOver) {
      throw new ArrayException(
          "The array's protection takes all drives that there were when this run of it began, so that none is left over to take the place of drive "
              + index
              + "; replace it.");
    }
    for (int d = 0; d < array.driveCount(); d++) {
      if (d != index && (!array.present(d) || array.rebuilding(d))) {
        // Seen again when all stands still; but that costs a pause.
        throw new ArrayException(
            "Drive %d is %s as well; only with all others whole can they take over what drive %d has."
                .formatted(d, array.present(d) ? "not rebuilt yet" : "missing", index));
      }
    }
    CompletableFuture<Void> vacated = new CompletableFuture<>();
    array
        .failover()
        .vacate(
            index,
            refusal -> {
              if (refusal == null) {
                vacated.complete(null);
              } else {
                vacated.completeExceptionally(refusal);
              }
            });
    array.await(vacated);
    array.awaitServing();
  }

  /** What a drive has not done yet it would do to what it is to hold from now on. */
  private void refuseWhatHangs(Path drive) {
    List<BlockDevice> hanging = array.failover().hanging();
    for (BlockDevice device : hanging) {
      if (same(drive, Path.of(device.name()))) {
        throw new ArrayException(
            drive
                + " has not answered "
                + device.unanswered()
                + " of the requests that it had when it failed, and may still carry them out; try again when it answers, or has been taken out and put back.");
      }
    }
    if (hanging.size() > drives.bearable()) {
      throw new ArrayException(
          hanging.size()
              + " drives that failed still have requests that they have not answered ("
              + String.join(", ", hanging.stream().map(BlockDevice::name).toList())
              + "), and there is no room for more; take them out, or restart the service.");
    }
  }

  private static boolean same(Path one, Path other) {
    try {
      return Files.isSameFile(one, other);
    } catch (IOException e) {
      // One of them is not there, or can't be looked at any more.
      return one.toAbsolutePath().normalize().equals(other.toAbsolutePath().normalize());
    }
  }
}
