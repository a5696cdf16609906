package dev.tuff.iom.read;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.drive.Zeros;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.parity.Generation;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.SideLimits;
import dev.tuff.iom.write.WriteOp;
import dev.tuff.xor.Crc32c;

/**
 * One member's part in a {@link Reconstruction}: its IOM reads its blocks in just the version that
 * the coordinating parity contains, which an update in flight may have left behind already. With
 * the member's IOM from GATHER to GATHERED.
 */
final class Gather implements BlockIo.Listener, PageRequest.Listener {
  final Reconstruction reconstruction;

  /** Member of the group: below N data, else parity. */
  int member;

  int drive;

  /**
   * For each block the ID of the version that is wanted: the member's mj, 0 for none. Of parities:
   * each data member's mj is compared instead.
   */
  final long[] wantedId = new long[WriteOp.MAX_BLOCKS];

  IoBuffer buffer;
  boolean failed;

  private SideRooms rooms;
  private Cnode cnode;
  private final PageRequest leaf = new PageRequest(this);
  private final BlockIo io = new BlockIo(this);
  private final long[] address = new long[WriteOp.MAX_BLOCKS];
  private final long[] id = new long[WriteOp.MAX_BLOCKS];
  private final int[] crc = new int[WriteOp.MAX_BLOCKS];

  Gather(Reconstruction reconstruction) {
    this.reconstruction = reconstruction;
  }

  void start(SideRooms owner, ReadSide side) {
    rooms = owner;
    failed = false;
    cnode = rooms.cnode(reconstruction.gfid());
    this.side = side;
    boolean here =
        member < cnode.attributes().dataMembers()
            ? cnode.dataLeaf(leaf, reconstruction.firstLblk(), false)
            : cnode.parityLeaf(leaf, reconstruction.firstLblk(), false);
    if (here) {
      onPage(leaf);
    }
  }

  private ReadSide side;

  @Override
  public void onPage(PageRequest request) {
    boolean data = member < cnode.attributes().dataMembers();
    Page page = leaf.page();
    long lblk = reconstruction.firstLblk();
    long entry = data ? cnode.dataEntry(lblk) : cnode.parityEntry(lblk);
    boolean any = false;
    for (int i = 0; i < reconstruction.blocks(); i++) {
      address[i] = 0;
      long at = (long) i * Drive.BLOCK_BYTES;
      boolean found = data ? findData(page, entry, i) : findParity(page, entry, i);
      if (!found) {
        failed = true;
      } else if (address[i] == 0) {
        Zeros.clear(buffer.segment(), at, Drive.BLOCK_BYTES);
      } else if (rooms.blocks.get(address[i], id[i], buffer.segment(), at)) {
        address[i] = 0;
      } else {
        any = true;
      }
      entry += data ? cnode.dataEntryBytes() : cnode.parityEntryBytes();
    }
    leaf.release();
    if (failed || !any) {
      answer();
      return;
    }
    rooms.drive.read(io, address, 0, reconstruction.blocks(), buffer, 0);
  }

  /**
   * The version that the parity has: the present one, or what an open update has not given up yet.
   */
  private boolean findData(Page page, long entry, int i) {
    if (wantedId[i] == 0) {
      return true;
    }
    if (page != null && Cnode.id(page, entry) == wantedId[i]) {
      address[i] = Cnode.address(page, entry);
      id[i] = Cnode.id(page, entry);
      crc[i] = Cnode.crc(page, entry);
      return true;
    }
    WriteOp open = side.openUpdate(reconstruction.gfid(), reconstruction.firstLblk() + i);
    if (open == null || !open.oldIs(reconstruction.firstLblk() + i, wantedId[i])) {
      return false;
    }
    id[i] = wantedId[i];
    address[i] = open.oldAddressOf(reconstruction.firstLblk() + i);
    crc[i] = open.oldCrc[(int) (reconstruction.firstLblk() + i - open.lblk)];
    return true;
  }

  /**
   * A second parity helps only if it contains the same updates as the first, or has given up what
   * does for a generation that is not closed yet.
   */
  private boolean findParity(Page page, long entry, int i) {
    if (!sameMembers(page, entry, i, null)) {
      long lblk = reconstruction.firstLblk() + i;
      Generation open = side.parity().replacing(reconstruction.gfid(), lblk);
      if (open == null || !sameMembers(page, entry, i, open)) {
        return false;
      }
      address[i] = open.replacedAddress(lblk);
      id[i] = open.replacedId(lblk);
      crc[i] = open.replacedCrc(lblk);
      return true;
    }
    if (page != null) {
      address[i] = Cnode.address(page, entry);
      id[i] = Cnode.id(page, entry);
      crc[i] = Cnode.crc(page, entry);
    }
    return true;
  }

  private boolean sameMembers(Page page, long entry, int i, Generation before) {
    long lblk = reconstruction.firstLblk() + i;
    for (int m = 0; m < cnode.attributes().dataMembers(); m++) {
      long here = page == null ? 0 : cnode.memberId(page, entry, m);
      if (before != null) {
        here = before.replacedMemberId(lblk, m, here);
      }
      if (here != reconstruction.memberId(i, m)) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void onTransferred(BlockIo transferred) {
    // An update that has its group made whole first needs old data and old parity of it next.
    boolean keep = reconstruction.blocks() <= SideLimits.CACHED_RUN_BLOCKS;
    boolean check = keep || reconstruction.careful();
    for (int i = 0; i < reconstruction.blocks(); i++) {
      if (address[i] != 0) {
        boolean sound = (io.failedMask() >>> i & 1) == 0 && (!check || crcOf(i) == crc[i]);
        if (!sound) {
          rooms.counters().checksumErrors.add(1);
          failed = true;
        } else if (keep) {
          rooms.blocks.put(address[i], id[i], buffer.segment(), (long) i * Drive.BLOCK_BYTES);
        }
      }
    }
    answer();
  }

  private int crcOf(int i) {
    return Crc32c.of(buffer.segment(), (long) i * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
  }

  private void answer() {
    rooms.send(reconstruction.coordinator(), MessageType.GATHERED, this, null, 0);
  }
}
