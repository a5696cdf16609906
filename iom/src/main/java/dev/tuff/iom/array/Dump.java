package dev.tuff.iom.array;

import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.journal.Journal;
import dev.tuff.iom.journal.JournalFormat;
import dev.tuff.iom.journal.JournalPosition;
import dev.tuff.iom.journal.JournalReader;
import dev.tuff.iom.journal.JournalRegion;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.BlockMap;
import dev.tuff.iom.object.CnodePage;
import dev.tuff.iom.object.MapShape;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.object.PageWalk;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Shows what stands on a drive, in words. Reads only; the drive need not be part of a running
 * array, and had better not be.
 */
public final class Dump {
  private Dump() {}

  /** Superblock and newest root. */
  public static Map<String, Object> superblock(Path drive) {
    DriveLabel label = sound(drive);
    Superblock s = label.superblock();
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("array", s.arrayId().toString());
    fields.put("version", Superblock.VERSION);
    fields.put("drive", s.driveIndex());
    fields.put("drives", s.drives());
    fields.put("protection", s.defaultData() + "+" + s.defaultParity());
    fields.put("epoch", s.epoch());
    fields.put("size_blocks", s.sizeBlocks());
    fields.put("journal_first_block", s.journalFirstBlock());
    fields.put("journal_blocks", s.journalBlocks());
    fields.put("data_first_block", s.dataFirstBlock());
    fields.put("formatted_at", Instant.ofEpochSecond(s.formattedAtSeconds()).toString());
    fields.put("damaged_copies", label.damagedCopies());
    Root root = label.root();
    if (root != null) {
      fields.put("root_drives", root.places());
      fields.put("root_sequence", root.sequence());
      fields.put("root_checkpoint_id", root.checkpointId());
      fields.put("root_journal_position", root.tailPosition());
      fields.put("root_journal_sequence", root.tailSequence());
      fields.put("root_next_gfid", root.nextGfid());
      fields.put("root_bitmap_address", root.bitmap().address());
      fields.put("root_objects_address", root.objects().address());
      fields.put("root_former_states", root.formerStates().size());
    }
    return fields;
  }

  /** The journal's entries from the last checkpoint on, oldest first; none after a clean stop. */
  public static List<Map<String, Object>> journal(Path drive) {
    DriveLabel label = sound(drive);
    List<Map<String, Object>> rows = new ArrayList<>();
    if (label.root() == null) {
      return rows;
    }
    Superblock s = label.superblock();
    try (Arena arena = Arena.ofConfined();
        DriveFile file = new DriveFile(drive)) {
      JournalReader reader =
          new JournalReader(
              new JournalRegion(
                  s.journalFirstBlock(), s.journalBlocks(), s.arrayId(), s.driveIndex()),
              file,
              arena.allocate(Journal.COMMIT_BYTES, Drive.BLOCK_BYTES),
              new JournalPosition(label.root().tailPosition(), label.root().tailSequence()));
      while (reader.next()) {
        JournalPosition at = reader.position();
        reader.entries(
            (type, id, segment, offset, bytes) ->
                rows.add(entry(at, type, id, segment, offset, bytes)));
      }
    }
    return rows;
  }

  private static Map<String, Object> entry(
      JournalPosition at, int type, long id, MemorySegment segment, long offset, int bytes) {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("sequence", at.sequence());
    row.put("position", at.position());
    row.put("id", id);
    row.put("type", JournalFormat.typeName(type));
    boolean update = type == JournalFormat.TYPE_MJ || type == JournalFormat.TYPE_PJ;
    if (update && bytes >= 24) {
      row.put("gfid", segment.get(PageFormat.LONG, offset));
      row.put("lblk", segment.get(PageFormat.LONG, offset + 8));
      row.put("blocks", Short.toUnsignedInt(segment.get(PageFormat.SHORT, offset + 16)));
      row.put(
          type == JournalFormat.TYPE_MJ ? "member" : "parity",
          segment.get(PageFormat.BYTE, offset + 18));
      row.put("mode", segment.get(PageFormat.BYTE, offset + 19) == 0 ? "delta" : "data");
      if (bytes >= 40) {
        row.put("new_address", segment.get(PageFormat.LONG, offset + 24));
        row.put("old_address", segment.get(PageFormat.LONG, offset + 32));
      }
    } else if ((type == JournalFormat.TYPE_OBJECT_CREATED
            || type == JournalFormat.TYPE_OBJECT_CHANGED)
        && bytes >= ObjectAttributes.BYTES) {
      ObjectAttributes attributes = ObjectAttributes.decodeBody(segment, offset, bytes);
      row.put("gfid", attributes == null ? "damaged" : attributes.gfid());
      row.put("name", attributes == null ? "damaged" : attributes.name());
      row.put("deleted", attributes != null && attributes.deleted());
    } else if (bytes >= 8) {
      row.put("closes", segment.get(PageFormat.INT, offset));
    }
    return row;
  }

  /**
   * The block map entries of a volume on the drive, or of all volumes when {@code volume} is null.
   */
  public static List<Map<String, Object>> map(Path drive, String volume) {
    DriveLabel label = sound(drive);
    List<Map<String, Object>> rows = new ArrayList<>();
    Root root = label.root();
    if (root == null) {
      return rows;
    }
    Superblock s = label.superblock();
    boolean[] found = {volume == null};
    try (Arena arena = Arena.ofConfined();
        DriveFile file = new DriveFile(drive)) {
      PageWalk objects = walk(arena, file, s, rows);
      PageWalk maps = walk(arena, file, s, rows);
      objects.walk(
          PageFormat.KIND_OBJECTS,
          0,
          PageFormat.OBJECT_LEVELS,
          root.objects().address(),
          root.objects().crc(),
          (gfid, page) -> {
            CnodePage cnode = CnodePage.decode(page);
            if (cnode == null) {
              rows.add(Map.of("gfid", gfid, "damaged", "cnode"));
            } else if (volume == null || volume.equals(cnode.attributes().name())) {
              found[0] = true;
              entries(maps, s.driveIndex(), cnode, rows);
            }
          });
    }
    if (!found[0]) {
      throw new ArrayException(drive + " knows of no volume named " + volume + ".");
    }
    return rows;
  }

  private static PageWalk walk(
      Arena arena, DriveFile file, Superblock s, List<Map<String, Object>> rows) {
    MemorySegment[] memory = new MemorySegment[6];
    for (int i = 0; i < memory.length; i++) {
      memory[i] = arena.allocate(Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
    }
    return new PageWalk(
        (address, target) -> file.read(address, 1, target),
        s.arrayId(),
        s.driveIndex(),
        memory,
        (address, what) -> rows.add(Map.of("page", address, "damaged", what)));
  }

  private static void entries(
      PageWalk maps, int drive, CnodePage cnode, List<Map<String, Object>> rows) {
    ObjectAttributes attributes = cnode.attributes();
    Layout layout = attributes.layout(Layout.NONE);
    MapShape shape = MapShape.of(attributes);
    for (BlockMap map : BlockMap.values()) {
      if (map.ofParity() && attributes.parityMembers() == 0) {
        continue;
      }
      CnodePage.Top top = cnode.top(map);
      int perLeaf = shape.entriesPerLeaf(map);
      maps.walk(
          map.kind(),
          attributes.gfid(),
          top.levels(),
          top.address(),
          top.crc(),
          (index, page) -> {
            for (int i = 0; i < perLeaf; i++) {
              long at = PageFormat.HEADER_BYTES + (long) i * shape.entryBytes(map);
              if (page.get(PageFormat.LONG, at) != 0) {
                long lblk = map.lblk(layout, drive, index * perLeaf + i);
                rows.add(row(attributes, map, member(layout, lblk, drive), lblk, page, at));
              }
            }
          });
    }
  }

  private static int member(Layout layout, long lblk, int drive) {
    return layout.ownMember(lblk / layout.chunkBlocks(), drive);
  }

  /** A map entry; which member a stand-in has is a matter of the epoch, and not told. */
  private static Map<String, Object> row(
      ObjectAttributes attributes,
      BlockMap map,
      int member,
      long lblk,
      MemorySegment page,
      long at) {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("volume", attributes.name());
    row.put("gfid", attributes.gfid());
    row.put("lblk", lblk);
    row.put(
        "member",
        map.ofStandIn()
            ? map.label()
            : map.ofParity() ? "parity " + (member - attributes.dataMembers()) : "data " + member);
    row.put("address", page.get(PageFormat.LONG, at));
    row.put("id", page.get(PageFormat.LONG, at + 8));
    row.put("crc32c", String.format("%08x", page.get(PageFormat.INT, at + 16)));
    return row;
  }

  private static DriveLabel sound(Path drive) {
    DriveLabel label = DriveLabel.read(drive);
    if (label.superblock() == null) {
      throw new ArrayException(label.refusal());
    }
    return label;
  }
}
