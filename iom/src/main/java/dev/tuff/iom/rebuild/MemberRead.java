package dev.tuff.iom.rebuild;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.drive.Zeros;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.read.ReadSide;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.DataSide;
import dev.tuff.iom.write.SideLimits;
import dev.tuff.iom.write.WriteOp;
import dev.tuff.xor.Crc32c;

/**
 * One data member's part in the rebuild of a parity: its blocks in the version that is closed, that
 * is the one before an update that is open, which can't close without this parity. With the
 * member's IOM from READ_VERSIONS to VERSIONS_READ, else with the run that asks.
 */
final class MemberRead implements BlockIo.Listener {
  /** Times a block that was moved under the read is looked up again before it counts as damaged. */
  private static final int LOOKS = 3;

  final ParityRun run;

  // What is asked for.
  long gfid;
  long lblk;
  int count;
  int member;
  long mask;

  /** Only versions and checksums are wanted, and the buffer stays as it is. */
  boolean versionsOnly;

  IoBuffer buffer;

  // The answer, for each block of the mask.
  final long[] id = new long[WriteOp.MAX_BLOCKS];
  final int[] crc = new int[WriteOp.MAX_BLOCKS];

  /** Blocks without a place: zeros, though they have a version. */
  long discarded;

  /** Blocks that can't be had. */
  long lost;

  private SideRooms rooms;
  private DataSide data;
  private ReadSide reads;
  private Cnode cnode;
  private final PageRequest leaf = new PageRequest(answered -> onPage());
  private final BlockIo io = new BlockIo(this);
  private final long[] address = new long[WriteOp.MAX_BLOCKS];
  private long owed;
  private int looks;
  private int making;

  MemberRead(ParityRun run) {
    this.run = run;
  }

  /** On the member's IOM, which has all of the blocks. */
  void start(SideRooms owner, DataSide dataSide, ReadSide readSide) {
    rooms = owner;
    data = dataSide;
    reads = readSide;
    cnode = rooms.cnode(gfid);
    begin();
  }

  /**
   * Updates that have left this parity out are waited for. Their order is safe: whoever is told to
   * leave it out is told so before this read is asked for, and nobody is from then on.
   */
  private void begin() {
    for (long rest = mask; rest != 0; rest &= rest - 1) {
      WriteOp open = data.openOf(gfid, lblk + Long.numberOfTrailingZeros(rest));
      if (open != null && open.leavesOut(run.parity())) {
        data.awaitClosed(open, this::begin);
        return;
      }
    }
    owed = mask;
    discarded = 0;
    lost = 0;
    looks = 0;
    lookUp();
  }

  private void lookUp() {
    if (cnode.dataLeaf(leaf, lblk, false)) {
      onPage();
    }
  }

  private void onPage() {
    Page page = leaf.page();
    long entry = cnode.dataEntry(lblk);
    boolean any = false;
    for (int i = 0; i < count; i++) {
      address[i] = 0;
      if ((owed >>> i & 1) != 0) {
        find(page, entry, i);
        discarded |= address[i] == 0 && id[i] != 0 ? 1L << i : 0;
        any |= !versionsOnly && !inMemory(i);
        owed &= address[i] == 0 || versionsOnly ? ~(1L << i) : -1;
      }
      entry += cnode.dataEntryBytes();
    }
    leaf.release();
    if (any) {
      rooms.drive.read(io, address, 0, count, buffer, 0);
    } else {
      answer();
    }
  }

  /** Puts what need not be read into the buffer, and takes its address away. */
  private boolean inMemory(int i) {
    long at = (long) i * Drive.BLOCK_BYTES;
    if (address[i] == 0) {
      Zeros.clear(buffer.segment(), at, Drive.BLOCK_BYTES);
    } else if (rooms.blocks.get(address[i], id[i], buffer.segment(), at)) {
      address[i] = 0;
    }
    return address[i] == 0;
  }

  private void find(Page page, long entry, int i) {
    WriteOp open = data.openOf(gfid, lblk + i);
    if (open != null && open.mj != 0) {
      int at = (int) (lblk + i - open.lblk);
      address[i] = open.oldAddress[at];
      id[i] = open.oldId[at];
      crc[i] = open.oldCrc[at];
    } else {
      address[i] = page == null ? 0 : Cnode.address(page, entry);
      id[i] = page == null ? 0 : Cnode.id(page, entry);
      crc[i] = page == null ? 0 : Cnode.crc(page, entry);
    }
  }

  @Override
  public void onTransferred(BlockIo transferred) {
    // An update that has this parity made first needs old data next.
    boolean keep = Long.bitCount(mask) <= SideLimits.CACHED_RUN_BLOCKS;
    for (long rest = owed; rest != 0; rest &= rest - 1) {
      int i = Long.numberOfTrailingZeros(rest);
      long at = (long) i * Drive.BLOCK_BYTES;
      boolean sound =
          (io.failedMask() >>> i & 1) == 0
              && Crc32c.of(buffer.segment(), at, Drive.BLOCK_BYTES) == crc[i];
      if (sound) {
        owed &= ~(1L << i);
        if (keep) {
          rooms.blocks.put(address[i], id[i], buffer.segment(), at);
        }
      }
    }
    if (owed == 0) {
      answer();
    } else if (++looks < LOOKS) {
      lookUp();
    } else {
      makeDamaged();
    }
  }

  /** With more parities than the one that is being rebuilt the group still has them. */
  private void makeDamaged() {
    rooms.counters().checksumErrors.add(Long.bitCount(owed));
    making = Long.bitCount(owed);
    for (long rest = owed; rest != 0; rest &= rest - 1) {
      int i = Long.numberOfTrailingZeros(rest);
      reads.make(
          gfid,
          lblk + i,
          1,
          member,
          buffer,
          i * Drive.BLOCK_BYTES,
          made -> {
            lost |= made ? 0 : 1L << i;
            if (--making == 0) {
              answer();
            }
          });
    }
  }

  private void answer() {
    rooms.send(run.drive(), MessageType.VERSIONS_READ, this, null, 0);
  }

  /** Of a member whose drive is not there: its group has told, and made it if that was asked. */
  void made(long[] ids, int[] crcs, long discardedBlocks, long lostBlocks) {
    discarded = discardedBlocks;
    System.arraycopy(ids, 0, id, 0, count);
    System.arraycopy(crcs, 0, crc, 0, count);
    lost = lostBlocks;
  }
}
