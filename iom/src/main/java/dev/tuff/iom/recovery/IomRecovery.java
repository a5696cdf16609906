package dev.tuff.iom.recovery;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.journal.JournalRegion;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.object.PageTree;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.xor.Crc32c;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One IOM's part in recovery, in three stages. {@link #replay}: its journal brings maps, bitmap and
 * objects to where they were; updates without a complete are left pending. {@link #read} and {@link
 * #remake}: blocks of pending groups for {@link Recovery}, which decides with all drives in view.
 * {@link #finish}: what was decided takes effect, and a checkpoint makes it the drive's state. Up
 * to there nothing that any version of a pending group needs is written over, and the journal keeps
 * its tail: recovery can be cut short anywhere and begun again. Owned by one shard's thread.
 */
public final class IomRecovery {
  /**
   * Sequence numbers left out at every start that writes: whole records that a crash left behind a
   * torn one stand where the next would.
   */
  private static final int SKIPPED_SEQUENCES = 16;

  private final SideRooms rooms;
  private final RecoveryCounts counts = new RecoveryCounts();
  private final RemadeParities remade = new RemadeParities();
  private final JournalReplay replay;
  private final Map<Place, PendingData> dataAt = new HashMap<>();
  private final Map<Place, PendingParity> parityAt = new HashMap<>();

  /** Which version of a parity stays, where it is not the newest. */
  private final Map<Place, Integer> parityChoice = new HashMap<>();

  /**
   * @param window memory for reading ahead, free during the replay
   */
  public IomRecovery(SideRooms rooms, PageTree objects, JournalRegion region, IoBuffer window) {
    this.rooms = rooms;
    this.replay = new JournalReplay(rooms, objects, region, window, remade, counts);
  }

  /** Reads the journal and repeats what it says; then calls {@code done}. */
  public void replay(Runnable done) {
    replay.start(
        () -> {
          for (PendingData update : replay.pendingData()) {
            for (int i = 0; i < update.count; i++) {
              dataAt.put(new Place(update.gfid, update.lblk + i), update);
            }
          }
          for (PendingParity write : replay.pendingParity()) {
            for (int i = 0; i < write.count; i++) {
              parityAt.put(new Place(write.gfid, write.lblk + i), write);
            }
          }
          done.run();
        });
  }

  /** False after a clean stop: there was nothing in the journal. */
  boolean dirty() {
    return counts.records > 0;
  }

  /** Groups that have an update or a generation pending here. */
  Set<Place> pendingPlaces() {
    Set<Place> places = new LinkedHashSet<>(dataAt.keySet());
    places.addAll(parityAt.keySet());
    places.addAll(remade.places());
    return places;
  }

  SideRooms rooms() {
    return rooms;
  }

  RecoveryCounts counts() {
    return counts;
  }

  // ---- blocks of pending groups

  /** Reads what this drive has of a group, newest and older version; then calls {@code done}. */
  void read(GroupPart part, Runnable done) {
    new GroupRead(part, done).start();
  }

  private final class GroupRead implements BlockIo.Listener {
    private final GroupPart part;
    private final Runnable done;
    private final PageRequest request = new PageRequest(answered -> found());
    private final BlockIo io = new BlockIo(this);
    private final Cnode cnode;
    private int next;

    GroupRead(GroupPart part, Runnable done) {
      this.part = part;
      this.done = done;
      this.cnode = rooms.cnode(part.place.gfid());
    }

    void start() {
      long lblk = part.place.lblk();
      boolean here =
          part.isParity()
              ? cnode.parityLeaf(request, lblk, false)
              : cnode.dataLeaf(request, lblk, false);
      if (here) {
        found();
      }
    }

    private void found() {
      Page page = request.page();
      if (!known(page)) {
        part.notRebuilt = true;
        request.release();
        done.run();
        return;
      }
      if (part.isParity()) {
        foundParity(page);
      } else {
        foundData(page);
      }
      request.release();
      readNext();
    }

    /**
     * On a drive that is being rebuilt a block that neither map nor journal tells of may be one
     * that it will get. What has a journal entry was there before it.
     */
    private boolean known(Page page) {
      Place place = part.place;
      if (rooms.rebuilt(cnode, place.lblk())) {
        return true;
      }
      if (part.isParity()) {
        return parityAt.containsKey(place)
            || remade.versions(place) != null
            || (page != null && Cnode.id(page, cnode.parityEntry(place.lblk())) != 0);
      }
      return dataAt.containsKey(place)
          || (page != null && Cnode.id(page, cnode.dataEntry(place.lblk())) != 0);
    }

    private void foundData(Page page) {
      long entry = cnode.dataEntry(part.place.lblk());
      part.versions.add(
          page == null
              ? new GroupPart.Version(0, 0, 0)
              : new GroupPart.Version(
                  Cnode.address(page, entry), Cnode.id(page, entry), Cnode.crc(page, entry)));
      PendingData update = dataAt.get(part.place);
      if (update != null) {
        int i = (int) (part.place.lblk() - update.lblk);
        part.versions.add(
            new GroupPart.Version(update.oldAddress[i], update.oldId[i], update.oldCrc[i]));
      }
    }

    private void foundParity(Page page) {
      for (ParityVersion version : parityVersions(cnode, page, part.place)) {
        part.versions.add(new GroupPart.Version(version));
      }
    }

    private void readNext() {
      while (next < part.versions.size()) {
        GroupPart.Version version = part.versions.get(next);
        version.buffer = takeBuffer();
        if (version.address != 0) {
          rooms.drive.readRun(io, version.address, 1, version.buffer, 0);
          return;
        }
        version.buffer.segment().asSlice(0, Drive.BLOCK_BYTES).fill((byte) 0);
        version.durable = true;
        next++;
      }
      done.run();
    }

    @Override
    public void onTransferred(BlockIo transferred) {
      GroupPart.Version version = part.versions.get(next);
      version.durable =
          !io.failed() && Crc32c.of(version.buffer.segment(), 0, Drive.BLOCK_BYTES) == version.crc;
      next++;
      readNext();
    }
  }

  /** All versions of a parity that are on the drive or should be, the newest first. */
  private List<ParityVersion> parityVersions(Cnode cnode, Page page, Place place) {
    List<ParityVersion> all = remade.versions(place);
    if (all != null) {
      return all;
    }
    int n = cnode.attributes().dataMembers();
    long[] members = new long[n];
    int[] crcs = new int[n];
    if (page == null) {
      return List.of(new ParityVersion(0, 0, 0, members, crcs, 0));
    }
    long entry = cnode.parityEntry(place.lblk());
    for (int m = 0; m < n; m++) {
      members[m] = cnode.memberId(page, entry, m);
      crcs[m] = cnode.memberCrc(page, entry, m);
    }
    ParityVersion newest =
        new ParityVersion(
            Cnode.address(page, entry),
            Cnode.id(page, entry),
            Cnode.crc(page, entry),
            members,
            crcs,
            Cnode.discardedMembers(page, entry));
    PendingParity write = parityAt.get(place);
    return write == null ? List.of(newest) : List.of(newest, write.before(place.lblk(), newest));
  }

  private IoBuffer takeBuffer() {
    IoBuffer buffer = rooms.smallData.take(late -> {});
    Invariant.check(buffer != null, "recovery keeps to its share of buffers");
    return buffer;
  }

  /** Gives back what {@link #read} took. */
  void release(GroupPart part) {
    for (GroupPart.Version version : part.versions) {
      if (version.buffer != null) {
        rooms.smallData.give(version.buffer);
        version.buffer = null;
      }
    }
  }

  // ---- decisions

  /** The older version of a data block counts. */
  void rollBack(Place place) {
    PendingData update = dataAt.get(place);
    update.rolledBack |= 1L << (place.lblk() - update.lblk);
  }

  /** An older version of a parity block counts. */
  void chooseParity(Place place, int version) {
    parityChoice.put(place, version);
  }

  /**
   * Writes a parity block that was made again, and journals it when it is hardened; {@code done}
   * when that is hardened too.
   */
  void remake(
      GroupPart part,
      MemorySegment content,
      long[] members,
      int[] crcs,
      int discarded,
      Runnable done) {
    ParityRemade entry = new ParityRemade();
    entry.gfid = part.place.gfid();
    entry.lblk = part.place.lblk();
    entry.parity = part.parity;
    entry.members = members;
    entry.memberCrcs = crcs;
    entry.discarded = discarded;
    entry.before = part.versions.getFirst().parity;
    entry.hardened = done;
    new Remaking(entry, content).start();
  }

  private final class Remaking implements BlockIo.Listener {
    private final ParityRemade entry;
    private final BlockIo io = new BlockIo(this);
    private final IoBuffer buffer = takeBuffer();
    private final long[] address = new long[1];

    Remaking(ParityRemade entry, MemorySegment content) {
      this.entry = entry;
      MemorySegment.copy(content, 0, buffer.segment(), 0, Drive.BLOCK_BYTES);
    }

    void start() {
      entry.crc = Crc32c.of(buffer.segment(), 0, Drive.BLOCK_BYTES);
      replay.check(
          rooms.allocator.freeBlocks() > 0, "leaves no room for a parity to be made again");
      rooms.allocator.allocate(1, address, 0, rooms.journal.nextId());
      entry.address = address[0];
      rooms.drive.writeRun(io, entry.address, 1, buffer, 0);
    }

    @Override
    public void onTransferred(BlockIo written) {
      // Only what is hardened counts.
    }

    @Override
    public void onHardened(BlockIo written) {
      rooms.smallData.give(buffer);
      Cnode cnode = rooms.cnode(entry.gfid);
      PageRequest request = new PageRequest(answered -> journal(cnode, answered));
      if (cnode.parityLeaf(request, entry.lblk, true)) {
        journal(cnode, request);
      }
    }

    private void journal(Cnode cnode, PageRequest answered) {
      counts.paritiesRemade++;
      long id = rooms.journal.append(entry);
      remade.add(cnode, answered, entry, id, parityAt.get(new Place(entry.gfid, entry.lblk)));
      rooms.journal.commit();
    }
  }

  // ---- the end

  /**
   * What was decided takes effect, and a checkpoint makes it the drive's state. Only when every
   * drive has come this far: another's recovery may have needed what is freed here.
   */
  void finish(Runnable done) {
    Set<Place> parities = new LinkedHashSet<>(parityAt.keySet());
    parities.addAll(remade.places());
    new Finish(new ArrayList<>(dataAt.keySet()), new ArrayList<>(parities), done).next();
  }

  private final class Finish {
    private final List<Place> data;
    private final List<Place> parity;
    private final Runnable done;
    private int nextData;
    private int nextParity;

    Finish(List<Place> data, List<Place> parity, Runnable done) {
      this.data = data;
      this.parity = parity;
      this.done = done;
    }

    void next() {
      while (nextData < data.size()) {
        if (!finishData(data.get(nextData++))) {
          return;
        }
      }
      while (nextParity < parity.size()) {
        if (!finishParity(parity.get(nextParity++))) {
          return;
        }
      }
      String obstacle = rooms.checkpoint.obstacle();
      replay.check(obstacle == null, obstacle);
      rooms.journal.skipSequences(SKIPPED_SEQUENCES);
      if (rooms.root.vacated() != Layout.NONE) {
        skipIds();
      }
      rooms.checkpoint.start(Long.MAX_VALUE, done);
    }

    /**
     * Blocks of the vacated place get their IDs here from now on: above all that it had from others
     * before, as an ID stands for one version.
     */
    private void skipIds() {
      long first = rooms.root.epoch() << Root.EPOCH_ID_BITS;
      rooms.journal.continueFrom(Math.max(rooms.journal.nextId(), first));
    }

    private boolean finishData(Place place) {
      PendingData update = dataAt.get(place);
      int i = (int) (place.lblk() - update.lblk);
      long id = rooms.journal.nextId();
      if ((update.rolledBack >>> i & 1) == 0) {
        counts.blocksForward++;
        if (update.oldAddress[i] != 0) {
          replay.free(update.oldAddress[i], id);
        }
        return true;
      }
      counts.blocksBack++;
      if (update.newAddress[i] != 0) {
        replay.free(update.newAddress[i], id);
      }
      Cnode cnode = rooms.cnode(place.gfid());
      PageRequest request =
          new PageRequest(
              answered -> {
                restoreData(cnode, update, i, answered, id);
                next();
              });
      if (!cnode.dataLeaf(request, place.lblk(), true)) {
        return false;
      }
      restoreData(cnode, update, i, request, id);
      return true;
    }

    private void restoreData(
        Cnode cnode, PendingData update, int i, PageRequest answered, long id) {
      Page page = answered.page();
      Cnode.setEntry(
          page,
          cnode.dataEntry(update.lblk + i),
          update.oldAddress[i],
          update.oldId[i],
          update.oldCrc[i]);
      page.markDirty(id);
      int more = mapped(update.oldAddress[i]) - mapped(update.newAddress[i]);
      if (more != 0) {
        cnode.addMappedDataBlocks(more, id);
      }
      answered.release();
    }

    private static int mapped(long address) {
      return address == 0 ? 0 : 1;
    }

    private boolean finishParity(Place place) {
      Cnode cnode = rooms.cnode(place.gfid());
      PageRequest request =
          new PageRequest(
              answered -> {
                chooseParity(cnode, place, answered);
                next();
              });
      if (!cnode.parityLeaf(request, place.lblk(), true)) {
        return false;
      }
      chooseParity(cnode, place, request);
      return true;
    }

    private void chooseParity(Cnode cnode, Place place, PageRequest answered) {
      long id = rooms.journal.nextId();
      Page page = answered.page();
      List<ParityVersion> versions = parityVersions(cnode, page, place);
      int choice = parityChoice.getOrDefault(place, 0);
      for (int i = 0; i < versions.size(); i++) {
        if (i != choice && versions.get(i).address != 0) {
          replay.free(versions.get(i).address, id);
        }
      }
      if (choice == 0) {
        counts.paritiesForward++;
      } else {
        counts.paritiesBack++;
        RemadeParities.map(cnode, page, cnode.parityEntry(place.lblk()), versions.get(choice), id);
        int more = mapped(versions.get(choice).address) - mapped(versions.getFirst().address);
        if (more != 0) {
          cnode.addMappedParityBlocks(more, id);
        }
      }
      answered.release();
    }
  }
}
