package dev.tuff.iom.cache;

import static dev.tuff.iom.object.PageFormat.LONG;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.device.IoMemory;
import dev.tuff.iom.support.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BlockCacheTest {
  private static BlockCache cache(int blocks) {
    return new BlockCache(IoMemory.plain((long) blocks * 4096).buffers(1, blocks * 4096)[0]);
  }

  /** A block whose first and last words say which version of which address it is. */
  private static void stamp(MemorySegment block, long offset, long address, long version) {
    block.set(LONG, offset, address);
    block.set(LONG, offset + 4088, version);
  }

  @Test
  void aHitIsTheLastPutAndADropForgets() {
    for (int seed = 0; seed < 20; seed++) {
      Random random = new Random(seed);
      int capacity = 1 + random.nextInt(40);
      int addresses = 1 + random.nextInt(3 * capacity);
      BlockCache cache = cache(capacity);
      Map<Long, Long> model = new HashMap<>();
      MemorySegment memory = Bytes.blocks(2);
      long hits = 0;
      long gets = 0;
      for (int step = 0; step < 5000; step++) {
        // Multiples of a power of two collide in a bad hash.
        long address = (1 + random.nextInt(addresses)) * 4096L;
        long offset = random.nextInt(2) * 4096L;
        switch (random.nextInt(10)) {
          case 0 -> {
            if (seed % 2 == 0) {
              continue;
            }
            cache.drop(address);
            model.remove(address);
          }
          case 1, 2, 3, 4 -> {
            // Sometimes a read that was overtaken brings an older version.
            long id = Math.max(1, step - random.nextInt(200));
            stamp(memory, offset, address, id);
            cache.put(address, id, memory, offset);
            model.merge(address, id, Math::max);
          }
          default -> {
            memory.fill((byte) 0);
            gets++;
            long id = model.getOrDefault(address, 1L) - random.nextInt(2);
            if (cache.get(address, id, memory, offset)) {
              hits++;
              assertThat(memory.get(LONG, offset)).as("seed %d", seed).isEqualTo(address);
              assertThat(memory.get(LONG, offset + 4088)).as("seed %d", seed).isEqualTo(id);
            } else if (addresses <= capacity && seed % 2 == 0) {
              assertThat(model.getOrDefault(address, -1L))
                  .as("seed %d: all fit, nothing was dropped", seed)
                  .isNotEqualTo(id);
            }
          }
        }
      }
      assertThat(cache.hits()).isEqualTo(hits).isPositive();
      assertThat(cache.misses()).isEqualTo(gets - hits);
    }
  }

  @Test
  void aDroppedBlockIsGoneForItsWriterToo() {
    BlockCache cache = cache(4);
    MemorySegment block = Bytes.block();
    cache.put(9, 5, block, 0);
    assertThat(cache.get(9, 5, block, 0)).isTrue();
    cache.drop(9);
    cache.drop(9);
    assertThat(cache.get(9, 5, block, 0)).isFalse();
  }

  @Test
  void anOverwrittenVersionIsNotServedAndDoesNotComeBack() {
    BlockCache cache = cache(4);
    MemorySegment block = Bytes.block();
    cache.put(9, 5, block, 0);
    cache.put(9, 7, block, 0);
    assertThat(cache.get(9, 5, block, 0)).isFalse();
    cache.put(9, 6, block, 0);
    assertThat(cache.get(9, 6, block, 0)).isFalse();
    assertThat(cache.get(9, 7, block, 0)).isTrue();
  }

  @Test
  void aMissLeavesTheTargetAlone() {
    MemorySegment target = Bytes.block();
    target.set(LONG, 0, 77);
    assertThat(cache(4).get(5, 1, target, 0)).isFalse();
    assertThat(target.get(LONG, 0)).isEqualTo(77);
  }

  @Test
  void whatIsUsedStaysBeforeWhatIsNot() {
    BlockCache cache = cache(8);
    MemorySegment block = Bytes.block();
    for (long address = 1; address <= 8; address++) {
      cache.put(address, 1, block, 0);
    }
    // A stream of blocks used once washes out all but the one that is asked for again and again.
    for (long address = 100; address < 200; address++) {
      assertThat(cache.get(3, 1, block, 0)).isTrue();
      cache.put(address, 1, block, 0);
    }
    assertThat(cache.get(3, 1, block, 0)).isTrue();
    assertThat(cache.get(1, 1, block, 0)).isFalse();
  }
}
