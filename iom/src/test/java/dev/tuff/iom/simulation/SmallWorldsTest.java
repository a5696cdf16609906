package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Short workloads, cut at every event; {@code tuff simulate --exhaustive} runs all of them. */
class SmallWorldsTest {
  /** Of the workloads of two and three requests, so that it takes well under a minute. */
  private static final int ONE_IN = 60;

  @Test
  void everyWorldKeepsItsPromises() {
    SmallWorlds.Report report = SmallWorlds.run(ONE_IN, Runtime.getRuntime().availableProcessors());
    System.out.printf("%d small worlds of %d workloads%n", report.worlds(), report.workloads());
    assertThat(report.failure()).isNull();
    assertThat(report.worlds()).isGreaterThan(3000);
  }
}
