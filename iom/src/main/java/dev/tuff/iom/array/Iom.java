package dev.tuff.iom.array;

import dev.tuff.iom.checkpoint.Checkpoint;
import dev.tuff.iom.journal.JournalEntry;
import dev.tuff.iom.journal.JournalFormat;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.object.PageCache;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.object.PageTree;
import dev.tuff.iom.parity.Generation;
import dev.tuff.iom.parity.ParitySide;
import dev.tuff.iom.proxy.Acting;
import dev.tuff.iom.proxy.HandOver;
import dev.tuff.iom.read.AllocationOp;
import dev.tuff.iom.read.ReadOp;
import dev.tuff.iom.read.ReadSide;
import dev.tuff.iom.rebuild.DriveRebuild;
import dev.tuff.iom.rebuild.RebuildSide;
import dev.tuff.iom.repair.BlockRepair;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.runtime.Message;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.runtime.Shard;
import dev.tuff.iom.scrub.Scrub;
import dev.tuff.iom.scrub.ScrubPosition;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.write.DataSide;
import dev.tuff.iom.write.SideLimits;
import dev.tuff.iom.write.WriteOp;
import java.lang.foreign.MemorySegment;

/**
 * The I/O manager of one drive: hears messages, hands each to the side that it is for, and starts
 * after each round what was gathered in it. Nothing else touches its drive.
 */
public final class Iom implements Acting {
  private final SideRooms rooms;
  private final PageTree objects;
  private final boolean readOnly;
  private final ArrayStart.Alarm alarm;
  private final DataSide data;
  private final ParitySide parity;
  private final BlockRepair repair;
  private final ReadSide reads;
  private final RebuildSide rebuild;
  private boolean journalFull;
  private HandOver handOver;

  /** Until the array is open, checkpoints are recovery's: it needs the journal as it is. */
  private boolean recovering = true;

  /**
   * @param formerPages for pages of what the drive was before it came back; null when it was
   *     nothing
   */
  Iom(
      SideRooms rooms,
      PageTree objects,
      PageCache formerPages,
      boolean readOnly,
      ArrayStart.Alarm alarm) {
    this.rooms = rooms;
    this.objects = objects;
    this.readOnly = readOnly;
    this.alarm = alarm;
    this.data = new DataSide(rooms);
    this.parity = new ParitySide(rooms);
    this.repair = new BlockRepair(rooms, data, parity);
    this.reads = new ReadSide(rooms, data, parity, readOnly ? null : repair);
    parity.setRepairs(reads);
    this.rebuild = new RebuildSide(rooms, data, parity, reads, formerPages);
    rooms.drive.setOwner(this);
  }

  @Override
  public Shard shard() {
    return rooms.shard;
  }

  /** Its rooms; on its shard. */
  public SideRooms rooms() {
    return rooms;
  }

  @Override
  public void onMessage(Message message) {
    if (handOver != null) {
      handOver.onMessage(message);
      return;
    }
    MessageType type = message.type;
    Object subject = message.subject;
    switch (type) {
      case WRITE -> data.onWrite((WriteOp) subject);
      case READ -> reads.onRead((ReadOp) subject);
      case FLUSH -> data.onFlush(subject, (Actor) message.detail);
      case UPDATE_PARITY -> parity.onUpdateParity((WriteOp) subject, message.number);
      case UNCHANGED -> data.onUnchanged((WriteOp) subject);
      case QUERY_ALLOCATION -> reads.onQueryAllocation((AllocationOp) subject);
      case ADMITTED -> data.onAdmitted((WriteOp) subject);
      case REQUEST_DELTA -> data.onRequestDelta((WriteOp) subject, (int) message.number);
      case DELTA -> parity.onDelta((Generation) subject, (int) message.number);
      case DELTA_TAKEN -> data.onDeltaTaken((WriteOp) subject, message.detail, message.number);
      case DATA_HARDENED -> parity.onDataHardened((Generation) subject, (int) message.number);
      case PARITY_HARDENED -> data.onParityHardened((WriteOp) subject, (int) message.number);
      case UPDATE_CLOSED -> parity.onUpdateClosed((Generation) subject);
      case RECONSTRUCT -> reads.onReconstruct((ReadOp) subject, (int) message.number);
      case JOURNAL_FULL -> data.onJournalFull();
      case JOURNAL_TRIMMED -> data.onJournalTrimmed();
      case GATHER, GATHERED, RECONSTRUCTED -> reads.onMessage(type, subject, message.number);
      case ENSURE_REBUILT, REBUILT, READ_VERSIONS, VERSIONS_READ, FIND_MAPPED, MAPPED_FOUND ->
          rebuild.onMessage(type, subject, message.number);
      case WRITE_REPLIED,
          WRITE_CLOSED,
          READ_DONE,
          ALLOCATION_ANSWERED,
          FLUSHED,
          START_REQUEST,
          REQUEST_REPLIED,
          REQUEST_CLOSED,
          FENCE ->
          Invariant.check(false, "an IOM hears no replies to clients: " + type);
    }
  }

  @Override
  public void halt(Runnable idle) {
    if (handOver == null) {
      handOver = new HandOver(this, rooms, data, reads);
    }
    rebuild.halt();
    rooms.shard.remove(this);
    rooms.drive.halt(idle);
  }

  /**
   * In service it stops alone: as when its drive has failed, but at once, so that nothing runs any
   * more on a state that may be anything. In recovery all depends on all.
   */
  @Override
  public boolean onBug(RuntimeException bug) {
    if (recovering || handOver != null || !alarm.onBug(bug)) {
      return false;
    }
    halt(() -> {});
    return true;
  }

  /** True when it has stopped: only what was asked of it is still there. */
  boolean halted() {
    return handOver != null;
  }

  @Override
  public void handOver(HandOver.Reserve reserve) {
    handOver.passOn(reserve);
  }

  @Override
  public void onRoundEnd() {
    if (recovering) {
      rooms.journal.commit();
      rooms.checkpoint.proceed();
      return;
    }
    if (readOnly) {
      return;
    }
    DriveRebuild rebuilding = rebuild.own();
    if (rebuilding != null) {
      rebuilding.proceed();
    }
    rooms.journal.commit();
    tellJournalState();
    Checkpoint checkpoint = rooms.checkpoint;
    if (checkpoint.running()) {
      checkpoint.proceed();
    } else if (checkpointDue() || rebuild.endsWithCheckpoint()) {
      startCheckpoint(oldestOpenId(), data::resume);
    }
  }

  private void startCheckpoint(long oldestNeeded, Runnable done) {
    rebuild.onCheckpointStarted();
    rooms.checkpoint.start(
        oldestNeeded,
        () -> {
          rebuild.onCheckpointDone();
          done.run();
        });
  }

  /** The rebuild of its drive; null when the drive had everything at the start. */
  public DriveRebuild rebuild() {
    return rebuild.own();
  }

  /** A parity's journal fills by what others start: they have to know. */
  private void tellJournalState() {
    boolean full = journalPercent() > SideLimits.JOURNAL_FULL_PERCENT;
    if (full == journalFull) {
      return;
    }
    journalFull = full;
    for (int drive = 0; drive < rooms.drives(); drive++) {
      rooms.send(
          drive, full ? MessageType.JOURNAL_FULL : MessageType.JOURNAL_TRIMMED, null, null, 0);
    }
  }

  private long journalPercent() {
    return rooms.journal.usedBlocks() * 100L / rooms.journal.blocks();
  }

  private boolean checkpointDue() {
    return journalPercent() > SideLimits.JOURNAL_CHECKPOINT_PERCENT
        || rooms.maps.dirtyCount() > rooms.maps.capacity() / 2;
  }

  private long oldestOpenId() {
    return Math.min(data.oldestOpenId(), parity.oldestOpenId());
  }

  /** Frees some of what the drive held in place of another: see {@link RebuildSide#release}. */
  public void releaseStandIns(int leaves) {
    if (!recovering && !readOnly) {
      rebuild.release(leaves);
    }
  }

  /** Recovery is over: clients may come. */
  void open() {
    recovering = false;
  }

  /** Makes the object's cnode here and calls {@code hardened} when it is journaled for good. */
  @Override
  public void putObject(ObjectAttributes attributes, Runnable hardened) {
    Cnode known = rooms.cnodes().get(attributes.gfid());
    if (known != null) {
      long id =
          rooms.journal.append(
              new ObjectEntry(JournalFormat.TYPE_OBJECT_CHANGED, attributes, hardened));
      known.change(attributes, id);
      return;
    }
    PageRequest request =
        new PageRequest(
            answered -> {
              create(attributes, answered, hardened);
            });
    if (objects.get(request, attributes.gfid(), true)) {
      create(attributes, request, hardened);
    }
  }

  private void create(ObjectAttributes attributes, PageRequest answered, Runnable hardened) {
    if (rooms.cnodes().get(attributes.gfid()) != null) {
      // Recovery has made it, after a failover in the middle of the making.
      answered.release();
      hardened.run();
      return;
    }
    // The cnode's page stays pinned as long as the array runs.
    long id =
        rooms.journal.append(
            new ObjectEntry(JournalFormat.TYPE_OBJECT_CREATED, attributes, hardened));
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

  private static final class ObjectEntry extends JournalEntry {
    private final int type;
    private final ObjectAttributes attributes;
    private final Runnable hardened;

    ObjectEntry(int type, ObjectAttributes attributes, Runnable hardened) {
      this.type = type;
      this.attributes = attributes;
      this.hardened = hardened;
    }

    @Override
    protected int bodyBytes() {
      return attributes.bytes();
    }

    @Override
    protected int type() {
      return type;
    }

    @Override
    protected void encode(MemorySegment segment, long offset) {
      attributes.encode(segment, offset);
    }

    @Override
    protected void onJournalHardened() {
      hardened.run();
    }
  }

  /** Begins to read and check everything that this drive holds: see {@link Scrub}. */
  public Scrub scrub(ScrubPosition from, boolean verifyParity) {
    return new Scrub(rooms, reads, readOnly ? null : repair, from, verifyParity);
  }

  @Override
  public boolean quiet() {
    return data.inside() == 0
        && parity.inside() == 0
        && reads.inside() == 0
        && repair.inside() == 0
        && rebuild.quiet()
        && rooms.journal.idle()
        && !rooms.checkpoint.running();
  }

  /** The last checkpoint of a quiet IOM. */
  public void lastCheckpoint(Runnable done) {
    startCheckpoint(Long.MAX_VALUE, done);
  }
}
