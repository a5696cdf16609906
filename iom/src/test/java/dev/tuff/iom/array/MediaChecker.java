package dev.tuff.iom.array;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.journal.Journal;
import dev.tuff.iom.journal.JournalFormat;
import dev.tuff.iom.journal.JournalPosition;
import dev.tuff.iom.journal.JournalReader;
import dev.tuff.iom.journal.JournalReader.BlockSource;
import dev.tuff.iom.journal.JournalRegion;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.CnodePage;
import dev.tuff.iom.object.MapShape;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.object.PageWalk;
import dev.tuff.xor.Crc32c;
import dev.tuff.xor.ErasureCode;
import dev.tuff.xor.Kernel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Reads the media of an array that does not run, cleanly stopped or not, and says what does not
 * hold there: that every block is found by map and journal and has its CRC, that every group is
 * consistent, that what is open can still be taken back, and that each parity by itself gives back
 * what the recovery table promises of a member whose drive is lost. Changes nothing. Knows the
 * running array's rules only by what they leave on the media. One thread.
 */
final class MediaChecker {
  private static final int MAX_FINDINGS = 50;
  private static final int MAX_LEVELS = 6;

  /** Knows what a volume may hold. */
  @FunctionalInterface
  interface Judge {
    /** Null when block {@code volumeBlock} of object {@code gfid} may have this content. */
    String wrong(long gfid, long volumeBlock, MemorySegment content);
  }

  /** A block's place in an object, the same number on data and parity drives. */
  private record Place(long gfid, long lblk) {}

  private record Where(int drive, long address) {}

  /** One version of a data block; ID 0: never written, zeros. */
  private record Version(long id, long address, int crc) {
    static final Version NONE = new Version(0, 0, 0);
  }

  /** What one mj says of one block. */
  private record DataChange(Version now, Version before) {}

  private static final class DataBlock {
    Version mapped = Version.NONE;
    final List<DataChange> changes = new ArrayList<>();

    /** The newest update when it stands in the journal still, else null. */
    DataChange last() {
      return changes.isEmpty() ? null : changes.getLast();
    }

    Version newest() {
      return changes.isEmpty() ? mapped : changes.getLast().now();
    }

    /** The newest version or the one before it; null when {@code id} is neither. */
    Version byId(long id) {
      if (newest().id() == id) {
        return newest();
      }
      return last() != null && last().before().id() == id ? last().before() : null;
    }
  }

  /** The version that one parity block has of one member. */
  private record MemberVersion(long id, int crc) {
    static final MemberVersion NONE = new MemberVersion(0, 0);
  }

  /** One version of a parity block and of which members' versions it is made. */
  private record ParityVersion(long id, long address, int crc, List<MemberVersion> members) {}

  private record ParityChange(ParityVersion now, ParityVersion before, long merged) {}

  private static final class ParityBlock {
    ParityVersion mapped;
    ParityChange last;

    ParityBlock(int members) {
      mapped = new ParityVersion(0, 0, 0, Collections.nCopies(members, MemberVersion.NONE));
    }

    ParityVersion newest() {
      return last == null ? mapped : last.now();
    }
  }

  private static final class Media {
    int index;
    BlockSource source;
    DriveLabel label;
    final Map<Place, DataBlock> data = new HashMap<>();
    final Map<Place, ParityBlock> parity = new HashMap<>();
    final Map<Long, String> used = new HashMap<>();
    long lastId;
  }

  private final Media[] drives;
  private final Map<Long, ObjectAttributes> objects = new TreeMap<>();
  private final Map<Long, Layout> layouts = new HashMap<>();
  private final Map<Long, ErasureCode> codes = new HashMap<>();
  private final List<String> findings = new ArrayList<>();
  private final MemorySegment zeros = Arena.ofAuto().allocate(Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
  private final List<MemorySegment> scratch = new ArrayList<>();
  private final Map<Where, MemorySegment> contents = new HashMap<>();
  private int scratchUsed;
  private long blocksChecked;
  private long openUpdates;
  private long openGenerations;

  /**
   * @param sources the array's drives, each at its index
   * @param driveBytes size of each
   */
  MediaChecker(List<? extends BlockSource> sources, long driveBytes) {
    drives = new Media[sources.size()];
    for (int i = 0; i < drives.length; i++) {
      drives[i] = new Media();
      drives[i].index = i;
      drives[i].source = sources.get(i);
      MemorySegment label =
          Arena.ofAuto().allocate(Superblock.LABEL_BLOCKS * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
      for (int block = 0; block < Superblock.LABEL_BLOCKS; block += 16) {
        drives[i].source.read(block, 16, label.asSlice((long) block * Drive.BLOCK_BYTES));
      }
      drives[i].label = DriveLabel.decode(Path.of("drive" + i), label, driveBytes);
    }
    for (Media drive : drives) {
      if (drive.label.superblock() == null || drive.label.root() == null) {
        find(drive, "has no sound superblock or root");
      } else {
        readMaps(drive);
        readJournal(drive);
      }
    }
  }

  // ---- reading

  private void readMaps(Media drive) {
    PageWalk objectWalk = walk(drive);
    PageWalk mapWalk = walk(drive);
    objectWalk.walk(
        PageFormat.KIND_OBJECTS,
        0,
        PageFormat.OBJECT_LEVELS,
        drive.label.root().objects().address(),
        drive.label.root().objects().crc(),
        (gfid, page) -> {
          if (gfid == 0 || page.get(PageFormat.LONG, PageFormat.HEADER_BYTES) == 0) {
            return;
          }
          CnodePage cnode = CnodePage.decode(page);
          if (cnode == null) {
            find(drive, "object " + gfid + " has a cnode that makes no sense");
            return;
          }
          know(cnode.attributes());
          readMap(drive, mapWalk, cnode);
        });
  }

  private PageWalk walk(Media drive) {
    MemorySegment[] memory = new MemorySegment[MAX_LEVELS];
    for (int i = 0; i < memory.length; i++) {
      memory[i] = Arena.ofAuto().allocate(Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
    }
    return new PageWalk(
        (address, target) -> {
          drive.source.read(address, 1, target);
          use(drive, address, "a metadata page");
        },
        drive.label.superblock().arrayId(),
        drive.index,
        memory,
        (address, what) -> find(drive, "metadata page at block " + address + " " + what));
  }

  private void know(ObjectAttributes attributes) {
    objects.putIfAbsent(attributes.gfid(), attributes);
    layouts.computeIfAbsent(
        attributes.gfid(),
        g ->
            new Layout(
                attributes.drives(),
                attributes.dataMembers(),
                attributes.parityMembers(),
                attributes.chunkBlocks()));
    codes.computeIfAbsent(
        attributes.gfid(),
        g -> ErasureCode.of(attributes.dataMembers(), attributes.parityMembers(), Kernel.isal()));
  }

  private void readMap(Media drive, PageWalk walk, CnodePage cnode) {
    long gfid = cnode.attributes().gfid();
    int members = cnode.attributes().dataMembers();
    Layout layout = layouts.get(gfid);
    MapShape shape = MapShape.of(cnode.attributes(), layout);
    walk.walk(
        PageFormat.KIND_DATA_MAP,
        gfid,
        shape.dataLevels(),
        cnode.dataAddress(),
        cnode.dataCrc(),
        (index, page) -> {
          for (int i = 0; i < shape.dataEntriesPerLeaf(); i++) {
            long at = PageFormat.HEADER_BYTES + (long) i * MapShape.DATA_ENTRY_BYTES;
            if (page.get(PageFormat.LONG, at) != 0) {
              long lblk =
                  layout.lblkOfDataIndex(drive.index, index * shape.dataEntriesPerLeaf() + i);
              data(drive, gfid, lblk).mapped =
                  new Version(
                      page.get(PageFormat.LONG, at + 8),
                      page.get(PageFormat.LONG, at),
                      page.get(PageFormat.INT, at + 16));
            }
          }
        });
    walk.walk(
        PageFormat.KIND_PARITY_MAP,
        gfid,
        shape.parityLevels(),
        cnode.parityAddress(),
        cnode.parityCrc(),
        (index, page) -> {
          for (int i = 0; i < shape.parityEntriesPerLeaf(); i++) {
            long at = PageFormat.HEADER_BYTES + (long) i * shape.parityEntryBytes();
            if (page.get(PageFormat.LONG, at) != 0) {
              long lblk =
                  layout.lblkOfParityIndex(drive.index, index * shape.parityEntriesPerLeaf() + i);
              List<MemberVersion> versions = new ArrayList<>();
              for (int m = 0; m < members; m++) {
                versions.add(
                    new MemberVersion(
                        page.get(PageFormat.LONG, at + 24 + 8L * m),
                        page.get(PageFormat.INT, at + 24 + 8L * members + 4L * m)));
              }
              parity(drive, gfid, lblk).mapped =
                  new ParityVersion(
                      page.get(PageFormat.LONG, at + 8),
                      page.get(PageFormat.LONG, at),
                      page.get(PageFormat.INT, at + 16),
                      versions);
            }
          }
        });
  }

  private DataBlock data(Media drive, long gfid, long lblk) {
    return drive.data.computeIfAbsent(new Place(gfid, lblk), p -> new DataBlock());
  }

  private ParityBlock parity(Media drive, long gfid, long lblk) {
    return drive.parity.computeIfAbsent(
        new Place(gfid, lblk), p -> new ParityBlock(layouts.get(gfid).dataMembers()));
  }

  private void readJournal(Media drive) {
    Superblock s = drive.label.superblock();
    JournalReader reader =
        new JournalReader(
            new JournalRegion(s.journalFirstBlock(), s.journalBlocks(), s.arrayId(), drive.index),
            drive.source,
            Arena.ofAuto().allocate(Journal.COMMIT_BYTES, Drive.BLOCK_BYTES),
            new JournalPosition(
                drive.label.root().tailPosition(), drive.label.root().tailSequence()));
    while (reader.next()) {
      boolean sound =
          reader.entries((type, id, segment, at, bytes) -> entry(drive, type, id, segment, at));
      if (!sound) {
        find(drive, "journal record " + reader.position() + " has entries that do not add up");
      }
    }
  }

  private void entry(Media drive, int type, long id, MemorySegment segment, long at) {
    boolean update = type == JournalFormat.TYPE_MJ || type == JournalFormat.TYPE_PJ;
    if (update && !objects.containsKey(segment.get(PageFormat.LONG, at))) {
      find(drive, "journal entry " + id + " is about an object that nothing else tells of");
      return;
    }
    switch (type) {
      case JournalFormat.TYPE_MJ -> dataEntry(drive, id, segment, at);
      case JournalFormat.TYPE_PJ -> parityEntry(drive, id, segment, at);
      case JournalFormat.TYPE_OBJECT_CREATED -> {
        ObjectAttributes attributes = ObjectAttributes.decode(segment, at);
        if (attributes == null) {
          find(drive, "journal entry " + id + " makes an object that makes no sense");
        } else {
          know(attributes);
        }
      }
      // That an update is closed is told by what follows it, too; completes are only journaled
      // lazily.
      case JournalFormat.TYPE_MJ_COMPLETE, JournalFormat.TYPE_PJ_COMPLETE -> {}
      default -> find(drive, "journal entry " + id + " is of an unknown type " + type);
    }
    if (update) {
      if (id <= drive.lastId) {
        find(drive, "journal entry " + id + " comes after " + drive.lastId);
      }
      drive.lastId = id;
    }
  }

  private void dataEntry(Media drive, long id, MemorySegment segment, long at) {
    long gfid = segment.get(PageFormat.LONG, at);
    long lblk = segment.get(PageFormat.LONG, at + 8);
    int count = segment.get(PageFormat.SHORT, at + 16);
    for (int i = 0; i < count; i++) {
      long here = at + 24 + 32L * i;
      Version now =
          new Version(
              id, segment.get(PageFormat.LONG, here), segment.get(PageFormat.INT, here + 24));
      Version before =
          new Version(
              segment.get(PageFormat.LONG, here + 16),
              segment.get(PageFormat.LONG, here + 8),
              segment.get(PageFormat.INT, here + 28));
      DataBlock block = data(drive, gfid, lblk + i);
      if (id < block.mapped.id()) {
        continue;
      }
      Version expected = block.newest();
      boolean follows =
          id == block.mapped.id() ? now.equals(block.mapped) : before.id() == expected.id();
      if (!follows) {
        find(drive, name(gfid, lblk + i) + ": mj " + id + " does not follow " + expected);
      }
      block.changes.add(new DataChange(now, before));
    }
  }

  private void parityEntry(Media drive, long id, MemorySegment segment, long at) {
    long gfid = segment.get(PageFormat.LONG, at);
    long lblk = segment.get(PageFormat.LONG, at + 8);
    int count = segment.get(PageFormat.SHORT, at + 16);
    int updates = segment.get(PageFormat.SHORT, at + 20);
    for (int i = 0; i < count; i++) {
      long here = at + 24 + 32L * i;
      ParityBlock block = parity(drive, gfid, lblk + i);
      if (id < block.mapped.id()) {
        continue;
      }
      ParityVersion newest = block.newest();
      if (id != block.mapped.id() && segment.get(PageFormat.LONG, here + 16) != newest.id()) {
        find(drive, name(gfid, lblk + i) + ": pj " + id + " does not follow " + newest.id());
      }
      List<MemberVersion> nowMade = new ArrayList<>(newest.members());
      List<MemberVersion> beforeMade = new ArrayList<>(newest.members());
      long merged = 0;
      long update = at + 24 + 32L * count;
      for (int u = 0; u < updates; u++) {
        long first = segment.get(PageFormat.LONG, update + 8);
        int blocks = segment.get(PageFormat.SHORT, update + 16);
        int member = segment.get(PageFormat.BYTE, update + 18);
        if (first <= lblk + i && lblk + i < first + blocks) {
          long of = update + 24 + 32L * (lblk + i - first);
          if ((merged >>> member & 1) != 0) {
            find(
                drive, name(gfid, lblk + i) + ": pj " + id + " merges member " + member + " twice");
          }
          merged |= 1L << member;
          nowMade.set(
              member,
              new MemberVersion(
                  segment.get(PageFormat.LONG, update), segment.get(PageFormat.INT, of + 24)));
          beforeMade.set(
              member,
              new MemberVersion(
                  segment.get(PageFormat.LONG, of + 16), segment.get(PageFormat.INT, of + 28)));
        }
        update += 24 + 32L * blocks;
      }
      ParityVersion now =
          new ParityVersion(
              id,
              segment.get(PageFormat.LONG, here),
              segment.get(PageFormat.INT, here + 24),
              nowMade);
      ParityVersion before =
          new ParityVersion(
              segment.get(PageFormat.LONG, here + 16),
              segment.get(PageFormat.LONG, here + 8),
              segment.get(PageFormat.INT, here + 28),
              beforeMade);
      block.last = new ParityChange(now, before, merged);
    }
  }

  // ---- checking

  /** Checks every block of every object; the judge is asked of every content that could be read. */
  List<String> check(Judge judge) {
    for (ObjectAttributes object : objects.values()) {
      Layout layout = layouts.get(object.gfid());
      long lblks = layout.rowsFor(object.sizeBytes()) * layout.chunkBlocks();
      for (long lblk = 0; lblk < lblks; lblk++) {
        scratchUsed = 0;
        contents.clear();
        new Group(object, layout, lblk, judge).check();
      }
    }
    return findings;
  }

  /** One group: N data blocks and K parity blocks. */
  private final class Group {
    private final long gfid;
    private final long lblk;
    private final long row;
    private final Layout layout;
    private final int n;
    private final Judge judge;
    private final DataBlock[] members;

    Group(ObjectAttributes object, Layout layout, long lblk, Judge judge) {
      this.gfid = object.gfid();
      this.lblk = lblk;
      this.layout = layout;
      this.row = lblk / layout.chunkBlocks();
      this.n = layout.dataMembers();
      this.judge = judge;
      this.members = new DataBlock[n];
    }

    void check() {
      Place place = new Place(gfid, lblk);
      for (int m = 0; m < n; m++) {
        members[m] = drive(m).data.getOrDefault(place, new DataBlock());
        checkMember(m);
      }
      for (int p = 0; p < layout.parityMembers(); p++) {
        ParityBlock parity = drive(n + p).parity.get(place);
        checkParity(p, parity == null ? new ParityBlock(n) : parity);
      }
    }

    private Media drive(int member) {
      return drives[layout.drive(row, member)];
    }

    private void checkMember(int m) {
      Media drive = drive(m);
      DataBlock block = members[m];
      blocksChecked++;
      MemorySegment content = content(drive, block.newest());
      use(drive, block.newest().address(), name(gfid, lblk));
      if (content == null) {
        DataChange last = block.last();
        if (last == null) {
          find(drive, name(gfid, lblk) + ": " + block.newest() + " is not on the media");
          return;
        }
        openUpdates++;
        use(drive, last.before().address(), name(gfid, lblk) + " before its open update");
        content = content(drive, last.before());
        if (content == null) {
          find(
              drive,
              name(gfid, lblk)
                  + ": neither "
                  + last.now()
                  + " nor "
                  + last.before()
                  + " is on the media");
          return;
        }
      }
      judge(drive, m, content, "on its own drive");
    }

    private void judge(Media drive, int member, MemorySegment content, String how) {
      String wrong = judge.wrong(gfid, volumeBlock(member), content);
      if (wrong != null) {
        find(drive, name(gfid, lblk) + " member " + member + " " + how + ": " + wrong);
      }
    }

    private long volumeBlock(int member) {
      return (row * n + member) * layout.chunkBlocks() + lblk % layout.chunkBlocks();
    }

    private void checkParity(int p, ParityBlock parity) {
      Media drive = drive(n + p);
      ParityChange last = parity.last;
      use(drive, parity.newest().address(), name(gfid, lblk) + " parity");
      long durable = durableMembers(parity.newest());
      boolean parityDurable =
          content(drive, parity.newest().address(), parity.newest().crc()) != null;
      boolean closed = last == null || (parityDurable && (last.merged() & ~durable) == 0);
      if (closed) {
        checkVersion(p, parity.newest());
      } else {
        openGenerations++;
        use(drive, last.before().address(), name(gfid, lblk) + " parity before its open update");
        checkVersion(p, last.before());
      }
      for (int m = 0; m < n; m++) {
        boolean forward =
            last == null || (parityDurable && (last.merged() & ~durable & ~(1L << m)) == 0);
        checkLost(p, m, forward ? parity.newest() : last.before());
      }
    }

    /** Members whose version that the parity names is on their drive. */
    private long durableMembers(ParityVersion parity) {
      long durable = 0;
      for (int m = 0; m < n; m++) {
        Version version = members[m].byId(parity.members().get(m).id());
        if (version != null && content(drive(m), version) != null) {
          durable |= 1L << m;
        }
      }
      return durable;
    }

    /** The parity is what its members' versions make. */
    private void checkVersion(int p, ParityVersion parity) {
      Media drive = drive(n + p);
      MemorySegment stored = content(drive, parity.address(), parity.crc());
      if (stored == null) {
        find(drive, name(gfid, lblk) + " parity " + parity.id() + " is not on the media");
        return;
      }
      MemorySegment[] data = new MemorySegment[n];
      for (int m = 0; m < n; m++) {
        Version version = members[m].byId(parity.members().get(m).id());
        data[m] = version == null ? null : content(drive(m), version);
        if (data[m] == null) {
          find(
              drive,
              name(gfid, lblk)
                  + " parity "
                  + parity.id()
                  + " names mj "
                  + parity.members().get(m).id()
                  + " of member "
                  + m
                  + ", which is not on its drive");
          return;
        }
        if (version.id() != 0 && version.crc() != parity.members().get(m).crc()) {
          find(drive, name(gfid, lblk) + " parity knows another CRC of member " + m);
        }
      }
      MemorySegment made = block();
      codes.get(gfid).encodeOne(p, data, new long[n], made, 0, Drive.BLOCK_BYTES);
      if (made.mismatch(stored) != -1) {
        find(drive, name(gfid, lblk) + " parity " + parity.id() + " is not what its members make");
      }
    }

    /** With the member's drive lost, this parity and the other members give what was promised. */
    private void checkLost(int p, int lost, ParityVersion parity) {
      int parities = layout.parityMembers();
      MemorySegment[] group = new MemorySegment[n + parities];
      long present = 1L << (n + p);
      group[n + p] = content(drive(n + p), parity.address(), parity.crc());
      for (int m = 0; m < n; m++) {
        if (m != lost) {
          Version version = members[m].byId(parity.members().get(m).id());
          group[m] = version == null ? null : content(drive(m), version);
          present |= 1L << m;
        }
      }
      for (int m = 0; m < n + parities; m++) {
        if ((present >>> m & 1) != 0) {
          if (group[m] == null) {
            find(
                drive(n + p),
                name(gfid, lblk) + " parity " + p + " can't give member " + lost + ": no " + m);
            return;
          }
        }
      }
      group[lost] = block();
      codes
          .get(gfid)
          .reconstruct(present, 1L << lost, group, new long[n + parities], Drive.BLOCK_BYTES);
      judge(drive(lost), lost, group[lost], "with its drive lost, from parity " + p);
    }
  }

  /** Memory for one block, until the next group's turn. */
  private MemorySegment block() {
    if (scratchUsed == scratch.size()) {
      scratch.add(Arena.ofAuto().allocate(Drive.BLOCK_BYTES, Drive.BLOCK_BYTES));
    }
    return scratch.get(scratchUsed++);
  }

  private MemorySegment content(Media drive, Version version) {
    return content(drive, version.address(), version.crc());
  }

  /**
   * The block at an address, zeros for address 0, null when it has another CRC. Good until the next
   * group's turn.
   */
  private MemorySegment content(Media drive, long address, int crc) {
    if (address == 0) {
      return zeros;
    }
    MemorySegment block =
        contents.computeIfAbsent(
            new Where(drive.index, address),
            where -> {
              MemorySegment read = block();
              drive.source.read(address, 1, read);
              return read;
            });
    return Crc32c.of(block, 0, Drive.BLOCK_BYTES) == crc ? block : null;
  }

  /** Notes who needs what stands at an address; two that do have been given the same block. */
  private void use(Media drive, long address, String what) {
    if (address == 0) {
      return;
    }
    String other = drive.used.put(address, what);
    if (other != null) {
      find(drive, "block " + address + " is that of " + what + " and of " + other);
    }
  }

  private void find(Media drive, String what) {
    if (findings.size() < MAX_FINDINGS) {
      findings.add("drive " + drive.index + ": " + what);
    }
  }

  private static String name(long gfid, long lblk) {
    return "object " + gfid + " lblk " + lblk;
  }

  // ---- what was seen

  /** Where the newest version of a volume's block lies on its drive; 0: never written. */
  long address(long gfid, long volumeBlock) {
    Layout layout = layouts.get(gfid);
    long chunk = volumeBlock / layout.chunkBlocks();
    int member = (int) (chunk % layout.dataMembers());
    return data(drives[driveOf(gfid, volumeBlock, member)], gfid, lblk(layout, volumeBlock))
        .newest()
        .address();
  }

  /** Where the parity of a volume's block lies on its drive. */
  long parityAddress(long gfid, long volumeBlock, int parity) {
    Layout layout = layouts.get(gfid);
    int drive = driveOf(gfid, volumeBlock, layout.dataMembers() + parity);
    return parity(drives[drive], gfid, lblk(layout, volumeBlock)).newest().address();
  }

  /** The drive of a member of the group in which a volume's block lies. */
  int driveOf(long gfid, long volumeBlock, int member) {
    Layout layout = layouts.get(gfid);
    return layout.drive(volumeBlock / layout.chunkBlocks() / layout.dataMembers(), member);
  }

  private static long lblk(Layout layout, long volumeBlock) {
    long row = volumeBlock / layout.chunkBlocks() / layout.dataMembers();
    return row * layout.chunkBlocks() + volumeBlock % layout.chunkBlocks();
  }

  /** Data blocks looked at. */
  long blocksChecked() {
    return blocksChecked;
  }

  /** Data blocks found with an update whose content was not on the media. */
  long openUpdates() {
    return openUpdates;
  }

  /** Parity blocks found with a generation that could not be rolled forward as it stands. */
  long openGenerations() {
    return openGenerations;
  }

  /** Objects found. */
  Map<Long, ObjectAttributes> objects() {
    return objects;
  }
}
