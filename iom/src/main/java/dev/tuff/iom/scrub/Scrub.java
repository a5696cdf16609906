package dev.tuff.iom.scrub;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.object.BlockMap;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.read.ReadSide;
import dev.tuff.iom.repair.BlockRepair;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.xor.Crc32c;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Reads every block of one drive that a map names, data and parity, beside the load, compares it
 * with the CRC in the map, makes what is damaged from its group and has it written to a new place.
 * Sound parity is also made again from its members and compared; where all of them are sound and
 * make something else, that is what it should be. Goes step by step; who calls the steps decides
 * how fast. Owned by one shard's thread.
 */
public final class Scrub implements BlockIo.Listener {
  /** Blocks read by one step at most. */
  private static final int STEP_BLOCKS = 32;

  /** Leaves without anything mapped that one step passes over. */
  private static final int EMPTY_LEAVES = 4096;

  private final SideRooms rooms;
  private final ReadSide reads;
  private final BlockRepair repair;
  private final boolean verifyParity;
  private final PageRequest leaf = new PageRequest(answered -> onPage());
  private final BlockIo io = new BlockIo(this);
  private final long[] address = new long[STEP_BLOCKS];
  private final long[] id = new long[STEP_BLOCKS];
  private final int[] crc = new int[STEP_BLOCKS];
  private final long[] lblk = new long[STEP_BLOCKS];
  private final List<Cnode> objects = new ArrayList<>();
  private int object;
  private BlockMap map = BlockMap.DATA;
  private long leafIndex;
  private int entry;
  private int count;
  private int emptyLeaves;
  private IoBuffer buffer;
  private long suspects;
  private int repairing;
  private Runnable stepDone;
  private boolean over;

  private long blocks;
  private long damaged;
  private long repaired;
  private long lost;
  private long unconfirmed;

  /**
   * @param repair writes what was damaged to new places; null where nothing is written
   * @param from where it begins; an object that is gone since counts as read
   * @param verifyParity whether sound parity is compared with what its members make
   */
  public Scrub(
      SideRooms rooms,
      ReadSide reads,
      BlockRepair repair,
      ScrubPosition from,
      boolean verifyParity) {
    this.rooms = rooms;
    this.reads = reads;
    this.repair = repair;
    this.verifyParity = verifyParity;
    for (Cnode cnode : rooms.cnodes().all()) {
      if (cnode.attributes().gfid() >= from.gfid()) {
        objects.add(cnode);
      }
    }
    objects.sort(Comparator.comparingLong(c -> c.attributes().gfid()));
    over = objects.isEmpty();
    if (!over && cnode().attributes().gfid() == from.gfid()) {
      map = from.map();
      leafIndex = from.leaf();
      entry = from.entry();
    }
  }

  /** Where the next step begins; between steps. */
  public ScrubPosition position() {
    return over
        ? ScrubPosition.END
        : new ScrubPosition(cnode().attributes().gfid(), map, leafIndex, entry);
  }

  /**
   * Reads and checks some more blocks, and calls {@code done} when they are checked and repaired.
   */
  public void step(Runnable done) {
    stepDone = done;
    emptyLeaves = 0;
    if (over) {
      done.run();
      return;
    }
    if (rooms.gather.freeCount() == 0) {
      // Someone reconstructs; that is more urgent.
      done.run();
      return;
    }
    buffer = rooms.gather.take(late -> {});
    nextLeaf();
  }

  /** True when every block has been read. */
  public boolean over() {
    return over;
  }

  private Cnode cnode() {
    return objects.get(object);
  }

  /** Finds the next leaf that is there, and takes some of its entries. */
  private void nextLeaf() {
    while (!over) {
      if (!cnode().inUse(map) || leafIndex >= cnode().leaves(map)) {
        nextMap();
        continue;
      }
      if (!cnode().map(map).get(leaf, leafIndex, false)) {
        return;
      }
      if (takeEntries()) {
        return;
      }
    }
    endStep();
  }

  private void nextMap() {
    leafIndex = 0;
    entry = 0;
    if (map.next() != null) {
      map = map.next();
      return;
    }
    map = BlockMap.DATA;
    object++;
    over = object == objects.size();
  }

  private void onPage() {
    if (!takeEntries()) {
      nextLeaf();
    }
  }

  /** False when the leaf is done with; else blocks are being read, or the step has ended. */
  private boolean takeEntries() {
    Page page = leaf.page();
    if (page == null) {
      leafIndex = Math.max(leafIndex + 1, leaf.nextPossible());
      entry = 0;
      if (++emptyLeaves < EMPTY_LEAVES) {
        return false;
      }
      endStep();
      return true;
    }
    collect(page);
    leaf.release();
    if (count == 0) {
      leafIndex++;
      entry = 0;
      return false;
    }
    rooms.drive.read(io, address, 0, count, buffer, 0);
    return true;
  }

  private void collect(Page page) {
    count = 0;
    int bytes = cnode().entryBytes(map);
    while (entry < cnode().entriesPerLeaf(map) && count < STEP_BLOCKS) {
      long at = PageFormat.HEADER_BYTES + (long) entry * bytes;
      if (Cnode.address(page, at) != 0) {
        address[count] = Cnode.address(page, at);
        id[count] = Cnode.id(page, at);
        crc[count] = Cnode.crc(page, at);
        lblk[count] = cnode().lblkOf(map, leafIndex, entry);
        count++;
      }
      entry++;
    }
  }

  @Override
  public void onTransferred(BlockIo transferred) {
    suspects = 0;
    for (int i = 0; i < count; i++) {
      boolean sound =
          (io.failedMask() >>> i & 1) == 0
              && Crc32c.of(buffer.segment(), (long) i * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES)
                  == crc[i];
      if (!sound) {
        suspects |= 1L << i;
      }
    }
    blocks += count;
    repairing = 1;
    for (long rest = suspects; rest != 0; rest &= rest - 1) {
      lookAgain(Long.numberOfTrailingZeros(rest));
    }
    if (map.ofParity() && verifyParity) {
      confirm();
    }
    oneRepaired();
  }

  /**
   * Has sound parity made again from its members, in runs that lie in one segment: what comes out
   * must have the checksum that its map says.
   */
  private void confirm() {
    int segment = cnode().segmentBlocks();
    int first = 0;
    while (first < count) {
      int run = 1;
      while (first + run < count
          && lblk[first + run] == lblk[first] + run
          && lblk[first + run] % segment != 0) {
        run++;
      }
      for (int i = first; i < first + run; ) {
        int sound = 0;
        while (i + sound < first + run && (suspects >>> (i + sound) & 1) == 0) {
          sound++;
        }
        if (sound > 0) {
          confirmRun(i, sound);
        }
        i += Math.max(1, sound);
      }
      first += run;
    }
  }

  private void confirmRun(int i, int run) {
    repairing++;
    Cnode of = cnode();
    long row = lblk[i] / of.layout().chunkBlocks();
    for (int m = 0; m < of.layout().dataMembers(); m++) {
      if (!rooms.present(of.layout().drive(row, m))) {
        // There is nothing to compare it with.
        oneRepaired();
        return;
      }
    }
    long gfid = of.attributes().gfid();
    int member = of.layout().member(row, rooms.driveIndex);
    int offset = i * Drive.BLOCK_BYTES;
    if (run == 1) {
      reads.confirm(
          gfid,
          lblk[i],
          member,
          buffer,
          offset,
          (confirmed, version) -> onConfirmed(gfid, i, confirmed, version));
      return;
    }
    reads.make(
        gfid,
        lblk[i],
        run,
        member,
        buffer,
        offset,
        made -> {
          for (int block = i; !made && block < i + run; block++) {
            confirmRun(block, 1);
          }
          oneRepaired();
        });
  }

  private void onConfirmed(long gfid, int i, boolean confirmed, long version) {
    if (confirmed) {
      oneRepaired();
      return;
    }
    if (version == 0 || repair == null) {
      unconfirmed++;
      oneRepaired();
      return;
    }
    repair.replaceParity(
        gfid,
        lblk[i],
        version,
        buffer.segment(),
        (long) i * Drive.BLOCK_BYTES,
        done -> {
          damaged += done ? 1 : 0;
          repaired += done ? 1 : 0;
          unconfirmed += done ? 0 : 1;
          oneRepaired();
        });
  }

  /** An update may have replaced the block while it was read: only what still stands is damage. */
  private void lookAgain(int i) {
    repairing++;
    boolean ofParity = map.ofParity();
    Cnode of = cnode();
    PageRequest again = new PageRequest(answered -> onLookedAgain(of, ofParity, i, answered));
    boolean here =
        ofParity ? of.parityLeaf(again, lblk[i], false) : of.dataLeaf(again, lblk[i], false);
    if (here) {
      onLookedAgain(of, ofParity, i, again);
    }
  }

  private void onLookedAgain(Cnode of, boolean ofParity, int i, PageRequest answered) {
    Page page = answered.page();
    long at = ofParity ? of.parityEntry(lblk[i]) : of.dataEntry(lblk[i]);
    boolean stands =
        page != null && Cnode.address(page, at) == address[i] && Cnode.id(page, at) == id[i];
    answered.release();
    if (!stands) {
      oneRepaired();
      return;
    }
    damaged++;
    rooms.counters().checksumErrors.add(1);
    long row = lblk[i] / of.layout().chunkBlocks();
    int member = of.layout().member(row, rooms.driveIndex);
    int offset = i * Drive.BLOCK_BYTES;
    reads.make(
        of.attributes().gfid(),
        lblk[i],
        1,
        member,
        buffer,
        offset,
        made -> onMade(of, ofParity, i, made));
  }

  private void onMade(Cnode of, boolean ofParity, int i, boolean made) {
    if (!made) {
      lost++;
      oneRepaired();
      return;
    }
    if (repair == null) {
      oneRepaired();
      return;
    }
    long gfid = of.attributes().gfid();
    long offset = (long) i * Drive.BLOCK_BYTES;
    BlockRepair.Listener listener =
        done -> {
          repaired += done ? 1 : 0;
          oneRepaired();
        };
    if (ofParity) {
      repair.repairParity(gfid, lblk[i], buffer.segment(), offset, listener);
    } else {
      repair.repairData(gfid, lblk[i], buffer.segment(), offset, listener);
    }
  }

  private void oneRepaired() {
    if (--repairing == 0) {
      endStep();
    }
  }

  private void endStep() {
    IoBuffer used = buffer;
    buffer = null;
    rooms.gather.give(used);
    reads.buffersAreBack();
    Runnable done = stepDone;
    stepDone = null;
    done.run();
  }

  /** Blocks read. */
  public long blocks() {
    return blocks;
  }

  /**
   * Of these, blocks that were not what they should be; parity that was made wrong is only among
   * them when it has been replaced.
   */
  public long damaged() {
    return damaged;
  }

  /** Of these, blocks that were written to a new place. */
  public long repaired() {
    return repaired;
  }

  /**
   * Parity blocks with the right checksum that their members did not make, and that were not
   * replaced: a member is damaged, or an update came in between.
   */
  public long unconfirmed() {
    return unconfirmed;
  }

  /** Of the damaged, blocks that could not be made from their groups. */
  public long lost() {
    return lost;
  }
}
