package dev.tuff.iom.recovery;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.drive.Drive;
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
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.xor.Crc32c;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One IOM's part in recovery, in three stages. {@link #replay}: its journal, from the root's tail
 * to its end, brings maps, bitmap and objects to where they were; updates without a complete are
 * left pending. {@link #read} and {@link #remake}: blocks of pending groups for {@link Recovery},
 * which decides with all drives in view. {@link #finish}: what was decided takes effect, and a
 * checkpoint makes it the drive's state. Up to there nothing that any version of a pending group
 * needs is written over, and the journal keeps its tail: recovery can be cut short anywhere and
 * begun again. Owned by one shard's thread.
 */
public final class IomRecovery implements JournalScan.Listener {
  /**
   * Sequence numbers left out at every start that writes: whole records that a crash left behind a
   * torn one stand where the next would.
   */
  private static final int SKIPPED_SEQUENCES = 16;

  /** IDs left out at every start: records that a crash left behind a torn one have smaller ones. */
  private static final long SKIPPED_IDS = 1 << 20;

  private final SideRooms rooms;
  private final PageTree objects;
  private final JournalScan scan;
  private final long checkpointId;
  private final Map<Long, PendingData> pendingData = new LinkedHashMap<>();
  private final Map<Long, PendingParity> pendingParity = new LinkedHashMap<>();
  private final Map<Place, PendingData> dataAt = new HashMap<>();
  private final Map<Place, PendingParity> parityAt = new HashMap<>();

  /** Parities that recovery has made again, this one or one that was cut short: all versions. */
  private final Map<Place, List<ParityVersion>> remadeAt = new HashMap<>();

  /** Which version of a parity stays, where it is not the newest. */
  private final Map<Place, Integer> parityChoice = new HashMap<>();

  private final RecoveryCounts counts = new RecoveryCounts();
  private final PageRequest leaf = new PageRequest(this::onPage);
  private Runnable onPage;
  private Runnable replayed;
  private JournalReader record;
  private long recordLastId;

  /**
   * @param window memory for reading ahead, free during the replay
   */
  public IomRecovery(SideRooms rooms, PageTree objects, JournalRegion region, IoBuffer window) {
    this.rooms = rooms;
    this.objects = objects;
    this.checkpointId = rooms.root.checkpointId();
    this.scan =
        new JournalScan(
            region,
            rooms.drive,
            window,
            new JournalPosition(rooms.root.tailPosition(), rooms.root.tailSequence()),
            this);
  }

  // ---- the journal, entry by entry

  /** Reads the journal and repeats what it says; then calls {@code done}. */
  public void replay(Runnable done) {
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

  private void checkCheckpoint() {
    String obstacle = rooms.checkpoint.obstacle();
    check(obstacle == null, obstacle);
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
      case JournalFormat.TYPE_PARITY_REMADE -> parityRemade();
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
        update.member == layout.member(update.lblk / layout.chunkBlocks(), rooms.driveIndex)
            && update.member < layout.dataMembers(),
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
        mapped += Cnode.address(page, entry) == 0 ? 1 : 0;
        Cnode.setEntry(page, entry, update.newAddress[i], update.mj, update.newCrc[i]);
        page.markDirty(update.mj);
      }
      entry += cnode.dataEntryBytes();
    }
    if (mapped > 0) {
      cnode.addMappedDataBlocks(mapped, update.mj);
    }
    leaf.release();
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
        mapped += Cnode.address(page, entry) == 0 ? 1 : 0;
        Cnode.setEntry(page, entry, write.newAddress[i], write.pj, write.newCrc[i]);
        for (PendingParity.Merged one : write.merged) {
          if (one.covers(write.lblk + i)) {
            int at = (int) (write.lblk + i - one.lblk);
            cnode.setMember(page, entry, one.member, one.mj, one.newCrc[at]);
          }
        }
        page.markDirty(write.pj);
      }
      entry += cnode.parityEntryBytes();
    }
    if (mapped > 0) {
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
        record.bodyBytes() == ObjectAttributes.BYTES
            ? ObjectAttributes.decode(record.record(), record.bodyOffset())
            : null;
    check(
        attributes != null && attributes.gfid() <= ObjectAttributes.MAX_GFID,
        "makes an object that makes no sense");
    check(attributes.drives() == rooms.drives(), "makes an object for another number of drives");
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

  private void addObject(PageRequest answered, ObjectAttributes attributes, long id) {
    rooms.cnodes().put(Cnode.create(answered.page(), rooms.driveIndex, attributes, rooms.maps, id));
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
          mapRemade(cnode, leaf, entry, id, pending);
        });
  }

  private void mapRemade(
      Cnode cnode, PageRequest request, ParityRemade entry, long id, PendingParity pending) {
    Page page = request.page();
    long at = cnode.parityEntry(entry.lblk);
    if (Cnode.id(page, at) < id) {
      if (Cnode.address(page, at) == 0) {
        cnode.addMappedParityBlocks(1, id);
      }
      setParity(cnode, page, at, entry.version(id), id);
    }
    request.release();
    List<ParityVersion> versions =
        remadeAt.computeIfAbsent(
            new Place(entry.gfid, entry.lblk),
            place -> {
              List<ParityVersion> earlier = new ArrayList<>();
              earlier.add(entry.before);
              if (pending != null) {
                earlier.add(pending.before(entry.lblk, entry.before));
              }
              return earlier;
            });
    versions.addFirst(entry.version(id));
  }

  private static void setParity(Cnode cnode, Page page, long at, ParityVersion version, long id) {
    Cnode.setEntry(page, at, version.address, version.id, version.crc);
    for (int m = 0; m < version.members.length; m++) {
      cnode.setMember(page, at, m, version.members[m], version.memberCrcs[m]);
    }
    page.markDirty(id);
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
    Layout layout = cnode.layout();
    long lblks = layout.rowsFor(cnode.attributes().sizeBytes()) * layout.chunkBlocks();
    int segment = cnode.segmentBlocks();
    check(
        lblk >= 0
            && count >= 1
            && lblk <= lblks - count
            && lblk / segment == (lblk + count - 1) / segment,
        "has an entry about blocks that object " + gfid + " has not");
    return cnode;
  }

  private boolean isParityHere(Layout layout, long lblk, int parity) {
    return parity >= 0
        && parity < layout.parityMembers()
        && layout.member(lblk / layout.chunkBlocks(), rooms.driveIndex)
            == layout.dataMembers() + parity;
  }

  private void checkAddresses(long[] now, long[] before) {
    for (int i = 0; i < now.length; i++) {
      check(
          rooms.allocator.inBlockSpace(now[i])
              && (before[i] == 0 || rooms.allocator.inBlockSpace(before[i])),
          "names a block outside of the drive's block space");
    }
  }

  private void take(long[] addresses, long id) {
    for (long address : addresses) {
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

  private void free(long address, long id) {
    check(rooms.allocator.allocated(address), "frees block " + address + ", which is free");
    rooms.allocator.free(address, id);
  }

  private void check(boolean condition, String what) {
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
    pendingData
        .values()
        .forEach(
            update -> {
              for (int i = 0; i < update.count; i++) {
                dataAt.put(new Place(update.gfid, update.lblk + i), update);
              }
            });
    pendingParity
        .values()
        .forEach(
            write -> {
              for (int i = 0; i < write.count; i++) {
                parityAt.put(new Place(write.gfid, write.lblk + i), write);
              }
            });
    replayed.run();
  }

  /** False after a clean stop: there was nothing in the journal. */
  boolean dirty() {
    return counts.records > 0;
  }

  /** Groups that have an update or a generation pending here. */
  Set<Place> pendingPlaces() {
    Set<Place> places = new LinkedHashSet<>(dataAt.keySet());
    places.addAll(parityAt.keySet());
    places.addAll(remadeAt.keySet());
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
      if (part.isParity()) {
        foundParity(page);
      } else {
        foundData(page);
      }
      request.release();
      readNext();
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
    List<ParityVersion> remade = remadeAt.get(place);
    if (remade != null) {
      return remade;
    }
    int n = cnode.attributes().dataMembers();
    long[] members = new long[n];
    int[] crcs = new int[n];
    if (page == null) {
      return List.of(new ParityVersion(0, 0, 0, members, crcs));
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
            crcs);
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
  void remake(GroupPart part, MemorySegment content, long[] members, int[] crcs, Runnable done) {
    ParityRemade entry = new ParityRemade();
    entry.gfid = part.place.gfid();
    entry.lblk = part.place.lblk();
    entry.parity = part.parity;
    entry.members = members;
    entry.memberCrcs = crcs;
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
      check(rooms.allocator.freeBlocks() > 0, "leaves no room for a parity to be made again");
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
      mapRemade(cnode, answered, entry, id, parityAt.get(new Place(entry.gfid, entry.lblk)));
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
    parities.addAll(remadeAt.keySet());
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
      checkCheckpoint();
      rooms.journal.skipSequences(SKIPPED_SEQUENCES);
      rooms.checkpoint.start(Long.MAX_VALUE, done);
    }

    private boolean finishData(Place place) {
      PendingData update = dataAt.get(place);
      int i = (int) (place.lblk() - update.lblk);
      long id = rooms.journal.nextId();
      if ((update.rolledBack >>> i & 1) == 0) {
        counts.blocksForward++;
        if (update.oldAddress[i] != 0) {
          free(update.oldAddress[i], id);
        }
        return true;
      }
      counts.blocksBack++;
      free(update.newAddress[i], id);
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
      if (update.oldAddress[i] == 0) {
        cnode.addMappedDataBlocks(-1, id);
      }
      answered.release();
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
          free(versions.get(i).address, id);
        }
      }
      if (choice == 0) {
        counts.paritiesForward++;
      } else {
        counts.paritiesBack++;
        setParity(cnode, page, cnode.parityEntry(place.lblk()), versions.get(choice), id);
        if (versions.get(choice).address == 0) {
          cnode.addMappedParityBlocks(-1, id);
        }
      }
      answered.release();
    }
  }
}
