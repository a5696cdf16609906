package dev.tuff.iom.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import dev.tuff.iom.runtime.Invariant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BufferPoolTest {
  private static BufferPool pool(int count) {
    return new BufferPool(IoMemory.plain(count * 8192L).buffers(count, 8192));
  }

  @Test
  void givesItsBuffersThenLetsWaitInOrder() {
    BufferPool pool = pool(2);
    assertThat(pool.bufferBytes()).isEqualTo(8192);
    List<String> order = new ArrayList<>();
    IoBuffer first = pool.take(b -> order.add("never"));
    IoBuffer second = pool.take(b -> order.add("never"));
    assertThat(first).isNotNull().isNotSameAs(second);
    assertThat(pool.take(b -> order.add("a"))).isNull();
    assertThat(pool.take(b -> order.add("b"))).isNull();
    assertThat(pool.freeCount()).isZero();
    pool.give(first);
    assertThat(order).containsExactly("a");
    pool.give(second);
    assertThat(order).containsExactly("a", "b");
    assertThat(pool.freeCount()).isZero();
    pool.give(first);
    pool.give(second);
    assertThat(pool.freeCount()).isEqualTo(pool.total()).isEqualTo(2);
  }

  @Test
  void oneGivenBackTwiceIsABug() {
    BufferPool pool = pool(1);
    IoBuffer buffer = pool.take(b -> {});
    pool.give(buffer);
    assertThatThrownBy(() -> pool.give(buffer)).isInstanceOf(Invariant.Broken.class);
  }

  @Test
  void aWaiterMayAskAgainAtOnceAndComesLast() {
    BufferPool pool = pool(1);
    List<String> order = new ArrayList<>();
    IoBuffer buffer = pool.take(b -> {});
    pool.take(
        b -> {
          order.add("first");
          assertThat(pool.take(again -> order.add("first again"))).isNull();
        });
    pool.take(b -> order.add("second"));
    pool.give(buffer);
    pool.give(buffer);
    pool.give(buffer);
    assertThat(order).containsExactly("first", "second", "first again");
  }

  @Test
  void noBufferIsOutTwiceAndAllComeBack() {
    for (int seed = 0; seed < 50; seed++) {
      Random random = new Random(seed);
      BufferPool pool = pool(1 + random.nextInt(6));
      List<IoBuffer> out = new ArrayList<>();
      ArrayDeque<Integer> waiting = new ArrayDeque<>();
      for (int step = 0; step < 500; step++) {
        if (random.nextBoolean() && waiting.size() < 20) {
          int asker = step;
          IoBuffer taken =
              pool.take(
                  b -> {
                    assertThat(waiting.poll()).isEqualTo(asker);
                    assertThat(out).doesNotContain(b);
                    out.add(b);
                  });
          if (taken == null) {
            waiting.add(asker);
          } else {
            assertThat(waiting).isEmpty();
            assertThat(out).doesNotContain(taken);
            out.add(taken);
          }
        } else if (!out.isEmpty()) {
          pool.give(out.remove(random.nextInt(out.size())));
        }
        assertThat(pool.freeCount() + out.size()).as("seed %d", seed).isEqualTo(pool.total());
        assertThat(waiting.isEmpty() || pool.freeCount() == 0).as("seed %d", seed).isTrue();
      }
    }
  }
}
