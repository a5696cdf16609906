package dev.tuff.iom.allocation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageCache;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.object.PageTree;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.support.DriveRig;
import java.util.BitSet;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class AllocatorTest {
  private static final long FIRST = 1000;

  private static Allocator allocator(long blocks) {
    int pages = Allocator.pagesFor(blocks) + 1;
    DriveRig rig = new DriveRig(1, 64, pages * 4096L);
    UUID id = new UUID(1, 2);
    PageCache cache =
        new PageCache(
            rig.drive(),
            id,
            0,
            rig.buffers(1, pages * 4096)[0],
            what -> {
              throw new IllegalStateException(what);
            },
            address -> true);
    Allocator allocator = new Allocator(cache, new Root(id, 0).bitmap(), FIRST, blocks);
    boolean[] loaded = new boolean[1];
    allocator.load(() -> loaded[0] = true);
    assertThat(loaded[0]).as("an empty bitmap needs no reading").isTrue();
    return allocator;
  }

  @Test
  void behavesAsABitSetDoes() {
    for (int seed = 0; seed < 40; seed++) {
      Random random = new Random(seed);
      // Sizes around words and pages: 32,256 blocks are one page.
      int blocks =
          switch (seed % 4) {
            case 0 -> 1 + random.nextInt(130);
            case 1 -> 64 * (1 + random.nextInt(5));
            case 2 -> 1000 + random.nextInt(3000);
            default -> Allocator.BLOCKS_PER_PAGE - 100 + random.nextInt(200);
          };
      Allocator allocator = allocator(blocks);
      BitSet used = new BitSet(blocks);
      BitSet held = new BitSet(blocks);
      long[] addresses = new long[200];
      for (int step = 0; step < 2000; step++) {
        int free = blocks - used.cardinality() - held.cardinality();
        int action = random.nextInt(10);
        // Mostly towards full, so that the search has to go round.
        if (action < 6 && free > 0) {
          int count = 1 + random.nextInt(Math.min(free, random.nextInt(4) == 0 ? 150 : 33));
          allocator.allocate(count, addresses, 3, step + 1);
          for (int i = 0; i < count; i++) {
            int block = (int) (addresses[3 + i] - FIRST);
            assertThat(block).as("seed %d", seed).isBetween(0, blocks - 1);
            assertThat(used.get(block) || held.get(block))
                .as("seed %d step %d: %d is given out twice", seed, step, block)
                .isFalse();
            used.set(block);
          }
        } else if (action < 8 && !used.isEmpty()) {
          int block = used.nextSetBit(random.nextInt(used.length()));
          allocator.free(FIRST + block, step + 1);
          used.clear(block);
        } else if (action == 8 && !used.isEmpty()) {
          int block = used.nextSetBit(random.nextInt(used.length()));
          allocator.freeHeld(FIRST + block, step + 1);
          used.clear(block);
          held.set(block);
        } else if (!held.isEmpty()) {
          int block = held.nextSetBit(random.nextInt(held.length()));
          allocator.release(FIRST + block);
          held.clear(block);
        }
        assertThat(allocator.freeBlocks())
            .as("seed %d step %d", seed, step)
            .isEqualTo(blocks - used.cardinality() - held.cardinality());
      }
      for (int block = 0; block < blocks; block++) {
        assertThat(allocator.allocated(FIRST + block)).isEqualTo(used.get(block));
      }
    }
  }

  @Test
  void aRunComesTogether() {
    Allocator allocator = allocator(4096);
    long[] addresses = new long[64];
    allocator.allocate(1, addresses, 0, 1);
    allocator.allocate(64, addresses, 0, 1);
    for (int i = 0; i < 64; i++) {
      assertThat(addresses[i]).isEqualTo(FIRST + 1 + i);
    }
  }

  @Test
  void aRunIsFoundInTheOnlyGap() {
    Allocator allocator = allocator(640);
    long[] addresses = new long[640];
    allocator.allocate(640, addresses, 0, 1);
    for (long block = 350; block < 382; block++) {
      allocator.free(FIRST + block, 2);
    }
    allocator.free(FIRST + 7, 2);
    allocator.allocate(32, addresses, 0, 3);
    for (int i = 0; i < 32; i++) {
      assertThat(addresses[i]).isEqualTo(FIRST + 350 + i);
    }
  }

  @Test
  void scatteredBlocksServeWhenThereIsNoRun() {
    Allocator allocator = allocator(640);
    long[] addresses = new long[640];
    allocator.allocate(640, addresses, 0, 1);
    for (long block = 0; block < 640; block += 2) {
      allocator.free(FIRST + block, 2);
    }
    allocator.allocate(320, addresses, 0, 3);
    assertThat(allocator.freeBlocks()).isZero();
    for (int i = 0; i < 320; i++) {
      assertThat((addresses[i] - FIRST) % 2).isZero();
    }
  }

  @Test
  void fullHeldAndTwiceFreedAreBugs() {
    Allocator allocator = allocator(100);
    long[] addresses = new long[100];
    allocator.allocate(100, addresses, 0, 1);
    assertThatThrownBy(() -> allocator.allocate(1, addresses, 0, 1))
        .isInstanceOf(Invariant.Broken.class);
    allocator.freeHeld(FIRST + 50, 2);
    assertThat(allocator.freeBlocks()).isZero();
    assertThatThrownBy(() -> allocator.allocate(1, addresses, 0, 3))
        .as("a held block is not given out")
        .isInstanceOf(Invariant.Broken.class);
    allocator.release(FIRST + 50);
    allocator.allocate(1, addresses, 0, 4);
    assertThat(addresses[0]).isEqualTo(FIRST + 50);
    allocator.free(FIRST + 50, 5);
    assertThatThrownBy(() -> allocator.free(FIRST + 50, 6)).isInstanceOf(Invariant.Broken.class);
    assertThatThrownBy(() -> allocator.release(FIRST + 50)).isInstanceOf(Invariant.Broken.class);
    assertThatThrownBy(() -> allocator.free(FIRST - 1, 6)).isInstanceOf(Invariant.Broken.class);
    assertThatThrownBy(() -> allocator.free(FIRST + 100, 6)).isInstanceOf(Invariant.Broken.class);
  }

  @Test
  void pagesAreCountedWithThoseAboveTheLeaves() {
    assertThat(Allocator.BLOCKS_PER_PAGE).isEqualTo(32_256);
    assertThat(Allocator.pagesFor(1)).isEqualTo(1);
    assertThat(Allocator.pagesFor(32_256)).isEqualTo(1);
    assertThat(Allocator.pagesFor(32_257)).isEqualTo(3);
    assertThat(Allocator.pagesFor(32_256L * 252)).isEqualTo(253);
    assertThat(Allocator.pagesFor(32_256L * 252 + 1)).isEqualTo(256);
  }

  /** Has an allocator remember what a drive had in use before: a bit each from the first block. */
  private static void remember(Allocator allocator, long... words) {
    DriveRig rig = new DriveRig(1, 64, 16 * 4096L);
    UUID id = new UUID(1, 2);
    PageCache before =
        new PageCache(rig.drive(), id, 0, rig.buffers(1, 4096)[0], what -> {}, address -> true);
    Root root = new Root(id, 0);
    PageRequest request = new PageRequest(page -> {});
    PageTree tree = new PageTree(before, PageFormat.KIND_BITMAP, 0, 1, root.bitmap());
    assertThat(tree.get(request, 0, true)).isTrue();
    Page page = request.page();
    for (int w = 0; w < words.length; w++) {
      page.setLong(PageFormat.HEADER_BYTES + 8L * w, words[w]);
    }
    page.markDirty(1);
    page.newAddress = 5;
    page.seal();
    rig.write(5, page.memory.asSlice(page.base, 4096));
    boolean[] loaded = new boolean[1];
    PageCache hints =
        PageCache.ofHints(rig.drive(), id, 0, rig.buffers(1, 4096)[0], address -> address > 0);
    allocator.loadFormer(hints, root.bitmap(), () -> loaded[0] = true);
    rig.settle();
    assertThat(loaded[0]).isTrue();
  }

  @Test
  void formerBlocksAreFreeAndGivenOutLast() {
    Allocator allocator = allocator(200);
    long[] addresses = new long[200];
    allocator.takeAt(FIRST + 3, 1);
    // Blocks 0 to 63 but for one that is in use by now, 70, and some beyond the end.
    remember(allocator, -1L, 1L << 6, 0, -1L);
    assertThat(allocator.formerBlocks()).isEqualTo(63 + 1 + 8);
    assertThat(allocator.freeBlocks()).isEqualTo(199);
    assertThat(allocator.isFormer(FIRST)).isTrue();
    assertThat(allocator.isFormer(FIRST + 3)).as("in use").isFalse();
    assertThat(allocator.isFormer(FIRST + 64)).isFalse();
    assertThat(allocator.isFormer(FIRST - 1)).as("elsewhere").isFalse();

    allocator.allocate(126, addresses, 0, 2);
    assertThat(allocator.formerBlocks()).isEqualTo(72);
    long another = allocator.reserve();
    assertThat(allocator.isFormer(another)).isFalse();
    assertThat(allocator.formerBlocks()).isEqualTo(72);

    // All others are taken: from here on they go.
    allocator.reserveFormer(FIRST + 9);
    assertThat(allocator.isFormer(FIRST + 9)).isFalse();
    assertThat(allocator.freeBlocks()).isEqualTo(71);
    allocator.allocate(71, addresses, 0, 3);
    assertThat(allocator.formerBlocks()).isZero();
    assertThat(allocator.freeBlocks()).isZero();
    for (int i = 0; i < 71; i++) {
      assertThat(addresses[i]).isNotIn(FIRST + 3, FIRST + 9, another);
    }
    allocator.takeReserved(FIRST + 9, 4);
    assertThat(allocator.inUse(FIRST + 9)).isTrue();
  }

  @Test
  void formerBlocksAreForgottenWhenTheyAreTakenOrDropped() {
    Allocator allocator = allocator(64);
    remember(allocator, 0xffL);
    allocator.takeAt(FIRST + 1, 1);
    allocator.free(FIRST + 1, 2);
    assertThat(allocator.isFormer(FIRST + 1)).as("something else was there").isFalse();
    allocator.dropFormer(FIRST + 2);
    assertThat(allocator.formerBlocks()).isEqualTo(6);
    allocator.reserveFormer(FIRST + 4);
    allocator.release(FIRST + 4);
    assertThat(allocator.isFormer(FIRST + 4)).isFalse();
    assertThatThrownBy(() -> allocator.reserveFormer(FIRST + 4))
        .isInstanceOf(Invariant.Broken.class);
    allocator.dropAllFormer();
    assertThat(allocator.formerBlocks()).isZero();
    assertThat(allocator.freeBlocks()).isEqualTo(64);
  }
}
