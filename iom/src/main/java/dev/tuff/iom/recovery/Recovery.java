package dev.tuff.iom.recovery;

import dev.tuff.iom.checkpoint.Epoch;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.runtime.Shard;
import dev.tuff.xor.ErasureCode;
import dev.tuff.xor.Kernel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Brings an array that was not stopped cleanly to a state in which every group is consistent and
 * every promise kept. Each IOM has replayed its journal before. The stages, each begun only when
 * all drives are through the one before it:
 *
 * <ol>
 *   <li>objects that only some drives know are made on the others;
 *   <li>every group with something pending is settled: {@link GroupRecovery};
 *   <li>what was decided takes effect on each drive, and a checkpoint ends its journal.
 * </ol>
 *
 * A crash in any stage, and it begins again: up to the third nothing is freed or written over, and
 * in the third a drive that is through needs nothing of the others. Coordinated on one shard; other
 * IOMs are asked by tasks on theirs.
 */
public final class Recovery {
  /** Groups settled at the same time: what their blocks need is there even in small pools. */
  private static final int GROUPS_AT_ONCE = 8;

  /**
   * Makes an object on one IOM, or its attributes what they are on others, and calls back when that
   * is hardened.
   */
  @FunctionalInterface
  public interface ObjectMaker {
    void make(int drive, ObjectAttributes attributes, Runnable hardened);
  }

  /** Something to do on an IOM's own shard. */
  @FunctionalInterface
  interface Task {
    void run(IomRecovery iom);
  }

  private final IomRecovery[] ioms;
  private final Shard shard;
  private final boolean readOnly;
  private final ObjectMaker maker;
  private final Consumer<RecoveryReport> done;
  private final RecoveryCounts counts = new RecoveryCounts();
  private final Map<Long, ObjectAttributes> objects = new TreeMap<>();
  private final Map<Integer, Map<Long, Integer>> known = new HashMap<>();
  private final Map<Long, Layout> layouts = new HashMap<>();
  private final Map<Integer, ErasureCode> codes = new HashMap<>();
  private final Set<Place> places = new LinkedHashSet<>();
  private final ArrayDeque<Place> waiting = new ArrayDeque<>();
  private final BitSet present = new BitSet();
  private boolean dirty;
  private Root epoch;
  private long oldestEpoch = Long.MAX_VALUE;
  private int owed;
  private int settling;

  /**
   * @param ioms one for each drive, null where it is missing
   * @param shard where it is coordinated
   * @param readOnly nothing is written when nothing has to be recovered
   */
  public Recovery(
      IomRecovery[] ioms,
      Shard shard,
      boolean readOnly,
      ObjectMaker maker,
      Consumer<RecoveryReport> done) {
    this.ioms = ioms;
    this.shard = shard;
    this.readOnly = readOnly;
    this.maker = maker;
    this.done = done;
  }

  /** Begins; on its shard, when all IOMs have replayed their journals. */
  public void start() {
    for (int d = 0; d < ioms.length; d++) {
      present.set(d, ioms[d] != null);
    }
    askAll(
        (drive, iom) -> {
          boolean hereDirty = iom.dirty();
          Set<Place> here = iom.pendingPlaces();
          List<ObjectAttributes> objectsHere = new ArrayList<>();
          for (Cnode cnode : iom.rooms().cnodes().all()) {
            objectsHere.add(cnode.attributes());
          }
          Root epochHere = iom.rooms().root.epochOnly();
          answer(
              () -> {
                dirty |= hereDirty;
                places.addAll(here);
                epoch = epoch == null ? epochHere : Epoch.newest(epoch, epochHere);
                oldestEpoch = Math.min(oldestEpoch, epochHere.epoch());
                Map<Long, Integer> gfids = new HashMap<>();
                for (ObjectAttributes attributes : objectsHere) {
                  ObjectAttributes others = objects.putIfAbsent(attributes.gfid(), attributes);
                  boolean agree =
                      others == null
                          || (others.sameObject(attributes)
                              && (others.changes() != attributes.changes()
                                  || others.equals(attributes)));
                  if (!agree) {
                    throw new DamagedJournalException(
                        "Drive "
                            + drive
                            + " and others do not agree about the attributes of volume "
                            + others.name()
                            + "; start the array without the one that is damaged.");
                  }
                  if (others != null && others.changes() < attributes.changes()) {
                    objects.put(attributes.gfid(), attributes);
                  }
                  gfids.put(attributes.gfid(), attributes.changes());
                }
                known.put(drive, gfids);
                oneDone(this::onCollected);
              });
        });
  }

  private void onCollected() {
    boolean needed = dirty || oldestEpoch != epoch.epoch();
    if (!needed && readOnly) {
      done.accept(RecoveryReport.of(false, counts, epoch.epoch()));
      return;
    }
    makeObjects();
  }

  // ---- objects

  private void makeObjects() {
    owed = 1;
    known.forEach(
        (drive, gfids) ->
            objects.forEach(
                (gfid, attributes) -> {
                  if (gfids.getOrDefault(gfid, -1) < attributes.changes()) {
                    owed++;
                    counts.objectsCompleted++;
                    ask(
                        drive,
                        iom ->
                            maker.make(
                                drive,
                                attributes,
                                () -> answer(() -> oneDone(this::settleGroups))));
                  }
                }));
    oneDone(this::settleGroups);
  }

  // ---- groups

  private void settleGroups() {
    waiting.addAll(places);
    places.clear();
    nextGroups();
  }

  private void nextGroups() {
    while (settling < GROUPS_AT_ONCE && !waiting.isEmpty()) {
      settling++;
      Place place = waiting.poll();
      ObjectAttributes attributes = objects.get(place.gfid());
      new GroupRecovery(this, place, layout(attributes), code(attributes)).start();
    }
    if (settling == 0) {
      finish();
    }
  }

  void onGroupSettled() {
    settling--;
    nextGroups();
  }

  private Layout layout(ObjectAttributes attributes) {
    return layouts.computeIfAbsent(attributes.gfid(), g -> attributes.layout(epoch.vacated()));
  }

  private ErasureCode code(ObjectAttributes attributes) {
    int n = attributes.dataMembers();
    int k = attributes.parityMembers();
    return codes.computeIfAbsent(n << 8 | k, c -> ErasureCode.of(n, k, Kernel.isal()));
  }

  // ---- the end

  /**
   * Decisions that are made without a drive bind, and so does what clients write from now on: if it
   * comes back with another opinion it is stale.
   */
  private void finish() {
    boolean newEpoch = (dirty || !readOnly) && present.cardinality() < ioms.length;
    if (newEpoch) {
      epoch.beginEpoch(epoch.epoch() + 1, present);
      // An added drive that is gone again before any other had written its epoch has made a place.
      epoch.setPlaces(ioms.length);
    }
    long nowEpoch = epoch.epoch();
    askAll(
        (drive, iom) -> {
          iom.rooms().root.takeEpoch(epoch);
          iom.finish(
              () ->
                  answer(
                      () -> {
                        counts.add(iom.counts());
                        oneDone(() -> done.accept(RecoveryReport.of(dirty, counts, nowEpoch)));
                      }));
        });
  }

  // ---- between shards

  @FunctionalInterface
  private interface DriveTask {
    void run(int drive, IomRecovery iom);
  }

  private void askAll(DriveTask task) {
    owed = 0;
    for (IomRecovery iom : ioms) {
      owed += iom == null ? 0 : 1;
    }
    for (int d = 0; d < ioms.length; d++) {
      int drive = d;
      if (ioms[d] != null) {
        ask(d, iom -> task.run(drive, iom));
      }
    }
  }

  private void oneDone(Runnable whenAll) {
    if (--owed == 0) {
      whenAll.run();
    }
  }

  boolean present(int drive) {
    return ioms[drive] != null;
  }

  /** Has something done on the shard of a drive's IOM. */
  void ask(int drive, Task task) {
    IomRecovery iom = ioms[drive];
    Invariant.check(
        iom.rooms().shard.offer(() -> task.run(iom)), "what recovery asks at once is bounded");
  }

  /** Goes on here; from any shard. */
  void answer(Runnable then) {
    Invariant.check(shard.offer(then), "what recovery asks at once is bounded");
  }

  RecoveryCounts counts() {
    return counts;
  }
}
