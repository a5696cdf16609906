package dev.tuff.iom.array;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoLoop;
import dev.tuff.iom.allocation.SpaceBudget;
import dev.tuff.iom.cache.BufferPool;
import dev.tuff.iom.checkpoint.Epoch;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.drive.HangWatch;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.object.PageCache;
import dev.tuff.iom.proxy.Acting;
import dev.tuff.iom.proxy.Proxy;
import dev.tuff.iom.recovery.IomRecovery;
import dev.tuff.iom.recovery.Recovery;
import dev.tuff.iom.recovery.RecoveryReport;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.runtime.Roster;
import dev.tuff.iom.runtime.Shard;
import dev.tuff.iom.side.RebuildingDrives;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.SideLimits;
import dev.tuff.xor.Kernel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntFunction;

/**
 * The way from open devices to an array that serves: every IOM comes up on its shard, drive d on
 * shard d mod shards, then recovery with all drives in view, then proxies for the drives that are
 * not there, then the IOMs open. The same way is gone when an array goes on without a drive. Knows
 * nothing of threads and of what the devices are.
 */
public final class ArrayStart {
  /**
   * Epochs are this far apart in the IDs that proxies give out: no IOM comes so far within one, and
   * no drive that was gone in one is ever mixed in again with what it has given out.
   */
  private static final int EPOCH_ID_BITS = Root.EPOCH_ID_BITS;

  private final Parts parts;
  private final DriveLabel[] labels;
  private final Acting[] acting;
  private final IomStart[] starts;
  private final RebuildingDrives rebuilding;
  private final Drive[] labelDrives;

  /** The place that this start vacates, {@link Layout#NONE} when there is none. */
  private final int vacating;

  private final Shard coordinator;
  private Consumer<RecoveryReport> whenOpen;
  private RecoveryReport report;
  private List<ObjectAttributes> objects;
  private int owed;
  private volatile boolean cancelled;

  /** What is wrong with a drive, with metadata on it or with its IOM, told on its shard. */
  public interface Alarm extends PageCache.DamageListener, Drive.FailureListener {
    /**
     * The drive's IOM has a bug.
     *
     * @return true when the array is to go on without the drive; its IOM stops now
     */
    boolean onBug(RuntimeException bug);
  }

  /**
   * What an array is made of, start after start.
   *
   * @param devices one for each drive, null where it is missing or left out, each open on the loop
   *     of its shard
   * @param memory of the loops
   * @param sizes the memory of the IOM of a drive
   * @param readOnly nothing is written unless something has to be recovered
   * @param roster filled as IOMs and proxies come up: where their messages go to, and clients'
   * @param seenAs what others send an IOM's messages to, by default itself
   * @param budgets likewise, the drives' space
   * @param watches one a shard: for drives that hang
   * @param serviceFirst true while updates go before rebuilds; asked by any thread
   */
  @SuppressWarnings("ArrayRecordComponent") // filled and changed in place, by all starts
  public record Parts(
      BlockDevice[] devices,
      Shard[] shards,
      ArrayMemory memory,
      Function<Superblock, IomMemory> sizes,
      boolean readOnly,
      IntFunction<Alarm> alarms,
      Roster roster,
      SeenAs seenAs,
      SpaceBudget[] budgets,
      HangWatch[] watches,
      BooleanSupplier serviceFirst) {
    Shard shardOf(int drive) {
      return shards[drive % shards.length];
    }

    HangWatch watchOf(int drive) {
      return watches[drive % watches.length];
    }
  }

  /** Lets a simulator stand between an IOM and its messages. */
  @FunctionalInterface
  public interface SeenAs {
    Actor actor(int drive, Acting acting);
  }

  /**
   * An array to be started; at least one drive is there.
   *
   * @param labels one for each drive, null where it is missing or left out
   */
  public ArrayStart(DriveLabel[] labels, Parts parts) {
    this(labels, parts, Layout.NONE);
  }

  /** Likewise, and with the epoch that it begins a place is vacated, as {@link Failover} says. */
  ArrayStart(DriveLabel[] labels, Parts parts, int vacating) {
    this.parts = parts;
    this.vacating = vacating;
    this.labels = labels.clone();
    this.starts = new IomStart[labels.length];
    this.rebuilding = new RebuildingDrives(labels.length, parts.serviceFirst);
    this.acting = new Acting[labels.length];
    this.labelDrives = new Drive[labels.length];
    int first = 0;
    while (labels[first] == null) {
      first++;
    }
    this.coordinator = parts.shardOf(first);
  }

  /** As {@link Formatter#write}: makes the drives an array. */
  public static void format(
      IoLoop loop, List<BlockDevice> devices, List<Superblock> superblocks, IoBuffer block) {
    Formatter.write(loop, devices, superblocks, block);
  }

  /**
   * Makes a drive the one in place {@code index}, and returns its label: to be started with the
   * labels of the others. One that had the place before keeps what may still be right on it; see
   * {@link Root#formerStates}.
   *
   * @param labels of the drives that are there, that place empty
   * @param block memory of the loop for one block
   * @param mostBlocks how much of the drive is used at most
   * @param fromNothing nothing of it is kept, whatever it was
   */
  @SuppressWarnings("ParameterNumber")
  public static DriveLabel join(
      IoLoop loop,
      BlockDevice device,
      IoBuffer block,
      DriveLabel[] labels,
      int index,
      long mostBlocks,
      long nowSeconds,
      boolean fromNothing) {
    return DriveJoin.join(loop, device, block, labels, index, mostBlocks, nowSeconds, fromNothing);
  }

  /**
   * Makes an empty drive one of an array, in a place of its own behind all others, and returns its
   * label: to be started with the labels of the others.
   *
   * @param labels of the array's drives, all of them there
   * @param block memory of the loop for one block
   * @param incarnation of the place's first drive: see {@link Root#ofAddition}
   * @param mostBlocks how much of the drive is used at most
   */
  public static DriveLabel add(
      IoLoop loop,
      BlockDevice device,
      IoBuffer block,
      DriveLabel[] labels,
      int incarnation,
      long mostBlocks,
      long nowSeconds) {
    return DriveAddition.add(loop, device, block, labels, incarnation, mostBlocks, nowSeconds);
  }

  /**
   * Puts drives in their places, without those that have missed what was decided without them.
   *
   * @throws ArrayException when they are not drives of one array, or not enough of them
   */
  public static DriveLabel[] place(List<DriveLabel> drives) {
    return AssembledDrives.place(drives).checkEnough().labels();
  }

  /** Begins; from any thread. {@code whenOpen} is called on a shard when clients may come. */
  public void begin(Consumer<RecoveryReport> listener) {
    whenOpen = listener;
    loadAll();
  }

  /**
   * Begins likewise where the drives were in use until now, by IOMs that have stopped: what the
   * labels say is read again.
   */
  void beginAgain(Consumer<RecoveryReport> listener) {
    whenOpen = listener;
    for (int d = 0; d < labels.length; d++) {
      if (labels[d] == null) {
        parts.memory().notRebuilding(d);
      }
    }
    onEachDrive(this::readLabel, this::loadAll);
  }

  /** All that is read from now on goes by the layout of the newest epoch. */
  private void loadAll() {
    Root[] roots = new Root[labels.length];
    for (int d = 0; d < labels.length; d++) {
      roots[d] = labels[d] == null ? null : labels[d].root();
    }
    int vacated = vacating != Layout.NONE ? vacating : Epoch.newest(roots).vacated();
    parts.roster().setVacated(vacated);
    for (Root root : roots) {
      if (root != null) {
        root.takeVacated(vacated);
      }
    }
    onEachDrive(this::load, this::recover);
  }

  /** What is known of a drive now, its root as it has become; null where it is missing. */
  DriveLabel label(int drive) {
    return labels[drive];
  }

  /** Ends a start that is under way: it goes no further and tells nobody. */
  void cancel() {
    cancelled = true;
  }

  private interface DriveTask {
    void run(int drive, Runnable done);
  }

  /** Does something on the shard of each drive that is there, and when all are done goes on. */
  private void onEachDrive(DriveTask task, Runnable whenAll) {
    onEach(drive -> labels[drive] != null, task, whenAll);
  }

  private void onEach(java.util.function.IntPredicate which, DriveTask task, Runnable whenAll) {
    // Counted before the first begins, which may be through before the last is asked.
    owed = 1;
    for (int d = 0; d < labels.length; d++) {
      owed += which.test(d) ? 1 : 0;
    }
    for (int d = 0; d < labels.length; d++) {
      int drive = d;
      if (which.test(d)) {
        ask(
            parts.shardOf(d),
            () -> task.run(drive, () -> ask(coordinator, () -> oneDone(whenAll))));
      }
    }
    ask(coordinator, () -> oneDone(whenAll));
  }

  private void oneDone(Runnable whenAll) {
    if (--owed == 0) {
      whenAll.run();
    }
  }

  private void ask(Shard shard, Runnable task) {
    Invariant.check(
        shard.offer(
            () -> {
              if (!cancelled) {
                task.run();
              }
            }),
        "what is asked at a start is bounded");
  }

  private void readLabel(int d, Runnable done) {
    Drive drive = new Drive(parts.devices()[d], parts.alarms().apply(d), parts.watchOf(d));
    labelDrives[d] = drive;
    MemorySegment label =
        Arena.ofAuto().allocate(Superblock.LABEL_BLOCKS * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
    readCopy(d, drive, 0, label, done);
  }

  /** Superblock and roots of one copy after the other. */
  private void readCopy(int d, Drive drive, int copy, MemorySegment label, Runnable done) {
    int blocks = (int) Root.FIRST_SLOT + Root.SLOTS;
    long first = copy * Superblock.COPY_DISTANCE_BLOCKS;
    // Neither IOM nor proxy is up: their memory is free.
    IoBuffer buffer = parts.memory().forLabel(d);
    BlockIo io =
        new BlockIo(
            read -> {
              MemorySegment.copy(
                  buffer.segment(),
                  0,
                  label,
                  first * Drive.BLOCK_BYTES,
                  (long) blocks * Drive.BLOCK_BYTES);
              if (copy == 0) {
                readCopy(d, drive, 1, label, done);
              } else {
                believe(d, drive, label, done);
              }
            });
    drive.readRun(io, first, blocks, buffer, 0);
  }

  private void believe(int d, Drive drive, MemorySegment blocks, Runnable done) {
    DriveLabel again =
        DriveLabel.decode(labels[d].path(), blocks, drive.device().geometry().sizeBytes());
    if (again.superblock() == null || again.root() == null) {
      parts.alarms().apply(d).onDriveFailed(drive, "its label can't be read any more");
      return;
    }
    labels[d] = again;
    done.run();
  }

  private void load(int d, Runnable done) {
    rebuilding.note(d, labels[d].root());
    if (!labels[d].root().incomplete()) {
      parts.memory().notRebuilding(d);
    }
    Alarm alarm = parts.alarms().apply(d);
    SpaceBudget budget = new SpaceBudget(0);
    parts.budgets()[d] = budget;
    IomStart starting =
        new IomStart(
            labels[d].superblock(),
            labels[d].root(),
            parts.shardOf(d),
            new Drive(parts.devices()[d], alarm, parts.watchOf(d)),
            parts.memory().ofIom(d),
            parts.sizes().apply(labels[d].superblock()),
            parts.roster(),
            budget,
            rebuilding,
            parts.readOnly(),
            alarm);
    starts[d] = starting;
    acting[d] = starting.iom();
    starting.load(
        parts.readOnly() ? 0 : labels[d].damagedSuperblocks(),
        () -> {
          parts.roster().setIom(d, parts.seenAs().actor(d, starting.iom()));
          parts.shardOf(d).add(starting.iom());
          done.run();
        });
  }

  /** Every journal has been replayed: settles what was open. */
  private void recover() {
    IomRecovery[] recoveries = new IomRecovery[starts.length];
    for (int d = 0; d < starts.length; d++) {
      recoveries[d] = starts[d] == null ? null : starts[d].recovery();
    }
    new Recovery(
            recoveries,
            coordinator,
            parts.readOnly(),
            (drive, attributes, hardened) -> acting[drive].putObject(attributes, hardened),
            this::onRecovered)
        .start();
  }

  private void onRecovered(RecoveryReport recovered) {
    if (cancelled) {
      return;
    }
    report = recovered;
    // The coordinator's shard is that of the first drive.
    objects = new ArrayList<>();
    for (IomStart start : starts) {
      if (start != null) {
        start.iom().rooms().cnodes().all().stream().map(Cnode::attributes).forEach(objects::add);
        break;
      }
    }
    onEach(drive -> labels[drive] == null, this::bringUpProxy, this::lookAtSpace);
  }

  private void bringUpProxy(int d, Runnable done) {
    IomBuffers memory = parts.memory().ofProxy(d);
    BufferPool none = new BufferPool(new IoBuffer[0]);
    BufferPool[] pools = {
      IomStart.pool(memory, IomMemory.PROXY_SMALL_BUFFERS, Drive.BLOCK_BYTES),
      IomStart.pool(memory, IomMemory.PROXY_LARGE_BUFFERS, IomMemory.LARGE_BYTES),
      none,
      none,
      none,
      IomStart.pool(memory, IomMemory.PROXY_SMALL_BUFFERS, Drive.BLOCK_BYTES),
      IomStart.pool(memory, IomMemory.PROXY_SMALL_BUFFERS, Drive.BLOCK_BYTES),
      none
    };
    IoBuffer zeros = IomStart.zeros(memory);
    SideRooms rooms =
        SideRooms.ofProxy(
            d, parts.shardOf(d), pools, zeros, parts.roster(), rebuilding, Kernel.isal());
    Proxy proxy = new Proxy(rooms, report.epoch() << EPOCH_ID_BITS, openUpdates());
    objects.forEach(attributes -> proxy.putObject(attributes, () -> {}));
    acting[d] = proxy;
    parts.roster().setProxy(d, parts.seenAs().actor(d, proxy));
    parts.budgets()[d] = null;
    done.run();
  }

  /** What a proxy brings about lands in the others' journals: the smallest sets its limit. */
  private int openUpdates() {
    int least = Integer.MAX_VALUE;
    for (DriveLabel label : labels) {
      least = label == null ? least : Math.min(least, label.superblock().journalBlocks());
    }
    return SideLimits.openUpdates(least, labels.length);
  }

  private void lookAtSpace() {
    RebuildSpace mapped = new RebuildSpace();
    if (!rebuilding.any()) {
      open(mapped);
      return;
    }
    onEachDrive(
        (drive, done) -> {
          RebuildSpace here = new RebuildSpace();
          for (Cnode cnode : starts[drive].iom().rooms().cnodes().all()) {
            here.note(
                cnode.attributes().gfid(), cnode.mappedDataBlocks(), cnode.mappedParityBlocks());
          }
          ask(coordinator, () -> mapped.add(here));
          done.run();
        },
        () -> open(mapped));
  }

  private void open(RebuildSpace mapped) {
    onEachDrive(
        (drive, done) -> {
          starts[drive].open(mapped);
          done.run();
        },
        () -> whenOpen.accept(report));
  }

  /** Drives that are members and do not have everything yet. */
  public RebuildingDrives rebuilding() {
    return rebuilding;
  }

  /** A drive's IOM once it is up, null where the drive is missing, or was let in since. */
  public Iom iom(int drive) {
    return drive >= starts.length || starts[drive] == null ? null : starts[drive].iom();
  }

  /**
   * Stops what acts for a drive, on its shard; calls {@code idle} when the drive has let go of
   * every buffer. One that was let in since has nothing to let go of.
   */
  void halt(int drive, Runnable idle) {
    if (drive >= acting.length) {
      idle.run();
    } else if (acting[drive] != null) {
      acting[drive].halt(idle);
    } else if (labelDrives[drive] != null) {
      labelDrives[drive].halt(idle);
    } else {
      idle.run();
    }
  }

  /** A drive's IOM, or its proxy, as far as this start has come; null: neither. */
  public Acting acting(int drive) {
    return drive < acting.length ? acting[drive] : null;
  }
}
