package dev.tuff.iom.recovery;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.journal.JournalFormat;
import dev.tuff.iom.journal.JournalPosition;
import dev.tuff.iom.journal.JournalReader;
import dev.tuff.iom.journal.JournalRegion;
import dev.tuff.iom.journal.JournalScan;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.object.PageTree;
import dev.tuff.iom.rebuild.BlocksRebuilt;
import dev.tuff.iom.rebuild.RebuiltEntries;
import dev.tuff.iom.rebuild.StandInFreed;
import dev.tuff.iom.repair.BlockMoved;
import dev.tuff.iom.side.SideRooms;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Repeats what a drive's journal says, entry by entry from the root's tail to its end, on the maps,
 * the bitmap and the objects of its IOM; what has no complete stays pending. Nothing is believed:
 * records are sound by their checksums, and what they say is still checked against the array's
 * shape before it is used. Owned by one shard's thread.
 */
final class JournalReplay implements JournalScan.Listener {
  /** IDs left out at every start: records that a crash left behind a torn one have smaller ones. */
  private static final long SKIPPED_IDS = 1 << 20;

  private final SideRooms rooms;
  private final PageTree objects;
  private final RemadeParities remade;
  private final RecoveryCounts counts;
  private final JournalScan scan;
  private final long checkpointId;
  private final Map<Long, PendingData> pendingData = new LinkedHashMap<>();
  private final Map<Long, PendingParity> pendingParity = new LinkedHashMap<>();
  private final PageRequest leaf = new PageRequest(this::onPage);
  private Runnable onPage;
  private Runnable replayed;
  private JournalReader record;
  private long recordLastId;

  /**
   * @param window memory for reading ahead
   * @param remade takes the parities that an earlier recovery made again
   */
  JournalReplay(
      SideRooms rooms,
      PageTree objects,
      JournalRegion region,
      IoBuffer window,
      RemadeParities remade,
      RecoveryCounts counts) {
    this.rooms = rooms;
    this.objects = objects;
    this.remade = remade;
    this.counts = counts;
    this.checkpointId = rooms.root.checkpointId();
    this.scan =
        new JournalScan(
            region,
            rooms.drive,
            window,
            new JournalPosition(rooms.root.tailPosition(), rooms.root.tailSequence()),
            this);
  }

  /** Reads the journal and repeats what it says; then calls {@code done}. */
  void start(Runnable done) {
    replayed = done;
    scan.next();
  }

  @Override
  public void onRecord(JournalReader next) {
    record = next;
    recordLastId = checkedId(next.firstId());
    counts.records++;
    nextEntry();
  }

  /** Takes entries until one has to wait for a page. */
  private void nextEntry() {
    while (record.nextEntry()) {
      counts.entries++;
      recordLastId = Math.max(recordLastId, lastId());
      if (!apply()) {
        return;
      }
    }
    if (!record.addsUp()) {
      throw damaged("has a record whose entries do not add up");
    }
    rooms.journal.replayed(record.position(), record.recordBlocks(), recordLastId);
    scan.next();
  }

  /** A record of completes has the IDs of all of them. */
  private long lastId() {
    int type = record.type();
    long last = checkedId(record.id());
    if (type == JournalFormat.TYPE_MJ_COMPLETE || type == JournalFormat.TYPE_PJ_COMPLETE) {
      for (int i = 0; i < completes(); i++) {
        last = Math.max(last, checkedId(completeOwn(i)));
      }
    }
    return last;
  }

  private long checkedId(long id) {
    check(id >= 1 && id < Root.MAX_COUNT, "has an entry of the impossible ID " + id);
    return id;
  }

  /** False when the entry goes on once its page is there. */
  private boolean apply() {
    return switch (record.type()) {
      case JournalFormat.TYPE_MJ -> dataWrite();
      case JournalFormat.TYPE_PJ -> parityWrite();
      case JournalFormat.TYPE_MJ_COMPLETE -> {
        completeAll(true);
        yield true;
      }
      case JournalFormat.TYPE_PJ_COMPLETE -> {
        completeAll(false);
        yield true;
      }
      case JournalFormat.TYPE_OBJECT_CREATED -> objectCreated();
      case JournalFormat.TYPE_OBJECT_CHANGED -> objectChanged();
      case JournalFormat.TYPE_PARITY_REMADE -> parityRemade();
      case JournalFormat.TYPE_BLOCK_MOVED -> blockMoved();
      case JournalFormat.TYPE_BLOCKS_REBUILT -> blocksRebuilt();
      case JournalFormat.TYPE_STAND_IN_FREED -> standInFreed();
      default -> throw damaged("has an entry of the unknown type " + record.type());
    };
  }

  private boolean dataWrite() {
    PendingData update =
        PendingData.decode(record.id(), record.record(), record.bodyOffset(), record.bodyBytes());
    if (update == null) {
      throw damaged("has an mj of a wrong size");
    }
    Cnode cnode = checkedCnode(update.gfid, update.lblk, update.count);
    Layout layout = cnode.layout();
    check(
        update.member >= 0
            && update.member < layout.dataMembers()
            && mayBeHere(layout, update.lblk, update.member),
        "has an mj of a member that is not on this drive");
    checkAddresses(update.newAddress, update.oldAddress);
    if (update.mj >= checkpointId) {
      take(update.newAddress, update.mj);
    }
    pendingData.put(update.mj, update);
    return withPage(cnode.dataLeaf(leaf, update.lblk, true), () -> mapData(cnode, update));
  }

  private void mapData(Cnode cnode, PendingData update) {
    Page page = leaf.page();
    long entry = cnode.dataEntry(update.lblk);
    int mapped = 0;
    for (int i = 0; i < update.count; i++) {
      if (Cnode.id(page, entry) < update.mj) {
        mapped += mapped(update.newAddress[i]) - mapped(Cnode.address(page, entry));
        Cnode.setEntry(page, entry, update.newAddress[i], update.mj, update.newCrc[i]);
        page.markDirty(update.mj);
      }
      entry += cnode.dataEntryBytes();
    }
    if (mapped != 0) {
      cnode.addMappedDataBlocks(mapped, update.mj);
    }
    leaf.release();
  }

  private static int mapped(long address) {
    return address == 0 ? 0 : 1;
  }

  private boolean parityWrite() {
    PendingParity write =
        PendingParity.decode(record.id(), record.record(), record.bodyOffset(), record.bodyBytes());
    if (write == null) {
      throw damaged("has a pj of a wrong size");
    }
    Cnode cnode = checkedCnode(write.gfid, write.lblk, write.count);
    Layout layout = cnode.layout();
    check(
        isParityHere(layout, write.lblk, write.parity),
        "has a pj of a parity that is not on this drive");
    for (PendingParity.Merged one : write.merged) {
      check(
          one.member >= 0
              && one.member < layout.dataMembers()
              && one.lblk >= write.lblk
              && one.lblk + one.count <= write.lblk + write.count,
          "has a pj of updates that are not its own");
    }
    checkAddresses(write.newAddress, write.oldAddress);
    if (write.pj >= checkpointId) {
      take(write.newAddress, write.pj);
    }
    pendingParity.put(write.pj, write);
    return withPage(cnode.parityLeaf(leaf, write.lblk, true), () -> mapParity(cnode, write));
  }

  private void mapParity(Cnode cnode, PendingParity write) {
    Page page = leaf.page();
    long entry = cnode.parityEntry(write.lblk);
    int mapped = 0;
    for (int i = 0; i < write.count; i++) {
      if (Cnode.id(page, entry) < write.pj) {
        mapped += mapped(write.newAddress[i]) - mapped(Cnode.address(page, entry));
        Cnode.setEntry(page, entry, write.newAddress[i], write.pj, write.newCrc[i]);
        for (PendingParity.Merged one : write.merged) {
          if (one.covers(write.lblk + i)) {
            int at = (int) (write.lblk + i - one.lblk);
            cnode.setMember(page, entry, one.member, one.mj, one.newCrc[at], one.discards);
          }
        }
        page.markDirty(write.pj);
      }
      entry += cnode.parityEntryBytes();
    }
    if (mapped != 0) {
      cnode.addMappedParityBlocks(mapped, write.pj);
    }
    leaf.release();
  }

  private int completes() {
    check(record.bodyBytes() >= 8, "has completes of a wrong size");
    int count = record.record().get(PageFormat.INT, record.bodyOffset());
    check(count >= 0 && record.bodyBytes() == 8 + 16L * count, "has completes of a wrong size");
    return count;
  }

  private long completeOf(int index) {
    return record.record().get(PageFormat.LONG, record.bodyOffset() + 8 + 16L * index);
  }

  private long completeOwn(int index) {
    return record.record().get(PageFormat.LONG, record.bodyOffset() + 16 + 16L * index);
  }

  private void completeAll(boolean data) {
    int count = completes();
    for (int i = 0; i < count; i++) {
      long own = completeOwn(i);
      if (data) {
        PendingData update = pendingData.remove(completeOf(i));
        if (own >= checkpointId) {
          check(update != null, "closes an update that it does not have");
          free(update.oldAddress, own);
        }
      } else {
        PendingParity write = pendingParity.remove(completeOf(i));
        if (own >= checkpointId) {
          check(write != null, "closes a generation that it does not have");
          free(write.oldAddress, own);
        }
      }
    }
  }

  private boolean objectCreated() {
    ObjectAttributes attributes =
        ObjectAttributes.decodeBody(record.record(), record.bodyOffset(), record.bodyBytes());
    check(
        attributes != null && attributes.gfid() <= ObjectAttributes.MAX_GFID,
        "makes an object that makes no sense");
    check(attributes.mostDrives() <= rooms.drives(), "makes an object for more drives");
    long id = record.id();
    if (rooms.cnodes().get(attributes.gfid()) != null) {
      return true;
    }
    PageRequest request =
        new PageRequest(
            answered -> {
              addObject(answered, attributes, id);
              nextEntry();
            });
    if (!objects.get(request, attributes.gfid(), true)) {
      return false;
    }
    addObject(request, attributes, id);
    return true;
  }

  private boolean objectChanged() {
    ObjectAttributes attributes =
        ObjectAttributes.decodeBody(record.record(), record.bodyOffset(), record.bodyBytes());
    Cnode cnode = attributes == null ? null : rooms.cnodes().get(attributes.gfid());
    check(
        cnode != null && attributes.sameObject(cnode.attributes()),
        "changes an object in a way that makes no sense");
    cnode.change(attributes, record.id());
    return true;
  }

  private void addObject(PageRequest answered, ObjectAttributes attributes, long id) {
    rooms
        .cnodes()
        .put(
            Cnode.create(
                answered.page(),
                rooms.driveIndex,
                rooms.root.vacated(),
                attributes,
                rooms.maps,
                id));
    rooms.root.setNextGfid(Math.max(rooms.root.nextGfid(), attributes.gfid() + 1));
  }

  private boolean parityRemade() {
    ParityRemade entry =
        ParityRemade.decode(record.record(), record.bodyOffset(), record.bodyBytes());
    check(entry != null, "has a parity made again of a wrong size");
    Cnode cnode = checkedCnode(entry.gfid, entry.lblk, 1);
    check(
        isParityHere(cnode.layout(), entry.lblk, entry.parity)
            && entry.members.length == cnode.layout().dataMembers(),
        "has a parity made again that is not on this drive");
    check(entry.address != 0, "has a parity made again that is nowhere");
    checkAddresses(new long[] {entry.address}, new long[] {entry.before.address});
    long id = record.id();
    if (id >= checkpointId) {
      take(new long[] {entry.address}, id);
    }
    return withPage(
        cnode.parityLeaf(leaf, entry.lblk, true),
        () -> {
          PendingParity pending = null;
          for (PendingParity write : pendingParity.values()) {
            pending = write.covers(entry.gfid, entry.lblk) ? write : pending;
          }
          remade.add(cnode, leaf, entry, id, pending);
        });
  }

  private boolean blockMoved() {
    BlockMoved.Decoded moved =
        BlockMoved.decode(record.record(), record.bodyOffset(), record.bodyBytes());
    check(moved != null, "has a moved block of a wrong size");
    Cnode cnode = checkedCnode(moved.gfid(), moved.lblk(), 1);
    check(
        isHere(cnode.layout(), moved.lblk(), moved.parity()),
        "has a moved block that is not on this drive");
    check(moved.newAddress() != 0 && moved.oldAddress() != 0, "has a moved block that is nowhere");
    checkAddresses(new long[] {moved.newAddress()}, new long[] {moved.oldAddress()});
    long id = record.id();
    return withPage(
        moved.parity()
            ? cnode.parityLeaf(leaf, moved.lblk(), true)
            : cnode.dataLeaf(leaf, moved.lblk(), true),
        () -> mapMoved(cnode, moved, id));
  }

  private void mapMoved(Cnode cnode, BlockMoved.Decoded moved, long id) {
    // Only with the page there: one that is loaded must not map what is free.
    if (id >= checkpointId) {
      take(new long[] {moved.newAddress()}, id);
      free(moved.oldAddress(), id);
    }
    Page page = leaf.page();
    long at = moved.parity() ? cnode.parityEntry(moved.lblk()) : cnode.dataEntry(moved.lblk());
    // A later version may be there already.
    if (Cnode.id(page, at) == moved.versionId() && Cnode.address(page, at) == moved.oldAddress()) {
      Cnode.setEntry(page, at, moved.newAddress(), moved.versionId(), moved.crc());
      page.markDirty(id);
    }
    leaf.release();
  }

  private boolean blocksRebuilt() {
    BlocksRebuilt rebuilt =
        BlocksRebuilt.decode(record.record(), record.bodyOffset(), record.bodyBytes());
    check(rebuilt != null, "has rebuilt blocks of a wrong size");
    Cnode cnode = checkedCnode(rebuilt.gfid, rebuilt.lblk, rebuilt.count);
    Layout layout = cnode.layout();
    check(
        isHere(layout, rebuilt.lblk, rebuilt.parity)
            && (!rebuilt.parity || rebuilt.members == layout.dataMembers()),
        "has rebuilt blocks that are not on this drive");
    long id = record.id();
    return withPage(
        rebuilt.parity
            ? cnode.parityLeaf(leaf, rebuilt.lblk, true)
            : cnode.dataLeaf(leaf, rebuilt.lblk, true),
        () -> {
          for (int i = 0; i < rebuilt.count; i++) {
            if (rebuilt.has(i) && rebuilt.address[i] != 0) {
              checkAddresses(new long[] {rebuilt.address[i]}, new long[] {0});
              if (id >= checkpointId) {
                take(new long[] {rebuilt.address[i]}, id);
              }
            }
          }
          RebuiltEntries.map(cnode, leaf.page(), rebuilt, id);
          leaf.release();
        });
  }

  private boolean standInFreed() {
    StandInFreed freed =
        StandInFreed.decode(record.record(), record.bodyOffset(), record.bodyBytes());
    check(freed != null, "has freed blocks of a stand-in of a wrong size");
    Cnode cnode = checkedCnode(freed.gfid, freed.lblk, freed.count);
    check(
        !cnode.layout().isOwn(freed.lblk / cnode.layout().chunkBlocks(), rooms.driveIndex),
        "has freed blocks of a stand-in that are its own");
    long id = record.id();
    if (id < checkpointId) {
      return true;
    }
    return withPage(
        freed.parity
            ? cnode.parityLeaf(leaf, freed.lblk, true)
            : cnode.dataLeaf(leaf, freed.lblk, true),
        () -> {
          free(freed.address, id);
          freed.unmap(cnode, leaf.page(), id);
          leaf.release();
        });
  }

  private boolean withPage(boolean here, Runnable action) {
    if (here) {
      action.run();
      return true;
    }
    onPage =
        () -> {
          action.run();
          nextEntry();
        };
    return false;
  }

  private void onPage(PageRequest request) {
    Runnable action = onPage;
    onPage = null;
    action.run();
  }

  // ---- nothing is believed

  private Cnode checkedCnode(long gfid, long lblk, int count) {
    Cnode cnode = rooms.cnodes().get(gfid);
    check(cnode != null, "has an entry about object " + gfid + ", which there is not");
    int segment = cnode.segmentBlocks();
    check(
        lblk >= 0
            && count >= 1
            && lblk <= cnode.lblks() - count
            && lblk / segment == (lblk + count - 1) / segment,
        "has an entry about blocks that object " + gfid + " has not");
    return cnode;
  }

  private boolean isParityHere(Layout layout, long lblk, int parity) {
    return parity >= 0
        && parity < layout.parityMembers()
        && mayBeHere(layout, lblk, layout.dataMembers() + parity);
  }

  /**
   * Of rows that its own place is not on the drive may have had any member as a stand-in, before
   * the epoch that the layout is of.
   */
  private boolean mayBeHere(Layout layout, long lblk, int member) {
    int own = layout.ownMember(lblk / layout.chunkBlocks(), rooms.driveIndex);
    return own == member || own >= layout.dataMembers() + layout.parityMembers();
  }

  /** Likewise, any data member or any parity. */
  private boolean isHere(Layout layout, long lblk, boolean parity) {
    int own = layout.ownMember(lblk / layout.chunkBlocks(), rooms.driveIndex);
    return parity
        ? layout.parityMembers() > 0 && own >= layout.dataMembers()
        : own < layout.dataMembers() || own >= layout.dataMembers() + layout.parityMembers();
  }

  private void checkAddresses(long[] now, long[] before) {
    for (int i = 0; i < now.length; i++) {
      check(
          (now[i] == 0 || rooms.allocator.inBlockSpace(now[i]))
              && (before[i] == 0 || rooms.allocator.inBlockSpace(before[i])),
          "names a block outside of the drive's block space");
    }
  }

  private void take(long[] addresses, long id) {
    for (long address : addresses) {
      if (address == 0) {
        continue;
      }
      check(!rooms.allocator.allocated(address), "takes block " + address + ", which is in use");
      rooms.allocator.takeAt(address, id);
    }
  }

  private void free(long[] addresses, long id) {
    for (long address : addresses) {
      if (address != 0) {
        free(address, id);
      }
    }
  }

  /** Frees a block for good; it must be in use. */
  void free(long address, long id) {
    check(rooms.allocator.allocated(address), "frees block " + address + ", which is free");
    rooms.allocator.free(address, id);
  }

  /** Refuses the drive when the condition does not hold. */
  void check(boolean condition, String what) {
    if (!condition) {
      throw damaged(what);
    }
  }

  private DamagedJournalException damaged(String what) {
    String where = record == null ? "" : " at position " + record.position().position();
    return new DamagedJournalException(
        "The journal of drive "
            + rooms.driveIndex
            + where
            + " "
            + what
            + "; start the array without this drive.");
  }

  @Override
  public void onUnreadable(long address) {
    if (rooms.drive.failed()) {
      // Not the journal is at fault: the drive is gone, and who brings the array up has heard of
      // it.
      return;
    }
    throw new DamagedJournalException(
        "The journal of drive "
            + rooms.driveIndex
            + " can't be read at block "
            + address
            + "; start the array without this drive.");
  }

  @Override
  public void onDamaged(long position) {
    throw new DamagedJournalException(
        "The journal of drive "
            + rooms.driveIndex
            + " is damaged at position "
            + position
            + ": it goes on behind what can't be read; start the array without this drive.");
  }

  @Override
  public void onEnd() {
    record = null;
    rooms.journal.continueFrom(
        Math.max(rooms.journal.nextId(), rooms.root.checkpointId()) + SKIPPED_IDS);
    replayed.run();
  }

  /** Data writes without a complete. */
  Collection<PendingData> pendingData() {
    return pendingData.values();
  }

  /** Parity writes without a complete. */
  Collection<PendingParity> pendingParity() {
    return pendingParity.values();
  }
}
