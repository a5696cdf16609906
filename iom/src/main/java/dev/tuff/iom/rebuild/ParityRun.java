package dev.tuff.iom.rebuild;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.drive.Zeros;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.read.ReadSide;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.xor.Crc32c;
import dev.tuff.xor.ErasureCode;

/**
 * Parity blocks, made of what every data member has: their IOMs are asked one after the other, and
 * each member's part is added to the parity as a delta against zeros. Two buffers are enough for
 * any number of members, and no two runs ever wait for each other's. Where the drive may still have
 * a block from before it came back, members are first asked for their versions alone.
 */
final class ParityRun extends Run {
  private final int n;
  private final int parity;
  private final long row;
  private final MemberRead read = new MemberRead(this);
  private long wrote;

  /** Blocks of which any member has a place; of the others the parity is zeros and needs none. */
  private long placed;

  private long lost;

  ParityRun(DriveRebuild rebuild, Segment segment) {
    super(rebuild, segment);
    Layout layout = cnode.layout();
    n = layout.dataMembers();
    row = segment.lblk() / layout.chunkBlocks();
    parity = layout.member(row, rooms.driveIndex) - n;
    entry.ofParity(n);
  }

  void start(IoBuffer taken, IoBuffer second) {
    read.buffer = second;
    start(taken);
  }

  IoBuffer secondBuffer() {
    return read.buffer;
  }

  int drive() {
    return rooms.driveIndex;
  }

  /** Which parity of its groups it makes. */
  int parity() {
    return parity;
  }

  @Override
  void askVersions() {
    read.versionsOnly = true;
    begin();
  }

  /** It is made of what all members have now. */
  @Override
  boolean isVersion(Cnode former, Page page, long at, int i) {
    boolean is = ((placed & ~lost) >>> i & 1) != 0;
    is &= Cnode.discardedMembers(page, at) == entry.discarded[i];
    for (int m = 0; m < n; m++) {
      is &=
          former.memberId(page, at, m) == entry.memberId[i * n + m]
              && former.memberCrc(page, at, m) == entry.memberCrc[i * n + m];
    }
    entry.crc[i] = Cnode.crc(page, at);
    return is;
  }

  @Override
  void make() {
    Zeros.clear(buffer.segment(), 0, (long) count * Drive.BLOCK_BYTES);
    read.versionsOnly = false;
    begin();
  }

  private void begin() {
    wrote = 0;
    placed = 0;
    lost = 0;
    for (long rest = missing; rest != 0; rest &= rest - 1) {
      entry.discarded[Long.numberOfTrailingZeros(rest)] = 0;
    }
    read.gfid = segment.gfid();
    read.lblk = segment.lblk();
    read.count = count;
    read.mask = missing;
    ask(0);
  }

  private void ask(int member) {
    read.member = member;
    int drive = cnode.layout().drive(row, member);
    if (rooms.present(drive)) {
      rooms.send(drive, MessageType.READ_VERSIONS, read, null, 0);
      return;
    }
    ReadSide.RunMade told =
        (ids, crcs, discarded, lostBlocks) -> {
          read.made(ids, crcs, discarded, lostBlocks);
          onMember();
        };
    ReadSide reads = rebuild.reads();
    if (read.versionsOnly) {
      reads.versionsOfRun(segment.gfid(), segment.lblk(), count, missing, member, told);
    } else {
      reads.makeRun(segment.gfid(), segment.lblk(), count, missing, member, read.buffer, 0, told);
    }
  }

  /** A member has answered. */
  void onMember() {
    for (long rest = missing; rest != 0; rest &= rest - 1) {
      int i = Long.numberOfTrailingZeros(rest);
      int at = i * n + read.member;
      entry.memberId[at] = read.id[i];
      entry.memberCrc[at] = read.crc[i];
      boolean discarded = (read.discarded >>> i & 1) != 0;
      entry.discarded[i] |= discarded ? 1 << read.member : 0;
      wrote |= read.id[i] != 0 ? 1L << i : 0;
      placed |= read.id[i] != 0 && !discarded ? 1L << i : 0;
    }
    lost |= read.lost;
    if (!read.versionsOnly) {
      add();
    }
    if (read.member + 1 < n) {
      ask(read.member + 1);
    } else if (read.versionsOnly) {
      onVersions();
    } else {
      onAllMembers();
    }
  }

  private void add() {
    ErasureCode code = rooms.code(n, cnode.attributes().parityMembers());
    long whole = missing & ~lost;
    for (long rest = whole; rest != 0; ) {
      int first = Long.numberOfTrailingZeros(rest);
      int blocks = Long.numberOfTrailingZeros(~(rest >>> first));
      int from = first * Drive.BLOCK_BYTES;
      code.apply(
          parity,
          read.member,
          buffer.segment(),
          from,
          read.buffer.segment(),
          from,
          blocks * Drive.BLOCK_BYTES);
      rest &= ~(((1L << blocks) - 1) << first);
    }
  }

  private void onAllMembers() {
    wrote |= lost;
    placed |= lost;
    for (long rest = wrote; rest != 0; rest &= rest - 1) {
      int i = Long.numberOfTrailingZeros(rest);
      entry.crc[i] = Crc32c.of(buffer.segment(), (long) i * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
    }
    onMade(wrote, wrote & ~placed, lost);
  }

  @Override
  boolean busy(long lblk) {
    return rebuild.parity().busy(segment.gfid(), lblk);
  }
}
