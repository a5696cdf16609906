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
  private static final int COMMITS_IN_FLIGHT = 2;

  /** How many buffers {@link #Journal} needs: those in flight and the one being filled. */
  public static final int BUFFERS = COMMITS_IN_FLIGHT + 1;

  private static final class Commit {
    final IoBuffer buffer;
    final BlockIo io;
    int payloadBytes;
    int entries;
    boolean wanted;
    long firstId;
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

  private final LongList closedData = new LongList();
  private final LongList closedParity = new LongList();

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
    entryCount++;
    if (queueHead != null || !fits(bytes)) {
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
    closedData.add(mj);
    closedData.add(nextId++);
  }

  /** Notes that the parity write pj is closed, likewise. */
  public void appendParityComplete(long pj) {
    closedParity.add(pj);
    closedParity.add(nextId++);
  }

  private boolean fits(int bytes) {
    return inFlight < BUFFERS
        && JournalFormat.HEADER_BYTES + commits[filling].payloadBytes + bytes <= COMMIT_BYTES;
  }

  private void encode(JournalEntry entry) {
    Commit commit = commits[filling];
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
      if (!commits[filling].wanted) {
        return;
      }
      write(commits[filling]);
    }
  }

  /** Writes the noted completes even if nothing else waits: for a clean stop. */
  public void commitCompletes() {
    refill();
    if (closedData.size + closedParity.size > 0 && inFlight < COMMITS_IN_FLIGHT) {
      write(commits[filling]);
    }
  }

  private void refill() {
    while (queueHead != null && fits(JournalFormat.ENTRY_HEADER_BYTES + queueHead.bodyBytes())) {
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
    encodeCompletes(commit, JournalFormat.TYPE_MJ_COMPLETE, closedData);
    encodeCompletes(commit, JournalFormat.TYPE_PJ_COMPLETE, closedParity);
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

  /** As many of the noted IDs as fit; the others go with the next commit. */
  private void encodeCompletes(Commit commit, int type, LongList closed) {
    int room = (int) (COMMIT_BYTES - at(commit) - JournalFormat.ENTRY_HEADER_BYTES - 8) / 16 * 2;
    int count = Math.min(closed.size, room);
    if (count <= 0) {
      return;
    }
    entryHeader(commit, type, 8 + count * 8, closed.values[1]);
    MemorySegment segment = commit.buffer.segment();
    long offset = at(commit);
    segment.set(JournalFormat.INT, offset, count / 2);
    segment.set(JournalFormat.INT, offset + 4, 0);
    for (int i = 0; i < count; i++) {
      segment.set(JournalFormat.LONG, offset + 8 + 8L * i, closed.values[i]);
    }
    commit.payloadBytes += 8 + count * 8;
    System.arraycopy(closed.values, count, closed.values, 0, closed.size - count);
    closed.size -= count;
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
    return head - tail + (long) BUFFERS * (COMMIT_BYTES / Drive.BLOCK_BYTES);
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
