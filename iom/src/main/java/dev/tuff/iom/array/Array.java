package dev.tuff.iom.array;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.DeviceCounters;
import dev.tuff.device.DeviceOptions;
import dev.tuff.device.DriveUnusableException;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import dev.tuff.device.UringDevice;
import dev.tuff.device.UringLoop;
import dev.tuff.iom.allocation.SpaceBudget;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.drive.HangWatch;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.nbd.Exports;
import dev.tuff.iom.nbd.NbdServer;
import dev.tuff.iom.nbd.ServerLimits;
import dev.tuff.iom.nbd.TlsSettings;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.proxy.Acting;
import dev.tuff.iom.rebuild.NoRoomException;
import dev.tuff.iom.rebuild.RebuildProgress;
import dev.tuff.iom.recovery.DamagedJournalException;
import dev.tuff.iom.recovery.RecoveryReport;
import dev.tuff.iom.runtime.Roster;
import dev.tuff.iom.runtime.Shard;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.volume.ClientSide;
import dev.tuff.iom.volume.Volume;
import dev.tuff.iom.volume.VolumeInfo;
import dev.tuff.iom.write.LostBlockException;
import dev.tuff.natives.Cpu;
import dev.tuff.natives.PosixException;
import dev.tuff.natives.RingException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * An array of drives that runs: shards, one IOM a drive, volumes. Owns its threads, rings, memory
 * and drives from {@link #assemble} to {@link #close}. Any thread, unless a method says otherwise.
 */
public final class Array implements AutoCloseable {
  static final int DRIVE_QUEUE_DEPTH = 128;

  /** Drives that can be added to an array in one run of it: rings keep room for them. */
  private static final int MOST_ADDED = 16;

  /** A ring does for so many at this queue depth. */
  private static final int MOST_DRIVES_IN_RINGS = 32_000 / DRIVE_QUEUE_DEPTH;

  /** Memory for clients' requests, beside what the IOMs have. */
  private static final long CLIENT_BYTES = 64L << 20;

  private final AssembledDrives drives;
  private final AssembleOptions options;
  private final boolean readOnly;
  private final Map<Integer, String> failedDrives = new ConcurrentHashMap<>();
  private final IoMemory memory;
  private final Shard[] shards;
  private final UringLoop[] loops;
  private final Thread[] threads;
  private final boolean pinned;
  private final BlockDevice[] devices;
  private final Roster roster;
  private volatile Failover failover;
  private RecoveryReport recovery;
  private long recoveryNanos;
  private final SpaceBudget[] budgets;
  private final ClientSide[] clients;
  private final Map<Integer, ArrayDeque<IoBuffer>> freeClientBuffers = new HashMap<>();
  private final CompletableFuture<Void> failure = new CompletableFuture<>();
  private final ArrayRebuild rebuild;
  private final Spares spares;
  private final ArrayVolumes volumes;
  private final DrivesInService inService;

  /** Drives by which the memory of an IOM is measured: as many as there were at the start. */
  private final int drivesAtStart;

  private final AtomicInteger begunFailovers = new AtomicInteger();
  private final AtomicInteger failovers = new AtomicInteger();

  /** Of a thread that asks IOMs: how many failovers had begun when it began. */
  private final ThreadLocal<Integer> asking = new ThreadLocal<>();

  private volatile boolean closed;
  private volatile boolean memoryHeld;

  private Array(AssembledDrives drives, AssembleOptions options) {
    this.drives = drives;
    this.options = options;
    this.readOnly = options.readOnly();
    int count = drives.count();
    int cores = Cpu.allowed().cardinality();
    // What clients and the kernel do for a request takes a core as well.
    int suitable = Math.clamp(cores - 1, 1, drives.present());
    int shardCount = options.shards() > 0 ? options.shards() : suitable;
    // Where nearly all cores are the shards', whoever else runs would push a shard aside that may
    // not move.
    this.pinned = options.pinned() && cores > 2 && shardCount < cores;
    this.memory = IoMemory.open(memoryBytes(drives, options, shardCount));
    this.shards = new Shard[shardCount];
    this.loops = new UringLoop[shardCount];
    this.threads = new Thread[shardCount];
    this.clients = new ClientSide[shardCount];
    this.drivesAtStart = count;
    int room = Math.clamp(MOST_DRIVES_IN_RINGS - count, 0, MOST_ADDED);
    int most = count + (options.longRunning() && !readOnly ? room : 0);
    this.devices = new BlockDevice[most];
    this.roster = new Roster(count, most);
    this.budgets = new SpaceBudget[most];
    this.rebuild = new ArrayRebuild(this, options.driveListener());
    this.spares = new Spares(this, options.spares(), options.takeOver(), options.driveListener());
    this.inService = new DrivesInService(this, drives, options, memory, loops, failedDrives);
    this.volumes = new ArrayVolumes(this, shards, this::volumeOf, readOnly);
  }

  /**
   * What all IOMs and clients need; no buffer lies across two regions of the memory, which may
   * waste one at each border.
   */
  private static long memoryBytes(AssembledDrives drives, AssembleOptions options, int shards) {
    long bytes = CLIENT_BYTES + shards * options.serverBytes();
    long largest = 0;
    int rebuilds = 0;
    for (DriveLabel label : drives.labels()) {
      if (label != null) {
        IomMemory sizes = IomMemory.of(label.superblock(), drives.count());
        bytes += sizes.bytes();
        rebuilds += label.root().incomplete() ? 1 : 0;
        largest = Math.max(largest, sizes.largestBufferBytes());
      }
    }
    IomMemory another = IomMemory.of(drives.smallest(), drives.count());
    if (drives.vacated() != Layout.NONE) {
      rebuilds = drives.present();
    }
    if (options.longRunning()) {
      rebuilds = Math.max(rebuilds, drives.bearable());
      if (drives.leavesOver()) {
        // All take over their parts of one that fails.
        rebuilds = drives.count();
      }
      bytes += (drives.count() - drives.present()) * another.bytes();
    }
    bytes += rebuilds * another.rebuildBytes();
    bytes += drives.bearable() * IomMemory.proxyBytes();
    return bytes + (bytes / IoMemory.LARGEST_REGION_BYTES) * largest;
  }

  /**
   * Makes an array of the drives, on which nothing is changed unless all checks pass. Returns its
   * UUID.
   */
  public static UUID format(List<Path> drives, FormatOptions options) {
    return Formatter.format(drives, options);
  }

  /**
   * Starts the array that the drives belong to, and recovers it first if it was not stopped
   * cleanly. Up to K of its drives may be left out: the array is then degraded, and what is on them
   * is made from their groups. Unless it is only read, that makes them stale. Drives that fail
   * later are left out then, up to K in all, and nobody who reads or writes sees more of it than a
   * pause.
   *
   * @throws ArrayException with one sentence that says what was found and what to do
   */
  public static Array assemble(List<Path> drives, AssembleOptions options) {
    AssembledDrives found = AssembledDrives.of(drives).checkEnough();
    Array array = new Array(found, options);
    boolean started = false;
    try {
      array.open();
      array.start();
      started = true;
      return array;
    } finally {
      if (!started) {
        array.abandon();
      }
    }
  }

  /**
   * Makes a drive a member of an array that does not run, in the place of one that is lost or is to
   * be: a start with the paths that are returned goes on from there, and rebuilds it. Of one that
   * had the place before, what has not changed since is kept. Once more with the same drive is as
   * good as once.
   *
   * @param drives those of the array that are there
   * @throws ArrayException with one sentence; nothing was changed then
   */
  public static List<Path> replaceDrive(List<Path> drives, Replacement replacement) {
    return DriveJoin.join(drives, replacement);
  }

  /**
   * True for a drive that {@link #replaceDrive} has made a member in the place that it had before:
   * what has not changed since is kept.
   */
  public static boolean returned(Path drive) {
    DriveLabel label = DriveLabel.read(drive);
    return label.root() != null && !label.root().formerStates().isEmpty();
  }

  /**
   * Makes drives members of an array that does not run, in places of their own behind all others: a
   * start with the paths that are returned goes on from there, and when it is through, the array
   * has them for good. Once more with the same drives is as good as once.
   *
   * @param drives those of the array, all of them
   * @param force also when the new ones hold something
   * @throws ArrayException with one sentence; nothing was changed then
   */
  public static List<Path> addDrives(List<Path> drives, List<Path> added, boolean force) {
    return DriveAddition.add(drives, added, force);
  }

  private void open() {
    for (int s = 0; s < shards.length; s++) {
      shards[s] = new Shard(s, this::onBroken);
      // Some more: drives that hang keep theirs until they answer, when others have their places.
      int most = devices.length + drives.bearable();
      loops[s] =
          UringLoop.open(memory, most, DRIVE_QUEUE_DEPTH * most, devices.length - drivesAtStart);
      shards[s].attach(loops[s]);
      clients[s] = new ClientSide(shards[s]);
    }
    Shard.connect(shards);
    for (int d = 0; d < drivesAtStart; d++) {
      DriveLabel label = drives.labels()[d];
      if (label == null) {
        continue;
      }
      try {
        devices[d] =
            UringDevice.open(
                loops[d % loops.length],
                label.path(),
                new DeviceOptions(
                    DRIVE_QUEUE_DEPTH, label.superblock().sizeBlocks() * Drive.BLOCK_BYTES));
      } catch (DriveUnusableException e) {
        throw new ArrayException(e.getMessage(), e);
      }
    }
    // Only now, with every drive claimed, is what was read before the last word.
    drives.readAgain();
    if (options.lookOnly()) {
      drives.refuseToDecide();
    }
  }

  private void start() {
    long begun = System.nanoTime();
    List<Integer> cores = allowedCores();
    for (int s = 0; s < shards.length; s++) {
      Shard shard = shards[s];
      int core = cores.get(s % cores.size());
      threads[s] =
          Thread.ofPlatform()
              .name("tuff-shard-" + s)
              .daemon(true)
              .unstarted(
                  () -> {
                    if (pinned) {
                      Cpu.pin(core);
                    }
                    shard.run();
                    giveBack(shard);
                  });
      threads[s].start();
    }
    ArrayStart.Parts parts =
        new ArrayStart.Parts(
            devices,
            shards,
            new ArrayMemory(memory, devices.length),
            superblock -> IomMemory.of(superblock, drivesAtStart),
            readOnly,
            this::alarm,
            roster,
            (drive, acting) -> acting,
            budgets,
            watches(),
            rebuild::serviceFirst);
    ArrayStart start = new ArrayStart(drives.labels(), parts);
    CompletableFuture<RecoveryReport> opened = new CompletableFuture<>();
    start.begin(opened::complete);
    recovery = await(opened);
    recoveryNanos = System.nanoTime() - begun;
    failover =
        new Failover(
            drives.labels(), parts, start, clients, drives.bearable(), new FailoverListener());
    volumes.open();
    if (!readOnly) {
      rebuild.start();
      spares.look();
    }
  }

  /** Nothing is rebuilt any more: what had to wait for that may be done. */
  void onRebuilt() {
    spares.look();
  }

  private HangWatch[] watches() {
    HangWatch[] watches = new HangWatch[loops.length];
    for (int s = 0; s < loops.length; s++) {
      watches[s] = new HangWatch(loops[s], options.driveTimeoutNanos());
    }
    return watches;
  }

  // ---- rebuild

  /** Who goes first from now on; clients by default. */
  public void setRebuildPolicy(RebuildPolicy policy) {
    rebuild.setPolicy(policy);
  }

  /** The rebuilds of this run, also those that are over. */
  public List<RebuildInfo> rebuilds() {
    return rebuild.infos();
  }

  /** True while a drive does not have everything yet. */
  public boolean anythingToRebuild() {
    return failover != null && failover.rebuilding().any();
  }

  /** True while that is so, or drives hold something for another which that has itself by now. */
  boolean anythingToDo() {
    return anythingToRebuild() || (failover != null && failover.rebuilding().anyLeftovers());
  }

  /** True when the place of a drive is vacated and the others have all that it had. */
  boolean takenOver(int drive) {
    return failover != null && failover.takenOver() == drive && !present(drive);
  }

  /** True while a drive does not have everything yet that it is to have, its own or another's. */
  boolean incomplete(int drive) {
    return rebuilding(drive) || (failover != null && failover.rebuilding().standsIn(drive));
  }

  boolean rebuilding(int drive) {
    return failover != null && failover.rebuilding().contains(drive);
  }

  long requestsAccepted() {
    long accepted = 0;
    for (ClientSide client : clients) {
      accepted += client.accepted();
    }
    return accepted;
  }

  boolean requestsInside() {
    for (ClientSide client : clients) {
      if (client.accepted() != client.released()) {
        return true;
      }
    }
    return false;
  }

  /** Has something done on the shard of a drive's IOM, if the drive is there then. */
  void onDrive(int drive, Consumer<Iom> task) {
    execute(
        drive % shards.length,
        () -> {
          Iom iom = iom(drive);
          if (iom != null && !iom.halted()) {
            Shard.run(iom, () -> task.accept(iom));
          }
        });
  }

  private static List<Integer> allowedCores() {
    BitSet allowed = Cpu.allowed();
    return allowed.stream().boxed().toList();
  }

  /** What had to be recovered when the array was started. */
  public RecoveryReport recovery() {
    return recovery;
  }

  private final class FailoverListener implements Failover.Listener {
    @Override
    public void onFailed(int drive, String why) {
      failedDrives.put(drive, why);
      options.driveListener().onFailed(drive, drivePath(drive), why);
    }

    @Override
    public void onBegun(BitSet failed) {
      begunFailovers.incrementAndGet();
    }

    @Override
    public void onServing(RecoveryReport report) {
      failovers.incrementAndGet();
      if (!readOnly) {
        rebuild.start();
        spares.look();
      }
    }

    @Override
    public void onTooMany(int drive, String why) {
      fail(shards[0], new ArrayException(stopped(drive, why)));
    }

    @Override
    public void onBugTooMany(int drive, RuntimeException bug, int before) {
      String reason =
          before < 0
              ? "more drives would be gone than the protection makes up for"
              : "the same bug has stopped the one of drive " + before + " already";
      fail(
          shards[0],
          new ArrayException(
              stoppedByBug(
                  bug,
                  " in the I/O manager of drive "
                      + drive
                      + ", and can't go on without that drive: "
                      + reason),
              bug));
    }
  }

  private static String stoppedByBug(Throwable bug, String where) {
    return "The array has stopped because of a bug in Tuff ("
        + bug
        + ")"
        + where
        + "; what was acknowledged is safe. Please report it.";
  }

  /** How long that took, replaying the journals included. */
  public long recoveryNanos() {
    return recoveryNanos;
  }

  /**
   * A drive that fails, or whose metadata can't be believed, is left out; the array stops when it
   * can't be done without.
   */
  private ArrayStart.Alarm alarm(int d) {
    return new ArrayStart.Alarm() {
      @Override
      public void onDamagedPage(String what) {
        onFailed(d, "is damaged: " + what);
      }

      @Override
      public void onDriveFailed(Drive drive, String what) {
        onFailed(d, "has failed: " + what);
      }

      @Override
      public void onMemoryHeld(Drive drive) {
        options.driveListener().onMemoryHeld(d, drivePath(d));
      }

      @Override
      public boolean onBug(RuntimeException bug) {
        if (failover == null || !isBug(bug)) {
          return false;
        }
        options.driveListener().onBug(d, bug);
        failover.onBug(d, bug);
        return true;
      }
    };
  }

  /**
   * Whether an exception out of an IOM's code says that the code is wrong; others say what can't be
   * done, or that the machine does not do its part.
   */
  private static boolean isBug(RuntimeException thrown) {
    return !(thrown instanceof ArrayException
        || thrown instanceof NoRoomException
        || thrown instanceof DamagedJournalException
        || thrown instanceof LostBlockException
        || thrown instanceof RingException
        || thrown instanceof PosixException);
  }

  /** The array is to go on without a drive. */
  void onFailed(int drive, String why) {
    if (failover == null) {
      fail(shards[drive % shards.length], new ArrayException(stopped(drive, why)));
      return;
    }
    failover.onDriveFailed(drive, why);
  }

  private String stopped(int drive, String why) {
    return drivePath(drive) + " " + why + "; the array has stopped. Start it without this drive.";
  }

  /**
   * Takes a drive out of service, as if it had failed: the array goes on without it. When this
   * returns it does.
   *
   * @throws ArrayException when the drive is not in service, or can't be done without
   */
  public void failDrive(int drive) {
    inService.fail(drive);
  }

  /**
   * Makes a drive a member in the place of one that is missing, while clients go on: they see
   * nothing of it but a pause. When this returns it is one, and is being rebuilt.
   *
   * @param replacement to be failed: also when the drive that has the place is in service; it is
   *     taken out then, after all that can be checked before. Forced: also when it holds something,
   *     or is the very drive that left the service
   * @return true when it had the place before: what has not changed since is kept
   * @throws ArrayException with one sentence when it can't be; nothing was changed then
   */
  public boolean replaceInService(Replacement replacement) {
    return inService.replace(replacement);
  }

  /**
   * Makes empty drives members in places of their own, behind all others, while clients go on: they
   * see nothing of it but a pause for each. When this returns the array has them for good, and
   * volumes that are made or grow from now on are spread over them, too. {@link
   * AssembleOptions.DriveListener#onAdded} hears of each.
   *
   * @param force also those that hold something
   * @return the place of the first; the others follow
   * @throws ArrayException with one sentence when it can't be; nothing was changed then, unless a
   *     drive has failed meanwhile
   */
  public int addInService(List<Path> added, boolean force) {
    return inService.add(added, force);
  }

  /**
   * Has the others take over what a drive had that is missing, with free space of theirs, while
   * clients go on: they see nothing of it but a pause. When this returns what is written from then
   * on has all its protection, and the rest is being rebuilt. It ends when a drive takes the place:
   * {@link #replaceInService}.
   *
   * @throws ArrayException with one sentence when they can't; nothing was changed then
   */
  void takeOver(int index) {
    inService.takeOver(index);
  }

  /** The place whose rows are on others, below 0 when there is none. */
  int vacated() {
    return roster.vacated();
  }

  /** The most drives that there can be in this run. */
  int mostDrives() {
    return devices.length;
  }

  /** The first drive that is missing and in whose place no others are; below 0 when none is. */
  int firstMissing() {
    awaitServing();
    for (int d = 0; d < driveCount(); d++) {
      if (!present(d) && roster.vacated() != d) {
        return d;
      }
    }
    return -1;
  }

  /** What decides whether the others can take over, but for their space. */
  String wholeDrives() {
    BitSet whole = new BitSet();
    for (int d = 0; d < driveCount(); d++) {
      whole.set(d, present(d) && !rebuilding(d));
    }
    return whole + (anythingToDo() ? ", busy" : "");
  }

  /** Drives that wait to take the places of others. */
  public List<Path> spares() {
    return spares.waiting();
  }

  /** Drives that can't be counted on beside {@code drive}. */
  int lost(int drive) {
    int lost = 0;
    for (int d = 0; d < driveCount(); d++) {
      boolean there = d == drive || (present(d) && !rebuilding(d)) || takenOver(d);
      lost += there ? 0 : 1;
    }
    return lost;
  }

  private int missing() {
    int missing = 0;
    for (int d = 0; d < driveCount(); d++) {
      missing += present(d) || takenOver(d) ? 0 : 1;
    }
    return missing;
  }

  private void fail(Shard shard, ArrayException cause) {
    failure.completeExceptionally(cause);
    shard.stop();
    for (Shard other : shards) {
      if (other != shard) {
        other.offer(other::stop);
      }
    }
  }

  private void onBroken(Shard shard, Throwable cause) {
    fail(
        shard,
        switch (cause) {
          case ArrayException known -> known;
          case NoRoomException full ->
              new ArrayException("The array has stopped: " + full.getMessage() + ".", full);
          case DamagedJournalException damaged -> new ArrayException(damaged.getMessage(), damaged);
          case LostBlockException lost ->
              new ArrayException(
                  "The array has stopped: "
                      + lost.getMessage()
                      + ", more than its protection makes up for; bring back the missing drives.",
                  lost);
          default -> {
            options.driveListener().onBug(-1, cause);
            yield new ArrayException(stoppedByBug(cause, ""), cause);
          }
        });
  }

  /** Why the array has stopped, or null while it runs. */
  public ArrayException failure() {
    if (!failure.isCompletedExceptionally()) {
      return null;
    }
    try {
      failure.join();
      return null;
    } catch (CompletionException e) {
      return (ArrayException) e.getCause();
    }
  }

  /** Waits for something that a shard completes; a stopped array ends the wait with its failure. */
  <T> T await(CompletableFuture<T> future) {
    while (true) {
      try {
        return future.get(100, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        ArrayException stopped = failure();
        if (stopped != null) {
          throw new ArrayException(stopped.getMessage(), stopped);
        }
        Integer before = asking.get();
        if (before != null && begunFailovers.get() != before) {
          throw new Interrupted();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new ArrayException("Waiting for the array was interrupted.", e);
      } catch (java.util.concurrent.ExecutionException e) {
        throw e.getCause() instanceof ArrayException known
            ? known
            : new ArrayException("The array failed: " + e.getCause(), e.getCause());
      }
    }
  }

  /** What an IOM was asked for is not answered: the array has gone on without a drive. */
  private static final class Interrupted extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /**
   * Does something that asks all IOMs, and does it again when a drive fails in it: what was asked
   * of the IOMs before is not answered then.
   */
  <T> T inOneGo(Supplier<T> task) {
    while (true) {
      awaitServing();
      int before = begunFailovers.get();
      asking.set(before);
      try {
        T result = task.get();
        if (begunFailovers.get() == before) {
          return result;
        }
      } catch (Interrupted again) {
        // Once more, with those that are there now.
      } finally {
        asking.remove();
      }
    }
  }

  /** Waits until the array serves, where a failover is under way. */
  void awaitServing() {
    while (begunFailovers.get() != failovers.get()) {
      ArrayException stopped = failure();
      if (stopped != null) {
        throw new ArrayException(stopped.getMessage(), stopped);
      }
      pause();
    }
  }

  <T> CompletableFuture<T> onShard(int shard, Consumer<CompletableFuture<T>> task) {
    CompletableFuture<T> future = new CompletableFuture<>();
    execute(shard, () -> task.accept(future));
    return future;
  }

  /** What is done on the shard of a drive's IOM. */
  @FunctionalInterface
  interface IomTask<T> {
    void run(Iom iom, CompletableFuture<T> done);
  }

  /** Not answered where the IOM has stopped or its drive is gone: the failover ends the wait. */
  <T> CompletableFuture<T> onIom(int drive, IomTask<T> task) {
    CompletableFuture<T> future = new CompletableFuture<>();
    onDrive(drive, iom -> task.run(iom, future));
    return future;
  }

  Failover failover() {
    return failover;
  }

  int driveCount() {
    return roster.drives();
  }

  boolean present(int drive) {
    return roster.present(drive);
  }

  String drivePath(int drive) {
    return drives.labels()[drive].path().toString();
  }

  int firstPresent() {
    for (int d = 0; d < driveCount(); d++) {
      if (present(d)) {
        return d;
      }
    }
    throw new ArrayException("The array has no drive.");
  }

  Iom iom(int drive) {
    return (Iom) roster.iom(drive);
  }

  Acting acting(int drive) {
    return (Acting) roster.acting(drive);
  }

  /** Makes a volume; when this returns its metadata is hardened on every drive. */
  public synchronized VolumeInfo createVolume(VolumeSpec spec) {
    return volumes.create(spec);
  }

  /**
   * Deletes a volume: when this returns it is gone for good, on every drive, and requests of
   * whoever still has it are refused. The space that it holds is freed in the background, and at
   * the next start if the array stops before that is through. A crash in it leaves the volume whole
   * or gone.
   *
   * @throws ArrayException with one sentence when there is no such volume, or nothing can be
   *     written
   */
  public synchronized void deleteVolume(String name) {
    volumes.delete(name);
  }

  /**
   * Changes a volume's size: when this returns it is the new one for good, on every drive. What is
   * added reads as zeros and takes no space. What lies beyond a smaller size is discarded first,
   * and freed when this returns; from then on requests beyond it are refused. A crash leaves the
   * old size or the new one; beyond a smaller end that was asked for what was there may be gone by
   * then.
   *
   * @param sizeBytes a multiple of 512
   * @param shrink consent to a smaller size than it has
   * @return the volume as it is now
   * @throws ArrayException with one sentence when it can't be done; the volume has its old size
   *     then
   */
  public VolumeInfo resizeVolume(String name, long sizeBytes, boolean shrink) {
    return volumes.resize(name, sizeBytes, shrink);
  }

  /** Deleted volumes whose space is still being freed: how many bytes of them are not through. */
  public long bytesBeingFreed() {
    return volumes.bytesBeingFreed();
  }

  /** The volume of that name. */
  public Volume volume(String name) {
    return volumes.get(name);
  }

  private Volume volumeOf(ObjectAttributes attributes) {
    return new Volume(attributes, roster, budgets, clients, readOnly);
  }

  /** Any drive's superblock, for what all have in common. */
  Superblock superblock() {
    return drives.labels()[firstPresent()].superblock();
  }

  /** True from when it is being stopped. */
  boolean closed() {
    return closed;
  }

  /** The array as it is now. */
  public ArrayStatus status() {
    return inOneGo(this::statusNow);
  }

  private ArrayStatus statusNow() {
    List<DriveInfo> driveInfos = new ArrayList<>();
    Map<Long, Long> used = new HashMap<>();
    for (int d = 0; d < driveCount(); d++) {
      driveInfos.add(driveInfo(d, used));
    }
    Superblock any = superblock();
    long free = 0;
    for (SpaceBudget budget : budgets) {
      free += budget == null ? 0 : Math.max(0, budget.available());
    }
    return new ArrayStatus(
        any.arrayId(),
        driveCount(),
        any.defaultData(),
        any.defaultParity(),
        readOnly,
        missing() > 0,
        shards.length,
        free * Drive.BLOCK_BYTES,
        recovery,
        recoveryNanos,
        driveInfos,
        volumes.infos(used));
  }

  private DriveInfo driveInfo(int d, Map<Long, Long> used) {
    DriveInfo info = driveInfoItself(d, used);
    return takenOver(d) ? info.inState("taken over") : info;
  }

  private DriveInfo driveInfoItself(int d, Map<Long, Long> used) {
    DriveLabel label = drives.labels()[d];
    DriveLabel stale = drives.stale()[d];
    if (label == null && stale != null) {
      long bytes = stale.superblock().sizeBlocks() * Drive.BLOCK_BYTES;
      return new DriveInfo(
          d,
          stale.path().toString(),
          "stale",
          bytes,
          0,
          0,
          stale.root().epoch(),
          0,
          0,
          0,
          null,
          null);
    }
    if (label == null) {
      return new DriveInfo(d, "", "missing", 0, 0, 0, 0, 0, 0, 0, null, null);
    }
    Superblock s = label.superblock();
    return await(
        onShard(
            d % shards.length,
            done -> {
              if (!present(d)) {
                long bytes = s.sizeBlocks() * Drive.BLOCK_BYTES;
                done.complete(
                    new DriveInfo(
                        d,
                        label.path().toString(),
                        "failed",
                        bytes,
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        failedDrives.get(d),
                        null));
                return;
              }
              SideRooms rooms = iom(d).rooms();
              RebuildProgress progress =
                  iom(d).rebuild() == null ? null : iom(d).rebuild().progress();
              synchronized (used) {
                for (Cnode cnode : rooms.cnodes().all()) {
                  used.merge(cnode.attributes().gfid(), cnode.mappedDataBlocks(), Long::sum);
                }
              }
              done.complete(
                  new DriveInfo(
                      d,
                      label.path().toString(),
                      progress == null || progress.over()
                          ? "online"
                          : rooms.root.standingIn() ? "taking over" : "rebuilding",
                      s.sizeBlocks() * Drive.BLOCK_BYTES,
                      (rooms.allocator.blocks() - rooms.allocator.freeBlocks()) * Drive.BLOCK_BYTES,
                      (long) s.journalBlocks() * Drive.BLOCK_BYTES,
                      rooms.root.epoch(),
                      rooms.counters().checksumErrors.get(),
                      rooms.counters().mediaErrors.get(),
                      rooms.counters().reconstructedBlocks.get(),
                      null,
                      progress == null || progress.over() ? null : rebuild.info(d, progress)));
            }));
  }

  /** What went through the drives since they were assembled. */
  public DeviceCountersSnapshot counters() {
    long reads = 0;
    long readBytes = 0;
    long writes = 0;
    long writtenBytes = 0;
    long flushes = 0;
    for (BlockDevice device : devices) {
      if (device != null) {
        DeviceCounters c = device.counters();
        reads += c.reads;
        readBytes += c.readBytes;
        writes += c.writes;
        writtenBytes += c.writtenBytes;
        flushes += c.flushes;
      }
    }
    return new DeviceCountersSnapshot(reads, readBytes, writes, writtenBytes, flushes);
  }

  public int shardCount() {
    return shards.length;
  }

  /** True when each shard stays on one core. */
  public boolean pinned() {
    return pinned;
  }

  /**
   * Starts an NBD server on the array's shards, which does not listen yet. It must have been closed
   * before the array is.
   *
   * @param tls null: none
   * @param log hears one line per event, on the shards' threads; must not block
   */
  public NbdServer serve(
      Exports exports, ServerLimits limits, TlsSettings tls, Consumer<String> log) {
    NbdServer.Memory clientMemory =
        new NbdServer.Memory() {
          @Override
          public IoBuffer[] take(int count, int bytesEach) {
            return clientBuffers(count, bytesEach);
          }

          @Override
          public void give(IoBuffer[] buffers) {
            returnClientBuffers(buffers);
          }
        };
    return NbdServer.start(
        List.of(shards), List.of(loops), clientMemory, exports, limits, tls, log);
  }

  /** Runs a task once on a shard's thread. */
  public void execute(int shard, Runnable task) {
    while (!shards[shard].offer(task)) {
      Thread.onSpinWait();
    }
  }

  /**
   * Memory for requests, 4 KiB-aligned and registered; give it back with {@link
   * #returnClientBuffers}.
   */
  public synchronized IoBuffer[] clientBuffers(int count, int bytesEach) {
    int rounded = (bytesEach + Drive.BLOCK_BYTES - 1) & -Drive.BLOCK_BYTES;
    ArrayDeque<IoBuffer> free = freeClientBuffers.computeIfAbsent(rounded, r -> new ArrayDeque<>());
    IoBuffer[] buffers = new IoBuffer[count];
    for (int i = 0; i < count; i++) {
      IoBuffer buffer = free.poll();
      buffers[i] = buffer != null ? buffer : memory.buffers(1, rounded)[0];
    }
    return buffers;
  }

  /** Takes buffers back that no request uses any more. */
  public synchronized void returnClientBuffers(IoBuffer[] buffers) {
    for (IoBuffer buffer : buffers) {
      freeClientBuffers.get(buffer.capacityBytes()).add(buffer);
    }
  }

  /**
   * Stops cleanly: waits for what is under way, writes a last checkpoint on every drive, gives the
   * drives back. Clients have stopped before. A stopped array is only given back; its failure is
   * thrown.
   */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    volumes.stop();
    spares.close();
    rebuild.close();
    try {
      if (!readOnly) {
        inOneGo(
            () -> {
              quiesce();
              checkpointAll();
              return null;
            });
      }
    } finally {
      abandon();
    }
  }

  private void quiesce() {
    for (int s = 0; s < shards.length; s++) {
      int shard = s;
      while (!await(
          this.<Boolean>onShard(s, done -> done.complete(clients[shard].requestsInside() == 0)))) {
        pause();
      }
    }
    for (int d = 0; d < driveCount(); d++) {
      int drive = d;
      onDrive(
          d,
          iom -> {
            if (iom.rebuild() != null) {
              iom.rebuild().inBackground(0);
            }
          });
      while (!await(
          this.<Boolean>onShard(d % shards.length, done -> done.complete(acting(drive).quiet())))) {
        pause();
      }
    }
  }

  static void pause() {
    try {
      Thread.sleep(1);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void checkpointAll() {
    List<CompletableFuture<Void>> written = new ArrayList<>();
    for (int d = 0; d < driveCount(); d++) {
      if (present(d)) {
        written.add(onIom(d, (iom, done) -> iom.lastCheckpoint(() -> done.complete(null))));
      }
    }
    written.forEach(this::await);
  }

  /** Ends threads and gives everything back, in whatever state it is. */
  private void abandon() {
    for (Shard shard : shards) {
      if (shard != null) {
        shard.offer(shard::stop);
      }
    }
    for (Thread thread : threads) {
      if (thread != null) {
        join(thread);
      }
    }
    for (Shard shard : shards) {
      if (shard != null && threads[shard.index()] == null) {
        giveBack(shard);
      }
    }
    // A drive that hangs may still write to what is registered, until the process ends.
    if (!memoryHeld) {
      memory.close();
    }
  }

  /**
   * Closes a shard's drives and its ring; on its thread when it has run, as a ring has one user
   * only.
   */
  private void giveBack(Shard shard) {
    UringLoop loop = loops[shard.index()];
    boolean all = true;
    for (int d = shard.index(); d < devices.length; d += shards.length) {
      if (devices[d] != null && drain(loop, devices[d])) {
        devices[d].close();
      } else if (devices[d] != null) {
        all = false;
        options.driveListener().onMemoryHeld(d, devices[d].name());
      }
    }
    if (all) {
      loop.close();
    } else {
      memoryHeld = true;
    }
  }

  /**
   * Waits until the kernel has let go of the buffers. After a clean stop there is nothing to wait
   * for. A drive that gets nothing done for as long as one may take is given up.
   *
   * @return false when it may still use the memory
   */
  private boolean drain(UringLoop loop, BlockDevice device) {
    int before = device.pending();
    long end = loop.nanoTime() + options.driveTimeoutNanos();
    while (device.pending() > 0) {
      if (device.pending() < before) {
        before = device.pending();
        end = loop.nanoTime() + options.driveTimeoutNanos();
      }
      long left = end - loop.nanoTime();
      if (left <= 0) {
        return device.abandon();
      }
      try {
        loop.await(left);
      } catch (IllegalStateException afterwards) {
        // The array has stopped already; what its handlers make of late completions has no
        // consequence.
        failure.completeExceptionally(new ArrayException(afterwards.getMessage(), afterwards));
      }
    }
    return true;
  }

  private static void join(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
