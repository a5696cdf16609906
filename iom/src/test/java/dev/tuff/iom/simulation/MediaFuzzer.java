package dev.tuff.iom.simulation;

import dev.tuff.device.SimulatedDrive;
import dev.tuff.iom.allocation.Allocator;
import dev.tuff.iom.array.DriveLabel;
import dev.tuff.iom.array.Superblock;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.journal.Journal;
import dev.tuff.iom.journal.JournalPosition;
import dev.tuff.iom.journal.JournalReader;
import dev.tuff.iom.journal.JournalRegion;
import dev.tuff.iom.object.BlockMap;
import dev.tuff.iom.object.CnodePage;
import dev.tuff.iom.object.MapShape;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.object.PageTree;
import dev.tuff.iom.support.Mutation;
import dev.tuff.xor.Crc32c;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Finds everything that an array reads of one of its drives, and changes some of it: as it comes,
 * so that a checksum must find it, or with all checksums made right again, so that only a look at
 * the content can.
 */
final class MediaFuzzer implements AutoCloseable {
  /** What is on a drive beside data. */
  enum Kind {
    SUPERBLOCK,
    ROOT,
    JOURNAL,
    BITMAP,
    OBJECTS,
    DATA_MAP,
    PARITY_MAP
  }

  private static final int RECORDS_IN_FLIGHT = 4;
  private static final int BITMAP_BLOCKS = Allocator.BLOCKS_PER_PAGE;
  private static final long PAGE_CRC = 56;
  private static final long LABEL_CRC = Drive.BLOCK_BYTES - 4;
  private static final long BITMAP_POINTER = 88;
  private static final long OBJECTS_POINTER = 104;
  private static final long DATA_MAP_POINTER = 352;
  private static final long PARITY_MAP_POINTER = 368;

  /** Above: the page that points to it, null for the root. */
  private record Found(Kind kind, long address, int level, Found above, long pointer) {}

  private record Commit(long address, int blocks, int payloadBytes) {}

  private final SplittableRandom random;
  private final SimulatedMedia media;
  private final DriveLabel label;
  private final List<Found> pages = new ArrayList<>();
  private final List<Commit> records = new ArrayList<>();

  MediaFuzzer(SimulatedDrive drive, int index, SplittableRandom random) {
    this.random = random;
    this.media = new SimulatedMedia(drive);
    this.label = SimulatedArray.label(media, drive.name());
    Superblock s = label.superblock();
    Root root = label.root();
    int bitmapLeaves =
        Math.toIntExact((s.sizeBlocks() - s.dataFirstBlock() + BITMAP_BLOCKS - 1) / BITMAP_BLOCKS);
    walk(
        Kind.BITMAP,
        PageTree.levelsFor(bitmapLeaves),
        root.bitmap().address(),
        null,
        BITMAP_POINTER);
    walk(Kind.OBJECTS, PageFormat.OBJECT_LEVELS, root.objects().address(), null, OBJECTS_POINTER);
    findRecords(s, root);
  }

  private static MemorySegment block() {
    return Arena.ofAuto().allocate(Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
  }

  private MemorySegment read(long address) {
    MemorySegment block = block();
    media.read(address, 1, block);
    return block;
  }

  private void walk(Kind kind, int levels, long address, Found above, long pointer) {
    if (address == 0) {
      return;
    }
    Found here = new Found(kind, address, levels - 1, above, pointer);
    pages.add(here);
    MemorySegment page = read(address);
    if (levels > 1) {
      for (int i = 0; i < PageFormat.FANOUT; i++) {
        long at = PageFormat.HEADER_BYTES + (long) i * PageFormat.POINTER_BYTES;
        walk(kind, levels - 1, page.get(PageFormat.LONG, at), here, at);
      }
    } else if (kind == Kind.OBJECTS) {
      CnodePage cnode = CnodePage.decode(page);
      MapShape shape = MapShape.of(cnode.attributes());
      walk(
          Kind.DATA_MAP,
          shape.dataLevels(),
          cnode.top(BlockMap.DATA).address(),
          here,
          DATA_MAP_POINTER);
      walk(
          Kind.PARITY_MAP,
          shape.parityLevels(),
          cnode.top(BlockMap.PARITY).address(),
          here,
          PARITY_MAP_POINTER);
    }
  }

  private void findRecords(Superblock s, Root root) {
    JournalReader reader =
        new JournalReader(
            new JournalRegion(
                s.journalFirstBlock(), s.journalBlocks(), s.arrayId(), s.driveIndex()),
            media,
            Arena.ofAuto().allocate(Journal.COMMIT_BYTES, Drive.BLOCK_BYTES),
            new JournalPosition(root.tailPosition(), root.tailSequence()));
    while (reader.next()) {
      long offset = reader.position().position() % s.journalBlocks();
      int payload = reader.record().get(PageFormat.INT, 48);
      records.add(new Commit(s.journalFirstBlock() + offset, reader.recordBlocks(), payload));
    }
  }

  /** Kinds that the drive has something of, as {@link #mutate} would change it. */
  List<Kind> kinds(boolean reseal) {
    List<Kind> kinds = new ArrayList<>(List.of(Kind.SUPERBLOCK, Kind.ROOT));
    if (records(reseal) > 0) {
      kinds.add(Kind.JOURNAL);
    }
    for (Kind kind : Kind.values()) {
      if (pages.stream().anyMatch(page -> page.kind == kind)) {
        kinds.add(kind);
      }
    }
    return kinds;
  }

  /** Changes one structure; returns what was done, in words. */
  String mutate(Kind kind, boolean reseal) {
    String what =
        switch (kind) {
          case SUPERBLOCK -> superblock(reseal);
          case ROOT -> root(reseal);
          case JOURNAL -> journal(reseal);
          case BITMAP, OBJECTS, DATA_MAP, PARITY_MAP -> page(kind, reseal);
        };
    return kind + (reseal ? ", sealed again: " : ": ") + what;
  }

  // ---- labels

  /** One copy as it comes: the other has to serve. Both when they are sealed again. */
  private String superblock(boolean reseal) {
    MemorySegment block = read(Superblock.FIRST_COPY);
    String what = Mutation.apply(random, block, 0, 88);
    writeLabel(block, Superblock.FIRST_COPY, 12, reseal);
    return what;
  }

  private String root(boolean reseal) {
    MemorySegment block = read(label.root().address(0));
    String what = Mutation.apply(random, block, 0, 136);
    writeLabel(block, label.root().address(0), 14, reseal);
    return what;
  }

  private void writeLabel(MemorySegment block, long address, long copyField, boolean reseal) {
    if (!reseal) {
      media.write(address + random.nextInt(2) * Superblock.COPY_DISTANCE_BLOCKS, block);
      return;
    }
    for (int copy = 0; copy < 2; copy++) {
      block.set(PageFormat.SHORT, copyField, (short) copy);
      block.set(PageFormat.INT, LABEL_CRC, Crc32c.of(block, 0, (int) LABEL_CRC));
      media.write(address + copy * Superblock.COPY_DISTANCE_BLOCKS, block);
    }
  }

  // ---- journal

  /** Damage in the last records can't be told from a crash while they were written. */
  private int records(boolean reseal) {
    return reseal ? records.size() : records.size() - RECORDS_IN_FLIGHT;
  }

  private String journal(boolean reseal) {
    Commit record = records.get(random.nextInt(records(reseal)));
    MemorySegment memory =
        Arena.ofAuto().allocate((long) record.blocks * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
    media.read(record.address, record.blocks, memory);
    StringBuilder what = new StringBuilder("record at block " + record.address);
    if (record.blocks > 1 && random.nextInt(8) == 0) {
      MemorySegment first = memory.asSlice(0, Drive.BLOCK_BYTES);
      MemorySegment second = memory.asSlice(Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
      byte[] kept = first.toArray(PageFormat.BYTE);
      first.copyFrom(second);
      second.copyFrom(MemorySegment.ofArray(kept));
      what.append(", first blocks swapped");
    } else {
      boolean header = random.nextInt(4) == 0;
      for (int i = 0; i <= random.nextInt(3); i++) {
        what.append(", ");
        what.append(
            header
                ? Mutation.apply(random, memory, 0, 64)
                : Mutation.apply(random, memory, 64, record.payloadBytes));
      }
    }
    if (reseal) {
      int payload = memory.get(PageFormat.INT, 48);
      if (payload < 0 || payload > memory.byteSize() - 64) {
        payload = record.payloadBytes;
      }
      int crc = Crc32c.update(Crc32c.of(memory, 0, 60), memory, 64, payload);
      memory.set(PageFormat.INT, 60, crc);
    }
    for (int i = 0; i < record.blocks; i++) {
      media.write(
          record.address + i, memory.asSlice((long) i * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES));
    }
    return what.toString();
  }

  // ---- pages

  private String page(Kind kind, boolean reseal) {
    List<Found> all = pages.stream().filter(found -> found.kind == kind).toList();
    Found page = all.get(random.nextInt(all.size()));
    MemorySegment memory = read(page.address);
    String what;
    if (random.nextInt(10) == 0) {
      memory = read(pages.get(random.nextInt(pages.size())).address);
      what = "another page instead";
    } else if (random.nextInt(10) == 0) {
      memory.asSlice(64).fill((byte) (random.nextBoolean() ? 0 : 0xff));
      what = "filled";
    } else {
      what = Mutation.apply(random, memory, from(page), bytes(memory, from(page)));
      if (random.nextInt(3) == 0) {
        what += ", " + Mutation.apply(random, memory, from(page), bytes(memory, from(page)));
      }
    }
    if (reseal) {
      seal(page, memory);
    } else {
      media.write(page.address, memory);
    }
    return "page at block " + page.address + " of level " + page.level + ", " + what;
  }

  private long from(Found page) {
    return random.nextInt(page.level == 0 ? 8 : 3) == 0 ? 0 : PageFormat.HEADER_BYTES;
  }

  /** What is used of a page, and a little more. */
  private static long bytes(MemorySegment page, long from) {
    long end = PageFormat.PAGE_BYTES;
    while (end > from + 64 && page.get(PageFormat.LONG, end - 8) == 0) {
      end -= 8;
    }
    return end - from;
  }

  private void seal(Found page, MemorySegment memory) {
    memory.set(PageFormat.INT, PAGE_CRC, 0);
    int crc = Crc32c.of(memory, 0, PageFormat.PAGE_BYTES);
    memory.set(PageFormat.INT, PAGE_CRC, crc);
    media.write(page.address, memory);
    if (page.above != null) {
      MemorySegment above = read(page.above.address);
      above.set(PageFormat.INT, page.pointer + PageFormat.POINTER_CRC, crc);
      seal(page.above, above);
      return;
    }
    MemorySegment root = read(label.root().address(0));
    root.set(PageFormat.INT, page.pointer + PageFormat.POINTER_CRC, crc);
    writeLabel(root, label.root().address(0), 14, true);
  }

  /** The whole drive as a file. */
  void copyTo(Path file) throws IOException {
    DumpFuzzTest.copy(media, label.superblock().sizeBlocks(), file);
  }

  @Override
  public void close() {
    media.close();
  }
}
