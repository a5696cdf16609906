package dev.tuff.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tuff.iom.volume.Toughness;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class NbdBenchTest {
  private static NbdBench.Options options(long volumeBytes) {
    return new NbdBench.Options(
        Path.of("target/bench-tests/nbd"), 2, 1, 128 << 20, volumeBytes, Toughness.TAKEN, 0.1, 1);
  }

  @Test
  void measuresBothServersInTurn() {
    boolean there =
        Files.isExecutable(Path.of("/usr/bin/qemu-nbd"))
            && Files.isExecutable(Path.of("/usr/bin/fio"));
    if (!there) {
      System.out.println("NbdBenchTest: skipped, package qemu-utils or fio is missing");
    }
    assumeTrue(there, "package qemu-utils or fio is missing");
    BenchReport report = NbdBench.run(options(64 << 20), BenchProgress.SILENT);
    assertThat(report.comparisons()).hasSize(10);
    for (Comparison comparison : report.comparisons()) {
      assertThat(comparison.series()).extracting(Series::name).containsExactly("tuff", "qemu-nbd");
      assertThat(comparison.series())
          .allMatch(s -> s.spread(Measurement::operationsPerSecond).min() > 0);
      boolean reads = comparison.name().contains(" read");
      assertThat(comparison.ratios().getFirst().goal()).isEqualTo(reads ? Goal.atLeast(1.0) : null);
    }
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    assertThatThrownBy(() -> options(1000))
        .isInstanceOf(BenchException.class)
        .hasMessageContaining("at least 64");
  }
}
