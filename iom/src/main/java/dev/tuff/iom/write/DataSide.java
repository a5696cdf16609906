package dev.tuff.iom.write;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.side.SideRooms;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * An IOM as data member: accepts updates in order, keeps one open per block, and holds back new
 * ones when a limit is reached. Updates of the same segment form a chain in the order of
 * acceptance.
 */
public final class DataSide {
  private static final int BUCKETS = 2048;

  private final SideRooms rooms;
  private final int openLimit;
  private final WriteOp[] chainHead = new WriteOp[BUCKETS];
  private final WriteOp[] chainTail = new WriteOp[BUCKETS];
  private final ArrayDeque<WriteOp> overLimit = new ArrayDeque<>(256);
  private final ArrayDeque<PendingFlush> flushes = new ArrayDeque<>();
  private WriteOp oldest;
  private WriteOp newest;
  private long accepted;
  private int started;
  private int fullJournals;
  private int inside;
  private long nextProxyId;

  private Repairs repairs;
  private Gate gate = op -> true;

  /**
   * Makes old blocks that the drive can't give any more from their groups. Implemented by the read
   * room.
   */
  public interface Repairs {
    /**
     * Puts the old content of block {@code index} of the update's run into {@link
     * WriteOp#oldBuffer}; answers by {@link WriteOp#onOldRepaired}.
     */
    void repairOld(WriteOp op, int index);

    /**
     * For a proxy: puts the content that the update replaces into {@link WriteOp#oldBuffer};
     * answers by {@link WriteOp#onOldMade}.
     */
    void makeOld(WriteOp op);
  }

  /**
   * Has drives that are being rebuilt make the blocks of an update before it starts. Implemented by
   * the rebuild room.
   */
  @FunctionalInterface
  public interface Gate {
    /** True when nothing is to be waited for; else {@link #onGatePassed} is called when it is. */
    boolean pass(WriteOp op);
  }

  private record PendingFlush(Object subject, Actor client, long upTo) {}

  public DataSide(SideRooms rooms) {
    this.rooms = rooms;
    this.openLimit = SideLimits.openUpdates(rooms.journal.blocks(), rooms.drives());
  }

  /**
   * Of a proxy: accepts what concerns a drive that is gone.
   *
   * @param firstId of its updates: above every mj that the drive itself can have given out
   * @param openLimit updates open at the same time at most
   */
  public DataSide(SideRooms rooms, long firstId, int openLimit) {
    this.rooms = rooms;
    this.nextProxyId = firstId;
    this.openLimit = openLimit;
  }

  SideRooms rooms() {
    return rooms;
  }

  /** The mj of a proxy's next update, which no journal gives. */
  long nextProxyId() {
    return nextProxyId++;
  }

  /** Tells whom to ask for old blocks that can't be read; once, at start. */
  public void setRepairs(Repairs newRepairs) {
    repairs = newRepairs;
  }

  /** Tells what is before every update; once, at start. */
  public void setGate(Gate newGate) {
    gate = newGate;
  }

  Repairs repairs() {
    return repairs;
  }

  /** A part of a client's write arrives. */
  public void onWrite(WriteOp op) {
    // First, before anything can go wrong: what is in this list is handed over if this IOM stops.
    op.newerOpen = null;
    op.olderOpen = newest;
    if (newest == null) {
      oldest = op;
    } else {
      newest.newerOpen = op;
    }
    newest = op;
    op.accept(this, ++accepted);
    op.bucket = bucket(op.gfid, op.lblk);
    op.nextInChain = null;
    if (chainTail[op.bucket] == null) {
      chainHead[op.bucket] = op;
    } else {
      chainTail[op.bucket].nextInChain = op;
    }
    chainTail[op.bucket] = op;
    inside++;
    if (!behindAnother(op)) {
      startOrHold(op);
    }
  }

  private int bucket(long gfid, long lblk) {
    long segment = lblk / rooms.cnode(gfid).segmentBlocks();
    return (int) ((segment * 0x9E3779B97F4A7C15L ^ gfid * 0xC2B2AE3D27D4EB4FL) >>> 40)
        & (BUCKETS - 1);
  }

  /** One open update per data block: an earlier one of the same blocks goes first. */
  private boolean behindAnother(WriteOp op) {
    for (WriteOp earlier = chainHead[op.bucket]; earlier != op; earlier = earlier.nextInChain) {
      if (earlier.overlaps(op.gfid, op.lblk, op.count)) {
        return true;
      }
    }
    return false;
  }

  private void startOrHold(WriteOp op) {
    if (!overLimit.isEmpty() || limitReached()) {
      overLimit.add(op);
      return;
    }
    begin(op);
  }

  private void begin(WriteOp op) {
    started++;
    if (gate.pass(op)) {
      op.start();
    }
  }

  /** What {@link Gate#pass} had to wait for is there. */
  public void onGatePassed(WriteOp op) {
    op.start();
  }

  private boolean limitReached() {
    return started >= openLimit
        || fullJournals > 0
        || (!rooms.gone() && rooms.maps.dirtyCount() > rooms.maps.capacity() * 3 / 4);
  }

  /**
   * Some drive's journal, perhaps this one's, is nearly full: what would need it waits. Only what
   * is open already still comes to it, and {@link SideLimits#openUpdates} has kept room for that.
   */
  public void onJournalFull() {
    fullJournals++;
  }

  public void onJournalTrimmed() {
    fullJournals--;
    resume();
  }

  /** Starts what a limit held back, as far as it allows now. */
  public void resume() {
    while (!overLimit.isEmpty() && !limitReached()) {
      begin(overLimit.poll());
    }
  }

  /** An update has found that there is nothing to change. */
  public void onUnchanged(WriteOp op) {
    op.onUnchanged();
  }

  public void onAdmitted(WriteOp op) {
    op.onAdmitted();
  }

  public void onRequestDelta(WriteOp op, int parity) {
    op.onRequestDelta(parity);
  }

  public void onDeltaTaken(WriteOp op, Object generation, long number) {
    op.onDeltaTaken((int) (number & 0xff), generation, (int) (number >>> 8));
  }

  public void onParityHardened(WriteOp op, int parity) {
    op.onParityHardened(parity);
  }

  /** Reads the blocks of a run whose bit is set. */
  void readMissing(BlockIo io, long[] addresses, long mask, int count, IoBuffer target) {
    if (Long.bitCount(mask) == count) {
      rooms.drive.read(io, addresses, 0, count, target, 0);
      return;
    }
    for (int i = 0; i < count; i++) {
      wanted[i] = (mask >>> i & 1) != 0 ? addresses[i] : 0;
    }
    rooms.drive.read(io, wanted, 0, count, target, 0);
  }

  private final long[] wanted = new long[WriteOp.MAX_BLOCKS];

  void wakeReaders(WriteOp op) {
    WriteOp.ReadersWaiting waiting = op.readers;
    op.readers = null;
    while (waiting != null) {
      WriteOp.ReadersWaiting following = waiting.next();
      waiting.onContent();
      waiting = following;
    }
  }

  void onClosed(WriteOp op) {
    unlink(op);
    inside--;
    started--;
    rooms.counters().updates.add(1);
    wakeReaders(op);
    for (WriteOp later = chainHead[op.bucket]; later != null; later = later.nextInChain) {
      if (later.waiting()
          && later.overlaps(op.gfid, op.lblk, op.count)
          && !behindAnother(later)
          && !overLimit.contains(later)) {
        startOrHold(later);
      }
    }
    resume();
    answerFlushes();
    List<Runnable> awaiting = op.whenClosed;
    op.whenClosed = null;
    if (awaiting != null) {
      awaiting.forEach(Runnable::run);
    }
  }

  private void unlink(WriteOp op) {
    if (op.olderOpen == null) {
      oldest = op.newerOpen;
    } else {
      op.olderOpen.newerOpen = op.newerOpen;
    }
    if (op.newerOpen == null) {
      newest = op.olderOpen;
    } else {
      op.newerOpen.olderOpen = op.olderOpen;
    }
    op.olderOpen = null;
    op.newerOpen = null;
    WriteOp before = null;
    WriteOp at = chainHead[op.bucket];
    while (at != op) {
      before = at;
      at = at.nextInChain;
    }
    if (before == null) {
      chainHead[op.bucket] = op.nextInChain;
    } else {
      before.nextInChain = op.nextInChain;
    }
    if (chainTail[op.bucket] == op) {
      chainTail[op.bucket] = before;
    }
    op.nextInChain = null;
  }

  /** The newest update of a block that is accepted and not closed, or null. */
  public WriteOp newestOf(long gfid, long lblk) {
    WriteOp found = null;
    for (WriteOp op = chainHead[bucket(gfid, lblk)]; op != null; op = op.nextInChain) {
      if (op.overlaps(gfid, lblk, 1)) {
        found = op;
      }
    }
    return found;
  }

  /** The open update of a block (the first of its chain), or null. */
  public WriteOp openOf(long gfid, long lblk) {
    for (WriteOp op = chainHead[bucket(gfid, lblk)]; op != null; op = op.nextInChain) {
      if (op.overlaps(gfid, lblk, 1)) {
        return op;
      }
    }
    return null;
  }

  /** Has a reader told when the content of {@code op} is ready. */
  public void awaitContent(WriteOp op, WriteOp.ReadersWaiting reader) {
    Invariant.check(!op.contentReady(), "only content that is not there is waited for", op.mj);
    op.readers = reader;
  }

  /** Has {@code then} called when {@code op} is closed; not when this IOM stops before. */
  public void awaitClosed(WriteOp op, Runnable then) {
    if (op.whenClosed == null) {
      op.whenClosed = new ArrayList<>(1);
    }
    op.whenClosed.add(then);
  }

  /**
   * The reader that waits for {@code op} already, if any: the new one's {@link
   * WriteOp.ReadersWaiting#next}.
   */
  public WriteOp.ReadersWaiting lastReader(WriteOp op) {
    return op.readers;
  }

  /** Answers when all that was accepted up to now is closed, whoever wrote it. */
  public void onFlush(Object subject, Actor client) {
    flushes.add(new PendingFlush(subject, client, accepted));
    answerFlushes();
  }

  private void answerFlushes() {
    while (!flushes.isEmpty() && (oldest == null || oldest.acceptedAs > flushes.peek().upTo())) {
      PendingFlush flush = flushes.poll();
      rooms.shard.send(flush.client(), MessageType.FLUSHED, flush.subject(), null, 0);
    }
  }

  /** What clients have asked of an IOM, in its order. */
  public interface Unfinished {
    /** A write that is not closed. */
    void onWrite(WriteOp op);

    /** A flush that is not answered: of all the writes before it. */
    void onFlush(Object subject, Actor client);
  }

  /**
   * Tells what is accepted and not over, in the order of acceptance; of an IOM that has stopped.
   */
  public void handOver(Unfinished hears) {
    for (WriteOp op = oldest; op != null; op = op.newerOpen) {
      while (!flushes.isEmpty() && flushes.peek().upTo() < op.acceptedAs) {
        PendingFlush flush = flushes.poll();
        hears.onFlush(flush.subject(), flush.client());
      }
      hears.onWrite(op);
    }
    for (PendingFlush flush = flushes.poll(); flush != null; flush = flushes.poll()) {
      hears.onFlush(flush.subject(), flush.client());
    }
  }

  /** The oldest mj of an update that is not closed; {@link Long#MAX_VALUE} if none is open. */
  public long oldestOpenId() {
    long id = Long.MAX_VALUE;
    // In the order of acceptance, not of mj: an update that waited long has a young mj.
    for (WriteOp op = oldest; op != null; op = op.newerOpen) {
      if (op.mj != 0) {
        id = Math.min(id, op.mj);
      }
    }
    return id;
  }

  /** Updates accepted and not closed. */
  public int inside() {
    return inside;
  }
}
