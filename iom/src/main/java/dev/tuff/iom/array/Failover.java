package dev.tuff.iom.array;

import dev.tuff.device.BlockDevice;
import dev.tuff.iom.allocation.SpaceBudget;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.proxy.Acting;
import dev.tuff.iom.recovery.RecoveryReport;
import dev.tuff.iom.runtime.Fence;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.runtime.Shard;
import dev.tuff.iom.side.RebuildingDrives;
import dev.tuff.iom.volume.ClientSide;
import dev.tuff.iom.write.WriteOp;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;

/**
 * Lets a running array go on without drives that fail in it, and with drives that take the places
 * of those that are missing. Clients' requests wait; all IOMs stop and the drives let go of every
 * buffer; then the way of {@link ArrayStart} is gone again without the failed drives: journals are
 * replayed, what was open is settled, an epoch begins, proxies come up. What clients had asked is
 * handed over to the new IOMs and proxies in the order in which it was accepted, also what was
 * replied to and not hardened yet: nothing acknowledged is lost, and nobody sees an error. A drive
 * that fails meanwhile begins it anew. Coordinated on the first shard; knows nothing of threads.
 */
public final class Failover {
  /** Hears what becomes of the array. On the first shard. */
  public interface Listener {
    /** A drive has failed, or a bug has stopped its IOM: the array is to go on without it. */
    void onFailed(int drive, String why);

    /** Drives have failed, and the array goes on without them: clients wait. */
    void onBegun(BitSet failed);

    /** It goes on: clients are served again. */
    void onServing(RecoveryReport report);

    /** More drives are gone than the protection makes up for. */
    void onTooMany(int drive, String why);

    /**
     * A bug has stopped the IOM of a drive, and to do without that drive would be wrong.
     *
     * @param before the drive that a bug at the same place of the code has cost already; below 0
     *     when more drives are gone than the protection makes up for
     */
    void onBugTooMany(int drive, RuntimeException bug, int before);
  }

  private DriveLabel[] labels;
  private final ArrayStart.Parts parts;
  private final ClientSide[] clients;
  private final int bearable;
  private final Listener listener;
  private final Shard coordinator;

  /** Whose clients' requests are to be handed over; null where nobody was. */
  private Acting[] former;

  private final BitSet failed = new BitSet();

  /** Since all drives were there the last time: places in the code that have cost a drive. */
  private final Map<String, Integer> bugs = new HashMap<>();

  private final List<BlockDevice> hanging = new CopyOnWriteArrayList<>();
  private final ArrayDeque<Joining> joining = new ArrayDeque<>();
  private final ArrayDeque<Vacating> vacating = new ArrayDeque<>();
  private final Fence fence;
  private volatile ArrayStart current;
  private volatile boolean busy;

  /** As of the last time that the array served. */
  private volatile int takenOver = Layout.NONE;

  private boolean again;
  private boolean starting;

  /** Since the last start that came to its end nothing has been begun. */
  private boolean opened = true;

  private int owed;

  /**
   * @param labels of the drives that the array runs with, null where one is missing
   * @param started what brought it up
   * @param clients one a shard
   * @param bearable drives that may be missing at the same time
   */
  public Failover(
      DriveLabel[] labels,
      ArrayStart.Parts parts,
      ArrayStart started,
      ClientSide[] clients,
      int bearable,
      Listener listener) {
    this.labels = labels.clone();
    this.parts = parts;
    this.current = started;
    this.clients = clients;
    this.bearable = bearable;
    this.listener = listener;
    this.coordinator = parts.shards()[0];
    this.former = new Acting[labels.length];
    this.fence = new Fence(parts.shards(), coordinator);
  }

  /** A drive has failed; from any shard, and more than once. */
  public void onDriveFailed(int drive, String why) {
    ask(coordinator, () -> fail(drive, why));
  }

  /**
   * The IOM of a drive has a bug, and has stopped: the array goes on without it as if the drive had
   * failed. Not where a bug at the same place of the code has cost a drive already that is not made
   * up for: what brings it about goes from one to the next then, and another drive less would not
   * end it. From any shard.
   */
  public void onBug(int drive, RuntimeException bug) {
    ask(coordinator, () -> failByBug(drive, bug));
  }

  private void failByBug(int drive, RuntimeException bug) {
    if (failed.get(drive) || labels[drive] == null) {
      return;
    }
    if (failed.isEmpty() && missingWithout(-1) == 0) {
      bugs.clear();
    }
    Integer before = bugs.putIfAbsent(place(bug), drive);
    if (before != null || missingWithout(drive) > bearable) {
      listener.onBugTooMany(drive, bug, before == null ? -1 : before);
      return;
    }
    fail(drive, "its I/O manager stopped: " + sentence(bug));
  }

  private static String sentence(RuntimeException bug) {
    return bug instanceof Invariant.Broken ? bug.getMessage() : bug.toString();
  }

  /** Where in Tuff's own code it shows. */
  private static String place(RuntimeException bug) {
    for (StackTraceElement frame : bug.getStackTrace()) {
      String type = frame.getClassName();
      if (!type.startsWith("java.")
          && !type.startsWith("jdk.")
          && !type.equals(Invariant.class.getName())) {
        return bug.getClass().getName() + " at " + frame;
      }
    }
    return bug.getClass().getName();
  }

  /** A drive that is to take the place of one that is missing, or one of its own. */
  public interface Joining {
    /** The place. */
    int index();

    /**
     * Above 0 for a drive that makes a place of its own, behind all others: see {@link
     * dev.tuff.iom.checkpoint.Root#ofAddition}.
     */
    default int incarnation() {
      return 0;
    }

    /**
     * Opens the drive on the loop of its place's shard; on that shard.
     *
     * @throws ArrayException when it can't be used
     */
    BlockDevice open();

    /** How much of the drive is used at most, in blocks. */
    long mostBlocks();

    /** Seconds since 1970, for its label. */
    long nowSeconds();

    /** Nothing of what is on it is to be kept. */
    default boolean fromNothing() {
      return true;
    }

    /** It is a member now, or not for the reason given; on the first shard. */
    void onDone(DriveLabel label, ArrayException refusal);
  }

  /**
   * Makes a drive a member in the place of one that is missing: clients wait as when a drive fails,
   * and what they write after that has the protection of the new drive. Or an empty one in a place
   * of its own, for what is spread over it after that. From any shard.
   */
  public void join(Joining drive) {
    ask(
        coordinator,
        () -> {
          joining.add(drive);
          if (!busy) {
            begin();
          }
        });
  }

  /** What is to become of a place whose drive is missing. */
  private record Vacating(int place, Consumer<ArrayException> done) {}

  /**
   * Vacates the place of a drive that is missing: what it has of rows that leave drives over is on
   * others from now on, with free space of theirs, and is rebuilt there. Clients wait as when a
   * drive fails; what they write after that has the protection that it had with the drive. From any
   * shard.
   *
   * @param done on the first shard: null, or why it can't be
   */
  public void vacate(int place, Consumer<ArrayException> done) {
    ask(
        coordinator,
        () -> {
          vacating.add(new Vacating(place, done));
          if (!busy) {
            begin();
          }
        });
  }

  private void begin() {
    takenOver();
    busy = true;
    listener.onBegun((BitSet) failed.clone());
    onEachShard((shard, done) -> pause(shard, done), this::halt);
  }

  private void fail(int drive, String why) {
    if (failed.get(drive) || labels[drive] == null) {
      return;
    }
    if (missingWithout(drive) > bearable) {
      listener.onTooMany(drive, why);
      return;
    }
    listener.onFailed(drive, why);
    failed.set(drive);
    labels[drive] = null;
    if (busy) {
      again = true;
      if (starting) {
        halt();
      }
      return;
    }
    begin();
  }

  /** Drives that can't be counted on when {@code drive} is gone, too; below 0: none beside. */
  private int missingWithout(int drive) {
    int missing = 0;
    for (int d = 0; d < labels.length; d++) {
      // What a drive does not have yet counts as lost with it.
      boolean there = d != drive && labels[d] != null && !current.rebuilding().contains(d);
      boolean doneWithout = d == takenOver() && labels[d] == null;
      missing += there || doneWithout ? 0 : 1;
    }
    return missing;
  }

  /**
   * The place of a drive that is missing, when others have all that it had; below 0: there is none.
   * While the array is about to go on as it was before that. Any thread.
   */
  int takenOver() {
    int vacated = parts.roster().vacated();
    if (!busy) {
      takenOver = current.rebuilding().anyStandsIn() ? Layout.NONE : vacated;
    }
    return takenOver;
  }

  private void pause(int shard, Runnable done) {
    clients[shard].pause();
    done.run();
  }

  /**
   * Everything stops; drives that serve on let go of all buffers, those that failed, too, and those
   * that hang keep what they had of the memory for themselves.
   */
  private void halt() {
    again = false;
    starting = false;
    current.cancel();
    ArrayStart stopped = current;
    onEachDrive(
        drive -> true,
        (drive, done) -> {
          if (former[drive] == null) {
            former[drive] = stopped.acting(drive);
          }
          stopped.halt(drive, () -> released(drive, done));
        },
        this::renewMemory);
  }

  /** What drives that hang have kept of the memory is registered again with every ring. */
  private void renewMemory() {
    if (!parts.memory().renewalDue()) {
      fence.cross(this::start);
      return;
    }
    AtomicBoolean everywhere = new AtomicBoolean(true);
    onEachShard(
        (shard, done) -> {
          if (!parts.shards()[shard].loop().renew()) {
            everywhere.set(false);
          }
          done.run();
        },
        () -> {
          if (everywhere.get()) {
            parts.memory().renewed();
          }
          fence.cross(this::start);
        });
  }

  private void released(int drive, Runnable done) {
    BlockDevice device = parts.devices()[drive];
    if (labels[drive] == null && device != null) {
      device.close();
      noteHanging(device);
      parts.devices()[drive] = null;
    }
    done.run();
  }

  private void noteHanging(BlockDevice device) {
    if (device.unanswered() > 0) {
      hanging.add(device);
    }
  }

  private void start() {
    if (again) {
      halt();
      return;
    }
    // After a start that was cut short by another failure the drives do not agree about the epoch.
    if (opened && !joining.isEmpty()) {
      letIn(joining.poll());
      return;
    }
    if (opened && !vacating.isEmpty()) {
      lookForRoom(vacating.poll());
      return;
    }
    start(Layout.NONE);
  }

  private void start(int vacated) {
    opened = false;
    starting = true;
    ArrayStart start = new ArrayStart(labels, parts, vacated);
    current = start;
    start.beginAgain(report -> ask(coordinator, () -> onOpen(start, report)));
  }

  /** Everything has stopped: is there room for what the others are to take over? */
  private void lookForRoom(Vacating asked) {
    ArrayException no = refusalToVacate(asked.place());
    if (no != null) {
      asked.done().accept(no);
      start();
      return;
    }
    StandInSpace space = new StandInSpace(asked.place(), labels.length);
    onEachDrive(
        drive -> labels[drive] != null,
        (drive, done) -> {
          space.note(current.iom(drive).rooms());
          done.run();
        },
        () -> {
          ArrayException refusal = again ? interrupted() : space.refusal();
          asked.done().accept(refusal);
          if (again) {
            halt();
          } else {
            start(refusal == null ? asked.place() : Layout.NONE);
          }
        });
  }

  private static ArrayException interrupted() {
    return new ArrayException("Another drive has failed meanwhile.");
  }

  private ArrayException refusalToVacate(int place) {
    if (labels[place] != null) {
      return new ArrayException("Drive " + place + " is in service again.");
    }
    RebuildingDrives rebuilding = current.rebuilding();
    for (int d = 0; d < labels.length; d++) {
      if (d != place && (labels[d] == null || rebuilding.contains(d))) {
        return new ArrayException(
            "Drive %d is %s as well; only with all others whole can they take over what drive %d has."
                .formatted(d, labels[d] == null ? "missing" : "not rebuilt yet", place));
      }
    }
    if (parts.roster().vacated() == place) {
      return new ArrayException("The others have taken over what drive " + place + " has already.");
    }
    return rebuilding.anyLeftovers()
        ? new ArrayException(
            "The others still hold what they had in place of another drive; try again when that is freed.")
        : null;
  }

  /** Everything has stopped: writes the new drive's label, and goes on with it. */
  private void letIn(Joining drive) {
    boolean adds = drive.incarnation() > 0;
    int index = drive.index();
    ArrayException no = adds ? refusalToAdd(index) : refusalToReplace(index);
    if (no != null) {
      drive.onDone(null, no);
      start();
      return;
    }
    DriveLabel[] now = new DriveLabel[labels.length];
    for (int d = 0; d < labels.length; d++) {
      // Not those of the beginning: epochs have begun since.
      now[d] = labels[d] == null ? null : current.label(d);
    }
    ask(
        parts.shardOf(index),
        () -> {
          DriveLabel label = null;
          ArrayException refusal = null;
          BlockDevice device = null;
          try {
            device = drive.open();
            label =
                adds
                    ? ArrayStart.add(
                        parts.shardOf(index).loop(),
                        device,
                        // That of an IOM that has stopped.
                        parts.memory().ofIom(0).largest(),
                        now,
                        drive.incarnation(),
                        drive.mostBlocks(),
                        drive.nowSeconds())
                    : ArrayStart.join(
                        parts.shardOf(index).loop(),
                        device,
                        parts.memory().ofProxy(index).largest(),
                        now,
                        index,
                        drive.mostBlocks(),
                        drive.nowSeconds(),
                        drive.fromNothing());
            parts.devices()[index] = device;
          } catch (ArrayException e) {
            refusal = e;
            if (device != null) {
              device.close();
              noteHanging(device);
            }
          }
          DriveLabel joined = label;
          ArrayException why = refusal;
          ask(coordinator, () -> onLetIn(drive, joined, why));
        });
  }

  private ArrayException refusalToReplace(int index) {
    return labels[index] == null
        ? null
        : new ArrayException("Drive " + index + " is in service already.");
  }

  private ArrayException refusalToAdd(int index) {
    for (int d = 0; d < labels.length; d++) {
      if (labels[d] == null || current.rebuilding().contains(d)) {
        return new ArrayException(DriveAddition.notWhole(d, labels[d] != null));
      }
    }
    Invariant.check(index == labels.length, "an added drive has the place behind all", index);
    return null;
  }

  private void onLetIn(Joining drive, DriveLabel label, ArrayException refusal) {
    int index = drive.index();
    if (label != null && index == labels.length) {
      labels = Arrays.copyOf(labels, index + 1);
      former = Arrays.copyOf(former, index + 1);
    }
    if (label != null) {
      takenOver = takenOver == index ? Layout.NONE : takenOver;
      labels[index] = label;
      failed.clear(index);
      // Whoever comes next needs the others' word for this one, which they give in their start.
      opened = false;
    }
    drive.onDone(label, refusal);
    parts.roster().grow(labels.length);
    start();
  }

  private void onOpen(ArrayStart started, RecoveryReport report) {
    if (started != current || !starting) {
      return;
    }
    starting = false;
    opened = true;
    onEachDrive(
        drive -> former[drive] != null,
        (drive, done) -> {
          former[drive].handOver(this::reserve);
          former[drive] = null;
          done.run();
        },
        // What clients ask next must not overtake what was handed over.
        () ->
            fence.cross(
                () -> onEachShard((shard, done) -> resume(shard, done), () -> served(report))));
  }

  /**
   * The budgets were made anew from what is free. What a write takes out of them was there when it
   * was accepted, so it is there now, whatever they say meanwhile.
   */
  private void reserve(int drive, WriteOp op) {
    if (op.unmaps()) {
      return;
    }
    reserve(parts.budgets()[drive], op);
    for (int p = 0; p < op.parities; p++) {
      reserve(parts.budgets()[op.parityDrive[p]], op);
    }
  }

  private static void reserve(SpaceBudget budget, WriteOp op) {
    if (budget != null) {
      budget.give(-op.count);
    }
  }

  private void resume(int shard, Runnable done) {
    clients[shard].resume();
    done.run();
  }

  private void served(RecoveryReport report) {
    busy = false;
    listener.onServing(report);
    if (again || !joining.isEmpty() || !vacating.isEmpty()) {
      begin();
    }
  }

  /** Drives that are members and do not have everything yet; any thread. */
  public RebuildingDrives rebuilding() {
    return current.rebuilding();
  }

  /** Drives that were failed and have still not answered all that they were asked; any thread. */
  public List<BlockDevice> hanging() {
    hanging.removeIf(device -> device.unanswered() == 0);
    return List.copyOf(hanging);
  }

  /** True while clients wait; on the first shard. */
  public boolean busy() {
    return busy;
  }

  /** The start that the array serves from, or that is under way; on the first shard. */
  public ArrayStart current() {
    return current;
  }

  @FunctionalInterface
  private interface Task {
    void run(int index, Runnable done);
  }

  private void onEachShard(Task task, Runnable whenAll) {
    onEach(parts.shards().length, shard -> true, shard -> parts.shards()[shard], task, whenAll);
  }

  private void onEachDrive(IntPredicate which, Task task, Runnable whenAll) {
    onEach(labels.length, which, parts::shardOf, task, whenAll);
  }

  private void onEach(
      int count, IntPredicate which, IntFunction<Shard> shardOf, Task task, Runnable whenAll) {
    Invariant.check(owed == 0, "one thing at a time while the array goes on without a drive");
    owed = 1;
    for (int i = 0; i < count; i++) {
      if (which.test(i)) {
        owed++;
        int index = i;
        ask(
            shardOf.apply(i),
            () -> task.run(index, () -> ask(coordinator, () -> oneDone(whenAll))));
      }
    }
    oneDone(whenAll);
  }

  private void oneDone(Runnable whenAll) {
    if (--owed == 0) {
      whenAll.run();
    }
  }

  private static void ask(Shard shard, Runnable task) {
    Invariant.check(shard.offer(task), "what is asked at a failover is bounded");
  }
}
