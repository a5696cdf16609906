package dev.tuff.iom.read;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.drive.Zeros;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.parity.GroupReader;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.WriteOp;
import dev.tuff.xor.Crc32c;
import dev.tuff.xor.ErasureCode;
import java.lang.foreign.MemorySegment;

/**
 * Makes those of a data member's blocks that a read lacks from the rest of their groups, on the
 * first live parity IOM of the row. That IOM lets no generation of the groups open meanwhile, so
 * its parity stands still, and the other members answer with the versions that this parity
 * contains. What comes out must have the CRC that the parity's map keeps of the member, which
 * proves all that went in; only where it has not, the members' own CRCs are looked at, to tell
 * which is damaged. Blocks that follow one another are made together; where that fails each is made
 * by itself, since what is damaged may be another member of each group.
 */
final class Reconstruction implements GroupReader, PageRequest.Listener {
  private final ReadSide side;
  private final SideRooms rooms;
  private final PageRequest leaf = new PageRequest(this);
  private final long[] memberIds = new long[WriteOp.MAX_BLOCKS * ErasureCode.MAX_N];
  private final int[] wantedCrc = new int[WriteOp.MAX_BLOCKS];
  private final Gather[] gathers = new Gather[ErasureCode.MAX_N + ErasureCode.MAX_K];
  private final MemorySegment[] members = new MemorySegment[ErasureCode.MAX_N + ErasureCode.MAX_K];
  private final long[] offsets = new long[ErasureCode.MAX_N + ErasureCode.MAX_K];

  private ReadOp read;
  private Cnode cnode;
  private int n;
  private int k;
  private long row;
  private long usable;
  private long asked;
  private int owed;
  private int buffersOwed;

  // The blocks of the read that are being made, and those still to be made after them.
  private int first;
  private int blocks;
  private long rest;
  private boolean oneByOne;
  private boolean careful;
  private int askingDrive;
  Reconstruction nextFree;

  Reconstruction(ReadSide side, SideRooms rooms) {
    this.side = side;
    this.rooms = rooms;
    for (int i = 0; i < gathers.length; i++) {
      gathers[i] = new Gather(this);
    }
  }

  /** Begins for {@code toMake}; the IOM or proxy of {@code asker} gets RECONSTRUCTED. */
  void start(ReadOp toMake, int asker) {
    read = toMake;
    askingDrive = asker;
    cnode = rooms.cnode(read.gfid);
    n = cnode.attributes().dataMembers();
    k = cnode.attributes().parityMembers();
    row = read.lblk / cnode.layout().chunkBlocks();
    rest = read.owedBlocks;
    oneByOne = false;
    side.parity().read(this);
  }

  @Override
  public long gfid() {
    return read.gfid;
  }

  @Override
  public long lblk() {
    return read.lblk;
  }

  @Override
  public int count() {
    return read.count;
  }

  int coordinator() {
    return rooms.driveIndex;
  }

  /** The first of the blocks that are being made. */
  long firstLblk() {
    return read.lblk + first;
  }

  /** How many are. */
  int blocks() {
    return blocks;
  }

  /** True when members are to be checked one by one, since what was made of them is not right. */
  boolean careful() {
    return careful;
  }

  long memberId(int block, int member) {
    return memberIds[block * n + member];
  }

  @Override
  public void onQuiet() {
    nextBlocks();
  }

  private void nextBlocks() {
    if (rest == 0) {
      finish(read.lost == 0);
      return;
    }
    first = Long.numberOfTrailingZeros(rest);
    blocks = oneByOne ? 1 : Long.numberOfTrailingZeros(~(rest >>> first));
    rest &= ~mask();
    careful = false;
    if (cnode.parityLeaf(leaf, firstLblk(), false)) {
      onPage(leaf);
    }
  }

  private long mask() {
    return ((1L << blocks) - 1) << first;
  }

  private void failed() {
    if (blocks == 1) {
      read.lost |= mask();
      nextBlocks();
      return;
    }
    oneByOne = true;
    rest |= mask();
    nextBlocks();
  }

  private long offset() {
    return read.blockOffset() + (long) first * Drive.BLOCK_BYTES;
  }

  @Override
  public void onPage(PageRequest request) {
    Page page = leaf.page();
    long entry = cnode.parityEntry(firstLblk());
    long withoutPlace = 0;
    boolean known = true;
    for (int i = 0; i < blocks; i++) {
      known &=
          (page != null && Cnode.id(page, entry) != 0) || rooms.rebuilt(cnode, firstLblk() + i);
      for (int m = 0; m < n; m++) {
        memberIds[i * n + m] = page == null ? 0 : cnode.memberId(page, entry, m);
      }
      wantedCrc[i] = page == null ? 0 : wantedCrc(page, entry);
      if (read.member < n) {
        read.madeId[first + i] = memberId(i, read.member);
        read.madeCrc[first + i] = wantedCrc[i];
        boolean discards =
            page != null && (Cnode.discardedMembers(page, entry) >>> read.member & 1) != 0;
        read.discarded |= discards ? 1L << (first + i) : 0;
        withoutPlace |= discards || memberId(i, read.member) == 0 ? 1L << (first + i) : 0;
      } else {
        read.madeId[first + i] = page == null ? 0 : Cnode.id(page, entry);
      }
      entry += cnode.parityEntryBytes();
    }
    leaf.release();
    if (!known) {
      passOn();
      return;
    }
    if (read.versionsOnly) {
      nextBlocks();
      return;
    }
    if (withoutPlace != 0) {
      zeros(withoutPlace);
      return;
    }
    usable = 0;
    for (int m = 0; m < n + k; m++) {
      if (m != read.member && rooms.present(cnode.layout().drive(row, m))) {
        usable |= 1L << m;
      }
    }
    gather();
  }

  private int wantedCrc(Page page, long entry) {
    return read.member < n ? cnode.memberCrc(page, entry, read.member) : Cnode.crc(page, entry);
  }

  /** What was never written or is discarded is zeros; the others are made after it. */
  private void zeros(long withoutPlace) {
    rest |= mask() & ~withoutPlace;
    for (long left = withoutPlace; left != 0; left &= left - 1) {
      long at = (long) Long.numberOfTrailingZeros(left) * Drive.BLOCK_BYTES;
      Zeros.clear(read.blockBuffer().segment(), read.blockOffset() + at, Drive.BLOCK_BYTES);
    }
    nextBlocks();
  }

  /**
   * This parity is not rebuilt yet and knows nothing of the group. The next one may; what none
   * knows can't be made.
   */
  private void passOn() {
    rest |= mask();
    int next = nextParity();
    if (next < 0) {
      read.lost |= rest;
      finish(false);
      return;
    }
    ReadOp passed = read;
    passed.owedBlocks = rest;
    int asker = askingDrive;
    side.parity().doneReading(this);
    read = null;
    side.recycle(this);
    rooms.send(next, MessageType.RECONSTRUCT, passed, null, asker);
  }

  private int nextParity() {
    for (int m = cnode.layout().member(row, rooms.driveIndex) + 1; m < n + k; m++) {
      int drive = cnode.layout().drive(row, m);
      if (rooms.present(drive)) {
        return drive;
      }
    }
    return -1;
  }

  /** Asks N usable members: this parity, then data, then other parities. */
  private void gather() {
    asked = 0;
    int self = cnode.layout().member(row, rooms.driveIndex);
    ask(self);
    for (int m = 0; m < n + k && Long.bitCount(asked) < n; m++) {
      ask(m);
    }
    if (Long.bitCount(asked) < n) {
      failed();
      return;
    }
    owed = n;
    buffersOwed = n;
    for (long left = asked; left != 0; left &= left - 1) {
      Gather gather = gathers[Long.numberOfTrailingZeros(left)];
      gather.member = Long.numberOfTrailingZeros(left);
      gather.drive = cnode.layout().drive(row, gather.member);
      for (int i = 0; i < blocks; i++) {
        gather.wantedId[i] = gather.member < n ? memberId(i, gather.member) : 0;
      }
    }
    side.takeGatherBuffers(n, this);
  }

  private void ask(int member) {
    if ((usable >>> member & 1) != 0) {
      asked |= 1L << member;
    }
  }

  /** One of the N buffers; when all are there the members are asked. */
  void onGatherBuffer(IoBuffer buffer) {
    int index = 0;
    for (long left = asked; left != 0; left &= left - 1, index++) {
      if (index == n - buffersOwed) {
        gathers[Long.numberOfTrailingZeros(left)].buffer = buffer;
      }
    }
    if (--buffersOwed > 0) {
      return;
    }
    for (long left = asked; left != 0; left &= left - 1) {
      Gather gather = gathers[Long.numberOfTrailingZeros(left)];
      rooms.send(gather.drive, MessageType.GATHER, gather, null, 0);
    }
  }

  void onGathered(Gather gather) {
    if (gather.failed) {
      usable &= ~(1L << gather.member);
    }
    if (--owed > 0) {
      return;
    }
    if ((asked & ~usable) != 0) {
      giveBuffers();
      gather();
      return;
    }
    compute();
  }

  private void compute() {
    int bytes = blocks * Drive.BLOCK_BYTES;
    for (long left = asked; left != 0; left &= left - 1) {
      int m = Long.numberOfTrailingZeros(left);
      members[m] = gathers[m].buffer.segment();
      offsets[m] = 0;
    }
    members[read.member] = read.blockBuffer().segment();
    offsets[read.member] = offset();
    rooms.code(n, k).reconstruct(asked, 1L << read.member, members, offsets, bytes);
    java.util.Arrays.fill(members, null);
    giveBuffers();
    for (int i = 0; i < blocks; i++) {
      int crc =
          Crc32c.of(
              read.blockBuffer().segment(),
              offset() + (long) i * Drive.BLOCK_BYTES,
              Drive.BLOCK_BYTES);
      if (crc != wantedCrc[i]) {
        onWrongResult();
        return;
      }
    }
    rooms.counters().reconstructedBlocks.add(blocks);
    nextBlocks();
  }

  private void onWrongResult() {
    if (careful) {
      rooms.counters().checksumErrors.add(1);
      if (blocks == 1 && read.member >= n && asked == (1L << n) - 1) {
        // Every member is what its own map says: it is this parity that was made wrong.
        read.unlike |= mask();
      }
      failed();
    } else {
      careful = true;
      gather();
    }
  }

  private void giveBuffers() {
    for (long left = asked; left != 0; left &= left - 1) {
      Gather gather = gathers[Long.numberOfTrailingZeros(left)];
      IoBuffer buffer = gather.buffer;
      Invariant.check(buffer != null, "a gathered member has its buffer");
      gather.buffer = null;
      rooms.gather.give(buffer);
    }
    side.serveGatherBuffers();
  }

  private void finish(boolean made) {
    ReadOp done = read;
    int asker = askingDrive;
    side.parity().doneReading(this);
    read = null;
    side.recycle(this);
    rooms.send(asker, MessageType.RECONSTRUCTED, done, null, made ? 1 : 0);
  }
}
