package dev.tuff.iom.check;

import dev.tuff.iom.allocation.Allocator;
import dev.tuff.iom.array.Superblock;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.journal.Journal;
import dev.tuff.iom.journal.JournalPosition;
import dev.tuff.iom.journal.JournalReader;
import dev.tuff.iom.journal.JournalRegion;
import dev.tuff.iom.object.PageCursor;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.object.PageTree;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.function.Supplier;

/** One drive under check: its journal, its pages, and what was found to be in use on it. */
final class CheckedDrive {
  private static final int WORDS_PER_PAGE = Allocator.BLOCKS_PER_PAGE / 64;

  final int index;
  final String name;
  final Superblock superblock;
  final Root root;
  final DriveReader reader;
  final JournalWindow journal = new JournalWindow();
  private final Arena arena;
  private final Findings findings;
  private final UsedBlocks used;

  /** Blocks that the map has and the journal replaces: in use at the checkpoint, now either. */
  private final NavigableSet<Long> replaced = new TreeSet<>();

  private long journalRecords;
  private long markedBlocks;
  private long ownFindings;
  private long damagedBlocks;
  private long damagedPages;
  private boolean incomplete;

  CheckedDrive(
      String name,
      Superblock superblock,
      Root root,
      DriveReader reader,
      Arena arena,
      Findings findings) {
    this.index = superblock.driveIndex();
    this.name = name;
    this.superblock = superblock;
    this.root = root;
    this.reader = reader;
    this.arena = arena;
    this.findings = findings;
    this.used =
        new UsedBlocks(
            arena,
            superblock.dataFirstBlock(),
            superblock.sizeBlocks() - superblock.dataFirstBlock());
  }

  void find(String what) {
    ownFindings++;
    findings.add("drive " + index + " (" + name + "): " + what);
  }

  // ---- journal

  void readJournal() {
    long failures = reader.failures();
    JournalReader records =
        new JournalReader(
            new JournalRegion(
                superblock.journalFirstBlock(),
                superblock.journalBlocks(),
                superblock.arrayId(),
                index),
            reader,
            arena.allocate(Journal.COMMIT_BYTES, Drive.BLOCK_BYTES),
            new JournalPosition(root.tailPosition(), root.tailSequence()));
    while (records.next()) {
      journalRecords++;
      if (!records.entries(journal::entry)) {
        find(
            "journal record %d has entries that do not add up"
                .formatted(records.position().sequence()));
      }
    }
    if (reader.failures() > failures) {
      find("the journal could not be read to its end");
    }
    journal.faults().forEach(this::find);
  }

  /** True when nothing stands in the journal after the last checkpoint. */
  boolean clean() {
    return journalRecords == 0;
  }

  // ---- what is in use

  /**
   * Notes that something stands at the address; what is named only if that can't be or something
   * else stands there, too. False when no block can be there.
   */
  boolean use(long address, Supplier<String> what) {
    if (!used.covers(address)) {
      find("%s is said to be at block %d, where no block can be".formatted(what.get(), address));
      return false;
    }
    if (!used.add(address)) {
      find("block %d is that of %s and of something else".formatted(address, what.get()));
    }
    return true;
  }

  /** The map's entry for a block is not its newest version, by what the journal says. */
  void replace(long address) {
    if (used.covers(address)) {
      replaced.add(address);
    }
  }

  /** A cursor for one of the drive's trees; {@code what} names it in findings. */
  PageCursor cursor(Supplier<String> what, boolean heard) {
    MemorySegment[] memory = new MemorySegment[PageCursor.MAX_LEVELS];
    for (int i = 0; i < memory.length; i++) {
      memory[i] = arena.allocate(PageFormat.PAGE_BYTES, Drive.BLOCK_BYTES);
    }
    return new PageCursor(
        (address, target) -> reader.read(address, 1, target),
        superblock.arrayId(),
        index,
        memory,
        heard ? new PageListener(what) : new Unheard());
  }

  private final class PageListener implements PageCursor.Listener {
    private final Supplier<String> what;

    PageListener(Supplier<String> what) {
      this.what = what;
    }

    @Override
    public void onPage(long address, int level, MemorySegment page) {
      use(address, () -> "a metadata page (" + what.get() + ")");
      // A checkpoint's own places are marked in the bitmap with the checkpoint's ID itself.
      if (PageCursor.newestId(page) > root.checkpointId()) {
        find(
            "metadata page at block %d (%s) holds changes up to journal ID %d, and the checkpoint is %d"
                .formatted(address, what.get(), PageCursor.newestId(page), root.checkpointId()));
      }
    }

    @Override
    public void onDamaged(long address, String wrong) {
      damagedPages++;
      incomplete = true;
      find("metadata page at block %d (%s) %s".formatted(address, what.get(), wrong));
    }
  }

  /** For reading pages a second time. */
  private static final class Unheard implements PageCursor.Listener {
    @Override
    public void onPage(long address, int level, MemorySegment page) {
      // Heard of the first time.
    }

    @Override
    public void onDamaged(long address, String what) {
      // Heard of the first time.
    }
  }

  /** Something of the drive's metadata is not known, so what is not referenced may well be. */
  void setIncomplete() {
    incomplete = true;
  }

  boolean incomplete() {
    return incomplete;
  }

  void addDamagedBlock() {
    damagedBlocks++;
  }

  // ---- the bitmap

  private long bitmapLeaves() {
    return (used.blocks() + Allocator.BLOCKS_PER_PAGE - 1) / Allocator.BLOCKS_PER_PAGE;
  }

  private PageCursor bitmap(boolean heard) {
    PageCursor cursor = cursor(() -> "bitmap", heard);
    cursor.open(
        PageFormat.KIND_BITMAP,
        0,
        PageTree.levelsFor(bitmapLeaves()),
        root.bitmap().address(),
        root.bitmap().crc());
    return cursor;
  }

  private static long word(PageCursor bitmap, int index) {
    return bitmap.page().get(PageFormat.LONG, PageFormat.HEADER_BYTES + 8L * index);
  }

  /** Counts what the bitmap has in use, and notes the places of its pages. */
  void countMarked() {
    PageCursor bitmap = bitmap(true);
    for (long leaf = 0; leaf < bitmapLeaves(); leaf++) {
      if (bitmap.seek(leaf) == PageCursor.Found.PAGE) {
        for (int i = 0; i < WORDS_PER_PAGE; i++) {
          markedBlocks += Long.bitCount(word(bitmap, i));
        }
      }
    }
  }

  /**
   * Compares the bitmap with what was found in use. It is the state at the checkpoint, as are the
   * trees; only what the journal mentions may be either way.
   */
  void compareBitmap() {
    PageCursor bitmap = bitmap(false);
    Runs leaked = new Runs("marked in use, and nothing refers to %s");
    Runs unmarked = new Runs("in use, and the bitmap has %s as free");
    for (long leaf = 0; leaf < bitmapLeaves(); leaf++) {
      PageCursor.Found found = bitmap.seek(leaf);
      if (found == PageCursor.Found.DAMAGED) {
        continue;
      }
      for (int i = 0; i < WORDS_PER_PAGE; i++) {
        long index = leaf * WORDS_PER_PAGE + i;
        long marked = found == PageCursor.Found.PAGE ? word(bitmap, i) : 0;
        compare(index, marked, leaked, unmarked);
      }
    }
    leaked.end();
    unmarked.end();
  }

  private void compare(long index, long marked, Runs leaked, Runs unmarked) {
    long needed = used.word(index);
    long first = used.firstBlock() + index * 64;
    long here = needed;
    if (!replaced.isEmpty()) {
      for (long address : replaced.subSet(first, first + 64)) {
        here |= 1L << (address - first);
      }
    }
    for (long rest = marked ^ here; rest != 0; rest &= rest - 1) {
      int bit = Long.numberOfTrailingZeros(rest);
      long address = first + bit;
      boolean isMarked = (marked >>> bit & 1) != 0;
      boolean mapped = (here >>> bit & 1) != 0 && replaced.contains(address);
      if (mapped) {
        unmarked.add(address);
      } else if (!journal.mentions(address)) {
        if (!isMarked) {
          unmarked.add(address);
        } else if (!incomplete) {
          leaked.add(address);
        }
      }
    }
  }

  /** Tells of neighbouring blocks in one sentence. */
  private final class Runs {
    private final String what;
    private long first;
    private long count;

    Runs(String what) {
      this.what = what;
    }

    void add(long address) {
      if (count > 0 && address == first + count) {
        count++;
        return;
      }
      end();
      first = address;
      count = 1;
    }

    void end() {
      if (count == 1) {
        find(("block %d is " + what.formatted("it")).formatted(first));
      } else if (count > 1) {
        find(("blocks %d to %d are " + what.formatted("them")).formatted(first, first + count - 1));
      }
      count = 0;
    }
  }

  // ---- what was found

  long markedBlocks() {
    return markedBlocks;
  }

  long blocks() {
    return used.blocks();
  }

  long journalRecords() {
    return journalRecords;
  }

  long damagedPages() {
    return damagedPages;
  }

  long damagedBlocks() {
    return damagedBlocks + damagedPages;
  }

  boolean sound() {
    return ownFindings == 0;
  }
}
