package dev.tuff.iom.check;

import dev.tuff.iom.journal.JournalFormat;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.object.PageFormat;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a drive's journal tells after the last checkpoint, block by block: the only thing of a drive
 * that the check keeps in memory as a whole. Empty after a clean stop. All that is known of the
 * entries' bytes is here ({@code docs/on-disk.md}).
 */
final class JournalWindow {
  private static final int HEADER_BYTES = 24;
  private static final int BLOCK_BYTES = 32;
  private static final int REMADE_BYTES = 64;
  private static final int REMADE_BYTES_BEFORE_DISCARDS = 56;
  private static final int REMADE_MEMBER_BYTES = 24;
  private static final int MOVED_BYTES = 48;
  private static final int REBUILT_HEADER_BYTES = 24;
  private static final int REBUILT_BYTES = 24;
  private static final int REBUILT_MEMBER_BYTES = 12;
  private static final int FREED_HEADER_BYTES = 24;
  private static final int MAX_BLOCKS = 32;
  private static final int MAX_MEMBERS = 32;

  /** A block's place in an object, the same number on data and parity drives. */
  record Place(long gfid, long lblk) {}

  /** One version of a block; address 0: zeros, ID 0: never written. */
  record Version(long id, long address, int crc) {
    static final Version NONE = new Version(0, 0, 0);
  }

  /** A version of a block that was written to a new place. */
  private record Moved(Place place, long id) {}

  /** What an mj says of one block. */
  record DataChange(Version now, Version before) {}

  /** One member's part in a pj: the version merged in, and the one that was in the old parity. */
  record Merged(
      int member,
      long id,
      int crc,
      boolean discards,
      long oldId,
      int oldCrc,
      boolean oldDiscarded) {}

  /** A block of a drive that took another's place; of parity also what it is made of. */
  record Rebuilt(Version version, List<Member> members) {}

  /** A data member's version in a parity. */
  record Member(long id, int crc, boolean discarded) {}

  /** What a pj says of one block. */
  record ParityChange(Version now, Version before, List<Merged> merged) {
    long mergedMask() {
      long mask = 0;
      for (Merged part : merged) {
        mask |= 1L << part.member();
      }
      return mask;
    }
  }

  private final Map<Place, List<DataChange>> data = new HashMap<>();
  private final Map<Place, List<ParityChange>> parity = new HashMap<>();
  private final Map<Moved, Long> moved = new HashMap<>();
  private final Map<Place, Rebuilt> rebuilt = new HashMap<>();
  private final Set<Place> movedPlaces = new HashSet<>();
  private final Set<Long> freed = new HashSet<>();
  private final Set<Long> closed = new HashSet<>();
  private final Set<Long> mentioned = new HashSet<>();
  private final List<ObjectAttributes> created = new ArrayList<>();
  private final List<String> faults = new ArrayList<>();
  private long lastId;

  /** Takes an entry in, as {@link dev.tuff.iom.journal.JournalReader#entries} hands it over. */
  void entry(int type, long id, MemorySegment segment, long at, int bytes) {
    boolean fits =
        switch (type) {
          case JournalFormat.TYPE_MJ -> dataEntry(id, segment, at, bytes);
          case JournalFormat.TYPE_PJ -> parityEntry(id, segment, at, bytes);
          case JournalFormat.TYPE_MJ_COMPLETE, JournalFormat.TYPE_PJ_COMPLETE ->
              completes(segment, at, bytes);
          case JournalFormat.TYPE_OBJECT_CREATED, JournalFormat.TYPE_OBJECT_CHANGED ->
              objectEntry(segment, at, bytes);
          case JournalFormat.TYPE_PARITY_REMADE -> remadeEntry(id, segment, at, bytes);
          case JournalFormat.TYPE_BLOCK_MOVED -> movedEntry(segment, at, bytes);
          case JournalFormat.TYPE_BLOCKS_REBUILT -> rebuiltEntry(segment, at, bytes);
          case JournalFormat.TYPE_STAND_IN_FREED -> freedEntry(segment, at, bytes);
          default -> false;
        };
    if (!fits) {
      faults.add(
          "journal entry %d (%s) makes no sense".formatted(id, JournalFormat.typeName(type)));
    }
    // An entry of completes stands for several IDs.
    if (type != JournalFormat.TYPE_MJ_COMPLETE && type != JournalFormat.TYPE_PJ_COMPLETE) {
      if (id <= lastId) {
        faults.add("journal entry %d comes after %d".formatted(id, lastId));
      }
      lastId = id;
    }
  }

  private boolean dataEntry(long id, MemorySegment segment, long at, int bytes) {
    int count = bytes < HEADER_BYTES ? 0 : segment.get(PageFormat.SHORT, at + 16);
    if (count < 1 || count > MAX_BLOCKS || bytes != HEADER_BYTES + count * BLOCK_BYTES) {
      return false;
    }
    long gfid = segment.get(PageFormat.LONG, at);
    long lblk = segment.get(PageFormat.LONG, at + 8);
    for (int i = 0; i < count; i++) {
      long here = at + HEADER_BYTES + (long) i * BLOCK_BYTES;
      data.computeIfAbsent(new Place(gfid, lblk + i), place -> new ArrayList<>(1))
          .add(new DataChange(now(id, segment, here), before(segment, here)));
    }
    return true;
  }

  private boolean parityEntry(long id, MemorySegment segment, long at, int bytes) {
    int count = bytes < HEADER_BYTES ? 0 : segment.get(PageFormat.SHORT, at + 16);
    if (count < 1 || count > MAX_BLOCKS || bytes < HEADER_BYTES + count * BLOCK_BYTES) {
      return false;
    }
    long gfid = segment.get(PageFormat.LONG, at);
    long lblk = segment.get(PageFormat.LONG, at + 8);
    int updates = Short.toUnsignedInt(segment.get(PageFormat.SHORT, at + 20));
    List<List<Merged>> merged = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      merged.add(new ArrayList<>(1));
    }
    long update = at + HEADER_BYTES + (long) count * BLOCK_BYTES;
    long end = at + bytes;
    for (int u = 0; u < updates; u++) {
      if (end - update < HEADER_BYTES) {
        return false;
      }
      long mj = segment.get(PageFormat.LONG, update);
      long offset = segment.get(PageFormat.LONG, update + 8) - lblk;
      int blocks = segment.get(PageFormat.SHORT, update + 16);
      int member = segment.get(PageFormat.BYTE, update + 18);
      boolean discards = segment.get(PageFormat.BYTE, update + 19) != 0;
      int oldDiscarded = segment.get(PageFormat.INT, update + 20);
      if (offset < 0
          || blocks < 1
          || offset + blocks > count
          || member < 0
          || member >= MAX_MEMBERS
          || end - update < HEADER_BYTES + blocks * BLOCK_BYTES) {
        return false;
      }
      for (int i = 0; i < blocks; i++) {
        long here = update + HEADER_BYTES + (long) i * BLOCK_BYTES;
        merged
            .get((int) offset + i)
            .add(
                new Merged(
                    member,
                    mj,
                    segment.get(PageFormat.INT, here + 24),
                    discards,
                    segment.get(PageFormat.LONG, here + 16),
                    segment.get(PageFormat.INT, here + 28),
                    (oldDiscarded >>> i & 1) != 0));
      }
      update += HEADER_BYTES + (long) blocks * BLOCK_BYTES;
    }
    if (update != end) {
      return false;
    }
    for (int i = 0; i < count; i++) {
      long here = at + HEADER_BYTES + (long) i * BLOCK_BYTES;
      parity
          .computeIfAbsent(new Place(gfid, lblk + i), place -> new ArrayList<>(1))
          .add(new ParityChange(now(id, segment, here), before(segment, here), merged.get(i)));
    }
    return true;
  }

  /** A parity that recovery has made again is one of which all members are merged. */
  private boolean remadeEntry(long id, MemorySegment segment, long at, int bytes) {
    int members = bytes < REMADE_BYTES_BEFORE_DISCARDS ? 0 : segment.get(PageFormat.BYTE, at + 49);
    int header = bytes - members * REMADE_MEMBER_BYTES;
    boolean withDiscards = header == REMADE_BYTES;
    if (members < 1
        || members > MAX_MEMBERS
        || (!withDiscards && header != REMADE_BYTES_BEFORE_DISCARDS)) {
      return false;
    }
    int discarded = withDiscards ? segment.get(PageFormat.INT, at + 56) : 0;
    int oldDiscarded = withDiscards ? segment.get(PageFormat.INT, at + 60) : 0;
    List<Merged> merged = new ArrayList<>();
    for (int m = 0; m < members; m++) {
      long here = at + header + (long) m * REMADE_MEMBER_BYTES;
      merged.add(
          new Merged(
              m,
              segment.get(PageFormat.LONG, here),
              segment.get(PageFormat.INT, here + 16),
              (discarded >>> m & 1) != 0,
              segment.get(PageFormat.LONG, here + 8),
              segment.get(PageFormat.INT, here + 20),
              (oldDiscarded >>> m & 1) != 0));
    }
    long address = segment.get(PageFormat.LONG, at + 16);
    long old = segment.get(PageFormat.LONG, at + 24);
    mentioned.add(address);
    mentioned.add(old);
    Version now = new Version(id, address, segment.get(PageFormat.INT, at + 40));
    Version before =
        new Version(
            segment.get(PageFormat.LONG, at + 32), old, segment.get(PageFormat.INT, at + 44));
    long gfid = segment.get(PageFormat.LONG, at);
    long lblk = segment.get(PageFormat.LONG, at + 8);
    parity
        .computeIfAbsent(new Place(gfid, lblk), place -> new ArrayList<>(1))
        .add(new ParityChange(now, before, merged));
    return true;
  }

  /** A block that could not be read was written to a new place: the same version, elsewhere. */
  private boolean movedEntry(MemorySegment segment, long at, int bytes) {
    if (bytes != MOVED_BYTES) {
      return false;
    }
    long address = segment.get(PageFormat.LONG, at + 16);
    long old = segment.get(PageFormat.LONG, at + 24);
    mentioned.add(address);
    mentioned.add(old);
    // The last one counts: a block may come back to a place that it was moved away from.
    Place place = new Place(segment.get(PageFormat.LONG, at), segment.get(PageFormat.LONG, at + 8));
    moved.put(new Moved(place, segment.get(PageFormat.LONG, at + 32)), address);
    movedPlaces.add(place);
    return true;
  }

  private boolean rebuiltEntry(MemorySegment segment, long at, int bytes) {
    int count = bytes < REBUILT_HEADER_BYTES ? 0 : segment.get(PageFormat.SHORT, at + 16);
    if (count < 1 || count > MAX_BLOCKS) {
      return false;
    }
    int members = segment.get(PageFormat.BYTE, at + 19);
    int mask = segment.get(PageFormat.INT, at + 20);
    if (members < 0
        || members > MAX_MEMBERS
        || Integer.toUnsignedLong(mask) >>> count != 0
        || bytes
            != REBUILT_HEADER_BYTES + count * (REBUILT_BYTES + members * REBUILT_MEMBER_BYTES)) {
      return false;
    }
    long gfid = segment.get(PageFormat.LONG, at);
    long lblk = segment.get(PageFormat.LONG, at + 8);
    for (int i = 0; i < count; i++) {
      if ((mask >>> i & 1) == 0) {
        continue;
      }
      long here = at + REBUILT_HEADER_BYTES + (long) i * REBUILT_BYTES;
      long address = segment.get(PageFormat.LONG, here);
      mentioned.add(address);
      int discarded = segment.get(PageFormat.INT, here + 20);
      List<Member> of = new ArrayList<>(members);
      for (int m = 0; m < members; m++) {
        long entry =
            at
                + REBUILT_HEADER_BYTES
                + (long) count * REBUILT_BYTES
                + ((long) i * members + m) * REBUILT_MEMBER_BYTES;
        of.add(
            new Member(
                segment.get(PageFormat.LONG, entry),
                segment.get(PageFormat.INT, entry + 8),
                (discarded >>> m & 1) != 0));
      }
      Version version =
          new Version(
              segment.get(PageFormat.LONG, here + 8),
              address,
              segment.get(PageFormat.INT, here + 16));
      rebuilt.put(new Place(gfid, lblk + i), new Rebuilt(version, of));
    }
    return true;
  }

  /** Nothing that counts is about these blocks; their places are free or not yet. */
  private boolean freedEntry(MemorySegment segment, long at, int bytes) {
    int count = bytes < FREED_HEADER_BYTES ? 0 : segment.get(PageFormat.SHORT, at + 16);
    if (count < 1 || count > MAX_BLOCKS || bytes != FREED_HEADER_BYTES + count * Long.BYTES) {
      return false;
    }
    for (int i = 0; i < count; i++) {
      long address = segment.get(PageFormat.LONG, at + FREED_HEADER_BYTES + (long) i * Long.BYTES);
      mentioned.add(address);
      freed.add(address);
    }
    return true;
  }

  /** What a rebuild has made of a block, null when it has not. */
  Rebuilt rebuilt(Place place) {
    return rebuilt.get(place);
  }

  /** True when any entry is about the block. */
  boolean tells(Place place) {
    return rebuilt.containsKey(place) || data.containsKey(place) || parity.containsKey(place);
  }

  /** A block's version where it is now. */
  Version whereNow(Place place, Version version) {
    Long address = moved.get(new Moved(place, version.id()));
    return address == null ? version : new Version(version.id(), address, version.crc());
  }

  private Version now(long id, MemorySegment segment, long here) {
    long address = segment.get(PageFormat.LONG, here);
    mentioned.add(address);
    return new Version(id, address, segment.get(PageFormat.INT, here + 24));
  }

  private Version before(MemorySegment segment, long here) {
    long address = segment.get(PageFormat.LONG, here + 8);
    mentioned.add(address);
    return new Version(
        segment.get(PageFormat.LONG, here + 16), address, segment.get(PageFormat.INT, here + 28));
  }

  private boolean completes(MemorySegment segment, long at, int bytes) {
    int count = bytes < 8 ? -1 : segment.get(PageFormat.INT, at);
    if (count < 0 || bytes != 8 + 16L * count) {
      return false;
    }
    for (int i = 0; i < count; i++) {
      closed.add(segment.get(PageFormat.LONG, at + 8 + 16L * i));
    }
    return true;
  }

  private boolean objectEntry(MemorySegment segment, long at, int bytes) {
    ObjectAttributes attributes = ObjectAttributes.decodeBody(segment, at, bytes);
    if (attributes == null) {
      return false;
    }
    created.add(attributes);
    return true;
  }

  // ---- what it tells

  /** The data writes of a block, oldest first. */
  List<DataChange> data(Place place) {
    return data.getOrDefault(place, List.of()).stream()
        .map(c -> new DataChange(whereNow(place, c.now()), whereNow(place, c.before())))
        .toList();
  }

  /** The parity writes of a block, oldest first. */
  List<ParityChange> parity(Place place) {
    return parity.getOrDefault(place, List.of()).stream()
        .map(
            c ->
                new ParityChange(whereNow(place, c.now()), whereNow(place, c.before()), c.merged()))
        .toList();
  }

  /**
   * True when the journal says that the entry was closed; that it does not say so tells nothing.
   */
  boolean closed(long id) {
    return closed.contains(id);
  }

  /**
   * True when an entry names the address: it may be in use or free by now, whatever bitmap says.
   */
  boolean mentions(long address) {
    return mentioned.contains(address);
  }

  /** True when what a map as a stand-in has there was given back, and it may be in use again. */
  boolean freed(long address) {
    return freed.contains(address);
  }

  /** All blocks that entries are about. */
  Set<Place> places() {
    Set<Place> places = new HashSet<>(data.keySet());
    places.addAll(parity.keySet());
    places.addAll(movedPlaces);
    places.addAll(rebuilt.keySet());
    return places;
  }

  /** Objects that were created or changed. */
  List<ObjectAttributes> created() {
    return created;
  }

  /** Entries that are neither closed nor, for each of their blocks, followed by a later one. */
  long openUpdates() {
    Set<Long> open = new HashSet<>();
    for (List<DataChange> changes : data.values()) {
      open.add(changes.getLast().now().id());
    }
    for (List<ParityChange> changes : parity.values()) {
      open.add(changes.getLast().now().id());
    }
    open.removeAll(closed);
    return open.size();
  }

  /** What is wrong with the entries. */
  List<String> faults() {
    return faults;
  }
}
