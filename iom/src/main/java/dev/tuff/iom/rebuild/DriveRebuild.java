package dev.tuff.iom.rebuild;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.cache.BufferPool;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.parity.ParitySide;
import dev.tuff.iom.read.ReadSide;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.DataSide;
import dev.tuff.iom.write.SideLimits;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;

/**
 * Rebuilds a drive that took another's place, or came back into its own: goes through all objects
 * in the background, as fast as it is told to, and makes what is needed at once when it is asked
 * for. All that lies before the cursor in its root is rebuilt; beyond it whatever the maps know.
 * Owned by the drive's shard.
 */
public final class DriveRebuild {
  /** Buffers of a segment's size that a run for data and one for parity need: one, and two. */
  public static final int BUFFERS_PER_RUN = 3;

  /** Background runs that were begun and are not all through: what the cursor may lie behind. */
  private static final int WINDOW = 128;

  /** Rows that are looked at without asking whether anybody has something of them. */
  private static final int STRIDE_ROWS = 64;

  /** Steps taken at once before others get their turn. */
  private static final int STEPS_AT_ONCE = 64;

  /** Share of the journal, in percent, beyond which no run begins. */
  private static final int JOURNAL_PERCENT = SideLimits.JOURNAL_FULL_PERCENT - 10;

  private enum Phase {
    /** Recovery goes on; what there is is not known yet. */
    WAITING,
    RUNNING,
    /** All is rebuilt; a checkpoint has to say so. */
    ENDING,
    /** The checkpoint that says so is under way. */
    ENDED_IN_CHECKPOINT,
    OVER
  }

  /** A piece of the walk; the cursor goes past it when all before it are done. */
  private static final class Step {
    final long gfid;
    final long upToLblk;
    boolean done;

    Step(long gfid, long upToLblk) {
      this.gfid = gfid;
      this.upToLblk = upToLblk;
    }
  }

  private final SideRooms rooms;

  /** Under way at most, of data and of parity each: they never wait for each other's buffers. */
  private final int runs;

  private final DataSide data;
  private final ParitySide parity;
  private final ReadSide reads;
  private final FormerMaps former;
  private final Map<Segment, Run> active = new HashMap<>();
  private final ArrayDeque<DataRun> waitingData = new ArrayDeque<>();
  private final ArrayDeque<ParityRun> waitingParity = new ArrayDeque<>();
  private int dataRuns;
  private int parityRuns;
  private Phase phase = Phase.WAITING;
  private long promisedSpace;

  // The walk.
  private final ArrayDeque<Step> window = new ArrayDeque<>();
  private int limit;
  private int inBackground;
  private long walkGfid;
  private long walkLblk;
  private Cnode walked;
  private long knownUpToRow;
  private boolean walkOver;
  private boolean filling;
  private boolean asked;
  private boolean halted;
  private final MappedSearch[] searches;
  private int searching;
  private long firstMapped;

  private Map<Long, Long> expected = Map.of();
  private long expectedBlocks;
  private long rebuiltBlocks;
  private long keptBlocks;
  private long lostBlocks;

  DriveRebuild(
      SideRooms rooms, DataSide data, ParitySide parity, ReadSide reads, FormerMaps former) {
    this.rooms = rooms;
    this.runs = rooms.rebuilt.total() / BUFFERS_PER_RUN;
    this.data = data;
    this.parity = parity;
    this.reads = reads;
    this.former = former;
    this.walkGfid = rooms.root.cursorGfid();
    this.walkLblk = rooms.root.cursorLblk();
    this.searches = new MappedSearch[rooms.drives()];
    for (int d = 0; d < searches.length; d++) {
      searches[d] = new MappedSearch(this, rooms.driveIndex);
    }
  }

  SideRooms rooms() {
    return rooms;
  }

  DataSide data() {
    return data;
  }

  ParitySide parity() {
    return parity;
  }

  ReadSide reads() {
    return reads;
  }

  /** What the drive was before it came back. */
  FormerMaps former() {
    return former;
  }

  // ---- on demand

  /** Hears of what was asked for. */
  @FunctionalInterface
  interface Ensured {
    /**
     * It is over.
     *
     * @param has false when this drive has nothing of the blocks, and nothing was done
     */
    void onEnsured(boolean has);
  }

  /**
   * Has blocks of one segment rebuilt before all others, if that is needed.
   *
   * @param mask which, one a bit, from {@code lblk} on
   */
  void ensure(long gfid, long lblk, long mask, Need need, Ensured done) {
    if (rooms.rebuilt(rooms.cnode(gfid), lblk)) {
      done.onEnsured(true);
      return;
    }
    Demand demand = new Demand(gfid, lblk, mask, need, done);
    if (active.containsKey(demand.segment)) {
      demand.run();
    } else {
      demand.lookUp();
    }
  }

  private final class Demand {
    private final Segment segment;
    private final long lblk;
    private final long mask;
    private final Need need;
    private final Ensured done;
    private final Cnode cnode;
    private final boolean ofParity;
    private final PageRequest leaf = new PageRequest(answered -> onPage());

    Demand(long gfid, long lblk, long mask, Need need, Ensured done) {
      this.lblk = lblk;
      this.mask = mask;
      this.need = need;
      this.done = done;
      this.cnode = rooms.cnode(gfid);
      this.ofParity = isParity(cnode, lblk);
      this.segment = new Segment(gfid, lblk - lblk % cnode.segmentBlocks());
    }

    void lookUp() {
      boolean here =
          ofParity ? cnode.parityLeaf(leaf, lblk, false) : cnode.dataLeaf(leaf, lblk, false);
      if (here) {
        onPage();
      }
    }

    private void onPage() {
      long has = hasOf(leaf.page());
      leaf.release();
      if (has == mask) {
        done.onEnsured(true);
      } else if (need == Need.IF_ANY && has == 0 && !active.containsKey(segment)) {
        done.onEnsured(false);
      } else {
        run();
      }
    }

    void run() {
      boolean hardened = need == Need.HARDENED;
      DriveRebuild.this.run(
          segment, mask << (lblk - segment.lblk()), hardened, () -> done.onEnsured(true));
    }

    /** Those of the blocks that have an entry. */
    private long hasOf(Page page) {
      long has = 0;
      long at = ofParity ? cnode.parityEntry(lblk) : cnode.dataEntry(lblk);
      for (int i = 0; mask >>> i != 0 && page != null; i++) {
        has |= Cnode.id(page, at) != 0 ? 1L << i : 0;
        at += ofParity ? cnode.parityEntryBytes() : cnode.dataEntryBytes();
      }
      return has & mask;
    }
  }

  private boolean isParity(Cnode cnode, long lblk) {
    Layout layout = cnode.layout();
    int member = layout.member(lblk / layout.chunkBlocks(), rooms.driveIndex);
    Invariant.check(
        member < layout.dataMembers() + layout.parityMembers(), "a member is rebuilt", lblk);
    return member >= layout.dataMembers();
  }

  // ---- runs

  /**
   * Begins the segment's run as soon as may be, joins the one under way, or follows it.
   *
   * @param hardened {@code done} is called only when what was mapped is hardened
   */
  private void run(Segment segment, long mask, boolean hardened, Runnable done) {
    Run run = active.get(segment);
    if (run != null) {
      boolean joined = run.want(mask);
      run.await(hardened || !joined, joined ? done : () -> run(segment, mask, hardened, done));
      return;
    }
    Cnode cnode = rooms.cnode(segment.gfid());
    if (isParity(cnode, segment.lblk())) {
      ParityRun made = new ParityRun(this, segment);
      waitingParity.add(made);
      run = made;
    } else {
      DataRun made = new DataRun(this, segment);
      waitingData.add(made);
      run = made;
    }
    run.want(mask);
    active.put(segment, run);
    run.await(hardened, done);
    startRuns();
  }

  private boolean hasRoom() {
    return hasRoom(rooms);
  }

  /** False when the journal or the maps have no room for what can wait. */
  static boolean hasRoom(SideRooms rooms) {
    return rooms.journal.usedBlocks() * 100L / rooms.journal.blocks() < JOURNAL_PERCENT
        && rooms.maps.dirtyCount() <= rooms.maps.capacity() * 3 / 4;
  }

  private void startRuns() {
    while (!waitingData.isEmpty() && dataRuns < runs && hasRoom()) {
      dataRuns++;
      waitingData.poll().start(take());
    }
    while (!waitingParity.isEmpty() && parityRuns < runs && hasRoom()) {
      parityRuns++;
      waitingParity.poll().start(take(), take());
    }
  }

  private IoBuffer take() {
    IoBuffer buffer = rooms.rebuilt.take(late -> {});
    Invariant.check(buffer != null, "a rebuild keeps to its share of buffers");
    return buffer;
  }

  /** The segment's run needs its buffers no more: what is left of it is to be hardened. */
  void onWritten(Run run) {
    BufferPool pool = rooms.rebuilt;
    pool.give(run.buffer);
    if (run instanceof ParityRun of) {
      pool.give(of.secondBuffer());
      parityRuns--;
    } else {
      dataRuns--;
    }
    startRuns();
  }

  /** The segment's run is over: what it has mapped is hardened. */
  void onEnded(Run run) {
    active.remove(run.segment);
  }

  void count(long rebuilt, long kept, long lost) {
    rebuiltBlocks += rebuilt;
    keptBlocks += kept;
    lostBlocks += lost;
  }

  // ---- space

  /**
   * Space that was kept for it from the start, then whatever clients have left, what is kept for
   * their writes to blocks that have places included: to be whole again comes first.
   */
  boolean takeSpace(int blocks) {
    long kept = Math.min(blocks, promisedSpace);
    if (!rooms.budget.tryReserveToReplace(blocks - kept)) {
      return false;
    }
    promisedSpace -= kept;
    return true;
  }

  void giveSpace(int blocks) {
    promisedSpace += blocks;
  }

  /** Blocks of space that are kept for what is still to be rebuilt. */
  public long promisedSpace() {
    return promisedSpace;
  }

  /**
   * Recovery is over. Says what the drive will have of each object, as far as can be told, and how
   * much space is kept for it; once, before clients come.
   */
  public void open(Map<Long, Long> blocks, long keptSpace) {
    phase = Phase.RUNNING;
    expected = blocks;
    expectedBlocks = blocks.values().stream().mapToLong(Long::longValue).sum();
    promisedSpace = keptSpace;
  }

  // ---- the walk

  /** So many segments at the same time from now on, at most; 0: none but what is asked for. */
  public void inBackground(int most) {
    limit = Math.min(most, WINDOW);
    proceed();
  }

  /** Stops at once, whatever is under way. */
  void halt() {
    limit = 0;
    halted = true;
  }

  /** Goes on as far as it can; called after each round of handlers. */
  public void proceed() {
    if (!waitingData.isEmpty() || !waitingParity.isEmpty()) {
      startRuns();
    }
    fill();
  }

  private void fill() {
    if (filling || halted || phase != Phase.RUNNING) {
      return;
    }
    filling = true;
    int steps = 0;
    while (mayStep() && steps < STEPS_AT_ONCE) {
      step();
      steps++;
    }
    filling = false;
    advance();
    if (steps == STEPS_AT_ONCE && !asked) {
      asked = true;
      boolean taken =
          rooms.shard.offer(
              () -> {
                asked = false;
                fill();
              });
      asked = taken;
    }
  }

  private boolean mayStep() {
    return !walkOver
        && searching == 0
        && inBackground < limit
        && window.size() < WINDOW
        && waitingData.isEmpty()
        && waitingParity.isEmpty()
        && hasRoom();
  }

  private void step() {
    if (walked == null && !nextObject()) {
      walkOver = true;
      return;
    }
    Layout layout = walked.layout();
    int chunk = layout.chunkBlocks();
    long rows = layout.rowsFor(walked.attributes().extentBytes());
    long from = walkLblk / chunk;
    long row =
        rooms.root.standingIn()
            ? layout.nextStandInRow(rooms.driveIndex, from, true, true)
            : layout.nextRow(rooms.driveIndex, from);
    if (row > from) {
      walkLblk = Math.min(row, rows) * chunk;
    }
    if (row >= rows) {
      walkGfid++;
      walkLblk = 0;
      walked = null;
      pass(new Step(walkGfid, 0));
    } else if (row >= knownUpToRow) {
      search(row);
    } else {
      Segment segment = new Segment(walkGfid, walkLblk);
      walkLblk += walked.segmentBlocks();
      Step step = new Step(walkGfid, walkLblk);
      window.add(step);
      inBackground++;
      run(
          segment,
          (1L << walked.segmentBlocks()) - 1,
          false,
          () -> {
            inBackground--;
            step.done = true;
            fill();
          });
    }
  }

  private void pass(Step step) {
    step.done = true;
    window.add(step);
  }

  private boolean nextObject() {
    for (Cnode cnode : rooms.cnodes().all()) {
      long gfid = cnode.attributes().gfid();
      if (gfid >= walkGfid && (walked == null || gfid < walked.attributes().gfid())) {
        walked = cnode;
      }
    }
    if (walked == null) {
      return false;
    }
    if (walked.attributes().gfid() > walkGfid) {
      walkGfid = walked.attributes().gfid();
      walkLblk = 0;
    }
    knownUpToRow = 0;
    return true;
  }

  private void search(long row) {
    firstMapped = Long.MAX_VALUE;
    for (int d = 0; d < searches.length; d++) {
      searching += d != rooms.driveIndex && rooms.present(d) ? 1 : 0;
    }
    for (int d = 0; d < searches.length; d++) {
      if (d != rooms.driveIndex && rooms.present(d)) {
        searches[d].gfid = walkGfid;
        searches[d].row = row;
        rooms.send(d, MessageType.FIND_MAPPED, searches[d], null, 0);
      }
    }
  }

  void onMappedFound(long row) {
    firstMapped = Math.min(firstMapped, row);
    if (--searching > 0) {
      return;
    }
    Layout layout = walked.layout();
    long rows = layout.rowsFor(walked.attributes().extentBytes());
    long from = Math.min(firstMapped, rows);
    if (from * layout.chunkBlocks() > walkLblk) {
      walkLblk = from * layout.chunkBlocks();
      pass(new Step(walkGfid, walkLblk));
    }
    knownUpToRow = from + STRIDE_ROWS;
    fill();
  }

  /** The cursor: past all that is done without a gap. */
  private void advance() {
    Step last = null;
    while (!window.isEmpty() && window.peek().done) {
      last = window.poll();
    }
    if (last != null) {
      rooms.root.rebuiltUpTo(last.gfid, last.upToLblk);
    }
    if (walkOver && window.isEmpty() && phase == Phase.RUNNING) {
      phase = Phase.ENDING;
      rooms.root.endRebuild();
    }
  }

  // ---- the end

  /** True when a checkpoint is wanted, to say that all is rebuilt. */
  boolean endsWithCheckpoint() {
    return phase == Phase.ENDING;
  }

  /** A checkpoint has frozen what the root says. */
  void onCheckpointStarted() {
    if (phase == Phase.ENDING) {
      phase = Phase.ENDED_IN_CHECKPOINT;
    }
  }

  /** And it is on the drive. */
  void onCheckpointDone() {
    if (phase == Phase.ENDED_IN_CHECKPOINT) {
      phase = Phase.OVER;
      rooms.rebuilding.remove(rooms.driveIndex);
      rooms.budget.give(promisedSpace);
      promisedSpace = 0;
      rooms.allocator.dropAllFormer();
    }
  }

  /** True when no run is under way. */
  boolean quiet() {
    return active.isEmpty() && searching == 0;
  }

  /** How far it is. */
  public RebuildProgress progress() {
    long passed = 0;
    if (phase.compareTo(Phase.RUNNING) > 0) {
      passed = expectedBlocks;
    } else {
      long cursor = rooms.root.cursorGfid();
      for (Map.Entry<Long, Long> object : expected.entrySet()) {
        long gfid = object.getKey();
        Cnode cnode = rooms.cnodes().get(gfid);
        if (gfid < cursor || cnode == null) {
          passed += object.getValue();
        } else if (gfid == cursor) {
          passed += (long) ((double) object.getValue() * rooms.root.cursorLblk() / cnode.lblks());
        }
      }
    }
    return new RebuildProgress(
        expectedBlocks, passed, rebuiltBlocks, keptBlocks, lostBlocks, phase == Phase.OVER);
  }
}
