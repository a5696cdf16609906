package dev.tuff.iom.rebuild;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.drive.Zeros;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.xor.Crc32c;
import dev.tuff.xor.ErasureCode;

/**
 * Parity blocks, made of what every data member has: their IOMs are asked one after the other, and
 * each member's part is added to the parity as a delta against zeros. Two buffers are enough for
 * any number of members, and no two runs ever wait for each other's.
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

  @Override
  void make() {
    Zeros.clear(buffer.segment(), 0, (long) count * Drive.BLOCK_BYTES);
    wrote = 0;
    placed = 0;
    lost = 0;
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
    rebuild
        .reads()
        .makeRun(
            segment.gfid(),
            segment.lblk(),
            count,
            missing,
            member,
            read.buffer,
            0,
            (ids, crcs, discarded, lostBlocks) -> {
              read.made(ids, crcs, discarded, lostBlocks);
              onMember();
            });
  }

  /** A member has answered. */
  void onMember() {
    ErasureCode code = rooms.code(n, cnode.attributes().parityMembers());
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
    if (read.member + 1 < n) {
      ask(read.member + 1);
      return;
    }
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
