package dev.tuff.iom.object;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.layout.Layout.Stretch;
import dev.tuff.iom.support.Bytes;
import dev.tuff.iom.support.DriveRig;
import dev.tuff.iom.volume.Toughness;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Freezes pages, pointers, cnodes and map entries, byte by byte. */
class PageFormatTest {
  private static final UUID ID = new UUID(0x0011223344556677L, 0x8899aabbccddeeffL);

  private final DriveRig rig = new DriveRig(1, 1024, 64 * 4096);
  private final PageCache cache =
      new PageCache(
          rig.drive(),
          ID,
          5,
          rig.buffers(1, 64 * 4096)[0],
          what -> {
            throw new IllegalStateException(what);
          },
          address -> true);
  private final TopPointer top = new TopPointer();

  private static Page leaf(PageTree tree, long index) {
    PageRequest request = new PageRequest(answered -> {});
    assertThat(tree.get(request, index, true)).isTrue();
    return request.page();
  }

  private static String seal(Page page, long address) {
    page.newAddress = address;
    page.seal();
    assertThat(page.getInt(PageFormat.OFFSET_CRC))
        .isEqualTo(Bytes.crc(page.memory, page.base, 4096, PageFormat.OFFSET_CRC));
    return Bytes.hex(page.memory, page.base, 4096);
  }

  @Test
  void headerAndPointerBytesAreFrozen() {
    PageTree tree = new PageTree(cache, PageFormat.KIND_DATA_MAP, 0x0102030405060708L, 3, top);
    Page leaf = leaf(tree, 253);
    leaf.markDirty(0x2122);
    leaf.markDirty(0x1112);
    assertThat(seal(leaf, 0x313233)).isEqualTo(HEADER);

    Page above = leaf.parent;
    above.markDirty(0x2122);
    assertThat(seal(above, 0x414243)).isEqualTo(POINTERS);
    assertThat(above.getLong(64 + 16)).isEqualTo(0x313233);
    assertThat(above.getInt(64 + 24)).isEqualTo(leaf.getInt(56));
  }

  private static final String HEADER =
      """
      0000  54 46 50 47 03 00 05 00 ff ee dd cc bb aa 99 88
      0010  33 32 31 00 00 00 00 00 08 07 06 05 04 03 02 01
      0020  fd 00 00 00 00 00 00 00 12 11 00 00 00 00 00 00
      0030  22 21 00 00 00 00 00 00 d2 a9 4b 8b 00 00 00 00
      """;

  private static final String POINTERS =
      """
      0000  54 46 50 47 03 01 05 00 ff ee dd cc bb aa 99 88
      0010  43 42 41 00 00 00 00 00 08 07 06 05 04 03 02 01
      0020  01 00 00 00 00 00 00 00 22 21 00 00 00 00 00 00
      0030  22 21 00 00 00 00 00 00 f9 ed a0 9a 00 00 00 00
      0050  33 32 31 00 00 00 00 00 d2 a9 4b 8b 00 00 00 00
      """;

  private static ObjectAttributes attributes() {
    return new ObjectAttributes(
        0x0102030405060708L, "Größe", 0x1112131415L, 16, 4, 2, 6, Toughness.TAKEN);
  }

  @Test
  void cnodeBytesAreFrozen() {
    PageTree objects = new PageTree(cache, PageFormat.KIND_OBJECTS, 0, 4, top);
    Page page = leaf(objects, 9);
    Cnode cnode = Cnode.create(page, 5, Layout.NONE, attributes(), cache, 0x77);
    cnode.addMappedDataBlocks(0x515253, 0x78);
    cnode.addMappedParityBlocks(0x616263, 0x79);

    Page data = leaf(cnode.map(BlockMap.DATA), 0);
    Page dataTop = data;
    while (dataTop.parent != page) {
      dataTop = dataTop.parent;
    }
    seal(dataTop, 0x818283);
    PageRequest request = new PageRequest(answered -> {});
    assertThat(cnode.parityLeaf(request, 0, true)).isTrue();
    Page parityTop = request.page();
    while (parityTop.parent != page) {
      parityTop = parityTop.parent;
    }
    seal(parityTop, 0x919293);
    assertThat(seal(page, 0x717273)).isEqualTo(CNODE);
  }

  private static final String CNODE =
      """
      0000  54 46 50 47 02 00 05 00 ff ee dd cc bb aa 99 88
      0010  73 72 71 00 00 00 00 00 00 00 00 00 00 00 00 00
      0020  09 00 00 00 00 00 00 00 77 00 00 00 00 00 00 00
      0030  79 00 00 00 00 00 00 00 bb d2 98 40 00 00 00 00
      0040  08 07 06 05 04 03 02 01 15 14 13 12 11 00 00 00
      0050  10 00 00 00 04 02 01 01 06 00 07 00 00 00 00 00
      0060  47 72 c3 b6 c3 9f 65 00 00 00 00 00 00 00 00 00
      0160  83 82 81 00 00 00 00 00 35 48 a9 02 00 00 00 00
      0170  93 92 91 00 00 00 00 00 68 9e 3c ec 00 00 00 00
      0180  53 52 51 00 00 00 00 00 63 62 61 00 00 00 00 00
      """;

  @Test
  void mapEntryBytesAreFrozen() {
    PageTree objects = new PageTree(cache, PageFormat.KIND_OBJECTS, 0, 4, top);
    Cnode cnode = Cnode.create(leaf(objects, 9), 5, Layout.NONE, attributes(), cache, 1);
    assertThat(cnode.segmentBlocks()).isEqualTo(16);
    // Drive 5 of 6: data 0 in row 1, so lblk 16 to 31 are its first data blocks of that row.
    Layout layout = cnode.layout();
    assertThat(layout.drive(1, 0)).isEqualTo(5);
    PageRequest request = new PageRequest(answered -> {});
    assertThat(cnode.dataLeaf(request, 17, true)).isTrue();
    assertThat(cnode.dataEntry(17)).isEqualTo(64 + 24);
    Cnode.setEntry(request.page(), cnode.dataEntry(17), 0x313233, 0x414243, 0x51525354);
    assertThat(Bytes.hex(request.page().memory, request.page().base, 4096)).isEqualTo(DATA_ENTRY);
    request.release();

    // It is parity 1 in row 0; an entry has 24 bytes, 4 x 8 and 4 x 4.
    assertThat(layout.drive(0, 5)).isEqualTo(5);
    assertThat(cnode.parityEntryBytes()).isEqualTo(72);
    assertThat(cnode.parityLeaf(request, 2, true)).isTrue();
    long entry = cnode.parityEntry(2);
    assertThat(entry).isEqualTo(64 + 2 * 72);
    Cnode.setEntry(request.page(), entry, 0x616263, 0x717273, 0x81828384);
    for (int member = 0; member < 4; member++) {
      boolean discarded = member == 1 || member == 2;
      cnode.setMember(
          request.page(), entry, member, 0x9100 + member, 0xa1a2a300 + member, discarded);
    }
    cnode.setMember(request.page(), entry, 2, 0x9102, 0xa1a2a302, false);
    assertThat(Cnode.discardedMembers(request.page(), entry)).isEqualTo(2);
    assertThat(cnode.memberMapped(request.page(), entry, 0)).isTrue();
    assertThat(cnode.memberMapped(request.page(), entry, 1)).isFalse();
    assertThat(Bytes.hex(request.page().memory, request.page().base, 4096)).isEqualTo(PARITY_ENTRY);
    assertThat(cnode.memberId(request.page(), entry, 3)).isEqualTo(0x9103);
    assertThat(cnode.memberCrc(request.page(), entry, 3)).isEqualTo(0xa1a2a303);
  }

  private static final String DATA_ENTRY =
      """
      0050  00 00 00 00 00 00 00 00 33 32 31 00 00 00 00 00
      0060  43 42 41 00 00 00 00 00 54 53 52 51 00 00 00 00
      """;

  private static final String PARITY_ENTRY =
      """
      00d0  63 62 61 00 00 00 00 00 73 72 71 00 00 00 00 00
      00e0  84 83 82 81 02 00 00 00 00 91 00 00 00 00 00 00
      00f0  01 91 00 00 00 00 00 00 02 91 00 00 00 00 00 00
      0100  03 91 00 00 00 00 00 00 00 a3 a2 a1 01 a3 a2 a1
      0110  02 a3 a2 a1 03 a3 a2 a1 00 00 00 00 00 00 00 00
      """;

  @Test
  void attributesComeBack() {
    MemorySegment block = Bytes.block();
    attributes().encode(block, 32);
    assertThat(ObjectAttributes.decode(block, 32)).isEqualTo(attributes());
    assertThat(ObjectAttributes.BYTES).isEqualTo(288);
  }

  @Test
  void theMapExtentCoversEverySizeThereWas() {
    ObjectAttributes made = attributes();
    long size = made.sizeBytes();
    assertThat(made.extentBytes()).isEqualTo(size);
    ObjectAttributes smaller = made.resized(4096, 6);
    assertThat(smaller.sizeBytes()).isEqualTo(4096);
    assertThat(smaller.extentBits()).isEqualTo(37);
    assertThat(smaller.extentBytes()).isEqualTo(1L << 37).isGreaterThan(size);
    assertThat(smaller.changes()).isEqualTo(1);
    assertThat(smaller.sameObject(made)).isTrue();
    ObjectAttributes within = smaller.resized(size + 4096, 6);
    assertThat(within.extentBytes()).isEqualTo(1L << 37);
    ObjectAttributes larger = within.resized(1L << 40, 6);
    assertThat(larger.extentBytes()).isEqualTo(1L << 40);
    assertThat(larger.resized((1L << 40) - 512, 6).extentBytes()).isEqualTo(1L << 40);
    assertThat(larger.resized((1L << 40) + 512, 6).resized(512, 6).extentBytes())
        .isEqualTo(1L << 41);
    assertThat(made.resized(1L << 50, 6).resized(1, 6).extentBytes()).isEqualTo(1L << 50);

    MemorySegment block = Bytes.block();
    smaller.encode(block, 32);
    assertThat(Bytes.hex(block, 32, 32)).isEqualTo(SHRUNK);
    assertThat(ObjectAttributes.decode(block, 32)).isEqualTo(smaller);

    ObjectAttributes often = made;
    while (often.resizable()) {
      often = often.resized(4096L + often.changes(), 6);
    }
    assertThat(often.changes()).isEqualTo(65_534);
    assertThat(often.asDeleted().changes()).isEqualTo(65_535);
  }

  private static final String SHRUNK =
      """
      0000  08 07 06 05 04 03 02 01 00 10 00 00 00 00 00 00
      0010  10 00 00 00 04 02 01 01 06 00 07 00 01 00 25 00
      """;

  /** 5 chunks of rows on 6 drives, then some on 9, shrunk and grown, then on 10 and on 12. */
  @Test
  void rowsThatComeWithGrowthAreSpreadOverAllDrives() {
    long row = 4L * 16 * 4096;
    ObjectAttributes made =
        new ObjectAttributes(9, "v", 5 * row - 4096, 16, 4, 2, 6, Toughness.TAKEN);
    assertThat(made.resized(5 * row, 9).stretches()).as("no new row").isEmpty();
    ObjectAttributes grown = made.resized(8 * row, 9);
    assertThat(grown.stretches()).containsExactly(new Stretch(5, 9));
    assertThat(grown.mostDrives()).isEqualTo(9);
    assertThat(grown.sameObject(made)).isTrue();
    assertThat(made.sameObject(grown)).isTrue();
    assertThat(grown.resized(20 * row, 9).stretches()).hasSize(1);
    // Shrunk below where the stretch begins it keeps it: its map extent is 8 rows still.
    ObjectAttributes shrunk = grown.resized(row, 10);
    assertThat(shrunk.stretches()).isEqualTo(grown.stretches());
    assertThat(shrunk.resized(8 * row, 10).stretches()).isEqualTo(grown.stretches());
    ObjectAttributes more = shrunk.resized(8 * row + 512, 10).resized(30 * row, 12);
    assertThat(more.stretches())
        .containsExactly(new Stretch(5, 9), new Stretch(8, 10), new Stretch(9, 12));
    assertThat(more.asDeleted().stretches()).isEqualTo(more.stretches());
    ObjectAttributes other = made.resized(9 * row, 8);
    assertThat(other.sameObject(grown)).as("other rows").isFalse();

    ObjectAttributes often = more;
    for (int drives = 13; drives < 40; drives++) {
      often = often.resized(often.sizeBytes() + row, drives);
    }
    assertThat(often.stretches()).hasSize(Layout.MAX_STRETCHES - 1);
    assertThat(often.mostDrives()).isEqualTo(16);

    MemorySegment block = Bytes.block();
    more.encode(block, 32);
    assertThat(more.bytes()).isEqualTo(336);
    assertThat(Bytes.hex(block, 32, 336)).isEqualTo(STRETCHES);
    assertThat(ObjectAttributes.decode(block, 32)).isEqualTo(more);
    assertThat(ObjectAttributes.decodeBody(block, 32, 336)).isEqualTo(more);
    assertThat(ObjectAttributes.decodeBody(block, 32, 320)).isNull();
    block.set(PageFormat.LONG, 32 + 288 + 16, 5);
    assertThat(ObjectAttributes.decode(block, 32)).as("out of order").isNull();
  }

  private static final String STRETCHES =
      """
      0000  09 00 00 00 00 00 00 00 00 00 78 00 00 00 00 00
      0010  10 00 00 00 04 02 01 02 06 00 01 00 04 00 15 00
      0020  76 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      0110  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 03
      0120  05 00 00 00 00 00 00 00 09 00 00 00 00 00 00 00
      0130  08 00 00 00 00 00 00 00 0a 00 00 00 00 00 00 00
      0140  09 00 00 00 00 00 00 00 0c 00 00 00 00 00 00 00
      """;

  /** They stand in a place of their own in a cnode, and are there when it is opened again. */
  @Test
  void aCnodeKnowsItsStretches() {
    PageTree objects = new PageTree(cache, PageFormat.KIND_OBJECTS, 0, 4, top);
    Page page = leaf(objects, 9);
    long row = 4L * 16 * 4096;
    ObjectAttributes made = new ObjectAttributes(9, "v", row, 16, 4, 2, 6, Toughness.TAKEN);
    Cnode cnode = Cnode.create(page, 7, Layout.NONE, made, cache, 1);
    assertThat(cnode.layout().member(1, 7)).isEqualTo(6);
    ObjectAttributes grown = made.resized(20 * row, 8);
    cnode.change(grown, 2);
    assertThat(cnode.layout().drives()).isEqualTo(8);
    assertThat(cnode.layout().drive(1, 0)).isZero();
    assertThat(page.getLong(408)).isEqualTo(1);
    assertThat(page.getLong(416)).isEqualTo(8);
    assertThat(Cnode.open(page, 7, Layout.NONE, cache).attributes()).isEqualTo(grown);
  }

  /** What was made before knows of no levels; from a change of the extent on they are told. */
  @Test
  void aCnodeKeepsItsLevelsUntilMoreAreNeeded() {
    PageTree objects = new PageTree(cache, PageFormat.KIND_OBJECTS, 0, 4, top);
    Page page = leaf(objects, 9);
    ObjectAttributes small = new ObjectAttributes(9, "v", 1 << 20, 16, 4, 2, 6, Toughness.TAKEN);
    Cnode cnode = Cnode.create(page, 5, Layout.NONE, small, cache, 1);
    assertThat(cnode.map(BlockMap.DATA).levels()).isEqualTo(1);
    ObjectAttributes large = small.resized(1L << 40, 6);
    cnode.change(large, 2);
    assertThat(cnode.map(BlockMap.DATA).levels()).isEqualTo(1);
    assertThat(page.getByte(400)).isEqualTo((byte) 1);
    assertThat(page.getByte(401)).isEqualTo((byte) 1);
    assertThat(cnode.lblks()).isEqualTo((1L << 40) / 4096 / 4);
    PageRequest request = new PageRequest(answered -> {});
    long last = cnode.lblks() - 1;
    while (cnode.layout().member(last / 16, 5) >= 4) {
      last -= 16;
    }
    assertThat(cnode.dataLeaf(request, last, true)).isTrue();
    assertThat(page.getByte(400)).isEqualTo((byte) 4);
    assertThat(page.getByte(401)).isEqualTo((byte) 1);
    Cnode again = Cnode.open(page, 5, Layout.NONE, cache);
    assertThat(again.map(BlockMap.DATA).levels()).isEqualTo(4);
    assertThat(again.map(BlockMap.PARITY).levels()).isEqualTo(1);
    page.setByte(400, (byte) 7);
    assertThat(Cnode.open(page, 5, Layout.NONE, cache)).isNull();
    page.setByte(400, (byte) 0);
    assertThat(Cnode.open(page, 5, Layout.NONE, cache).map(BlockMap.DATA).levels())
        .as("an object of this size that is made now")
        .isEqualTo(MapShape.of(large).dataLevels());
  }

  @Test
  void attributesThatMakeNoSenseAreRefused() {
    assertThat(refused(b -> b.set(PageFormat.LONG, 0, 0L))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.LONG, 0, -1L))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.LONG, 8, 0L))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.LONG, 8, -4096L))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.LONG, 8, (1L << 50) + 1))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.INT, 16, 0))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.INT, 16, 12))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.INT, 16, 128))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.INT, 16, Integer.MIN_VALUE))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.BYTE, 20, (byte) 0))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.BYTE, 20, (byte) 33))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.BYTE, 21, (byte) 5))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.BYTE, 21, (byte) -1))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.BYTE, 22, (byte) 3))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.BYTE, 23, (byte) 2))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.SHORT, 24, (short) 5))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.SHORT, 26, (short) 0))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.SHORT, 26, (short) 256))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.SHORT, 26, (short) -1))).isTrue();
    assertThat(refused(b -> b.set(PageFormat.SHORT, 28, (short) 1))).as("changes").isFalse();
    assertThat(refused(b -> b.set(PageFormat.BYTE, 30, (byte) 50))).as("map extent").isFalse();
    assertThat(refused(b -> b.set(PageFormat.BYTE, 30, (byte) 51))).as("map extent").isTrue();
    assertThat(refused(b -> b.set(PageFormat.BYTE, 30, (byte) -1))).as("map extent").isTrue();
    assertThat(refused(b -> b.set(PageFormat.BYTE, 31, (byte) 2))).as("deleted").isTrue();
    assertThat(refused(b -> b.set(PageFormat.BYTE, 32, (byte) 0xff))).as("no UTF-8").isTrue();
  }

  private static boolean refused(java.util.function.Consumer<MemorySegment> change) {
    MemorySegment block = Bytes.block();
    attributes().encode(block, 0);
    change.accept(block);
    return ObjectAttributes.decode(block, 0) == null;
  }

  @Test
  void whateverAttributesAreBelievedHaveAShape() {
    int believed = 0;
    MemorySegment block = Bytes.block();
    for (int seed = 0; seed < 20_000; seed++) {
      Random random = new Random(seed);
      attributes().encode(block, 0);
      Bytes.fill(block, random.nextInt(31), 1 + random.nextInt(3), random);
      ObjectAttributes found = ObjectAttributes.decode(block, 0);
      if (found != null) {
        believed++;
        MapShape shape = MapShape.of(found);
        assertThat(shape.dataLevels()).as("seed %d", seed).isBetween(1, 6);
        assertThat(shape.parityLevels()).as("seed %d", seed).isBetween(1, 6);
        assertThat(shape.dataEntriesPerLeaf() % shape.segmentBlocks()).isZero();
        assertThat(shape.parityEntriesPerLeaf() % shape.segmentBlocks()).isZero();
      }
    }
    assertThat(believed).isPositive();
  }

  /** A topmost pointer in memory. */
  private static final class TopPointer implements PageTree.Holder {
    private long address;
    private int crc;

    @Override
    public long address() {
      return address;
    }

    @Override
    public int crc() {
      return crc;
    }

    @Override
    public void set(long newAddress, int newCrc) {
      address = newAddress;
      crc = newCrc;
    }

    @Override
    public void setLevels(int newLevels) {
      throw new IllegalStateException("no tree here grows, to " + newLevels + " levels");
    }

    @Override
    public Page page() {
      return null;
    }
  }
}
