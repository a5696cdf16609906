package dev.tuff.iom.parity;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.ParityPart;
import dev.tuff.iom.write.WriteOp;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * An IOM as parity member: keeps one generation open per parity block; updates that come meanwhile
 * wait and are merged together into the next one. Waiting updates of the same segment form a chain
 * in the order of arrival.
 */
public final class ParitySide {
  private static final int BUCKETS = 2048;

  private final SideRooms rooms;
  private final ParityPart[] waitingHead = new ParityPart[BUCKETS];
  private final ParityPart[] waitingTail = new ParityPart[BUCKETS];
  private final Generation[] open = new Generation[BUCKETS];

  /** Those who read a group or wait to: no generation of it is opened meanwhile. */
  private final List<GroupReader> readers = new ArrayList<>();

  private final ArrayDeque<GroupReader> waitingReaders = new ArrayDeque<>();
  private Repairs repairs;
  private Generation free;

  /**
   * Makes old parity blocks that the drive can't give any more from their groups. Implemented by
   * the read room.
   */
  public interface Repairs {
    /**
     * Puts the old parity of block {@code index} of the generation's run into its buffer; answers
     * by {@link Generation#onOldRepaired}.
     */
    void repairOldParity(Generation generation, int index);
  }

  private int openCount;
  private int waitingCount;
  private final long[] wanted = new long[WriteOp.MAX_BLOCKS];

  public ParitySide(SideRooms rooms) {
    this.rooms = rooms;
  }

  private int bucket(long gfid, long lblk) {
    long segment = lblk / rooms.cnode(gfid).segmentBlocks();
    return (int) ((segment * 0x9E3779B97F4A7C15L ^ gfid * 0xC2B2AE3D27D4EB4FL) >>> 40)
        & (BUCKETS - 1);
  }

  /** P1: an update's request arrives. */
  public void onUpdateParity(WriteOp op, long number) {
    int parity = (int) (number & 0xff);
    boolean deltaReady = (number & WriteOp.DELTA_READY) != 0;
    ParityPart part = op.parts[parity];
    part.generation = null;
    part.deltaReady = deltaReady;
    part.nextInChain = null;
    int bucket = bucket(op.gfid, op.lblk);
    if (waitingTail[bucket] == null) {
      waitingHead[bucket] = part;
    } else {
      waitingTail[bucket].nextInChain = part;
    }
    waitingTail[bucket] = part;
    waitingCount++;
    admit(bucket);
  }

  /**
   * Lets in of the waiting updates what no open generation, no reader and no earlier waiting update
   * is before.
   */
  private void admit(int bucket) {
    ParityPart part = waitingHead[bucket];
    while (part != null) {
      ParityPart following = part.nextInChain;
      if (part.generation == null && !behindAnother(bucket, part)) {
        if (part.op.stripe != 0) {
          openStripe(bucket, part);
        } else {
          joinOrOpen(bucket, part);
        }
        // Others may have been let in with it, the following one too.
        following = waitingHead[bucket];
      }
      part = following;
    }
  }

  private boolean behindAnother(int bucket, ParityPart part) {
    WriteOp op = part.op;
    for (Generation g = open[bucket]; g != null; g = g.nextOpen) {
      if (g.overlaps(op.gfid, op.lblk, op.count) && !g.canJoin(op)) {
        return true;
      }
    }
    if (beingRead(op.gfid, op.lblk, op.count)) {
      return true;
    }
    if (op.stripe != 0) {
      // A stripe that is not complete holds nobody up: what its missing members wait for may be
      // just behind it.
      return stripeMembers(bucket, op) < rooms.cnode(op.gfid).attributes().dataMembers();
    }
    for (ParityPart earlier = waitingHead[bucket]; earlier != part; earlier = earlier.nextInChain) {
      if (earlier.op.stripe == 0 && earlier.op.overlaps(op.gfid, op.lblk, op.count)) {
        return true;
      }
    }
    return false;
  }

  private int stripeMembers(int bucket, WriteOp op) {
    int members = 0;
    for (ParityPart p = waitingHead[bucket]; p != null; p = p.nextInChain) {
      if (sameStripe(p.op, op)) {
        members++;
      }
    }
    return members;
  }

  private static boolean sameStripe(WriteOp a, WriteOp b) {
    return a.stripe == b.stripe && a.gfid == b.gfid && a.lblk == b.lblk;
  }

  private void openStripe(int bucket, ParityPart first) {
    Generation generation = newGeneration(bucket, first);
    ParityPart part = waitingHead[bucket];
    while (part != null) {
      ParityPart following = part.nextInChain;
      if (sameStripe(part.op, first.op)) {
        unlink(bucket, part);
        generation.join(part, part.deltaReady);
      }
      part = following;
    }
    generation.begin();
  }

  private void joinOrOpen(int bucket, ParityPart part) {
    for (Generation g = open[bucket]; g != null; g = g.nextOpen) {
      if (g.overlaps(part.op.gfid, part.op.lblk, part.op.count) && g.canJoin(part.op)) {
        unlink(bucket, part);
        g.join(part, part.deltaReady);
        g.mergeIfComplete();
        return;
      }
    }
    Generation generation = newGeneration(bucket, part);
    unlink(bucket, part);
    generation.join(part, part.deltaReady);
    // All that waited with it goes into the same parity write.
    ParityPart other = waitingHead[bucket];
    while (other != null) {
      ParityPart following = other.nextInChain;
      if (generation.canJoin(other.op)
          && generation.overlaps(other.op.gfid, other.op.lblk, other.op.count)
          && !behindAnother(bucket, other)) {
        unlink(bucket, other);
        generation.join(other, other.deltaReady);
      }
      other = following;
    }
    generation.begin();
  }

  private Generation newGeneration(int bucket, ParityPart first) {
    Generation generation = free;
    if (generation == null) {
      generation = new Generation(this, rooms);
    } else {
      free = generation.nextFree;
      generation.nextFree = null;
    }
    generation.bucket = bucket;
    generation.open(first.op, first.parity);
    generation.nextOpen = open[bucket];
    open[bucket] = generation;
    openCount++;
    return generation;
  }

  private void unlink(int bucket, ParityPart part) {
    ParityPart before = null;
    ParityPart at = waitingHead[bucket];
    while (at != part) {
      before = at;
      at = at.nextInChain;
    }
    if (before == null) {
      waitingHead[bucket] = part.nextInChain;
    } else {
      before.nextInChain = part.nextInChain;
    }
    if (waitingTail[bucket] == part) {
      waitingTail[bucket] = before;
    }
    part.nextInChain = null;
    waitingCount--;
  }

  public void onDelta(Generation generation, int slot) {
    generation.onDelta(slot);
  }

  public void onDataHardened(Generation generation, int slot) {
    generation.onDataHardened(slot);
  }

  public void onUpdateClosed(Generation generation) {
    generation.onUpdateClosed();
  }

  void readMissing(BlockIo io, long[] addresses, long mask, int count, IoBuffer target) {
    for (int i = 0; i < count; i++) {
      wanted[i] = (mask >>> i & 1) != 0 ? addresses[i] : 0;
    }
    rooms.drive.read(io, wanted, 0, count, target, 0);
  }

  void onClosed(Generation generation) {
    int bucket = generation.bucket;
    if (open[bucket] == generation) {
      open[bucket] = generation.nextOpen;
    } else {
      Generation before = open[bucket];
      while (before.nextOpen != generation) {
        before = before.nextOpen;
      }
      before.nextOpen = generation.nextOpen;
    }
    generation.nextOpen = null;
    generation.nextFree = free;
    free = generation;
    openCount--;
    if (!waitingReaders.isEmpty()) {
      startReaders();
    }
    admit(bucket);
  }

  /**
   * Calls {@link GroupReader#onQuiet} when no generation of the blocks is open; none is opened
   * until {@link #doneReading}.
   */
  public void read(GroupReader reader) {
    readers.add(reader);
    waitingReaders.add(reader);
    startReaders();
  }

  private void startReaders() {
    int count = waitingReaders.size();
    for (int i = 0; i < count; i++) {
      GroupReader reader = waitingReaders.poll();
      if (quiet(reader)) {
        reader.onQuiet();
      } else {
        waitingReaders.add(reader);
      }
    }
  }

  private boolean quiet(GroupReader reader) {
    for (Generation g = open[bucket(reader.gfid(), reader.lblk())]; g != null; g = g.nextOpen) {
      if (!g.gathering() && g.overlaps(reader.gfid(), reader.lblk(), reader.count())) {
        return false;
      }
    }
    return true;
  }

  /** The group may change again. */
  public void doneReading(GroupReader reader) {
    readers.remove(reader);
    int bucket = bucket(reader.gfid(), reader.lblk());
    Generation g = open[bucket];
    while (g != null) {
      Generation following = g.nextOpen;
      g.mergeIfComplete();
      g = following;
    }
    admit(bucket);
  }

  /** True while someone reads, or waits to read, one of the blocks. */
  boolean beingRead(long gfid, long lblk, int count) {
    for (int i = 0; i < readers.size(); i++) {
      GroupReader reader = readers.get(i);
      if (gfid == reader.gfid()
          && lblk < reader.lblk() + reader.count()
          && reader.lblk() < lblk + count) {
        return true;
      }
    }
    return false;
  }

  /** True when a generation of the block is under way: it has looked up where the old parity is. */
  public boolean busy(long gfid, long lblk) {
    for (Generation g = open[bucket(gfid, lblk)]; g != null; g = g.nextOpen) {
      if (g.overlaps(gfid, lblk, 1)) {
        return true;
      }
    }
    return false;
  }

  /** True when an update of the block is on its way into this parity. */
  public boolean awaits(long gfid, long lblk) {
    for (ParityPart p = waitingHead[bucket(gfid, lblk)]; p != null; p = p.nextInChain) {
      if (p.op.overlaps(gfid, lblk, 1)) {
        return true;
      }
    }
    return busy(gfid, lblk);
  }

  /** The generation that has replaced the parity of a block and is not closed, or null. */
  public Generation replacing(long gfid, long lblk) {
    for (Generation g = open[bucket(gfid, lblk)]; g != null; g = g.nextOpen) {
      if (g.replaced(gfid, lblk)) {
        return g;
      }
    }
    return null;
  }

  /** Tells whom to ask for old parity that can't be read; once, at start. */
  public void setRepairs(Repairs newRepairs) {
    repairs = newRepairs;
  }

  Repairs repairs() {
    return repairs;
  }

  /** The oldest pj of a generation that is not closed; {@link Long#MAX_VALUE} if none is. */
  public long oldestOpenId() {
    long id = Long.MAX_VALUE;
    if (openCount == 0) {
      return id;
    }
    for (Generation first : open) {
      for (Generation g = first; g != null; g = g.nextOpen) {
        if (g.pj() != 0) {
          id = Math.min(id, g.pj());
        }
      }
    }
    return id;
  }

  /** Generations that are not closed, and updates that wait for one. */
  public int inside() {
    return openCount + waitingCount;
  }
}
