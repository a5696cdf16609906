package dev.tuff.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class RebuildBenchTest {
  private static RebuildBench.Options options(int parityMembers) {
    return new RebuildBench.Options(
        Path.of("target/bench-tests/rebuild"), 2, parityMembers, 64 << 20, 4, 0.1, 1);
  }

  @Test
  void measuresRebuildsIdleAndBesideALoadByEachPolicy() {
    RebuildReport report = RebuildBench.run(options(1), BenchProgress.SILENT);

    assertThat(report.cases())
        .extracting(RebuildCase::label)
        .containsExactly(
            "idle", "load, service first", "load, balanced first", "load, rebuild first");
    assertThat(report.cases())
        .flatExtracting(RebuildCase::runs)
        .allSatisfy(
            run -> {
              assertThat(run.rawBytesPerSecond()).isPositive();
              assertThat(run.rawFlushedBytesPerSecond()).isPositive();
              assertThat(run.rawRebuildBytesPerSecond()).isPositive();
            });
    assertThat(report.cases().getFirst().runs())
        .allSatisfy(run -> assertThat(run.rebuildBytesPerSecond()).isPositive());
    assertThat(report.cases().subList(1, 4))
        .flatExtracting(RebuildCase::runs)
        .allSatisfy(
            run -> {
              assertThat(run.aloneOperationsPerSecond()).isPositive();
              assertThat(run.besideOperationsPerSecond()).isPositive();
            });
    assertThat(report.table()).contains("/ raw rebuild");
    assertThat(report.json()).contains("rawRebuildBytesPerSecond");
  }

  @Test
  void withoutParityNothingIsRebuilt() {
    assertThatThrownBy(() -> options(0))
        .isInstanceOf(BenchException.class)
        .hasMessageContaining("parity");
  }
}
