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
            stamp(memory, offset, address, step);
            cache.put(address, memory, offset);
            model.put(address, (long) step);
          }
          default -> {
            memory.fill((byte) 0);
            gets++;
            if (cache.get(address, memory, offset)) {
              hits++;
              assertThat(memory.get(LONG, offset)).as("seed %d", seed).isEqualTo(address);
              assertThat(model)
                  .as("seed %d", seed)
                  .containsEntry(address, memory.get(LONG, offset + 4088));
            } else if (addresses <= capacity && seed % 2 == 0) {
              assertThat(model)
                  .as("seed %d: all fit, nothing was dropped", seed)
                  .doesNotContainKey(address);
            }
          }
        }
      }
      assertThat(cache.hits()).isEqualTo(hits).isPositive();
      assertThat(cache.misses()).isEqualTo(gets - hits);
    }
  }

  @Test
  void aMissLeavesTheTargetAlone() {
    MemorySegment target = Bytes.block();
    target.set(LONG, 0, 77);
    assertThat(cache(4).get(5, target, 0)).isFalse();
    assertThat(target.get(LONG, 0)).isEqualTo(77);
  }

  @Test
  void whatIsUsedStaysBeforeWhatIsNot() {
    BlockCache cache = cache(8);
    MemorySegment block = Bytes.block();
    for (long address = 1; address <= 8; address++) {
      cache.put(address, block, 0);
    }
    // A stream of blocks used once washes out all but the one that is asked for again and again.
    for (long address = 100; address < 200; address++) {
      assertThat(cache.get(3, block, 0)).isTrue();
      cache.put(address, block, 0);
    }
    assertThat(cache.get(3, block, 0)).isTrue();
    assertThat(cache.get(1, block, 0)).isFalse();
  }
}
