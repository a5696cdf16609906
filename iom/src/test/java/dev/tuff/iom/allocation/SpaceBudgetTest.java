package dev.tuff.iom.allocation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SpaceBudgetTest {
  @Test
  void reservesAllOrNothing() {
    SpaceBudget budget = new SpaceBudget(10);
    assertThat(budget.tryReserve(7)).isTrue();
    assertThat(budget.tryReserve(4)).isFalse();
    assertThat(budget.available()).isEqualTo(3);
    assertThat(budget.tryReserve(3)).isTrue();
    assertThat(budget.tryReserve(1)).isFalse();
    budget.give(2);
    assertThat(budget.available()).isEqualTo(2);
  }

  @Test
  void metadataMayOverdrawItAndThenNothingIsPromised() {
    SpaceBudget budget = new SpaceBudget(1);
    budget.give(-3);
    assertThat(budget.available()).isEqualTo(-2);
    assertThat(budget.tryReserve(1)).isFalse();
    budget.give(3);
    assertThat(budget.tryReserve(1)).isTrue();
  }

  @Test
  void twoThreadsNeverTakeMoreThanThereIs() throws InterruptedException {
    SpaceBudget budget = new SpaceBudget(100_000);
    long[] taken = new long[2];
    Thread[] threads = new Thread[2];
    for (int t = 0; t < 2; t++) {
      int thread = t;
      threads[t] =
          new Thread(
              () -> {
                for (int i = 0; i < 60_000; i++) {
                  if (budget.tryReserve(1 + i % 3)) {
                    taken[thread] += 1 + i % 3;
                  }
                }
              });
      threads[t].start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(taken[0] + taken[1] + budget.available()).isEqualTo(100_000);
    assertThat(budget.available()).isGreaterThanOrEqualTo(0);
  }

  @Test
  void whatIsKeptForReplacingIsForThatOnly() {
    SpaceBudget budget = new SpaceBudget(10);
    budget.keepForReplacing(4);
    assertThat(budget.available()).isEqualTo(6);
    assertThat(budget.tryReserve(7)).isFalse();
    assertThat(budget.tryReserve(6)).isTrue();
    assertThat(budget.tryReserve(1)).isFalse();
    assertThat(budget.tryReserveToReplace(5)).isFalse();
    assertThat(budget.tryReserveToReplace(4)).isTrue();
    budget.give(4);
    assertThat(budget.tryReserve(1)).isFalse();
    budget.give(1);
    assertThat(budget.tryReserve(1)).isTrue();
  }
}
