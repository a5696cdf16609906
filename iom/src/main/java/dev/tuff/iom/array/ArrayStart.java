package dev.tuff.iom.array;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoLoop;
import dev.tuff.device.IoMemory;
import dev.tuff.iom.allocation.SpaceBudget;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.PageCache;
import dev.tuff.iom.recovery.IomRecovery;
import dev.tuff.iom.recovery.Recovery;
import dev.tuff.iom.recovery.RecoveryReport;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.runtime.Shard;
import dev.tuff.iom.side.RebuildingDrives;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntFunction;

/**
 * The way from open devices to an array that serves: every IOM comes up on its shard, drive d on
 * shard d mod shards, then recovery with all drives in view, then the IOMs open. Knows nothing of
 * threads and of what the devices are.
 */
public final class ArrayStart {
  private final DriveLabel[] labels;
  private final BlockDevice[] devices;
  private final Shard[] shards;
  private final IoMemory memory;
  private final Function<Superblock, IomMemory> sizes;
  private final boolean readOnly;
  private final IntFunction<Alarm> alarms;
  private final Actor[] ioms;
  private final SpaceBudget[] budgets;
  private final IomStart[] starts;
  private final RebuildingDrives rebuilding;
  private final Shard coordinator;
  private Consumer<RecoveryReport> whenOpen;
  private RecoveryReport report;
  private int owed;

  /** What is wrong with a drive or with metadata on it, told on its shard. */
  public interface Alarm extends PageCache.DamageListener, Drive.FailureListener {}

  /**
   * An array to be started; at least one drive is there.
   *
   * @param labels one for each drive, null where it is missing or left out
   * @param devices likewise, each open on the loop of its shard
   * @param memory of the loops, with room for all IOMs
   * @param sizes the memory of the IOM of a drive
   * @param readOnly nothing is written unless something has to be recovered
   * @param ioms filled as the IOMs come up: where their messages go to, and clients'
   * @param budgets likewise, the drives' space
   */
  @SuppressWarnings("ParameterNumber")
  public ArrayStart(
      DriveLabel[] labels,
      BlockDevice[] devices,
      Shard[] shards,
      IoMemory memory,
      Function<Superblock, IomMemory> sizes,
      boolean readOnly,
      IntFunction<Alarm> alarms,
      Actor[] ioms,
      SpaceBudget[] budgets) {
    this.labels = labels;
    this.devices = devices;
    this.shards = shards;
    this.memory = memory;
    this.sizes = sizes;
    this.readOnly = readOnly;
    this.alarms = alarms;
    this.ioms = ioms;
    this.budgets = budgets;
    this.starts = new IomStart[labels.length];
    this.rebuilding = new RebuildingDrives(labels.length);
    for (int d = 0; d < labels.length; d++) {
      if (labels[d] != null && labels[d].root().rebuilding()) {
        rebuilding.add(d);
      }
    }
    int first = 0;
    while (labels[first] == null) {
      first++;
    }
    this.coordinator = shardOf(first);
  }

  /** As {@link Formatter#write}: makes the drives an array. */
  public static void format(
      IoLoop loop, List<BlockDevice> devices, List<Superblock> superblocks, IoBuffer block) {
    Formatter.write(loop, devices, superblocks, block);
  }

  /**
   * Makes an empty drive the one in place {@code index}, and returns its label: to be started with
   * the labels of the others.
   *
   * @param labels of the drives that are there, that place empty
   * @param block memory of the loop for one block
   */
  public static DriveLabel join(
      IoLoop loop,
      BlockDevice device,
      IoBuffer block,
      DriveLabel[] labels,
      int index,
      long nowSeconds) {
    return DriveJoin.join(loop, device, block, labels, index, nowSeconds);
  }

  /**
   * Puts drives in their places, without those that have missed what was decided without them.
   *
   * @throws ArrayException when they are not drives of one array, or not enough of them
   */
  public static DriveLabel[] place(List<DriveLabel> drives) {
    return AssembledDrives.place(drives).checkEnough().labels();
  }

  private Shard shardOf(int drive) {
    return shards[drive % shards.length];
  }

  /** Begins; from any thread. {@code whenOpen} is called on a shard when clients may come. */
  public void begin(Consumer<RecoveryReport> listener) {
    whenOpen = listener;
    onEachDrive(this::load, this::recover);
  }

  private interface DriveTask {
    void run(int drive, Runnable done);
  }

  /** Does something on the shard of each drive, and when all are done goes on. */
  private void onEachDrive(DriveTask task, Runnable whenAll) {
    // Counted before the first begins, which may be through before the last is asked.
    for (DriveLabel label : labels) {
      owed += label == null ? 0 : 1;
    }
    for (int d = 0; d < labels.length; d++) {
      int drive = d;
      if (labels[d] != null) {
        ask(shardOf(d), () -> task.run(drive, () -> ask(coordinator, () -> oneDone(whenAll))));
      }
    }
  }

  private void oneDone(Runnable whenAll) {
    if (--owed == 0) {
      whenAll.run();
    }
  }

  private static void ask(Shard shard, Runnable task) {
    Invariant.check(shard.offer(task), "what is asked at a start is bounded");
  }

  private void load(int d, Runnable done) {
    Alarm alarm = alarms.apply(d);
    budgets[d] = new SpaceBudget(0);
    IomStart starting =
        new IomStart(
            labels[d].superblock(),
            labels[d].root(),
            shardOf(d),
            new Drive(devices[d], alarm),
            memory,
            sizes.apply(labels[d].superblock()),
            ioms,
            budgets[d],
            rebuilding,
            readOnly,
            alarm);
    starts[d] = starting;
    starting.load(
        readOnly ? 0 : labels[d].damagedSuperblocks(),
        () -> {
          ioms[d] = starting.iom();
          shardOf(d).add(starting.iom());
          done.run();
        });
  }

  /** Every journal has been replayed: settles what was open. */
  private void recover() {
    IomRecovery[] parts = new IomRecovery[starts.length];
    for (int d = 0; d < starts.length; d++) {
      parts[d] = starts[d] == null ? null : starts[d].recovery();
    }
    new Recovery(
            parts,
            coordinator,
            readOnly,
            (drive, attributes, hardened) -> starts[drive].iom().createObject(attributes, hardened),
            this::onRecovered)
        .start();
  }

  private void onRecovered(RecoveryReport recovered) {
    report = recovered;
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

  /** A drive's IOM once it is up, null where the drive is missing. */
  public Iom iom(int drive) {
    return starts[drive] == null ? null : starts[drive].iom();
  }
}
