package dev.tuff.iom.checkpoint;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.allocation.Allocator;
import dev.tuff.iom.allocation.SpaceBudget;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.journal.Journal;
import dev.tuff.iom.journal.JournalPosition;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageCache;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.runtime.Invariant;
import java.lang.foreign.MemorySegment;

/**
 * Brings a drive's metadata to its media. In one go, at a checkpoint ID, every dirty page gets a
 * new place and is copied, so that the copies together are the state at exactly that ID; the copies
 * are then written beside the load, and the root last. Until the root is hardened the former state
 * is untouched. Owned by one shard's thread.
 */
public final class Checkpoint implements BlockIo.Listener {
  /** Pages written by one request. */
  private static final int STEP_PAGES = 64;

  private static final int STEPS_IN_FLIGHT = 2;

  /** Trees above each other: maps, whose tops lie in cnodes, whose tree's top lies in the root. */
  private static final int MAX_LEVELS = 6;

  private enum Phase {
    IDLE,
    /** Pages may be written only after the journal entries whose changes they hold. */
    AWAIT_JOURNAL,
    WRITE_PAGES,
    WRITE_ROOT
  }

  private final Drive drive;
  private final Journal journal;
  private final PageCache maps;
  private final PageCache bitmap;
  private final Allocator allocator;
  private final SpaceBudget budget;
  private final Root root;
  private final IoBuffer staging;
  private final IoBuffer rootBuffer;
  private final BlockIo[] steps = new BlockIo[STEPS_IN_FLIGHT];
  private final BlockIo[] rootWrites = new BlockIo[2];
  private final long[] addresses;
  private final Page[] pages;
  private final long[] superseded;

  private Phase phase = Phase.IDLE;
  private int count;
  private int supersededCount;
  private int nextPage;
  private int hardenedPages;
  private int owedRootWrites;
  private long checkpointId;
  private long oldestNeededId;
  private long awaitedEntry;
  private JournalPosition newTail;
  private long completed;
  private long pagesWritten;
  private Runnable whenDone;

  public Checkpoint(
      Drive drive,
      Journal journal,
      PageCache maps,
      Allocator allocator,
      SpaceBudget budget,
      Root root,
      IoBuffer staging,
      IoBuffer rootBuffer) {
    this.drive = drive;
    this.journal = journal;
    this.maps = maps;
    this.bitmap = allocator.cache();
    this.allocator = allocator;
    this.budget = budget;
    this.root = root;
    this.staging = staging;
    this.rootBuffer = rootBuffer;
    int capacity = staging.capacityBytes() / PageFormat.PAGE_BYTES;
    this.addresses = new long[capacity];
    this.pages = new Page[capacity];
    this.superseded = new long[capacity];
    for (int i = 0; i < STEPS_IN_FLIGHT; i++) {
      steps[i] = new BlockIo(this);
    }
    for (int i = 0; i < rootWrites.length; i++) {
      rootWrites[i] = new BlockIo(this);
    }
  }

  /** True from {@link #start} until the root is hardened. */
  public boolean running() {
    return phase != Phase.IDLE;
  }

  /**
   * Freezes the present state and begins to write it.
   *
   * @param oldestOpenId the oldest journal entry that recovery would need besides those from now on
   * @param done called when the root is hardened; may be null
   */
  public void start(long oldestOpenId, Runnable done) {
    Invariant.check(phase == Phase.IDLE, "one checkpoint at a time");
    whenDone = done;
    long id = journal.nextId();
    root.freezeRebuild();
    count = 0;
    supersededCount = 0;
    maps.dirtyAncestors();
    place(maps, id);
    // Giving the bitmap's own pages new places changes the bitmap; each page is placed once, so
    // this comes to an end.
    boolean more = true;
    while (more) {
      bitmap.dirtyAncestors();
      more = place(bitmap, id);
    }
    seal();
    checkpointId = id;
    oldestNeededId = Math.min(oldestOpenId, id);
    awaitedEntry = journal.lastEntryId();
    phase = Phase.AWAIT_JOURNAL;
    // A complete whose effect is in the pages must not be missing in the journal: recovery would
    // free its addresses once more, when they may be in use again.
    journal.hardenCompletes();
    proceed();
  }

  /**
   * What keeps the present state from being written, null if nothing does. Only metadata that
   * contradicts itself can: asked by recovery, which has read it and must not believe it.
   */
  public String obstacle() {
    maps.dirtyAncestors();
    if (allocator.freeBlocks() < (long) maps.dirtyCount() + bitmap.capacity()) {
      return "leaves no room for metadata";
    }
    Page lost = maps.firstElsewhere(allocator::inUse);
    lost = lost == null ? bitmap.firstElsewhere(allocator::inUse) : lost;
    return lost == null
        ? null
        : "frees block " + lost.address() + ", where there is a metadata page";
  }

  private boolean place(PageCache cache, long id) {
    boolean placed = false;
    for (Page page = cache.firstDirty(); page != null; page = PageCache.nextDirty(page)) {
      if (page.newAddress != 0) {
        continue;
      }
      Invariant.check(count < addresses.length, "a checkpoint's pages fit its buffer", count);
      allocator.allocate(1, addresses, count, id);
      page.newAddress = addresses[count];
      pages[count] = page;
      count++;
      if (page.address() != 0) {
        allocator.freeHeld(page.address(), id);
        superseded[supersededCount++] = page.address();
      } else {
        budget.give(-1);
      }
      placed = true;
    }
    return placed;
  }

  /** Bottom up, since a page's CRC goes into the page above it. */
  private void seal() {
    for (int level = 0; level < MAX_LEVELS; level++) {
      sealLevel(level, false);
    }
    for (int level = 0; level < MAX_LEVELS; level++) {
      sealLevel(level, true);
    }
    for (int i = 0; i < count; i++) {
      MemorySegment.copy(
          pages[i].memory,
          pages[i].base,
          staging.segment(),
          (long) i * PageFormat.PAGE_BYTES,
          PageFormat.PAGE_BYTES);
      // The page must not be given up and read again before its copy is on the drive.
      pages[i].pin();
    }
    maps.allSealed();
    bitmap.allSealed();
  }

  private void sealLevel(int level, boolean aboveMaps) {
    for (int i = 0; i < count; i++) {
      Page page = pages[i];
      boolean objects = page.tree().kind() == PageFormat.KIND_OBJECTS;
      if (page.level() == level && objects == aboveMaps) {
        page.seal();
      }
    }
  }

  /** Goes on as far as it can; called after each round of handlers. */
  public void proceed() {
    switch (phase) {
      case AWAIT_JOURNAL -> {
        if (journal.hardenedId() >= awaitedEntry && journal.completesHardened()) {
          prepareRoot();
          phase = Phase.WRITE_PAGES;
          nextPage = 0;
          hardenedPages = 0;
          writePages();
        }
      }
      case IDLE, WRITE_PAGES, WRITE_ROOT -> {}
    }
  }

  /** Only now, when the records that hold the last completes have their places. */
  private void prepareRoot() {
    newTail = journal.positionOf(oldestNeededId);
    root.advance(checkpointId, newTail.position(), newTail.sequence());
    root.encode(rootBuffer.segment(), 0, 0);
    root.encode(rootBuffer.segment(), Drive.BLOCK_BYTES, 1);
  }

  private void writePages() {
    if (count == 0) {
      writeRoot();
      return;
    }
    for (BlockIo step : steps) {
      if (nextPage < count && !step.inUse()) {
        int pagesNow = Math.min(STEP_PAGES, count - nextPage);
        step.tag = pagesNow;
        drive.write(step, addresses, nextPage, pagesNow, staging, nextPage * PageFormat.PAGE_BYTES);
        nextPage += pagesNow;
      }
    }
  }

  private void writeRoot() {
    phase = Phase.WRITE_ROOT;
    owedRootWrites = rootWrites.length;
    for (int copy = 0; copy < rootWrites.length; copy++) {
      drive.writeRun(rootWrites[copy], root.address(copy), 1, rootBuffer, copy * Drive.BLOCK_BYTES);
    }
  }

  @Override
  public void onTransferred(BlockIo io) {
    // Only what is hardened counts.
  }

  @Override
  public void onHardened(BlockIo io) {
    switch (phase) {
      case WRITE_PAGES -> {
        hardenedPages += io.tag;
        if (hardenedPages == count) {
          writeRoot();
        } else {
          writePages();
        }
      }
      case WRITE_ROOT -> {
        if (--owedRootWrites == 0) {
          finish();
        }
      }
      case IDLE, AWAIT_JOURNAL ->
          Invariant.check(false, "a checkpoint writes in its writing phases");
    }
  }

  private void finish() {
    phase = Phase.IDLE;
    journal.trim(newTail);
    for (int i = 0; i < supersededCount; i++) {
      allocator.release(superseded[i]);
    }
    for (int i = 0; i < count; i++) {
      pages[i].unpin();
      pages[i] = null;
    }
    completed++;
    pagesWritten += count;
    Runnable done = whenDone;
    whenDone = null;
    if (done != null) {
      done.run();
    }
  }

  /** Checkpoints completed since the start. */
  public long completed() {
    return completed;
  }

  /** Pages written by them. */
  public long pagesWritten() {
    return pagesWritten;
  }
}
