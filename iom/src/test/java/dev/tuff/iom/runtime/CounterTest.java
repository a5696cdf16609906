package dev.tuff.iom.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CounterTest {
  @Test
  void addsUp() {
    Counter counter = new Counter();
    assertThat(counter.get()).isZero();
    counter.add(5);
    counter.add(-7);
    assertThat(counter.get()).isEqualTo(-2);
  }

  @Test
  void anotherThreadSeesItRiseAndNeverFall() throws InterruptedException {
    Counter counter = new Counter();
    long[] last = new long[1];
    Thread reader =
        new Thread(
            () -> {
              long before = 0;
              while (before < 1_000_000) {
                long now = counter.get();
                if (now < before) {
                  return;
                }
                before = now;
              }
              last[0] = before;
            });
    reader.start();
    for (int i = 0; i < 1_000_000; i++) {
      counter.add(1);
    }
    reader.join();
    assertThat(last[0]).isEqualTo(1_000_000);
  }
}
