package dev.tuff.iom.journal;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.drive.Zeros;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.xor.Crc32c;
import java.lang.foreign.MemorySegment;

/**
 * An IOM's journal: entries get growing IDs, and everything that waits goes into one durable write
 * (group commit). An entry counts as hardened only when all before it are, since recovery reads up
 * to the first gap. Space is taken at the head and given back by {@link #trim}. Owned by one
 * shard's thread.
 */
public final class Journal implements BlockIo.Listener {
  /** Size of one commit's buffer. */
  public static final int COMMIT_BYTES = 128 << 10;

  /** Largest entry body. */
  public static final int MAX_BODY_BYTES = 48 << 10;

  /**
   * Commits written at the same time at most; while they are, later entries gather for the next
   * one.
   */
  static final int COMMITS_IN_FLIGHT = 4;

  /** How many buffers {@link #Journal} needs: those in flight and the one being filled. */
  public static final int BUFFERS = COMMITS_IN_FLIGHT + 1;

  /**
   * What {@link #usedBlocks} allows for entries that are in no record yet: the one being filled,
   * and two more that wait for its buffer. Those in flight have their place already.
   */
  private static final int WAITING_BLOCKS = 3 * COMMIT_BYTES / Drive.BLOCK_BYTES;

  /** A complete in a record: the ID that is closed and its own. */
  private static final int COMPLETE_BYTES = 16;

  /** Headers and counts of a batch of completes, which may be of both types. */
  private static final int COMPLETES_OVERHEAD = 2 * (JournalFormat.ENTRY_HEADER_BYTES + 8);

  private static final class Commit {
    final IoBuffer buffer;
    final BlockIo io;
    int payloadBytes;
    int entries;
    boolean wanted;
    long firstId;
    long completesUpTo;
    JournalEntry head;
    JournalEntry tail;
    boolean hardened;

    Commit(Journal journal, IoBuffer buffer) {
      this.buffer = buffer;
      this.io = new BlockIo(journal);
    }

    void clear() {
      payloadBytes = 0;
      entries = 0;
      wanted = false;
      firstId = 0;
      completesUpTo = 0;
      head = null;
      tail = null;
      hardened = false;
    }
  }

  private final JournalRegion region;
  private final Drive drive;
  private final Commit[] commits = new Commit[BUFFERS];
  private int filling;
  private int oldestInFlight;
  private int inFlight;

  private long nextId;
  private long nextSequence;
  private long head;
  private long tail;

  // Commits between tail and head, oldest first, in a ring: where each starts and the last ID in
  // it.
  private final long[] commitPosition;
  private final long[] commitSequence;
  private final long[] commitLastId;
  private int ringFirst;
  private int ringCount;

  private JournalEntry queueHead;
  private JournalEntry queueTail;
  private int queued;
  private long lastEncodedId;
  private long lastEntryId;
  private long hardenedId;

  // Completes that are not yet in a commit, oldest first, three longs each: the entry type, the ID
  // that is closed, the complete's own ID. They are counted from the start of the run.
  private final LongList closed = new LongList();
  private long notedCompletes;
  private long encodedCompletes;
  private long hardenedCompletes;
  private long demandedCompletes;

  private long commitCount;
  private long entryCount;
  private long blockCount;

  private static final class LongList {
    long[] values = new long[1024];
    int size;

    void add(long value) {
      if (size == values.length) {
        values = java.util.Arrays.copyOf(values, size * 2);
      }
      values[size++] = value;
    }

    void removeFirst(int count) {
      System.arraycopy(values, count, values, 0, size - count);
      size -= count;
    }
  }

  /**
   * Continues the journal from {@code start} on, where nothing valid lies yet; the first new entry
   * is {@code firstId}.
   */
  public Journal(
      JournalRegion region, Drive drive, IoBuffer[] buffers, JournalPosition start, long firstId) {
    Invariant.check(buffers.length == BUFFERS, "the journal has its buffers", buffers.length);
    this.region = region;
    this.drive = drive;
    for (int i = 0; i < BUFFERS; i++) {
      commits[i] = new Commit(this, buffers[i]);
      commits[i].io.tag = i;
    }
    this.nextId = firstId;
    this.lastEncodedId = firstId - 1;
    this.hardenedId = firstId - 1;
    this.lastEntryId = firstId - 1;
    this.nextSequence = start.sequence();
    this.head = start.position();
    this.tail = start.position();
    this.commitPosition = new long[region.blocks()];
    this.commitSequence = new long[region.blocks()];
    this.commitLastId = new long[region.blocks()];
  }

  /** Gives the entry the next ID and journals it with the next commit. */
  public long append(JournalEntry entry) {
    int bytes = JournalFormat.ENTRY_HEADER_BYTES + entry.bodyBytes();
    Invariant.check(entry.bodyBytes() <= MAX_BODY_BYTES, "an entry fits a commit", bytes);
    entry.assign(nextId++);
    lastEntryId = entry.id();
    entry.next = null;
    entry.completesBefore = notedCompletes;
    entryCount++;
    if (queueHead != null || !fits(entry)) {
      if (queueTail == null) {
        queueHead = entry;
      } else {
        queueTail.next = entry;
      }
      queueTail = entry;
      queued++;
    } else {
      encode(entry);
    }
    return entry.id();
  }

  /**
   * Notes that the data write mj is closed; journaled with the next commit, which it does not bring
   * about by itself. It has an ID of its own, so that recovery knows which checkpoint already
   * contains its effect.
   */
  public void appendDataComplete(long mj) {
    appendComplete(JournalFormat.TYPE_MJ_COMPLETE, mj);
  }

  /** Notes that the parity write pj is closed, likewise. */
  public void appendParityComplete(long pj) {
    appendComplete(JournalFormat.TYPE_PJ_COMPLETE, pj);
  }

  private void appendComplete(int type, long id) {
    closed.add(type);
    closed.add(id);
    closed.add(nextId++);
    notedCompletes++;
  }

  /**
   * Completes come before every entry with a greater ID. An entry may use an address that a
   * complete has freed; recovery, which reads up to the first gap, must never see the one without
   * the other.
   */
  private boolean fits(JournalEntry entry) {
    long bytes =
        (long) commits[filling].payloadBytes
            + completesBytes(entry.completesBefore - encodedCompletes)
            + JournalFormat.ENTRY_HEADER_BYTES
            + entry.bodyBytes();
    return inFlight < BUFFERS && JournalFormat.HEADER_BYTES + bytes <= COMMIT_BYTES;
  }

  private static long completesBytes(long count) {
    return count <= 0 ? 0 : COMPLETES_OVERHEAD + count * COMPLETE_BYTES;
  }

  private void encode(JournalEntry entry) {
    Commit commit = commits[filling];
    encodeCompletes(commit, entry.completesBefore);
    entryHeader(commit, entry.type(), entry.bodyBytes(), entry.id());
    entry.encode(commit.buffer.segment(), at(commit));
    commit.payloadBytes += entry.bodyBytes();
    commit.wanted = true;
    if (commit.tail == null) {
      commit.head = entry;
    } else {
      commit.tail.next = entry;
    }
    commit.tail = entry;
    entry.next = null;
    lastEncodedId = entry.id();
  }

  private static long at(Commit commit) {
    return (long) JournalFormat.HEADER_BYTES + commit.payloadBytes;
  }

  private static void entryHeader(Commit commit, int type, int bodyBytes, long id) {
    MemorySegment segment = commit.buffer.segment();
    long offset = at(commit);
    segment.set(JournalFormat.SHORT, offset, (short) type);
    segment.set(JournalFormat.SHORT, offset + 2, (short) 0);
    segment.set(JournalFormat.INT, offset + 4, JournalFormat.ENTRY_HEADER_BYTES + bodyBytes);
    segment.set(JournalFormat.LONG, offset + 8, id);
    if (commit.entries++ == 0) {
      commit.firstId = id;
    }
    commit.payloadBytes += JournalFormat.ENTRY_HEADER_BYTES;
  }

  /** Writes what waits, if a commit may start now; called after each round of handlers. */
  public void commit() {
    while (inFlight < COMMITS_IN_FLIGHT) {
      refill();
      // A queued entry that an empty commit has no room for waits for completes before it.
      boolean due =
          commits[filling].wanted || queueHead != null || encodedCompletes < demandedCompletes;
      if (!due) {
        return;
      }
      write(commits[filling]);
    }
  }

  /**
   * Has all that is noted as closed journaled even if nothing else waits: {@link
   * #completesHardened} is true some time after.
   */
  public void hardenCompletes() {
    demandedCompletes = notedCompletes;
    commit();
  }

  /** True when what {@link #hardenCompletes} asked for last is on stable media. */
  public boolean completesHardened() {
    return hardenedCompletes >= demandedCompletes;
  }

  private void refill() {
    while (queueHead != null && fits(queueHead)) {
      JournalEntry entry = queueHead;
      queueHead = entry.next;
      if (queueHead == null) {
        queueTail = null;
      }
      queued--;
      encode(entry);
    }
  }

  private void write(Commit commit) {
    encodeCompletes(commit, queueHead == null ? notedCompletes : queueHead.completesBefore);
    commit.completesUpTo = encodedCompletes;
    int bytes = JournalFormat.HEADER_BYTES + commit.payloadBytes;
    int blocks = (bytes + Drive.BLOCK_BYTES - 1) / Drive.BLOCK_BYTES;
    int offset = (int) (head % region.blocks());
    if (offset + blocks > region.blocks()) {
      head += region.blocks() - offset;
      offset = 0;
    }
    Invariant.check(
        head + blocks - tail <= region.blocks(),
        "admission keeps room in the journal",
        head - tail);

    MemorySegment segment = commit.buffer.segment();
    Zeros.clear(segment, bytes, (long) blocks * Drive.BLOCK_BYTES - bytes);
    segment.set(JournalFormat.LONG, JournalFormat.OFFSET_MAGIC, JournalFormat.MAGIC);
    segment.set(
        JournalFormat.LONG, JournalFormat.OFFSET_UUID, region.arrayId().getMostSignificantBits());
    segment.set(
        JournalFormat.LONG,
        JournalFormat.OFFSET_UUID + 8,
        region.arrayId().getLeastSignificantBits());
    segment.set(JournalFormat.LONG, JournalFormat.OFFSET_SEQUENCE, nextSequence);
    segment.set(JournalFormat.LONG, JournalFormat.OFFSET_POSITION, head);
    segment.set(JournalFormat.LONG, JournalFormat.OFFSET_FIRST_ID, commit.firstId);
    segment.set(JournalFormat.INT, JournalFormat.OFFSET_PAYLOAD_BYTES, commit.payloadBytes);
    segment.set(JournalFormat.SHORT, JournalFormat.OFFSET_BLOCKS, (short) blocks);
    segment.set(JournalFormat.SHORT, JournalFormat.OFFSET_DRIVE, (short) region.driveIndex());
    segment.set(JournalFormat.INT, JournalFormat.OFFSET_ENTRIES, commit.entries);
    int crc = Crc32c.of(segment, 0, (int) JournalFormat.OFFSET_CRC);
    crc = Crc32c.update(crc, segment, JournalFormat.HEADER_BYTES, commit.payloadBytes);
    segment.set(JournalFormat.INT, JournalFormat.OFFSET_CRC, crc);

    int ringIndex = (ringFirst + ringCount) % commitPosition.length;
    commitPosition[ringIndex] = head;
    commitSequence[ringIndex] = nextSequence;
    commitLastId[ringIndex] = lastEncodedId;
    ringCount++;
    nextSequence++;
    head += blocks;
    commitCount++;
    blockCount += blocks;
    inFlight++;
    filling = (filling + 1) % BUFFERS;
    drive.writeRun(commit.io, region.firstBlock() + offset, blocks, commit.buffer, 0);
  }

  /** Completes up to the {@code upTo}-th, as many as fit; the others go with the next commit. */
  private void encodeCompletes(Commit commit, long upTo) {
    long room = (COMMIT_BYTES - at(commit) - COMPLETES_OVERHEAD) / COMPLETE_BYTES;
    int count = (int) Math.min(upTo - encodedCompletes, room);
    if (count <= 0) {
      return;
    }
    lastEncodedId = closed.values[3 * (count - 1) + 2];
    encodeCompletes(commit, count, JournalFormat.TYPE_MJ_COMPLETE);
    encodeCompletes(commit, count, JournalFormat.TYPE_PJ_COMPLETE);
    closed.removeFirst(3 * count);
    encodedCompletes += count;
  }

  /** Those of one type among the first {@code count}. */
  private void encodeCompletes(Commit commit, int count, int type) {
    int ofType = 0;
    long first = 0;
    for (int i = count - 1; i >= 0; i--) {
      if (closed.values[3 * i] == type) {
        ofType++;
        first = closed.values[3 * i + 2];
      }
    }
    if (ofType == 0) {
      return;
    }
    entryHeader(commit, type, 8 + ofType * COMPLETE_BYTES, first);
    MemorySegment segment = commit.buffer.segment();
    long at = at(commit);
    segment.set(JournalFormat.INT, at, ofType);
    segment.set(JournalFormat.INT, at + 4, 0);
    at += 8;
    for (int i = 0; i < count; i++) {
      if (closed.values[3 * i] == type) {
        segment.set(JournalFormat.LONG, at, closed.values[3 * i + 1]);
        segment.set(JournalFormat.LONG, at + 8, closed.values[3 * i + 2]);
        at += COMPLETE_BYTES;
      }
    }
    commit.payloadBytes += 8 + ofType * COMPLETE_BYTES;
  }

  @Override
  public void onTransferred(BlockIo io) {
    // A failed write has already stopped the drive; what is in this commit is never called
    // hardened.
  }

  @Override
  public void onHardened(BlockIo io) {
    commits[io.tag].hardened = true;
    while (inFlight > 0 && commits[oldestInFlight].hardened) {
      Commit commit = commits[oldestInFlight];
      hardenedCompletes = commit.completesUpTo;
      JournalEntry entry = commit.head;
      commit.clear();
      oldestInFlight = (oldestInFlight + 1) % BUFFERS;
      inFlight--;
      while (entry != null) {
        JournalEntry following = entry.next;
        entry.next = null;
        hardenedId = entry.id();
        entry.onJournalHardened();
        entry = following;
      }
    }
  }

  /** The ID that the next entry will get. */
  public long nextId() {
    return nextId;
  }

  /** The last entry's ID, completes not counted. */
  public long lastEntryId() {
    return lastEntryId;
  }

  /** Every entry up to this ID is hardened. */
  public long hardenedId() {
    return hardenedId;
  }

  /** Where a scan must start to see the entry {@code oldestNeededId} and all after it. */
  public JournalPosition positionOf(long oldestNeededId) {
    for (int i = 0; i < ringCount; i++) {
      int index = (ringFirst + i) % commitPosition.length;
      if (commitLastId[index] >= oldestNeededId) {
        return new JournalPosition(commitPosition[index], commitSequence[index]);
      }
    }
    return new JournalPosition(head, nextSequence);
  }

  /**
   * Takes note of a commit record that an earlier run wrote and this one has read, in order, before
   * anything is appended.
   */
  public void replayed(JournalPosition at, int blocks, long lastId) {
    int ringIndex = (ringFirst + ringCount) % commitPosition.length;
    commitPosition[ringIndex] = at.position();
    commitSequence[ringIndex] = at.sequence();
    commitLastId[ringIndex] = lastId;
    ringCount++;
    nextSequence = at.sequence() + 1;
    head = at.position() + blocks;
    continueFrom(lastId + 1);
  }

  /** The next entry gets this ID; all before are history. */
  public void continueFrom(long firstId) {
    nextId = firstId;
    lastEncodedId = firstId - 1;
    hardenedId = firstId - 1;
    lastEntryId = firstId - 1;
  }

  /**
   * Leaves out record numbers. Only when a checkpoint follows whose root has no earlier record in
   * the journal, and nothing is appended before that: a gap ends the journal.
   */
  public void skipSequences(int count) {
    Invariant.check(idle(), "records in the journal are numbered without a gap", nextSequence);
    nextSequence += count;
  }

  /** Gives back the space before {@code newTail}, once a hardened root names it as the tail. */
  public void trim(JournalPosition newTail) {
    Invariant.check(
        newTail.position() >= tail, "the journal's tail moves forward", newTail.position());
    while (ringCount > 0 && commitSequence[ringFirst] < newTail.sequence()) {
      ringFirst = (ringFirst + 1) % commitPosition.length;
      ringCount--;
    }
    tail = newTail.position();
  }

  /** Blocks in use, what waits to be written counted as it will be at most. */
  public long usedBlocks() {
    return head - tail + WAITING_BLOCKS;
  }

  public int blocks() {
    return region.blocks();
  }

  /** True when nothing waits to be journaled and nothing is being written. */
  public boolean idle() {
    return inFlight == 0 && queueHead == null && !commits[filling].wanted;
  }

  /** Entries that wait for a commit's buffer. */
  public int queuedEntries() {
    return queued;
  }

  public long commitCount() {
    return commitCount;
  }

  public long entryCount() {
    return entryCount;
  }

  public long blockCount() {
    return blockCount;
  }
}
