package dev.tuff.iom.journal;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.drive.Drive;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Reads a journal record by record through the drive that its IOM runs on: what {@link
 * JournalReader} does, without waiting. Reads ahead in large pieces. Owned by one shard's thread.
 */
public final class JournalScan implements BlockIo.Listener {
  private static final int RECORD_BLOCKS = Journal.COMMIT_BYTES / Drive.BLOCK_BYTES;

  /**
   * How far behind a torn record it is looked for one that was not under way together with it: so
   * many blocks the torn one and those may have, and what was left out at the region's end.
   */
  private static final int LOOK_BEHIND_BLOCKS = (Journal.COMMITS_IN_FLIGHT + 2) * RECORD_BLOCKS;

  /** What is read at once. */
  private static final int MAX_WINDOW_BLOCKS = 256;

  /** Hears of the records in order. */
  public interface Listener {
    /** A record is there; {@link JournalScan#next} is called when it is done with. */
    void onRecord(JournalReader record);

    /** The journal has no more. */
    void onEnd();

    /**
     * The record at this position is damaged: there are later ones than could have been under way
     * together with it.
     */
    void onDamaged(long position);

    /** A part of the journal could not be read. */
    void onUnreadable(long address);
  }

  private final JournalRegion region;
  private final Drive drive;
  private final IoBuffer window;
  private final int windowBlocks;
  private final Listener listener;
  private final BlockIo io = new BlockIo(this);
  private final JournalReader reader;

  // The region's first blocks, where a record may stand that did not fit before the end.
  private final MemorySegment start;
  private boolean startHere;

  // A listener that is done at once must not come back deeper and deeper.
  private boolean running;
  private boolean again;

  // Nothing follows; so many blocks behind the end were looked at.
  private boolean ended;
  private int lookedBehind;

  private long windowFirst;
  private int windowCount;
  private boolean missed;
  private long missedAddress;

  /**
   * @param window memory that the scan uses until {@link Listener#onEnd}
   */
  public JournalScan(
      JournalRegion region, Drive drive, IoBuffer window, JournalPosition from, Listener listener) {
    this.region = region;
    this.drive = drive;
    this.window = window;
    this.windowBlocks = Math.min(window.capacityBytes() / Drive.BLOCK_BYTES, MAX_WINDOW_BLOCKS);
    this.listener = listener;
    MemorySegment memory = Arena.ofAuto().allocate(2L * Journal.COMMIT_BYTES, Drive.BLOCK_BYTES);
    this.start = memory.asSlice(0, Journal.COMMIT_BYTES);
    this.reader = new JournalReader(region, this::copy, memory.asSlice(Journal.COMMIT_BYTES), from);
  }

  /** Goes on to the next record, at once or when it has been read. */
  public void next() {
    if (running) {
      again = true;
      return;
    }
    running = true;
    do {
      again = false;
      step();
    } while (again);
    running = false;
  }

  private void step() {
    if (!startHere) {
      load(region.firstBlock(), Math.min(RECORD_BLOCKS, region.blocks()));
      return;
    }
    missed = false;
    if (ended) {
      lookBehind();
    } else if (reader.next()) {
      listener.onRecord(reader);
    } else if (missed) {
      loadMissed();
    } else {
      ended = true;
      lookBehind();
    }
  }

  private void loadMissed() {
    long end = region.firstBlock() + region.blocks();
    load(missedAddress, (int) Math.min(windowBlocks, end - missedAddress));
  }

  private void lookBehind() {
    while (lookedBehind < Math.min(LOOK_BEHIND_BLOCKS, region.blocks() - 1)) {
      boolean goesOn = reader.goesOn(lookedBehind + 1, Journal.COMMITS_IN_FLIGHT);
      if (missed) {
        loadMissed();
        return;
      }
      if (goesOn) {
        listener.onDamaged(reader.position().position());
        return;
      }
      lookedBehind++;
    }
    listener.onEnd();
  }

  private void load(long address, int blocks) {
    windowFirst = address;
    windowCount = 0;
    io.tag = blocks;
    drive.readRun(io, address, blocks, window, 0);
  }

  @Override
  public void onTransferred(BlockIo read) {
    if (io.failed()) {
      listener.onUnreadable(windowFirst);
      return;
    }
    windowCount = io.tag;
    if (!startHere) {
      startHere = true;
      MemorySegment.copy(window.segment(), 0, start, 0, (long) windowCount * Drive.BLOCK_BYTES);
    }
    next();
  }

  /** Serves the reader; what is not here makes it stop, and is read before it tries again. */
  private void copy(long address, int blocks, MemorySegment target) {
    long bytes = (long) blocks * Drive.BLOCK_BYTES;
    if (missed) {
      // Whatever else the reader tries before it gives up must not look like a record.
      target.asSlice(0, bytes).fill((byte) 0);
    } else if (address >= windowFirst && address + blocks <= windowFirst + windowCount) {
      MemorySegment.copy(
          window.segment(), (address - windowFirst) * Drive.BLOCK_BYTES, target, 0, bytes);
    } else if (address >= region.firstBlock()
        && address + blocks <= region.firstBlock() + Math.min(RECORD_BLOCKS, region.blocks())) {
      MemorySegment.copy(
          start, (address - region.firstBlock()) * Drive.BLOCK_BYTES, target, 0, bytes);
    } else {
      missed = true;
      missedAddress = address;
      target.asSlice(0, bytes).fill((byte) 0);
    }
  }
}
