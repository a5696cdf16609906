package dev.tuff.iom.simulation;

import dev.tuff.device.Hang;
import dev.tuff.device.IoOperation;
import dev.tuff.device.SimulatedDrive;
import dev.tuff.iom.array.Superblock;
import dev.tuff.iom.check.CheckReport;
import dev.tuff.iom.check.CheckReport.DriveState;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.rebuild.RebuildProgress;
import dev.tuff.iom.recovery.RecoveryReport;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.simulation.MediaCheck.Block;
import dev.tuff.iom.simulation.SimulatedArray.Checked;
import dev.tuff.iom.simulation.Statistics.Count;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * One simulation: what one seed makes of an array, from its first start on. Turns of load, each
 * ended by a power cut or a clean stop; harm to the media; the next start, perhaps cut short, too,
 * and perhaps without some drives. After each of them everything that must hold is checked.
 */
final class SimulationRun {
  private static final int[] CUT_WITHIN_STEPS = {40, 400, 4000};
  private static final List<Set<IoOperation>> HANGING =
      List.of(
          Set.of(IoOperation.READ),
          Set.of(IoOperation.WRITE),
          Set.of(IoOperation.FLUSH),
          Set.of(IoOperation.READ, IoOperation.WRITE, IoOperation.FLUSH));
  private static final int[] HANGING_PERCENT = {100, 50, 5};
  private static final int[] NEVER_PERCENT = {0, 30, 100};

  /** Drives that are added in a run at most. */
  private static final int MOST_ADDED = 3;

  /** Requests to a drive until its label is written, and some. */
  private static final int LABEL_REQUESTS = 16;

  /**
   * What runs have in common.
   *
   * @param operations requests of clients in a run
   * @param faults what may be done to the array
   */
  record Plan(int operations, Shape.Pin pin, Set<FaultKind> faults) {}

  /**
   * How a run ended.
   *
   * @param events what was done to the array, in order
   * @param failure what does not hold, null when everything does
   */
  record Outcome(
      long seed,
      Plan plan,
      Shape shape,
      Statistics statistics,
      List<String> events,
      String failure) {
    boolean failed() {
      return failure != null;
    }
  }

  /** Something does not hold. */
  private static final class Broken extends RuntimeException {
    private static final long serialVersionUID = 1;

    Broken(String what) {
      super(what);
    }
  }

  private final Plan plan;
  private final Shape shape;
  private final SplittableRandom load;
  private final SplittableRandom chance;
  private final SplittableRandom resizes;
  private final SplittableRandom bugs;
  private final SplittableRandom additions;
  private final SplittableRandom hangs;
  private final SplittableRandom vacations;
  private final SplittableRandom policies;
  private final Statistics statistics = new Statistics();
  private final List<String> events = new ArrayList<>();
  private final WrongWrites writes;
  private final SimulatedMemory memories;
  private SimulatedArray array;
  private int operations;
  private int added;

  /** Where what stands on the media, by the last check of an array that stopped cleanly or not. */
  private Map<Block, Long> places = Map.of();

  private Map<Block, Long> placesBefore = Map.of();
  private MediaCheck lastCheck;
  private boolean placesExact;

  /** Drives that were away while something may have been decided without them. */
  private final BitSet behind = new BitSet();

  /** Whether writes go wrong in this run, and nothing on the media does, or the other way round. */
  private boolean writesGoWrong;

  /** A drive that is not there any more while the array runs, below 0 if none. */
  private int vanished = -1;

  /** Drives that leave requests unanswered while the array runs. */
  private final BitSet hanging = new BitSet();

  /** The power was cut in a failover, and the array has not served since. */
  private boolean cutInFailover;

  /** No client will write any more. */
  private boolean lastTurn;

  /** A place that is vacated and of which the others have all that was there, below 0 if none. */
  private int doneWithout = -1;

  /** Drives that took the place of others and do not have everything yet. */
  private BitSet rebuilding = new BitSet();

  /** Those of them without which something was decided. */
  private final BitSet stale = new BitSet();

  private SimulationRun(long seed, Plan plan, PlantedFault planted, SimulatedMemory memories) {
    SplittableRandom root = new SplittableRandom(seed);
    this.plan = plan;
    this.shape = Shape.random(root.split(), plan.pin());
    this.load = root.split();
    this.chance = root.split();
    this.resizes = root.split();
    this.bugs = root.split();
    this.additions = root.split();
    this.hangs = root.split();
    this.vacations = root.split();
    this.policies = root.split();
    this.memories = memories;
    this.writes = new WrongWrites(shape.drives() + MOST_ADDED, planted);
  }

  /** Runs it; a failure of any kind is its outcome. */
  static Outcome of(long seed, Plan plan, PlantedFault planted, SimulatedMemory memories) {
    SimulationRun run = new SimulationRun(seed, plan, planted, memories);
    String failure = null;
    try {
      run.live(seed);
    } catch (Broken broken) {
      failure = broken.getMessage();
    } catch (RuntimeException bug) {
      failure = bug + at(bug);
    }
    run.countAll();
    return new Outcome(seed, plan, run.shape, run.statistics, List.copyOf(run.events), failure);
  }

  private static String at(RuntimeException bug) {
    StackTraceElement[] trace = bug.getStackTrace();
    return trace.length < 2 ? "" : " at " + trace[0] + " from " + trace[1];
  }

  private void countAll() {
    statistics.count(Count.RUNS, 1);
    statistics.count(Count.OPERATIONS, operations);
    if (array == null) {
      return;
    }
    statistics.count(Count.EVENTS, array.steps());
    statistics.count(Count.REFUSED, array.client.refused());
    statistics.count(Count.DISCARDS, array.client.discards());
    statistics.count(Count.ZEROES, array.client.zeroes());
    statistics.count(Count.ALLOCATION_QUERIES, array.client.queries());
    statistics.time(array.virtualNanos());
    for (SimulatedDrive drive : array.drives) {
      statistics.count(Count.LOST_SECTORS, drive.lostSectors());
      statistics.count(Count.KEPT_SECTORS, drive.keptSectors());
      statistics.count(Count.TORN_WRITES, drive.tornWrites());
    }
    array.close();
  }

  private boolean may(FaultKind kind, int oneIn) {
    // Drawn in any case, so that what is left out changes as little as can be of the rest.
    boolean drawn = chance.nextInt(oneIn) == 0;
    return drawn && plan.faults().contains(kind);
  }

  private void did(FaultKind kind, String what) {
    statistics.count(kind);
    events.add("after %d operations: %s".formatted(operations, what));
  }

  private void live(long seed) {
    array = new SimulatedArray(shape, seed, writes, memories, firstBytes());
    if (may(FaultKind.LATE_MESSAGES, 2) && shape.shards() > 1) {
      array.lateMessages(true);
      did(FaultKind.LATE_MESSAGES, "messages come late from now on");
    }
    int slow = chance.nextInt(array.drives.length);
    if (may(FaultKind.SLOW_DRIVE, 4)) {
      array.drives[slow].slow(10 * shape.slowness());
      did(FaultKind.SLOW_DRIVE, "drive %d is slow from now on".formatted(slow));
    }
    writesGoWrong = chance.nextBoolean();
    while (operations < plan.operations()) {
      // Not promised: the former version of a block that is being written is damaged, and its group
      // a member short, when the power goes.
      boolean wanting = writes.anyBad() && !behind.isEmpty();
      array.serviceFirst(policies.nextBoolean() && !writes.anyBad());
      boolean clean =
          chance.nextInt(3) < (writesGoWrong ? 2 : 1)
              || wanting
              || !plan.faults().contains(FaultKind.POWER_CUT);
      if (clean) {
        armWrongWrite();
      }
      boolean suddenly = clients();
      if (suddenly) {
        cutInFailover();
      } else if (clean) {
        stop();
      } else {
        cut();
      }
      harmMedia();
      comeUp();
    }
    stop();
    lastTurn = true;
    harmMedia();
    comeUp();
    finishRebuild();
    array.stop();
  }

  /** Where drives are added: often little, so that much of the volume comes after them. */
  private int firstBytes() {
    int blocks = Math.max(1, shape.volumeBlocks() >> additions.nextInt(6));
    return plan.faults().contains(FaultKind.ADDITION) && plan.faults().contains(FaultKind.RESIZE)
        ? blocks * Drive.BLOCK_BYTES
        : shape.volumeBytes();
  }

  // ---- load

  /** True when a drive has failed just now, and the power is to be cut before all is well again. */
  private boolean clients() {
    int most = Math.min(plan.operations() - operations, 1 + load.nextInt(40));
    int failing = load.nextInt(most);
    int adding = additions.nextInt(4) == 0 ? additions.nextInt(most) : -1;
    for (int i = 0; i < most; i++) {
      boolean background = !rebuilding.isEmpty() || array.vacations() > 0;
      if (background && chance.nextInt(8) == 0) {
        array.rebuildInBackground(chance.nextInt(6));
        array.serviceFirst(policies.nextBoolean() && !writes.anyBad());
      }
      array.client.load(1);
      operations++;
      resize();
      if (i == failing && breakSomething() && may(FaultKind.CUT_IN_FAILOVER, 2)) {
        return true;
      }
      if (i == adding && addInService() && mayCutAddition()) {
        return true;
      }
      if (vacate() && vacations.nextInt(3) == 0 && plan.faults().contains(FaultKind.POWER_CUT)) {
        return true;
      }
      if (load.nextInt(8) == 0) {
        array.pause(load.nextLong(20_000_000L) * shape.slowness());
      }
    }
    requireRight();
    return false;
  }

  /** Begins to resize the volume now and then: to all that it can be, or to anything. */
  private void resize() {
    boolean wanted = resizes.nextInt(20) == 0 && plan.faults().contains(FaultKind.RESIZE);
    int blocks = 1 + resizes.nextInt(shape.volumeBlocks());
    int bytes =
        switch (resizes.nextInt(4)) {
          case 0 -> shape.volumeBytes();
          case 1 -> blocks * Drive.BLOCK_BYTES - 512 * resizes.nextInt(8);
          default -> blocks * Drive.BLOCK_BYTES;
        };
    int before = array.client.sizeBytes();
    if (wanted && !array.client.resizing() && bytes != before) {
      array.client.beginResize(bytes);
      did(FaultKind.RESIZE, "the volume goes from %d to %d bytes".formatted(before, bytes));
    }
  }

  // ---- more drives

  private boolean addInService() {
    // A write that goes wrong and is not closed when all recover is beyond what is promised.
    if (!mayAdd() || array.failingOver() || armed != null || writes.anyBad()) {
      return false;
    }
    array.beginAdd();
    added++;
    did(FaultKind.ADDITION, "drive %d is added in service".formatted(array.drives.length));
    return true;
  }

  /** Drives are added to an array that is whole. */
  private boolean mayAdd() {
    return plan.faults().contains(FaultKind.ADDITION)
        && added < MOST_ADDED
        && !array.adding()
        && behind.isEmpty()
        && rebuilding.isEmpty()
        && stale.isEmpty()
        && vanished < 0
        && array.lost().isEmpty()
        && array.roomForDrives(array.drives.length + 1);
  }

  private boolean mayCutAddition() {
    return additions.nextBoolean() && plan.faults().contains(FaultKind.CUT_IN_ADDITION);
  }

  private void addAtRest() {
    boolean wanted = additions.nextInt(6) == 0;
    int requests = mayCutAddition() ? additions.nextInt(LABEL_REQUESTS) : Integer.MAX_VALUE;
    if (!wanted || !mayAdd()) {
      return;
    }
    int index = array.drives.length;
    added++;
    boolean whole = array.add(requests);
    did(FaultKind.ADDITION, "drive %d is added".formatted(index));
    if (!whole) {
      did(
          FaultKind.CUT_IN_ADDITION,
          "power cut after %d requests to it; it is %s"
              .formatted(requests, array.drives.length > index ? "a member" : "none"));
    }
  }

  /** Has the others take over what the one drive has that is missing. */
  private boolean vacate() {
    boolean wanted = vacations.nextInt(6) == 0 && plan.faults().contains(FaultKind.VACATION);
    BitSet missing = array.missing();
    boolean can =
        missing.cardinality() == 1
            && rebuilding.isEmpty()
            && !array.failingOver()
            // A bug in a start stops the array.
            && array.bug().drive() < 0
            && !array.vacated(missing.nextSetBit(0));
    if (!wanted || !can || armed != null || writes.anyBad()) {
      return false;
    }
    int drive = missing.nextSetBit(0);
    array.beginVacate(drive);
    did(FaultKind.VACATION, "the others are to take over what drive %d has".formatted(drive));
    return true;
  }

  private boolean breakSomething() {
    boolean fails = failDrives();
    // A bug that shows while the array recovers from something else is none that it bears.
    if (!fails && breakIom()) {
      return true;
    }
    // Several may hang at the same time, or one while another fails.
    for (int i = 0; i < 2; i++) {
      fails |= hangDrive();
    }
    return fails;
  }

  /** Lets a drive leave requests unanswered from now on. */
  private boolean hangDrive() {
    int drive = hangs.nextInt(array.drives.length);
    Set<IoOperation> operations = HANGING.get(hangs.nextInt(HANGING.size()));
    int percent = HANGING_PERCENT[hangs.nextInt(HANGING_PERCENT.length)];
    int never = NEVER_PERCENT[hangs.nextInt(NEVER_PERCENT.length)];
    Hang hang =
        new Hang(
            operations,
            percent,
            shape.hangNanos() / 8,
            shape.hangNanos() * (1 + hangs.nextInt(8)),
            never,
            hangs.nextLong());
    boolean does = hangs.nextInt(4) == 0 && plan.faults().contains(FaultKind.HANG);
    if (!does || !bearable(drive)) {
      return false;
    }
    behind.set(drive);
    rebuilding.clear(drive);
    hanging.set(drive);
    array.drives[drive].hang(hang);
    did(
        FaultKind.HANG,
        "drive %d hangs: %d %% of %s, %d %% for ever"
            .formatted(drive, percent, hang.operations(), never));
    return true;
  }

  /** Takes drives out of service, or lets them vanish, while requests are under way. */
  private boolean failDrives() {
    boolean fails = may(FaultKind.DRIVE_FAILURE, 4);
    boolean vanishes = chance.nextBoolean();
    int drive = chance.nextInt(array.drives.length);
    if (!fails || !bearable(drive)) {
      return false;
    }
    behind.set(drive);
    rebuilding.clear(drive);
    if (vanishes) {
      array.drives[drive].vanish();
      vanished = drive;
    } else {
      array.fail(drive);
    }
    did(
        FaultKind.DRIVE_FAILURE,
        "drive %d %s".formatted(drive, vanishes ? "vanishes" : "is taken out of service"));
    return true;
  }

  private boolean bearable(int drive) {
    doneWithout = array.doneWithout();
    return !writes.anyBad()
        && armed == null
        && vanished < 0
        && !array.missing().get(drive)
        && !behind.get(drive)
        && (rebuilding.get(drive) || away().cardinality() < shape.parity());
  }

  /** Lets an IOM stop by a bug, now or later in this turn. */
  private boolean breakIom() {
    int drive = bugs.nextInt(array.drives.length);
    List<IomBug.Place> choices = List.of(IomBug.Place.values());
    IomBug.Place place = choices.get(bugs.nextInt(choices.size()));
    int chances = bugs.nextInt(1 << bugs.nextInt(9));
    boolean breaks = bugs.nextInt(3) == 0 && plan.faults().contains(FaultKind.IOM_BUG);
    // A bug in a start stops the array.
    boolean starts = array.adding() || array.failingOver() || array.vacating();
    if (!breaks || !bearable(drive) || starts) {
      return false;
    }
    behind.set(drive);
    rebuilding.clear(drive);
    array.plantBug(drive, place, chances);
    events.add(
        "after %d operations: the I/O manager of drive %d is to have a bug, %s, %d chances on"
            .formatted(operations, drive, place, chances));
    return true;
  }

  /** Whatever ends the turn, a drive that had vanished is there again after it. */
  private void turnEnds() {
    stale.or(array.leftOut());
    int broken = array.bug().drive();
    if (array.bug().wentOn()) {
      throw new Broken("the I/O manager of drive %d goes on after its bug".formatted(broken));
    }
    if (array.bug().disarm()) {
      statistics.count(FaultKind.IOM_BUG);
    } else if (broken >= 0) {
      behind.clear(broken);
    }
    hanging.stream().forEach(drive -> array.drives[drive].recover());
    hanging.clear();
    if (vanished >= 0) {
      array.drives[vanished].comeBack();
      vanished = -1;
    }
    doneWithout = array.doneWithoutAtRest();
    rebuilding = array.rebuildingAtRest();
    rebuilding.andNot(behind);
  }

  private void requireRight() {
    if (!array.client.wrongReads().isEmpty()) {
      throw new Broken(array.client.wrongReads().getFirst());
    }
    if (array.client.failedRequests() > array.client.refused()) {
      throw new Broken("a request ended with " + array.client.lastFailure());
    }
  }

  // ---- ends

  private void stop() {
    if (chance.nextInt(3) == 0) {
      finishRebuild();
    }
    array.settle();
    requireRight();
    List<String> left = array.leftOver();
    if (!left.isEmpty()) {
      throw new Broken(left.getFirst());
    }
    if (!writes.disarm() && armed != null) {
      did(armed, armed.plural() + ": one");
    }
    armed = null;
    countDetections();
    array.stop();
    turnEnds();
    statistics.count(Count.CLEAN_STOPS, 1);
    check(true);
  }

  /** Rebuilds all that is to be rebuilt. */
  private void finishRebuild() {
    int runs = 1 + chance.nextInt(8);
    array.run(
        () -> {
          // Again and again: a drive that fails meanwhile has all begin anew.
          array.rebuildInBackground(runs);
          return array.allRebuilt();
        });
  }

  /** Cuts the power at any moment of a failover, if there is one; at the latest when it is over. */
  private void cutInFailover() {
    boolean seen = false;
    int most = chance.nextInt(CUT_WITHIN_STEPS[chance.nextInt(CUT_WITHIN_STEPS.length)]);
    for (int i = 0; i < most && (!seen || array.failingOver()); i++) {
      array.step();
      seen |= array.failingOver();
    }
    boolean within = array.failingOver();
    cutInFailover = within;
    boolean adding = array.adding();
    requireRight();
    countDetections();
    array.crash();
    turnEnds();
    did(
        adding
            ? FaultKind.CUT_IN_ADDITION
            : within ? FaultKind.CUT_IN_FAILOVER : FaultKind.POWER_CUT,
        adding ? "power cut in the addition" : within ? "power cut in the failover" : "power cut");
    check(false);
  }

  private void cut() {
    for (int i = load.nextInt(80); i > 0; i--) {
      array.step();
    }
    requireRight();
    countDetections();
    array.crash();
    turnEnds();
    did(FaultKind.POWER_CUT, "power cut");
    check(false);
  }

  private void countDetections() {
    for (int d = 0; d < array.drives.length; d++) {
      // None while the array is about to go on without a drive.
      if (array.iom(d) != null) {
        SideRooms.Counters counters = array.iom(d).rooms().counters();
        statistics.count(
            Count.WRONG_BLOCKS_FOUND, counters.checksumErrors.get() + counters.mediaErrors.get());
        statistics.count(Count.BLOCKS_RECONSTRUCTED, counters.reconstructedBlocks.get());
        countRebuild(d);
        statistics.count(Count.UNMAPPED, counters.unmappedBlocks.get());
        statistics.count(Count.PARITIES_UNMAPPED, counters.unmappedParities.get());
      }
    }
  }

  private void countRebuild(int drive) {
    if (array.iom(drive).rebuild() == null) {
      return;
    }
    RebuildProgress progress = array.iom(drive).rebuild().progress();
    if (progress.lostBlocks() > 0) {
      throw new Broken("the rebuild of drive %d has lost blocks: %s".formatted(drive, progress));
    }
    statistics.count(Count.BLOCKS_REBUILT, progress.rebuiltBlocks());
    statistics.count(Count.BLOCKS_KEPT, progress.keptBlocks());
    statistics.count(Count.REBUILDS, progress.over() ? 1 : 0);
  }

  /** Reads all media, and lets nothing pass but what was done to them. */
  private void check(boolean clean) {
    Checked checked = array.check();
    statistics.count(Count.CHECKS, 1);
    CheckReport report = checked.checker().report();
    CheckReport.Totals totals = report.totals();
    long away =
        report.drives().stream()
            .filter(d -> d.state() == DriveState.MISSING || d.state() == DriveState.STALE)
            .count();
    // A power cut between the two copies of a root leaves one behind, and an empty journal.
    long rootCopies =
        clean
            ? 0
            : report.findings().stream().filter(f -> f.contains(" of the current root ")).count();
    // Likewise one between those of a superblock, of a drive that was being added; its first start
    // mends that.
    long superblockCopies =
        array.adding()
            ? report.findings().stream().filter(f -> f.contains(" of the superblock ")).count()
            : 0;
    long missing = away - (doneWithout >= 0 ? 1 : 0);
    long unexpected =
        report.findingCount() - missing - totals.damagedBlocks() - rootCopies - superblockCopies;
    boolean lost =
        totals.lostBlocks() > 0
            || totals.damagedPages() > 0
            || totals.repairableBlocks() < totals.damagedBlocks();
    // With members away or harmed the check does not settle open groups as recovery does: what
    // recovery makes of them is checked by what is read after it, and at the next clean stop.
    boolean undecided =
        (away > 0 || !behind.isEmpty() || !rebuilding.isEmpty() || writes.anyBad())
            && !report.stoppedCleanly();
    if (!undecided && (unexpected > 0 || lost)) {
      throw new Broken("the check finds: " + String.join("; ", checked.findings()));
    }
    placesBefore = places;
    places = checked.checker().addresses();
    placesExact = clean && away == 0;
    lastCheck = checked.checker();
    if (clean) {
      requireDetected(totals.damagedBlocks());
    }
  }

  /** No wrong block goes unseen, and none is made up. */
  private void requireDetected(long found) {
    long spoilt = 0;
    for (Map.Entry<Block, Long> place : places.entrySet()) {
      int drive = lastCheck.drive(place.getKey());
      boolean there = !array.lost().get(drive) && !behind.get(drive);
      spoilt += there && writes.isBad(drive, place.getValue()) ? 1 : 0;
    }
    if (spoilt != found) {
      throw new Broken(
          "%d blocks are not what was written, and the check finds %d".formatted(spoilt, found));
    }
  }

  // ---- harm

  private FaultKind armed;

  /** Only before a clean stop: what a drive lost nobody can tell from what the power cut took. */
  private void armWrongWrite() {
    boolean loses = may(FaultKind.LOST_WRITE, 2);
    boolean misdirects = may(FaultKind.MISDIRECTED_WRITE, 1);
    int drive = chance.nextInt(array.drives.length);
    int after = chance.nextInt(4);
    if (!writesGoWrong || away().cardinality() > 0 || mostHarmed() + 1 > bearable()) {
      return;
    }
    if (loses) {
      writes.armLoss(drive, after);
      armed = FaultKind.LOST_WRITE;
    } else if (misdirects && placesExact) {
      List<Block> candidates =
          places.keySet().stream()
              .filter(b -> places.get(b) != 0 && lastCheck.drive(b) == drive)
              .toList();
      if (!candidates.isEmpty()) {
        Block victim = candidates.get(chance.nextInt(candidates.size()));
        writes.armMisdirection(drive, after, places.get(victim), address -> cold(victim));
        armed = FaultKind.MISDIRECTED_WRITE;
      }
    }
  }

  /**
   * Members of a group that may be harmed: as many as it has parities, and one where it may still
   * be written. For the second parity that an update comes to is made from its former version, and
   * when that is damaged, too, from a group whose first parity has gone on.
   */
  private int bearable() {
    return lastTurn ? shape.parity() : Math.min(1, shape.parity());
  }

  /** Nothing of the group was written since the last start: all of it is closed. */
  private boolean cold(Block block) {
    for (int m = 0; m < shape.data(); m++) {
      long volumeBlock = lastCheck.volumeBlock(block.lblk(), m);
      if (volumeBlock < shape.volumeBlocks() && array.client.touched((int) volumeBlock)) {
        return false;
      }
    }
    return true;
  }

  /** Rots blocks and makes others unreadable, as many of a group as it can do without. */
  private void harmMedia() {
    int rot = may(FaultKind.ROT, 3) ? 1 + chance.nextInt(3) : 0;
    int unreadable = may(FaultKind.UNREADABLE, 3) ? 1 + chance.nextInt(3) : 0;
    if (writesGoWrong && !lastTurn) {
      return;
    }
    List<Block> blocks = places.keySet().stream().filter(b -> places.get(b) != 0).toList();
    for (int i = 0; i < rot + unreadable && !blocks.isEmpty(); i++) {
      Block block = blocks.get(chance.nextInt(blocks.size()));
      int drive = lastCheck.drive(block);
      int at = chance.nextInt(Drive.BLOCK_BYTES);
      long address = places.get(block);
      boolean bearable =
          !away().get(drive)
              && !writes.isBad(drive, address)
              && (placesExact || cold(block))
              && harmed().getOrDefault(block.lblk(), 0) < bearable()
              && harmed().getOrDefault(block.lblk(), 0) + away().cardinality() < shape.parity();
      if (!bearable) {
        continue;
      }
      writes.spoil(drive, address);
      long offset = address * Drive.BLOCK_BYTES;
      String where = "block %d of drive %d".formatted(address, drive);
      if (i < rot) {
        array.drives[drive].rot(offset + at);
        did(FaultKind.ROT, where + " rots");
      } else {
        array.drives[drive].makeUnreadable(offset);
        did(FaultKind.UNREADABLE, where + " can't be read");
      }
    }
  }

  /** Members of each group, by lblk, that are not what was written, now or before the last turn. */
  private Map<Long, Integer> harmed() {
    Map<Long, Integer> members = new HashMap<>();
    for (Block block : places.keySet()) {
      int drive = lastCheck.drive(block);
      boolean harm =
          writes.isBad(drive, places.get(block))
              || writes.isBad(drive, placesBefore.getOrDefault(block, 0L));
      if (harm && !behind.get(drive)) {
        members.merge(block.lblk(), 1, Integer::sum);
      }
    }
    return members;
  }

  private int mostHarmed() {
    return harmed().values().stream().mapToInt(Integer::intValue).max().orElse(0);
  }

  private void loseDrives() {
    int wanted = may(FaultKind.DRIVE_LOSS, 4) ? 1 + chance.nextInt(2) : 0;
    for (int i = 0; i < wanted; i++) {
      int drive = chance.nextInt(array.drives.length);
      int harmed = mostHarmed();
      // With the former version of a block that was being written damaged, settling its group
      // takes every drive.
      boolean settled = harmed == 0 || placesExact;
      // What was decided without a drive that is there again binds only when it is in the roots:
      // not
      // promised yet beside further losses.
      boolean bearable =
          !cutInFailover
              && (away().get(drive) || (settled && away().cardinality() + harmed < shape.parity()));
      if (bearable && !array.lost().get(drive)) {
        array.lose(drive);
        behind.set(drive);
        did(FaultKind.DRIVE_LOSS, "drive %d is gone".formatted(drive));
      }
    }
  }

  /**
   * What a group can't count on: drives that missed something, and those that do not have it yet.
   */
  private BitSet away() {
    BitSet away = (BitSet) behind.clone();
    if (doneWithout >= 0) {
      away.clear(doneWithout);
    }
    away.or(rebuilding);
    return away;
  }

  /** Takes empty drives in for some that are away or stale, or these themselves again. */
  private void replaceDrives() {
    BitSet candidates = (BitSet) array.lost().clone();
    candidates.or(stale);
    for (int drive = candidates.nextSetBit(0);
        drive >= 0;
        drive = candidates.nextSetBit(drive + 1)) {
      if (!array.hasForGood(drive)) {
        // A place that no other drive knows of yet can't be taken.
        continue;
      }
      int harmed = mostHarmed();
      boolean settled = harmed == 0 || placesExact;
      boolean bearable = settled && away().cardinality() + harmed < shape.parity();
      if (doneWithout == drive && !bearable) {
        // It would be rebuilt from others that do not have everything.
        continue;
      }
      boolean empty = may(FaultKind.REPLACEMENT, 3);
      boolean itself = may(FaultKind.RETURN, 3);
      if (empty && !itself) {
        array.lose(drive);
        array.replace(drive);
        did(FaultKind.REPLACEMENT, "drive %d is replaced by an empty one".formatted(drive));
      }
      if (itself) {
        array.takeBack(drive);
        did(FaultKind.RETURN, "drive %d is taken back into its place".formatted(drive));
        harmFormer(drive);
      }
      if (empty || itself) {
        behind.clear(drive);
        stale.clear(drive);
        doneWithout = doneWithout == drive ? -1 : doneWithout;
        rebuilding.set(drive);
        writes.replaced(drive);
        places = without(drive, places);
        placesBefore = without(drive, placesBefore);
      }
    }
  }

  /**
   * On a drive that has just come back nothing counts that is not checked first, so it may be
   * harmed without bound, data and maps.
   */
  private void harmFormer(int drive) {
    boolean rots = may(FaultKind.ROT, 2);
    boolean fails = may(FaultKind.UNREADABLE, 4);
    int first = (int) Superblock.LABEL_BLOCKS + shape.journalBlocks();
    int oneIn = 2 + chance.nextInt(30);
    for (int block = first; block < shape.driveBlocks() && (rots || fails); block++) {
      if (chance.nextInt(oneIn) != 0) {
        continue;
      }
      long offset = (long) block * Drive.BLOCK_BYTES;
      if (rots) {
        array.drives[drive].rot(offset + chance.nextInt(Drive.BLOCK_BYTES));
      } else {
        array.drives[drive].makeUnreadable(offset);
      }
    }
    if (rots || fails) {
      events.add(
          "after %d operations: one in %d blocks of drive %d %s"
              .formatted(operations, oneIn, drive, rots ? "rots" : "can't be read"));
    }
  }

  private Map<Block, Long> without(int drive, Map<Block, Long> all) {
    Map<Block, Long> others = new LinkedHashMap<>(all);
    others.keySet().removeIf(block -> lastCheck.drive(block) == drive);
    return others;
  }

  private void bringBack() {
    for (int drive = array.lost().nextSetBit(0); drive >= 0; ) {
      int next = array.lost().nextSetBit(drive + 1);
      if (chance.nextBoolean()) {
        array.bringBack(drive);
        events.add("after %d operations: drive %d is back".formatted(operations, drive));
      }
      drive = next;
    }
  }

  // ---- starts

  private void comeUp() {
    addAtRest();
    loseDrives();
    while (may(FaultKind.CUT_IN_RECOVERY, 3)) {
      int steps = 1 + chance.nextInt(CUT_WITHIN_STEPS[chance.nextInt(CUT_WITHIN_STEPS.length)]);
      boolean open = array.start(steps);
      if (open) {
        noteStart();
      }
      array.crash();
      did(
          open ? FaultKind.POWER_CUT : FaultKind.CUT_IN_RECOVERY,
          "power cut %d events into the start".formatted(steps));
      if (chance.nextBoolean()) {
        check(false);
      }
      if (chance.nextInt(4) == 0) {
        bringBack();
      }
      loseDrives();
      replaceDrives();
      addAtRest();
    }
    replaceDrives();
    array.start();
    noteStart();
    readVolume();
  }

  private void readVolume() {
    array.client.learn();
    requireRight();
  }

  private void noteStart() {
    cutInFailover = false;
    // Of a drive whose addition came to nothing nothing is known any more.
    behind.clear(array.drives.length, shape.drives() + MOST_ADDED);
    RecoveryReport recovery = array.recovery();
    statistics.count(Count.STARTS, 1);
    statistics.recovered(recovery);
    if (recovery.lostGroups() > 0) {
      throw new Broken("recovery has lost %d groups".formatted(recovery.lostGroups()));
    }
    BitSet missing = array.missing();
    BitSet taken = (BitSet) stale.clone();
    taken.andNot(missing);
    if (!taken.isEmpty()) {
      throw new Broken("stale drives were taken in: " + taken);
    }
    BitSet left = (BitSet) missing.clone();
    left.andNot(behind);
    if (!left.isEmpty()) {
      throw new Broken("drives were left out that had missed nothing: " + left);
    }
    BitSet returned = (BitSet) stale.clone();
    returned.andNot(array.lost());
    if (!returned.isEmpty()) {
      did(FaultKind.STALE_DRIVE, "left out as stale: " + returned);
    }
    stale.or(missing);
    if (missing.isEmpty()) {
      behind.clear();
    }
    rebuilding = array.rebuilding();
    rebuilding.andNot(behind);
    if (!rebuilding.isEmpty()) {
      array.rebuildInBackground(chance.nextInt(6));
    }
  }
}
