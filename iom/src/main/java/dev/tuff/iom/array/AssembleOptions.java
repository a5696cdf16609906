package dev.tuff.iom.array;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * How to run an array.
 *
 * @param shards threads, each with a ring; 0: one for each core but one, which is left to the
 *     kernel and to clients, and at most one for each drive
 * @param readOnly whether clients may only read; an array that was not stopped cleanly is recovered
 *     all the same
 * @param pinned whether each shard stays on one core; only where there are more than two and one is
 *     left for everybody else
 * @param lookOnly refuse to start rather than decide anything without drives that are missing
 * @param serverBytes memory for an NBD server's requests, for each shard; 0 where none is started
 * @param longRunning keep memory for drives that take others' places while the array runs
 * @param spares drives that take the places of those that are missing or fail, in this order; only
 *     when the array is long-running and can be written
 * @param driveListener hears what becomes of drives
 * @param driveTimeoutNanos a drive that does not answer a request for so long has failed
 * @param takeOver whether the others take over what a drive had that is missing, with free space of
 *     theirs, when no spare can; likewise
 */
public record AssembleOptions(
    int shards,
    boolean readOnly,
    boolean pinned,
    boolean lookOnly,
    long serverBytes,
    boolean longRunning,
    List<Path> spares,
    DriveListener driveListener,
    long driveTimeoutNanos,
    boolean takeOver) {
  /**
   * As long as the kernel gives a command before it begins to abort it, which may take minutes
   * more: by default for SCSI, SATA and NVMe.
   */
  public static final long DRIVE_TIMEOUT_SECONDS = 30;

  private static final long DRIVE_TIMEOUT_NANOS = DRIVE_TIMEOUT_SECONDS * 1_000_000_000L;

  /** Hears what becomes of drives while the array runs. */
  public interface DriveListener {
    /** Nothing is to be heard. */
    DriveListener NONE = new DriveListener() {};

    /** The array goes on without a drive. On a shard, and not for long. */
    default void onFailed(int drive, String path, String why) {}

    /**
     * A drive hangs, and the array waits for it: memory that it may still write to can't be taken
     * away from it. On a shard, and not for long.
     */
    default void onMemoryHeld(int drive, String path) {}

    /**
     * There is a bug in Tuff: it goes to standard error with its stack trace if nobody else wants
     * it. On a shard, and not for long; {@link #onFailed} follows where the array goes on.
     *
     * @param drive in whose I/O manager it was; below 0 when the array stops because of it
     */
    default void onBug(int drive, Throwable bug) {
      bug.printStackTrace();
    }

    /** A spare is the drive with that index now, and is being rebuilt. On a thread of its own. */
    default void onTaken(int drive, Path spare) {}

    /**
     * A drive has a place of its own now by its label, and no other tells of it yet: who names the
     * array's drives has to name it from now on, and before this returns. On a shard, while clients
     * wait.
     */
    default void onAdded(int drive, Path path) {}

    /**
     * The others take over what a drive had, and rebuild it on free space of theirs. On a thread of
     * its own.
     */
    default void onTakingOver(int drive) {}

    /** They can't, and what the drive had is not protected as it was. On a thread of its own. */
    default void onNotTakenOver(int drive, String why) {}

    /**
     * A drive that was being rebuilt, or that took over its part of what another had, has
     * everything now. On a shard, and not for long.
     *
     * @param lostBlocks that could not be made
     */
    default void onRebuilt(int drive, long lostBlocks) {}

    /** A spare can't be used. On a thread of its own. */
    default void onRefused(Path spare, String why) {}
  }

  public AssembleOptions(int shards, boolean readOnly, boolean pinned) {
    this(shards, readOnly, pinned, false);
  }

  public AssembleOptions(int shards, boolean readOnly, boolean pinned, boolean lookOnly) {
    this(
        shards,
        readOnly,
        pinned,
        lookOnly,
        0,
        false,
        List.of(),
        DriveListener.NONE,
        DRIVE_TIMEOUT_NANOS,
        false);
  }

  /** Each shard pinned if there are enough cores, for reading and writing. */
  public static AssembleOptions defaults() {
    return new AssembleOptions(0, false, true);
  }

  /** Likewise, for long, with spares, and with drives that take over where there is none. */
  public static AssembleOptions service(List<Path> spares, DriveListener listener) {
    return new AssembleOptions(
        0, false, true, false, 0, true, spares, listener, DRIVE_TIMEOUT_NANOS, true);
  }

  /** The same with so many shards. */
  public AssembleOptions withShards(int count) {
    return changed(copy -> copy.shards = count);
  }

  /** The same with memory for a server. */
  public AssembleOptions withServerBytes(long bytes) {
    return changed(copy -> copy.serverBytes = bytes);
  }

  /** The same with another limit for drives. */
  public AssembleOptions withDriveTimeout(long nanos) {
    return changed(copy -> copy.driveTimeoutNanos = nanos);
  }

  /** The same, with or without others taking over from a drive that is missing. */
  public AssembleOptions withTakeOver(boolean does) {
    return changed(copy -> copy.takeOver = does);
  }

  private AssembleOptions changed(Consumer<Copy> change) {
    Copy copy = new Copy(this);
    change.accept(copy);
    return new AssembleOptions(
        copy.shards,
        readOnly,
        pinned,
        lookOnly,
        copy.serverBytes,
        longRunning,
        spares,
        driveListener,
        copy.driveTimeoutNanos,
        copy.takeOver);
  }

  /** What may be changed of it. */
  private static final class Copy {
    private int shards;
    private long serverBytes;
    private long driveTimeoutNanos;
    private boolean takeOver;

    private Copy(AssembleOptions of) {
      this.shards = of.shards;
      this.serverBytes = of.serverBytes;
      this.driveTimeoutNanos = of.driveTimeoutNanos;
      this.takeOver = of.takeOver;
    }
  }
}
