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
 * Makes a data member's blocks from the rest of their groups, on the first live parity IOM of the
 * row. That IOM lets no generation of the groups open meanwhile, so its parity stands still, and
 * the other members answer with the versions that this parity contains. What comes out must have
 * the CRC that the parity's map keeps of the member.
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
  private boolean anythingMerged;
  private int askingDrive;
  Reconstruction nextFree;

  Reconstruction(ReadSide side, SideRooms rooms) {
    this.side = side;
    this.rooms = rooms;
    for (int i = 0; i < gathers.length; i++) {
      gathers[i] = new Gather(this);
    }
  }

  /**
   * Begins for {@code toMake}; {@code asker} is the drive whose IOM gets RECONSTRUCTED, or -1 when
   * the read ends here.
   */
  void start(ReadOp toMake, int asker) {
    read = toMake;
    askingDrive = asker;
    cnode = rooms.cnode(read.gfid);
    n = cnode.attributes().dataMembers();
    k = cnode.attributes().parityMembers();
    row = read.lblk / cnode.layout().chunkBlocks();
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

  long memberId(int block, int member) {
    return memberIds[block * n + member];
  }

  @Override
  public void onQuiet() {
    if (cnode.parityLeaf(leaf, read.lblk, false)) {
      onPage(leaf);
    }
  }

  @Override
  public void onPage(PageRequest request) {
    Page page = leaf.page();
    long entry = cnode.parityEntry(read.lblk);
    anythingMerged = false;
    for (int i = 0; i < read.count; i++) {
      for (int m = 0; m < n; m++) {
        long id = page == null ? 0 : cnode.memberId(page, entry, m);
        memberIds[i * n + m] = id;
        anythingMerged |= id != 0;
      }
      wantedCrc[i] = page == null ? 0 : wantedCrc(page, entry);
      entry += cnode.parityEntryBytes();
    }
    leaf.release();
    usable = 0;
    for (int m = 0; m < n + k; m++) {
      if (m != read.member && rooms.present(cnode.layout().drive(row, m))) {
        usable |= 1L << m;
      }
    }
    if (!anythingMerged) {
      zeros();
      return;
    }
    gather();
  }

  private int wantedCrc(Page page, long entry) {
    return read.member < n ? cnode.memberCrc(page, entry, read.member) : Cnode.crc(page, entry);
  }

  private void zeros() {
    Zeros.clear(
        read.blockBuffer().segment(), read.blockOffset(), (long) read.count * Drive.BLOCK_BYTES);
    finish(true);
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
      finish(false);
      return;
    }
    owed = n;
    buffersOwed = n;
    for (long rest = asked; rest != 0; rest &= rest - 1) {
      Gather gather = gathers[Long.numberOfTrailingZeros(rest)];
      gather.member = Long.numberOfTrailingZeros(rest);
      gather.drive = cnode.layout().drive(row, gather.member);
      for (int i = 0; i < read.count; i++) {
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
    for (long rest = asked; rest != 0; rest &= rest - 1, index++) {
      if (index == n - buffersOwed) {
        gathers[Long.numberOfTrailingZeros(rest)].buffer = buffer;
      }
    }
    if (--buffersOwed > 0) {
      return;
    }
    for (long rest = asked; rest != 0; rest &= rest - 1) {
      Gather gather = gathers[Long.numberOfTrailingZeros(rest)];
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
    int bytes = read.count * Drive.BLOCK_BYTES;
    for (long rest = asked; rest != 0; rest &= rest - 1) {
      int m = Long.numberOfTrailingZeros(rest);
      members[m] = gathers[m].buffer.segment();
      offsets[m] = 0;
    }
    members[read.member] = read.blockBuffer().segment();
    offsets[read.member] = read.blockOffset();
    rooms.code(n, k).reconstruct(asked, 1L << read.member, members, offsets, bytes);
    java.util.Arrays.fill(members, null);
    giveBuffers();
    for (int i = 0; i < read.count; i++) {
      if (read.member < n && memberId(i, read.member) == 0) {
        continue;
      }
      int crc =
          Crc32c.of(
              read.blockBuffer().segment(),
              read.blockOffset() + (long) i * Drive.BLOCK_BYTES,
              Drive.BLOCK_BYTES);
      if (crc != wantedCrc[i]) {
        rooms.counters().checksumErrors.add(1);
        finish(false);
        return;
      }
    }
    rooms.counters().reconstructedBlocks.add(read.count);
    finish(true);
  }

  private void giveBuffers() {
    for (long rest = asked; rest != 0; rest &= rest - 1) {
      Gather gather = gathers[Long.numberOfTrailingZeros(rest)];
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
    if (asker < 0) {
      done.onReconstructed(made);
    } else {
      rooms.send(asker, MessageType.RECONSTRUCTED, done, null, made ? 1 : 0);
    }
  }
}
