package dev.tuff.iom.write;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.cache.BufferPool;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.drive.Zeros;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.MapShape;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.xor.Crc32c;
import dev.tuff.xor.ErasureCode;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/**
 * One update on its data IOM: a run of blocks of one chunk, or a part of one block, from its
 * acceptance to its closing. The handlers stand in the order in which they run, each named after
 * its step in figures 15A and 15B. Made by a client, owned by the data IOM's shard from WRITE to
 * WRITE_CLOSED; parity IOMs read what D7 has published.
 */
public final class WriteOp implements BlockIo.Listener, PageRequest.Listener {
  /** Blocks of an update at most. */
  public static final int MAX_BLOCKS = MapShape.MAX_SEGMENT_BLOCKS;

  /** Parities of a group at most. */
  public static final int MAX_PARITIES = 4;

  /**
   * In {@link MessageType#UPDATE_PARITY}: the delta comes with the request and need not be asked
   * for.
   */
  public static final int DELTA_READY = 0x100;

  private enum Phase {
    /** With its client. */
    FREE,
    /** Accepted; an earlier update of the same blocks, or a limit, is before it. */
    WAITING,
    /** D1: finding the old addresses and reading the old data. */
    PREPARING,
    /** D2 to D16: journaled and being written. */
    OPEN
  }

  // What the client asks. Set before WRITE.
  public Actor client;
  public Object request;
  public long gfid;
  public long lblk;
  public int count;
  public int member;
  public Toughness toughness = Toughness.HARDENED;

  /** Ties the N updates of a full-stripe write together; 0 for an update by delta. */
  public long stripe;

  /**
   * The new bytes: of whole blocks, or of {@link #writeBytes} from {@link #writeStart} on in one
   * block.
   */
  public IoBuffer payload;

  public int payloadOffset;
  public int writeStart;
  public int writeBytes;

  /** Writes zeros; there is no payload. */
  public boolean zeros;

  /**
   * Of zeros: the blocks are to have a place on the drive. Else whole blocks lose theirs, and where
   * nothing is mapped nothing is changed.
   */
  public boolean keepMapped;

  /** The client's: blocks that it counts as taken without a reservation. */
  public int unreserved;

  /** Drives of the parities, one an index. */
  public final int[] parityDrive = new int[MAX_PARITIES];

  public int parities;

  /** Those of them whose drives are there and that it goes to, one a bit; by the data IOM. */
  private int liveParities;

  /** Those whose drives are there and that it does not go to: see {@link #leaveOut}. */
  private int leftOut;

  // What parity IOMs read, unchanged from D7 until every ParityHardened.
  public long mj;
  public final long[] newAddress = new long[MAX_BLOCKS];
  public final long[] oldAddress = new long[MAX_BLOCKS];
  public final long[] oldId = new long[MAX_BLOCKS];
  public final int[] newCrc = new int[MAX_BLOCKS];
  public final int[] oldCrc = new int[MAX_BLOCKS];

  /** The delta (or the data, in data mode and where nothing was mapped); valid once announced. */
  public IoBuffer delta;

  public int deltaOffset;

  /** Each parity's handle, with the parity IOM from UpdateParity to DeltaTaken. */
  public final ParityPart[] parts = new ParityPart[MAX_PARITIES];

  /** Drives that are being rebuilt and have to have its blocks first. The rebuild room's. */
  public int gatesOwed;

  // The data IOM's own.
  DataSide side;
  WriteOp nextInChain;
  WriteOp olderOpen;
  WriteOp newerOpen;
  WriteOp nextFree;
  long acceptedAs;
  int bucket;
  boolean contentReady;
  ReadersWaiting readers;

  /** What waits for it to be closed; null: nothing. */
  List<Runnable> whenClosed;

  private Phase phase = Phase.FREE;
  private Cnode cnode;
  private final PageRequest leaf = new PageRequest(this);
  private final BlockIo dataWrite = new BlockIo(this);
  private final BlockIo oldRead = new BlockIo(this);
  private final DataJournalEntry mjEntry = new DataJournalEntry(this);
  private final BufferPool.Waiter oldBufferWaiter = this::onOldBuffer;
  private final BufferPool.Waiter freshBufferWaiter = this::onFreshBuffer;
  private IoBuffer old;
  private IoBuffer fresh;
  private int mapped;

  /** There is nothing to change: zeros are to be written where nothing is mapped. */
  private boolean unchanged;

  private boolean deltaReady;
  private long readFromDrive;
  private int repairsOwed;
  private int takenOwed;
  private int parityOwed;
  private int requestedDelta;
  private boolean mjHardened;
  private boolean dataHardened;
  private boolean hardenedSent;
  private boolean replied;

  /** By the IOM that had it before: see {@link #again}. */
  private boolean repliedBefore;

  private final Object[] generation = new Object[MAX_PARITIES];
  private final long[] generationSlot = new long[MAX_PARITIES];

  /** Read operations that wait for this update's content. Implemented by the read room. */
  public interface ReadersWaiting {
    /** The content is there, or the update is closed: look again. */
    void onContent();

    /** The one that waited before it. */
    ReadersWaiting next();
  }

  /**
   * What the client has asked, for another IOM or proxy to begin anew: of a write that was accepted
   * by one that has stopped. If it was replied to, it is not again.
   */
  public WriteOp again() {
    WriteOp op = new WriteOp();
    op.client = client;
    op.request = request;
    op.gfid = gfid;
    op.lblk = lblk;
    op.count = count;
    op.member = member;
    op.toughness = toughness;
    // The others of its stripe may be closed already.
    op.stripe = 0;
    op.payload = payload;
    op.payloadOffset = payloadOffset;
    op.writeStart = writeStart;
    op.writeBytes = writeBytes;
    op.zeros = zeros;
    op.keepMapped = keepMapped;
    op.unreserved = unreserved;
    op.parities = parities;
    System.arraycopy(parityDrive, 0, op.parityDrive, 0, parities);
    op.repliedBefore = replied;
    return op;
  }

  public WriteOp() {
    for (int i = 0; i < MAX_PARITIES; i++) {
      parts[i] = new ParityPart(this, i);
    }
  }

  // ---- acceptance

  void accept(DataSide owner, long sequence) {
    acceptedAs = sequence;
    // Of this write, not of the one before that had this object: see again().
    replied = repliedBefore;
    repliedBefore = false;
    Invariant.check(phase == Phase.FREE, "an update is accepted once");
    phase = Phase.WAITING;
    side = owner;
    cnode = owner.rooms().cnode(gfid);
    if (zeros) {
      payload = owner.rooms().zeros;
      payloadOffset = 0;
    }
    unchanged = false;
    contentReady = wholeBlocks();
    old = null;
    fresh = null;
    delta = null;
    mapped = 0;
    deltaReady = false;
    liveParities = 0;
    for (int p = 0; p < parities; p++) {
      liveParities |= owner.rooms().present(parityDrive[p]) ? 1 << p : 0;
    }
    parityOwed = liveParities;
    takenOwed = liveParities;
    leftOut = 0;
    whenClosed = null;
    requestedDelta = 0;
    mjHardened = false;
    dataHardened = false;
    hardenedSent = false;
    mj = 0;
  }

  /** True when the payload holds every byte of its blocks. */
  boolean wholeBlocks() {
    return writeBytes == count * Drive.BLOCK_BYTES;
  }

  /** True when its blocks lose their places on the drive. */
  public boolean unmaps() {
    return zeros && !keepMapped && wholeBlocks();
  }

  /** True when it was found that there is nothing to change; it is part of a stripe then. */
  public boolean unchanged() {
    return unchanged;
  }

  /** True until it has begun to look where its old blocks are. */
  public boolean waiting() {
    return phase == Phase.WAITING;
  }

  /** True when it covers any of those blocks. */
  public boolean overlaps(long otherGfid, long otherLblk, int otherCount) {
    return gfid == otherGfid && lblk < otherLblk + otherCount && otherLblk < lblk + count;
  }

  /**
   * Before it starts: goes on without parities, one a bit, whose drives are being rebuilt and have
   * nothing of its groups yet. Their rebuild waits until it is closed.
   */
  public void leaveOut(int parityBits) {
    Invariant.check(phase == Phase.WAITING, "parities are left out before an update starts");
    leftOut |= parityBits;
    liveParities &= ~parityBits;
    parityOwed = liveParities;
    takenOwed = liveParities;
  }

  /** True when it is begun, or about to be, without this parity. */
  public boolean leavesOut(int parity) {
    return (leftOut >>> parity & 1) != 0;
  }

  /** True when of those that it goes to this is the first. */
  public boolean firstParity(int parity) {
    return Integer.numberOfTrailingZeros(liveParities) == parity;
  }

  // ---- D1: old addresses, old data

  /** Nothing is before it any more. */
  void start() {
    Invariant.check(phase == Phase.WAITING, "an update starts once");
    phase = Phase.PREPARING;
    if (proxied()) {
      startForGone();
    } else if (cnode.dataLeaf(leaf, lblk, !zeros || keepMapped)) {
      onPage(leaf);
    }
  }

  /**
   * True when the drive of this member is gone and its proxy does the update: of the steps that
   * concern the drive there is none, and the parities alone hold what is written.
   */
  public boolean proxied() {
    return side.rooms().gone();
  }

  /** True when nobody has looked up what it replaces: the parities know. */
  public boolean oldUnknown() {
    return proxied() && wholeBlocks() && stripe != 0;
  }

  private void startForGone() {
    for (int i = 0; i < count; i++) {
      newAddress[i] = 0;
      oldAddress[i] = 0;
      oldId[i] = 0;
      oldCrc[i] = 0;
    }
    if (oldUnknown()) {
      usePayloadAsDelta();
    } else {
      takeOldBuffer();
    }
  }

  @Override
  public void onPage(PageRequest request) {
    Page page = leaf.page();
    long entry = cnode.dataEntry(lblk);
    for (int i = 0; i < count; i++) {
      oldAddress[i] = page == null ? 0 : Cnode.address(page, entry);
      oldId[i] = page == null ? 0 : Cnode.id(page, entry);
      oldCrc[i] = page == null ? 0 : Cnode.crc(page, entry);
      if (oldAddress[i] != 0) {
        mapped++;
      }
      entry += cnode.dataEntryBytes();
    }
    if (zeros && !keepMapped && mapped == 0) {
      leaveUnchanged();
    } else if (wholeBlocks() && (stripe != 0 || liveParities == 0 || mapped == 0)) {
      usePayloadAsDelta();
    } else {
      takeOldBuffer();
    }
  }

  /** Data mode, or zeros before: nothing old is needed. */
  private void usePayloadAsDelta() {
    delta = payload;
    deltaOffset = payloadOffset;
    deltaReady = true;
    open();
  }

  private void takeOldBuffer() {
    IoBuffer buffer = pool().take(oldBufferWaiter);
    // An update without a buffer does not go on: a parity that holds one of its own and waits for
    // this delta could otherwise be what the holders of these buffers wait for.
    if (buffer != null) {
      onOldBuffer(buffer);
    }
  }

  /**
   * Zeros where there are zeros: neither journaled nor told to anyone, but in a stripe the parities
   * wait for all members.
   */
  private void leaveUnchanged() {
    unchanged = true;
    leaf.release();
    releaseOld();
    if (stripe == 0 || liveParities == 0) {
      // Not from within its start: who started it goes through the same chains.
      side.rooms().send(side.rooms().driveIndex, MessageType.UNCHANGED, this, null, 0);
      return;
    }
    phase = Phase.OPEN;
    delta = payload;
    deltaOffset = payloadOffset;
    deltaReady = true;
    hardenedSent = true;
    askParities();
  }

  void onUnchanged() {
    end();
  }

  private BufferPool pool() {
    return count == 1 ? side.rooms().smallData : side.rooms().largeData;
  }

  private void onOldBuffer(IoBuffer buffer) {
    old = buffer;
    if (!wholeBlocks()) {
      IoBuffer second = side.rooms().mergedData.take(freshBufferWaiter);
      if (second == null) {
        return;
      }
      fresh = second;
    }
    readOld();
  }

  private void onFreshBuffer(IoBuffer buffer) {
    fresh = buffer;
    readOld();
  }

  private void readOld() {
    if (proxied()) {
      side.repairs().makeOld(this);
      return;
    }
    readFromDrive = 0;
    for (int i = 0; i < count; i++) {
      long at = (long) i * Drive.BLOCK_BYTES;
      if (oldAddress[i] == 0) {
        Zeros.clear(old.segment(), at, Drive.BLOCK_BYTES);
      } else if (!side.rooms().blocks.get(oldAddress[i], oldId[i], old.segment(), at)) {
        readFromDrive |= 1L << i;
      }
    }
    if (readFromDrive == 0) {
      onOldData();
      return;
    }
    if (wholeBlocks() && phase == Phase.PREPARING) {
      open();
    }
    side.readMissing(oldRead, oldAddress, readFromDrive, count, old);
  }

  @Override
  public void onTransferred(BlockIo io) {
    if (io == dataWrite) {
      onDataWritten();
    } else {
      onOldRead();
    }
  }

  private void onOldRead() {
    repairsOwed = 0;
    long damaged = 0;
    for (int i = 0; i < count; i++) {
      boolean sound =
          (readFromDrive >>> i & 1) == 0
              || ((oldRead.failedMask() >>> i & 1) == 0
                  && Crc32c.of(old.segment(), (long) i * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES)
                      == oldCrc[i]);
      if (!sound) {
        damaged |= 1L << i;
        repairsOwed++;
      }
    }
    if (damaged == 0) {
      onOldData();
      return;
    }
    // A delta made from rot would spread it over the parities. The group still has the old content.
    side.rooms().counters().checksumErrors.add(repairsOwed);
    for (long rest = damaged; rest != 0; rest &= rest - 1) {
      side.repairs().repairOld(this, Long.numberOfTrailingZeros(rest));
    }
  }

  /** Where the old blocks are, the i-th at {@code i * 4096}, while the delta is not made. */
  public IoBuffer oldBuffer() {
    return old;
  }

  /**
   * An old block is in {@link #oldBuffer}, or it is lost: then nothing that follows would be true.
   */
  public void onOldRepaired(boolean made) {
    if (!made) {
      throw new LostBlockException(
          "old data of lblk "
              + lblk
              + " can be read neither from drive "
              + side.rooms().driveIndex
              + " nor from its group");
    }
    if (--repairsOwed == 0) {
      onOldData();
    }
  }

  /**
   * The group has given what the drive that is gone held: it is in {@link #oldBuffer}, with the
   * versions and checksums that the parity knows; null: it is lost.
   */
  public void onOldMade(long[] ids, int[] crcs) {
    if (ids == null) {
      throw new LostBlockException(
          "old data of lblk "
              + lblk
              + ", which was on drive "
              + side.rooms().driveIndex
              + ", can't be made from its group");
    }
    System.arraycopy(ids, 0, oldId, 0, count);
    System.arraycopy(crcs, 0, oldCrc, 0, count);
    if (zeros && !keepMapped && neverWritten()) {
      leaveUnchanged();
    } else {
      onOldData();
    }
  }

  private boolean neverWritten() {
    for (int i = 0; i < count; i++) {
      if (oldId[i] != 0) {
        return false;
      }
    }
    return true;
  }

  private void onOldData() {
    if (!wholeBlocks()) {
      mergeIntoBlock();
    }
    computeDelta();
    if (phase == Phase.PREPARING) {
      open();
    } else {
      announceDelta();
    }
  }

  /** A write smaller than a block: the old block with the new bytes in it. */
  private void mergeIntoBlock() {
    MemorySegment target = fresh.segment();
    MemorySegment.copy(old.segment(), 0, target, 0, Drive.BLOCK_BYTES);
    MemorySegment.copy(payload.segment(), payloadOffset, target, writeStart, writeBytes);
    contentReady = true;
    side.wakeReaders(this);
  }

  /**
   * The memory that holds the new blocks, from {@link #contentOffset} on; only when the content is
   * ready.
   */
  public IoBuffer content() {
    return fresh != null ? fresh : payload;
  }

  public int contentOffset() {
    return fresh != null ? 0 : payloadOffset;
  }

  /** True when {@link #content} has every new byte. */
  public boolean contentReady() {
    return contentReady;
  }

  // ---- D2 to D7: allocate, journal, write, ask the parities

  private void open() {
    phase = Phase.OPEN;
    computeNewCrcs();
    if (proxied()) {
      mj = side.nextProxyId();
      hardenedSent = true;
    } else if (unmaps()) {
      Arrays.fill(newAddress, 0, count, 0);
      mj = side.rooms().journal.append(mjEntry);
      map();
      dataHardened = true;
    } else {
      write();
    }
    askParities();
  }

  private void computeNewCrcs() {
    MemorySegment content = content().segment();
    for (int i = 0; i < count; i++) {
      newCrc[i] =
          unmaps()
              ? Zeros.CRC
              : Crc32c.of(
                  content, contentOffset() + (long) i * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
    }
  }

  private void askParities() {
    if (toughness == Toughness.NONE) {
      reply();
    }
    if (liveParities != 0) {
      sendUpdateParity(Integer.numberOfTrailingZeros(liveParities));
    }
  }

  private void write() {
    SideRooms rooms = side.rooms();
    rooms.allocator.allocate(count, newAddress, 0, rooms.journal.nextId());
    mj = rooms.journal.append(mjEntry);
    for (int i = 0; i < count; i++) {
      rooms.blocks.drop(newAddress[i]);
    }
    rooms.drive.write(dataWrite, newAddress, 0, count, content(), contentOffset());
  }

  private void sendUpdateParity(int parity) {
    side.rooms()
        .send(
            parityDrive[parity],
            MessageType.UPDATE_PARITY,
            this,
            null,
            parity | (deltaReady ? DELTA_READY : 0));
  }

  /**
   * The first live one of several parities lets one update of a group in at a time. Only so do all
   * parities have the same updates in the same order, and after a crash with several drives lost
   * there is a state of the group that every parity left still has.
   */
  void onAdmitted() {
    // All but the first.
    for (int rest = liveParities & (liveParities - 1); rest != 0; rest &= rest - 1) {
      sendUpdateParity(Integer.numberOfTrailingZeros(rest));
    }
  }

  // ---- D8: the delta; before D2 where the old data is in the cache

  private void computeDelta() {
    if (liveParities != 0) {
      ErasureCode code =
          side.rooms().code(cnode.attributes().dataMembers(), cnode.attributes().parityMembers());
      code.delta(old.segment(), 0, content().segment(), contentOffset(), count * Drive.BLOCK_BYTES);
      delta = old;
      deltaOffset = 0;
    }
    deltaReady = true;
  }

  private void announceDelta() {
    for (int p = 0; p < parities; p++) {
      if ((requestedDelta >>> p & 1) != 0) {
        sendDelta(p);
      }
    }
  }

  // ---- D9, D10: the parity is ready for it

  void onRequestDelta(int parity) {
    requestedDelta |= 1 << parity;
    if (deltaReady) {
      sendDelta(parity);
    }
  }

  private void sendDelta(int parity) {
    side.rooms()
        .send(
            parityDrive[parity],
            MessageType.DELTA,
            parts[parity].generation,
            this,
            parts[parity].slot);
  }

  // ---- D11: taken

  void onDeltaTaken(int parity, Object takenBy, int slot) {
    int bit = 1 << parity;
    Invariant.check((takenOwed & bit) != 0, "a parity takes a delta once", mj);
    takenOwed &= ~bit;
    generation[parity] = takenBy;
    generationSlot[parity] = slot;
    if (takenOwed == 0) {
      releaseOld();
      if (toughness == Toughness.TAKEN) {
        reply();
      }
    }
    sendHardenedIfDue(parity);
  }

  private void releaseOld() {
    if (old != null) {
      IoBuffer buffer = old;
      old = null;
      delta = null;
      pool().give(buffer);
    }
  }

  // ---- D12: new data on disk

  private void onDataWritten() {
    if (dataWrite.failed()) {
      // The drive has told its IOM, which stops; nothing more is acknowledged here.
      return;
    }
    map();
    if (count <= SideLimits.CACHED_RUN_BLOCKS) {
      for (int i = 0; i < count; i++) {
        side.rooms()
            .blocks
            .put(
                newAddress[i],
                mj,
                content().segment(),
                contentOffset() + (long) i * Drive.BLOCK_BYTES);
      }
    }
  }

  private void map() {
    Page page = leaf.page();
    long entry = cnode.dataEntry(lblk);
    for (int i = 0; i < count; i++) {
      Cnode.setEntry(page, entry, newAddress[i], mj, newCrc[i]);
      entry += cnode.dataEntryBytes();
    }
    page.markDirty(mj);
    int mappedNow = unmaps() ? 0 : count;
    if (unmaps()) {
      side.rooms().counters().unmappedBlocks.add(mapped);
    }
    if (mapped != mappedNow) {
      cnode.addMappedDataBlocks(mappedNow - mapped, mj);
    }
    leaf.release();
  }

  // ---- D13: mj and new data hardened

  void onMjHardened() {
    mjHardened = true;
    onHardenedHere();
  }

  @Override
  public void onHardened(BlockIo io) {
    dataHardened = true;
    onHardenedHere();
  }

  private void onHardenedHere() {
    if (!mjHardened || !dataHardened) {
      return;
    }
    hardenedSent = true;
    for (int rest = liveParities; rest != 0; rest &= rest - 1) {
      sendHardenedIfDue(Integer.numberOfTrailingZeros(rest));
    }
    closeIfDue();
  }

  /**
   * A parity that has not taken the delta yet is told when it has: only then does it know what for.
   */
  private void sendHardenedIfDue(int parity) {
    boolean taken = (takenOwed >>> parity & 1) == 0;
    // None: a stripe of which no member changes.
    if (hardenedSent && taken && generation[parity] != null) {
      side.rooms()
          .send(
              parityDrive[parity],
              MessageType.DATA_HARDENED,
              generation[parity],
              this,
              generationSlot[parity]);
    }
  }

  // ---- D14, D16, D17: parity hardened, reply, close

  void onParityHardened(int parity) {
    int bit = 1 << parity;
    // A repeated message must not count twice: we would reply with one parity still volatile.
    Invariant.check((parityOwed & bit) != 0, "a parity hardens an update once", mj);
    parityOwed &= ~bit;
    closeIfDue();
  }

  private void closeIfDue() {
    if (!hardenedSent || parityOwed != 0) {
      return;
    }
    Invariant.check(phase == Phase.OPEN && takenOwed == 0, "an open update is closed", mj);
    SideRooms rooms = side.rooms();
    if (!proxied() && !unchanged) {
      freeOld(rooms);
    }
    releaseOld();
    for (int rest = parities > 1 ? liveParities : 0; rest != 0; rest &= rest - 1) {
      int p = Integer.numberOfTrailingZeros(rest);
      if (generation[p] != null) {
        rooms.send(
            parityDrive[p], MessageType.UPDATE_CLOSED, generation[p], null, generationSlot[p]);
      }
    }
    end();
  }

  private void end() {
    SideRooms rooms = side.rooms();
    phase = Phase.FREE;
    try {
      side.onClosed(this);
      if (fresh != null) {
        rooms.mergedData.give(fresh);
        fresh = null;
      }
    } finally {
      // It is not among those any more that would be handed over, and what it promises is true,
      // whatever goes wrong with those that waited for it.
      rooms.shard.send(client, MessageType.WRITE_CLOSED, this, null, 0);
    }
  }

  private void freeOld(SideRooms rooms) {
    long id = rooms.journal.nextId();
    for (int i = 0; i < count; i++) {
      if (oldAddress[i] != 0) {
        rooms.allocator.free(oldAddress[i], id);
      }
    }
    rooms.journal.appendDataComplete(mj);
    if (mapped > 0) {
      rooms.budget.give(mapped);
    }
  }

  private void reply() {
    if (replied) {
      // By the IOM that stopped.
      return;
    }
    replied = true;
    side.rooms().shard.send(client, MessageType.WRITE_REPLIED, this, null, 0);
  }

  /** True when {@link MessageType#WRITE_REPLIED} went out before the closing. */
  public boolean replied() {
    return replied;
  }

  /** True when this open update's old version of a block is the one that {@code id} wrote. */
  public boolean oldIs(long block, long id) {
    return oldId[(int) (block - lblk)] == id;
  }

  /** The address at which this open update's old version of a block lies; 0: zeros. */
  public long oldAddressOf(long block) {
    return oldAddress[(int) (block - lblk)];
  }
}
