package dev.tuff.iom.parity;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.cache.BufferPool;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.drive.Zeros;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.LostBlockException;
import dev.tuff.iom.write.ParityPart;
import dev.tuff.iom.write.SideLimits;
import dev.tuff.iom.write.WriteOp;
import dev.tuff.xor.Crc32c;
import dev.tuff.xor.ErasureCode;
import java.lang.foreign.MemorySegment;

/**
 * One parity write and the updates merged into it, on the parity IOM: the mirror of {@link
 * WriteOp}, its handlers in the order in which they run. It gathers updates until all it has asked
 * for are there, merges them once, and is closed when its parity and every member's data are
 * hardened; of several parities, when the others have hardened its updates too. Owned by the parity
 * IOM's shard.
 */
public final class Generation implements BlockIo.Listener, PageRequest.Listener {
  /** Updates merged into one parity write at most. */
  static final int MAX_UPDATES = 64;

  private enum Phase {
    FREE,
    /** P1 to P5: updates may join; old parity and deltas are on their way. */
    GATHERING,
    /** P6 to P10: merged; nothing joins any more. */
    OPEN
  }

  /** An update in this generation. */
  static final class Slot {
    WriteOp op;
    int member;
    long lblk;
    int count;
    long mj;

    /** Part of a stripe, and nothing of it is changed: not journaled. */
    boolean unchanged;

    boolean delta;
    boolean dataHardened;
    boolean answered;

    /** Blocks, one a bit, whose version in the old parity was a discard. */
    int oldDiscarded;

    final long[] oldMemberId = new long[WriteOp.MAX_BLOCKS];
    final int[] oldMemberCrc = new int[WriteOp.MAX_BLOCKS];
  }

  private final ParitySide side;
  private final SideRooms rooms;
  private Phase phase = Phase.FREE;
  Generation nextOpen;
  Generation nextFree;
  int bucket;

  long gfid;
  long lblk;
  int count;
  int parity;
  boolean dataMode;
  int updates;

  /** Some update takes blocks their places: parity of which nothing is left may lose its own. */
  private boolean unmaps;

  private int mappedNow;
  final long[] newAddress = new long[WriteOp.MAX_BLOCKS];
  final long[] oldAddress = new long[WriteOp.MAX_BLOCKS];
  final long[] oldId = new long[WriteOp.MAX_BLOCKS];
  final int[] newCrc = new int[WriteOp.MAX_BLOCKS];
  final int[] oldCrc = new int[WriteOp.MAX_BLOCKS];

  private Slot[] slots = new Slot[4];
  private Cnode cnode;
  private final PageRequest leaf = new PageRequest(this);
  private final BlockIo oldRead = new BlockIo(this);
  private final BlockIo parityWrite = new BlockIo(this);
  private final ParityJournalEntry pjEntry = new ParityJournalEntry(this);
  private final BufferPool.Waiter bufferWaiter = this::onBuffer;
  private IoBuffer buffer;
  private boolean oldHere;
  private final long[] allocated = new long[WriteOp.MAX_BLOCKS];
  private long readFromDrive;
  private int repairsOwed;
  private int mapped;
  private int deltas;
  private int hardenedMembers;

  /** The group has more parities than this one: see {@link WriteOp#onAdmitted}. */
  private boolean several;

  /** Of those that its updates go to it is the first. */
  private boolean first;

  private int closedMembers;
  private boolean pjHardened;
  private boolean parityHardened;
  private long pj;
  private long reserved;
  private MemorySegment[] memberData = new MemorySegment[0];
  private long[] memberOffset = new long[0];

  Generation(ParitySide side, SideRooms rooms) {
    this.side = side;
    this.rooms = rooms;
  }

  Slot slot(int index) {
    return slots[index];
  }

  /** Updates that change something. */
  int journaledUpdates() {
    int changing = 0;
    for (int u = 0; u < updates; u++) {
      changing += slots[u].unchanged ? 0 : 1;
    }
    return changing;
  }

  boolean overlaps(long otherGfid, long otherLblk, int otherCount) {
    return gfid == otherGfid && lblk < otherLblk + otherCount && otherLblk < lblk + count;
  }

  /** True while an update within this one's blocks can still be merged in. */
  boolean canJoin(WriteOp op) {
    return phase == Phase.GATHERING
        && !dataMode
        && !several
        && op.stripe == 0
        && updates < MAX_UPDATES
        && op.lblk >= lblk
        && op.lblk + op.count <= lblk + count;
  }

  // ---- P1, P2: receive the request, take a buffer, start reading old parity

  void open(WriteOp opener, int parityIndex) {
    Invariant.check(phase == Phase.FREE, "a generation is opened once");
    phase = Phase.GATHERING;
    gfid = opener.gfid;
    lblk = opener.lblk;
    count = opener.count;
    parity = parityIndex;
    dataMode = opener.stripe != 0;
    unmaps = false;
    cnode = rooms.cnode(gfid);
    updates = 0;
    deltas = 0;
    hardenedMembers = 0;
    closedMembers = 0;
    several = cnode.attributes().parityMembers() > 1;
    first = opener.firstParity(parity);
    mapped = 0;
    reserved = 0;
    pj = 0;
    oldHere = false;
    pjHardened = false;
    parityHardened = false;
    buffer = null;
  }

  /**
   * Takes an update in; before {@link #begin} for those that open it, or later while {@link
   * #canJoin}.
   */
  void join(ParityPart part, boolean deltaReady) {
    if (updates == slots.length) {
      slots = java.util.Arrays.copyOf(slots, slots.length * 2);
    }
    if (slots[updates] == null) {
      slots[updates] = new Slot();
    }
    Slot slot = slots[updates];
    slot.op = part.op;
    slot.member = part.op.member;
    slot.lblk = part.op.lblk;
    slot.count = part.op.count;
    slot.mj = part.op.mj;
    slot.unchanged = part.op.unchanged();
    slot.delta = deltaReady;
    slot.dataHardened = false;
    slot.answered = false;
    part.generation = this;
    part.slot = updates;
    if (part.op.unmaps()) {
      unmaps = true;
    } else {
      reserved += part.op.count;
    }
    updates++;
    if (deltaReady) {
      deltas++;
    } else {
      // P4: ready for it.
      rooms.send(driveOf(slot.member), MessageType.REQUEST_DELTA, part.op, null, parity);
    }
  }

  void begin() {
    // Where nothing was ever written nothing is made for a stripe of discards.
    if (cnode.parityLeaf(leaf, lblk, !(dataMode && unmaps))) {
      onPage(leaf);
    }
  }

  private BufferPool pool() {
    return count == 1 ? rooms.smallParity : rooms.largeParity;
  }

  private void onBuffer(IoBuffer taken) {
    buffer = taken;
    readOldParity();
  }

  @Override
  public void onPage(PageRequest request) {
    Page page = leaf.page();
    if (dataMode && unmaps && nothingMapped(page)) {
      leaveUnchanged();
      return;
    }
    long entry = cnode.parityEntry(lblk);
    for (int i = 0; i < count; i++) {
      oldAddress[i] = Cnode.address(page, entry);
      oldId[i] = Cnode.id(page, entry);
      oldCrc[i] = Cnode.crc(page, entry);
      if (oldAddress[i] != 0) {
        mapped++;
      }
      entry += cnode.parityEntryBytes();
    }
    // Only now, so that who holds a buffer never waits for a page.
    IoBuffer taken = pool().take(bufferWaiter);
    if (taken != null) {
      onBuffer(taken);
    }
  }

  /**
   * True for a stripe of discards of which no member has anything mapped: their own IOMs say so, or
   * of a member whose drive is gone this parity. All parities of the group come to the same.
   */
  private boolean nothingMapped(Page page) {
    for (int u = 0; u < updates; u++) {
      Slot slot = slots[u];
      if (!slot.unchanged && !(slot.op.proxied() && (page == null || unmapped(page, slot)))) {
        return false;
      }
    }
    return true;
  }

  private boolean unmapped(Page page, Slot slot) {
    long entry = cnode.parityEntry(slot.lblk);
    for (int i = 0; i < slot.count; i++) {
      if (cnode.memberMapped(page, entry, slot.member)) {
        return false;
      }
      entry += cnode.parityEntryBytes();
    }
    return true;
  }

  /** Zeros over zeros in every member: there is nothing to do, and it is done. */
  private void leaveUnchanged() {
    leaf.release();
    for (int u = 0; u < updates; u++) {
      int drive = driveOf(slots[u].member);
      if (several && first) {
        rooms.send(drive, MessageType.ADMITTED, slots[u].op, null, 0);
      }
      rooms.send(drive, MessageType.DELTA_TAKEN, slots[u].op, null, parity);
      rooms.send(drive, MessageType.PARITY_HARDENED, slots[u].op, null, parity);
    }
    phase = Phase.FREE;
    side.onClosed(this);
  }

  private void readOldParity() {
    readFromDrive = 0;
    if (!dataMode) {
      for (int i = 0; i < count; i++) {
        long at = (long) i * Drive.BLOCK_BYTES;
        if (oldAddress[i] == 0) {
          Zeros.clear(buffer.segment(), at, Drive.BLOCK_BYTES);
        } else if (!rooms.blocks.get(oldAddress[i], oldId[i], buffer.segment(), at)) {
          readFromDrive |= 1L << i;
        }
      }
    }
    if (readFromDrive == 0) {
      oldHere = true;
      mergeIfComplete();
      return;
    }
    side.readMissing(oldRead, oldAddress, readFromDrive, count, buffer);
  }

  @Override
  public void onTransferred(BlockIo io) {
    if (io == oldRead) {
      onOldParity();
    } else {
      onParityWritten();
    }
  }

  private void onOldParity() {
    repairsOwed = 0;
    long damaged = 0;
    for (int i = 0; i < count; i++) {
      boolean sound =
          (readFromDrive >>> i & 1) == 0
              || ((oldRead.failedMask() >>> i & 1) == 0
                  && Crc32c.of(buffer.segment(), (long) i * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES)
                      == oldCrc[i]);
      if (!sound) {
        damaged |= 1L << i;
        repairsOwed++;
      }
    }
    if (damaged == 0) {
      oldHere = true;
      mergeIfComplete();
      return;
    }
    // As for old data in WriteOp: no parity is made from rot. The members can make the old one
    // again.
    rooms.counters().checksumErrors.add(repairsOwed);
    for (long rest = damaged; rest != 0; rest &= rest - 1) {
      side.repairs().repairOldParity(this, Long.numberOfTrailingZeros(rest));
    }
  }

  /** The object whose parity this is. */
  public long gfid() {
    return gfid;
  }

  public long lblk() {
    return lblk;
  }

  /** The member that this parity is: N and up. */
  public int member() {
    return cnode.attributes().dataMembers() + parity;
  }

  /** Where old parity is wanted, block i at {@code i * 4096}. */
  public IoBuffer buffer() {
    return buffer;
  }

  /** A block of old parity is in {@link #buffer}, or it is lost. */
  public void onOldRepaired(boolean made) {
    if (!made) {
      throw new LostBlockException(
          "old parity of lblk "
              + lblk
              + " can be read neither from drive "
              + rooms.driveIndex
              + " nor made from its group");
    }
    if (--repairsOwed == 0) {
      oldHere = true;
      mergeIfComplete();
    }
  }

  // ---- P5: the deltas arrive

  void onDelta(int slotIndex) {
    Slot slot = slots[slotIndex];
    Invariant.check(!slot.delta && phase == Phase.GATHERING, "a delta comes once", slot.mj);
    slot.delta = true;
    deltas++;
    mergeIfComplete();
  }

  void mergeIfComplete() {
    if (phase == Phase.GATHERING
        && oldHere
        && deltas == updates
        && !side.beingRead(gfid, lblk, count)) {
      merge();
    }
  }

  // ---- P6, P3: merge, journal pj, write

  private void merge() {
    phase = Phase.OPEN;
    ErasureCode code =
        rooms.code(cnode.attributes().dataMembers(), cnode.attributes().parityMembers());
    if (dataMode && unmaps) {
      Zeros.clear(buffer.segment(), 0, (long) count * Drive.BLOCK_BYTES);
    } else if (dataMode) {
      encode(code);
    } else {
      for (int u = 0; u < updates; u++) {
        WriteOp op = slots[u].op;
        code.apply(
            parity,
            op.member,
            buffer.segment(),
            (op.lblk - lblk) * Drive.BLOCK_BYTES,
            op.delta.segment(),
            op.deltaOffset,
            op.count * Drive.BLOCK_BYTES);
      }
    }
    rememberMembers();
    for (int i = 0; i < count; i++) {
      newCrc[i] = Crc32c.of(buffer.segment(), (long) i * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
    }
    allocate();
    pj = rooms.journal.append(pjEntry);
    if (mappedNow == 0) {
      map();
      parityHardened = true;
    } else {
      rooms.drive.write(parityWrite, newAddress, 0, count, buffer, 0);
    }
    for (int u = 0; u < updates; u++) {
      if (several && first) {
        // Not before: while the group can still be read here, the other parities stand where this
        // one stands.
        rooms.send(driveOf(slots[u].member), MessageType.ADMITTED, slots[u].op, null, 0);
      }
      rooms.send(
          driveOf(slots[u].member),
          MessageType.DELTA_TAKEN,
          slots[u].op,
          this,
          parity | (long) u << 8);
    }
    rooms.counters().generations.add(1);
    rooms.counters().mergedUpdates.add(updates);
    if (mappedNow == 0) {
      giveBuffer();
    }
  }

  /** A place for each block of parity that is made of anything. */
  private void allocate() {
    mappedNow = 0;
    for (int i = 0; i < count; i++) {
      boolean empty = unmaps && emptyNow(i);
      newAddress[i] = empty ? 0 : 1;
      mappedNow += empty ? 0 : 1;
    }
    rooms.allocator.allocate(mappedNow, allocated, 0, rooms.journal.nextId());
    int next = 0;
    for (int i = 0; i < count; i++) {
      if (newAddress[i] != 0) {
        newAddress[i] = allocated[next++];
        rooms.blocks.drop(newAddress[i]);
      } else {
        Invariant.check(
            Zeros.is(buffer.segment(), (long) i * Drive.BLOCK_BYTES),
            "the parity of nothing is zeros",
            lblk + i);
      }
    }
  }

  /** True when no member of a group has a place any more. */
  private boolean emptyNow(int i) {
    Page page = leaf.page();
    long entry = cnode.parityEntry(lblk) + (long) i * cnode.parityEntryBytes();
    long mappedMembers = 0;
    for (int m = 0; m < cnode.attributes().dataMembers(); m++) {
      mappedMembers |= cnode.memberMapped(page, entry, m) ? 1L << m : 0;
    }
    for (int u = 0; u < updates; u++) {
      WriteOp op = slots[u].op;
      if (op.overlaps(gfid, lblk + i, 1)) {
        mappedMembers &= ~(1L << op.member);
        mappedMembers |= op.unmaps() ? 0 : 1L << op.member;
      }
    }
    return mappedMembers == 0;
  }

  private void encode(ErasureCode code) {
    int n = code.n();
    if (memberData.length != n) {
      memberData = new MemorySegment[n];
      memberOffset = new long[n];
    }
    for (int u = 0; u < updates; u++) {
      WriteOp op = slots[u].op;
      memberData[op.member] = op.delta.segment();
      memberOffset[op.member] = op.deltaOffset;
    }
    code.encodeOne(
        parity, memberData, memberOffset, buffer.segment(), 0, count * Drive.BLOCK_BYTES);
    java.util.Arrays.fill(memberData, null);
  }

  private int driveOf(int member) {
    return cnode.layout().drive(lblk / cnode.layout().chunkBlocks(), member);
  }

  /**
   * What the old parity says of the members, for the journal: recovery may have to go back to it.
   */
  private void rememberMembers() {
    Page page = leaf.page();
    for (int u = 0; u < updates; u++) {
      Slot slot = slots[u];
      long entry = cnode.parityEntry(slot.op.lblk);
      slot.oldDiscarded = 0;
      for (int i = 0; i < slot.count; i++) {
        slot.oldMemberId[i] = cnode.memberId(page, entry, slot.member);
        slot.oldMemberCrc[i] = cnode.memberCrc(page, entry, slot.member);
        slot.oldDiscarded |= (Cnode.discardedMembers(page, entry) >>> slot.member & 1) << i;
        // Deltas are not idempotent: one that is in the parity already must never be merged again.
        Invariant.check(
            slot.unchanged || slot.op.oldUnknown() || slot.oldMemberId[i] == slot.op.oldId[i],
            "a delta is made against the version that the parity holds",
            slot.mj);
        entry += cnode.parityEntryBytes();
      }
    }
  }

  // ---- P7: new parity on disk

  private void onParityWritten() {
    if (parityWrite.failed()) {
      return;
    }
    map();
    for (int i = 0; i < count && count <= SideLimits.CACHED_RUN_BLOCKS; i++) {
      if (newAddress[i] != 0) {
        rooms.blocks.put(newAddress[i], pj, buffer.segment(), (long) i * Drive.BLOCK_BYTES);
      }
    }
    // Not kept until closing: of several parities that waits for those after this one, whose
    // buffers updates that wait for this drive's may hold.
    giveBuffer();
  }

  private void giveBuffer() {
    IoBuffer written = buffer;
    buffer = null;
    pool().give(written);
  }

  private void map() {
    Page page = leaf.page();
    long entry = cnode.parityEntry(lblk);
    for (int i = 0; i < count; i++) {
      Cnode.setEntry(
          page, entry + (long) i * cnode.parityEntryBytes(), newAddress[i], pj, newCrc[i]);
    }
    for (int u = 0; u < updates; u++) {
      WriteOp op = slots[u].op;
      long at = entry + (op.lblk - lblk) * cnode.parityEntryBytes();
      for (int i = 0; i < op.count && !slots[u].unchanged; i++) {
        cnode.setMember(page, at, op.member, op.mj, op.newCrc[i], op.unmaps());
        at += cnode.parityEntryBytes();
      }
    }
    page.markDirty(pj);
    if (mapped > mappedNow) {
      rooms.counters().unmappedParities.add(mapped - mappedNow);
    }
    if (mapped != mappedNow) {
      cnode.addMappedParityBlocks(mappedNow - mapped, pj);
    }
    leaf.release();
  }

  // ---- P8: a member's data hardened; P9: parity hardened

  void onDataHardened(int slotIndex) {
    Slot slot = slots[slotIndex];
    Invariant.check(!slot.dataHardened, "a member's data is hardened once", slot.mj);
    slot.dataHardened = true;
    hardenedMembers++;
    answer();
  }

  void onPjHardened() {
    pjHardened = true;
    answer();
  }

  @Override
  public void onHardened(BlockIo io) {
    parityHardened = true;
    answer();
  }

  /**
   * A member hears of the parity when all other members' data is hardened too: one that is
   * acknowledged while another's data is still in flight could be lost with its drive, as the
   * parity then contains a delta that nobody can undo.
   */
  private void answer() {
    if (!pjHardened || !parityHardened) {
      return;
    }
    for (int u = 0; u < updates; u++) {
      Slot slot = slots[u];
      int othersHardened = hardenedMembers - (slot.dataHardened ? 1 : 0);
      if (!slot.answered && othersHardened == updates - 1) {
        slot.answered = true;
        rooms.send(driveOf(slot.member), MessageType.PARITY_HARDENED, slot.op, null, parity);
        slot.op = null;
      }
    }
    closeIfDue();
  }

  /** Of several parities: every other one has hardened this update too. */
  void onUpdateClosed() {
    closedMembers++;
    closeIfDue();
  }

  private void closeIfDue() {
    if (hardenedMembers == updates && (!several || closedMembers == updates)) {
      close();
    }
  }

  // ---- P10: close

  private void close() {
    long id = rooms.journal.nextId();
    for (int i = 0; i < count; i++) {
      if (oldAddress[i] != 0) {
        rooms.allocator.free(oldAddress[i], id);
      }
    }
    rooms.journal.appendParityComplete(pj);
    // What frees has reserved nothing, and takes no more places than it gives back.
    rooms.budget.give(reserved - mappedNow + mapped);
    phase = Phase.FREE;
    side.onClosed(this);
  }

  /** True when this generation has replaced the parity of a block. */
  public boolean replaced(long ofGfid, long block) {
    return phase == Phase.OPEN && overlaps(ofGfid, block, 1);
  }

  /**
   * Where the replaced parity of a block still lies, until this generation is closed; 0: it had no
   * place, as no member had one, and is zeros. Another parity may have one for the same zeros, that
   * recovery has made.
   */
  public long replacedAddress(long block) {
    return oldAddress[(int) (block - lblk)];
  }

  /** The pj that wrote it. */
  public long replacedId(long block) {
    return oldId[(int) (block - lblk)];
  }

  public int replacedCrc(long block) {
    return oldCrc[(int) (block - lblk)];
  }

  /** The mj of a member in it, where this generation has another; else {@code otherwise}. */
  public long replacedMemberId(long block, int member, long otherwise) {
    for (int u = 0; u < updates; u++) {
      Slot slot = slots[u];
      if (slot.member == member && block >= slot.lblk && block < slot.lblk + slot.count) {
        return slot.oldMemberId[(int) (block - slot.lblk)];
      }
    }
    return otherwise;
  }

  /** The pj of this generation, 0 before it is journaled. */
  long pj() {
    return pj;
  }

  boolean gathering() {
    return phase == Phase.GATHERING;
  }
}
