package dev.tuff.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class ParityBenchTest {
  @Test
  void measuresEveryWorkBesideThePlainTwin() {
    BenchReport report =
        ParityBench.run(ParityBench.Options.defaults().quick(), BenchProgress.SILENT);
    assertThat(report.comparisons()).hasSize(8);
    for (Comparison comparison : report.comparisons()) {
      assertThat(comparison.series().getFirst().name()).isEqualTo("tuff");
      assertThat(comparison.series())
          .allMatch(s -> s.spread(Measurement::bytesPerSecond).min() > 0);
    }
    assertThat(report.comparisons().getFirst().ratios())
        .extracting(Ratio::name)
        .containsExactly("bytes per CPU second / plain Java");
  }

  @Test
  void alternatesWithC() {
    assumeTrue(
        Files.exists(Path.of("/usr/bin/gcc")) && Files.exists(Path.of("/usr/include/isa-l.h")),
        "gcc or libisal-dev is not installed: the C peer is not tested");
    ParityBench.Options options = new ParityBench.Options(List.of(4096), 0.01, 2, false, true);
    BenchReport report = ParityBench.run(options, BenchProgress.SILENT);
    assertThat(report.comparisons()).allMatch(c -> c.series().get(1).name().equals("C"));
    assertThat(report.comparisons().getFirst().ratios().getFirst().goal())
        .isEqualTo(Goal.atLeast(0.85));
  }

  @Test
  void oddBuffersAreRefused() {
    assertThatThrownBy(() -> new ParityBench.Options(List.of(100), 1, 1, true, false))
        .isInstanceOf(BenchException.class)
        .hasMessageContaining("multiple of 64");
  }
}
