package dev.tuff.iom.object;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.support.Bytes;
import dev.tuff.iom.support.DriveRig;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.Test;

/** Frames, waiting, and what is believed of a page that comes from the drive. */
class PageCacheTest {
  private static final UUID ID = new UUID(0x0011223344556677L, 0x8899aabbccddeeffL);
  private static final long ADDRESS = 100;

  private final DriveRig rig = new DriveRig(1, 1024, 64 * 4096);
  private final IoBuffer slab = rig.buffers(1, 8 * 4096)[0];
  private final List<String> damage = new ArrayList<>();
  private final Top top = new Top();

  private PageCache cache() {
    return new PageCache(rig.drive(), ID, 5, slab, damage::add, address -> true);
  }

  private static PageTree tree(PageCache cache, PageTree.Holder holder, int levels) {
    return new PageTree(cache, PageFormat.KIND_DATA_MAP, 77, levels, holder);
  }

  /** A sound leaf at {@link #ADDRESS}, to which {@link #top} points. */
  private MemorySegment writeLeaf(long content) {
    top.set(0, 0);
    PageCache cache = cache();
    PageRequest request = new PageRequest(answered -> {});
    assertThat(tree(cache, top, 1).get(request, 0, true)).isTrue();
    Page page = request.page();
    page.setLong(64, content);
    page.markDirty(9);
    page.newAddress = ADDRESS;
    page.seal();
    MemorySegment block = Bytes.block();
    MemorySegment.copy(page.memory, page.base, block, 0, 4096);
    rig.write(ADDRESS, block);
    return block;
  }

  /** Loads the leaf afresh; null when it was refused. */
  private Page load() {
    damage.clear();
    PageRequest request = new PageRequest(answered -> {});
    if (!tree(cache(), top, 1).get(request, 0, false)) {
      rig.settle();
    }
    return request.page();
  }

  @Test
  void aSoundPageComesBack() {
    writeLeaf(4711);
    Page page = load();
    assertThat(damage).isEmpty();
    assertThat(page.getLong(64)).isEqualTo(4711);
    assertThat(page.dirty()).isFalse();
    assertThat(page.address()).isEqualTo(ADDRESS);
  }

  @Test
  void flippedBitsAreFoundAndNothingIsBelieved() {
    MemorySegment block = writeLeaf(4711);
    Random random = new Random(3);
    for (int i = 0; i < 1500; i++) {
      long bit = i < 512 ? i : random.nextLong(4096 * 8);
      Bytes.flip(block, bit);
      rig.write(ADDRESS, block);
      assertThat(load()).as("bit %d", bit).isNull();
      assertThat(damage).as("bit %d", bit).hasSize(1);
      assertThat(damage.getFirst())
          .startsWith("metadata page at block 100 of drive 5 ")
          .endsWith(bit < 32 ? "is not a metadata page" : "has a wrong checksum");
      Bytes.flip(block, bit);
    }
  }

  /** Of what is only a hint, a page that can't be believed says nothing, and nobody is alarmed. */
  @Test
  void aHintThatIsDamagedIsEmpty() {
    writeLeaf(4711);
    Page page = loadHint(address -> true);
    assertThat(page.getLong(64)).isEqualTo(4711);
    MemorySegment block = rig.block(ADDRESS);
    Bytes.flip(block, 9 * 8);
    rig.write(ADDRESS, block);
    assertThat(loadHint(address -> true).getLong(64)).isZero();
    rig.medium.makeUnreadable(ADDRESS * 4096);
    assertThat(loadHint(address -> true).getLong(64)).isZero();
    assertThat(loadHint(address -> false)).as("where nothing can be").isNull();
    assertThat(rig.failures).isEmpty();
  }

  private Page loadHint(LongPredicate inUse) {
    PageRequest request = new PageRequest(answered -> {});
    PageCache hints = PageCache.ofHints(rig.drive(), ID, 5, slab, inUse);
    if (!tree(hints, top, 1).get(request, 0, false)) {
      rig.settle();
    }
    return request.page();
  }

  @Test
  void aLostWriteIsFound() {
    MemorySegment older = writeLeaf(1);
    writeLeaf(2);
    rig.write(ADDRESS, older);
    assertThat(load()).isNull();
    assertThat(damage.getFirst()).contains("lost write");
  }

  @Test
  void aPageOfAnotherPlaceIsFound() {
    MemorySegment block = writeLeaf(1);
    // Each of these fields is somebody else's, with a CRC that is right and that the parent knows.
    for (long offset : new long[] {4, 5, 6, 8, 16, 24, 32}) {
      MemorySegment other = Bytes.block();
      MemorySegment.copy(block, 0, other, 0, 4096);
      Bytes.flip(other, offset * 8);
      int crc = Bytes.crc(other, 0, 4096, PageFormat.OFFSET_CRC);
      other.set(PageFormat.INT, PageFormat.OFFSET_CRC, crc);
      rig.write(ADDRESS, other);
      top.set(ADDRESS, crc);
      assertThat(load()).as("field at %d", offset).isNull();
      assertThat(damage.getFirst()).contains("misdirected");
    }
  }

  @Test
  void anUnreadablePageIsReported() {
    writeLeaf(1);
    rig.medium.fail(ADDRESS * 4096, 4096, true, false);
    assertThat(load()).isNull();
    assertThat(damage.getFirst()).endsWith("could not be read");
  }

  @Test
  void holesAreAnsweredWithoutAFrame() {
    PageCache cache = cache();
    PageTree tree = tree(cache, new Top(), 3);
    for (int i = 0; i < 100; i++) {
      PageRequest request = new PageRequest(answered -> {});
      assertThat(tree.get(request, i * 600L, false)).isTrue();
      assertThat(request.page()).isNull();
    }
    assertThat(cache.misses()).isZero();
  }

  @Test
  void requestsForTheSamePageAreAllAnswered() {
    writeLeaf(5);
    PageTree tree = tree(cache(), top, 1);
    List<Page> answers = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      assertThat(tree.get(new PageRequest(r -> answers.add(r.page())), 0, false)).isFalse();
    }
    rig.settle();
    assertThat(answers).hasSize(5).doesNotContainNull();
    assertThat(answers.stream().distinct()).hasSize(1);
    assertThat(rig.device().counters().reads).isEqualTo(1);
  }

  @Test
  void whenAllFramesArePinnedRequestsWaitInOrder() {
    PageTree tree = tree(cache(), new Top(), 2);
    // One page of pointers and seven leaves fill the eight frames.
    List<PageRequest> pinned = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      PageRequest request = new PageRequest(answered -> {});
      assertThat(tree.get(request, i, true)).isTrue();
      pinned.add(request);
    }
    List<Integer> answered = new ArrayList<>();
    List<PageRequest> waiting = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      int leaf = 10 + i;
      PageRequest request = new PageRequest(r -> answered.add(leaf));
      assertThat(tree.get(request, leaf, true)).isFalse();
      waiting.add(request);
    }
    assertThat(answered).isEmpty();
    pinned.get(3).release();
    assertThat(answered).containsExactly(10);
    pinned.get(0).release();
    pinned.get(6).release();
    assertThat(answered).containsExactly(10, 11, 12);
    waiting.forEach(PageRequest::release);
  }

  @Test
  void aDirtyPageStaysThoughNobodyHoldsIt() {
    PageCache cache = cache();
    PageTree tree = tree(cache, new Top(), 2);
    PageRequest request = new PageRequest(answered -> {});
    assertThat(tree.get(request, 3, true)).isTrue();
    request.page().setLong(64, 99);
    request.page().markDirty(1);
    request.release();
    for (int i = 10; i < 200; i++) {
      PageRequest other = new PageRequest(answered -> {});
      assertThat(tree.get(other, i, true)).isTrue();
      other.release();
    }
    assertThat(tree.get(request, 3, false)).isTrue();
    assertThat(request.page().getLong(64)).isEqualTo(99);
    assertThat(cache.dirtyCount()).isEqualTo(1);
  }

  @Test
  void aTreeGrowsByLevelsWhenALeafBeyondItsReachIsMade() {
    PageCache cache = cache();
    Top top = new Top();
    PageTree tree = tree(cache, top, 1);
    PageRequest first = new PageRequest(answered -> {});
    assertThat(tree.get(first, 0, true)).isTrue();
    first.page().setLong(64, 7);
    first.page().markDirty(5);
    PageRequest far = new PageRequest(answered -> {});
    assertThat(tree.get(far, 300, false)).isTrue();
    assertThat(far.page()).as("nothing is beyond it").isNull();
    assertThat(far.nextPossible()).isEqualTo(252L * 252 * 252 * 252 * 252);
    assertThat(tree.levels()).isEqualTo(1);

    assertThat(tree.get(far, 300, true)).isTrue();
    far.page().setLong(64, 8);
    far.page().markDirty(6);
    assertThat(tree.levels()).isEqualTo(3);
    assertThat(top.levels).isEqualTo(3);
    writeAll(cache);
    first.release();
    far.release();

    // Another drive's start: everything from the drive, by as many levels as the holder has.
    PageTree again = tree(cache(), top, top.levels);
    for (int leaf : new int[] {0, 300}) {
      PageRequest request = new PageRequest(answered -> {});
      if (!again.get(request, leaf, false)) {
        rig.settle();
      }
      assertThat(damage).isEmpty();
      assertThat(request.page().getLong(64)).as("leaf %d", leaf).isEqualTo(leaf == 0 ? 7 : 8);
    }
  }

  /** What was there before is clean, and was given up or is being read while the tree grows. */
  @Test
  void aTreeGrowsAboveATopmostPageThatIsNotInMemory() {
    writeLeaf(4711);
    PageCache cache = cache();
    PageTree tree = tree(cache, top, 1);
    PageRequest far = new PageRequest(answered -> {});
    PageRequest near = new PageRequest(answered -> {});
    boolean loading = tree.get(near, 0, false);
    assertThat(loading).isFalse();
    assertThat(tree.get(far, 5, true)).isTrue();
    assertThat(tree.levels()).isEqualTo(2);
    rig.settle();
    assertThat(near.page().getLong(64)).isEqualTo(4711);
    near.release();
    far.release();
    // Whatever can be given up is; the page that alone points to the former topmost one stays.
    PageTree another = tree(cache, new Top(), 2);
    for (int i = 10; i < 100; i++) {
      PageRequest other = new PageRequest(answered -> {});
      assertThat(another.get(other, i, true)).isTrue();
      other.release();
    }
    if (!tree.get(near, 0, false)) {
      rig.settle();
    }
    assertThat(near.page().getLong(64)).isEqualTo(4711);
    assertThat(damage).isEmpty();
  }

  @Test
  void aTreeThatNeedsALevelWaitsForAFrame() {
    PageCache cache = cache();
    PageTree tree = tree(cache, new Top(), 2);
    List<PageRequest> pinned = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      PageRequest request = new PageRequest(answered -> {});
      assertThat(tree.get(request, i, true)).isTrue();
      pinned.add(request);
    }
    List<Page> answered = new ArrayList<>();
    PageRequest far = new PageRequest(r -> answered.add(r.page()));
    assertThat(tree.get(far, 252, true)).isFalse();
    assertThat(tree.levels()).isEqualTo(2);
    pinned.subList(0, 3).forEach(PageRequest::release);
    assertThat(answered).hasSize(1).doesNotContainNull();
    assertThat(tree.levels()).isEqualTo(3);
    PageRequest old = new PageRequest(r -> {});
    assertThat(tree.get(old, 6, false)).isTrue();
    assertThat(old.page()).isSameAs(pinned.get(6).page());
  }

  /** As a checkpoint does: new places for all that is dirty, bottom up. */
  private void writeAll(PageCache cache) {
    cache.dirtyAncestors();
    List<Page> pages = new ArrayList<>();
    for (Page page = cache.firstDirty(); page != null; page = PageCache.nextDirty(page)) {
      page.newAddress = 200L + pages.size();
      pages.add(page);
    }
    pages.sort(Comparator.comparingInt(Page::level));
    pages.forEach(Page::seal);
    for (Page page : pages) {
      MemorySegment block = Bytes.block();
      MemorySegment.copy(page.memory, page.base, block, 0, 4096);
      rig.write(page.address(), block);
    }
    cache.allSealed();
  }

  @Test
  void leavesBeyondAllTreesAndRequestsUsedTwiceAreBugs() {
    PageTree tree = tree(cache(), new Top(), 2);
    assertThat(tree.maxLeaves()).isEqualTo(252);
    PageRequest request = new PageRequest(answered -> {});
    assertThatThrownBy(() -> tree.get(request, 252L * 252 * 252 * 252 * 252, true))
        .isInstanceOf(Invariant.Broken.class);
    assertThatThrownBy(() -> tree.get(request, -1, true)).isInstanceOf(Invariant.Broken.class);
    assertThat(tree.get(request, 251, true)).isTrue();
    assertThatThrownBy(() -> tree.get(request, 251, true)).isInstanceOf(Invariant.Broken.class);
    Page page = request.page();
    request.release();
    assertThatThrownBy(page::unpin).isInstanceOf(Invariant.Broken.class);
  }

  @Test
  void levelsAreEnoughAndNotMore() {
    assertThat(PageFormat.FANOUT).isEqualTo(252);
    assertThat(PageTree.levelsFor(1)).isEqualTo(1);
    assertThat(PageTree.levelsFor(2)).isEqualTo(2);
    assertThat(PageTree.levelsFor(252)).isEqualTo(2);
    assertThat(PageTree.levelsFor(253)).isEqualTo(3);
    assertThat(PageTree.levelsFor(252L * 252 * 252)).isEqualTo(4);
  }

  private static final class Top implements PageTree.Holder {
    private long address;
    private int crc;
    private int levels;

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
      levels = newLevels;
    }

    @Override
    public Page page() {
      return null;
    }
  }
}
