package dev.tuff.iom.array;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoLoop;
import dev.tuff.device.IoMemory;
import dev.tuff.iom.allocation.SpaceBudget;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.object.PageCache;
import dev.tuff.iom.recovery.IomRecovery;
import dev.tuff.iom.recovery.Recovery;
import dev.tuff.iom.recovery.RecoveryReport;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.runtime.Shard;
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
   * Takes the labels of drives out that have missed what was decided without them; true when there
   * was one.
   */
  public static boolean leaveOutStale(DriveLabel[] labels) {
    return AssembledDrives.leaveOutStale(labels, new DriveLabel[labels.length]);
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
            readOnly,
            alarm);
    starts[d] = starting;
    starting.load(
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
    onEachDrive(
        (drive, done) -> {
          starts[drive].open();
          done.run();
        },
        () -> whenOpen.accept(report));
  }

  /** A drive's IOM once it is up, null where the drive is missing. */
  public Iom iom(int drive) {
    return starts[drive] == null ? null : starts[drive].iom();
  }
}
