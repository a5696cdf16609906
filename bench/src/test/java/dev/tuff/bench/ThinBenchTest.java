package dev.tuff.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ThinBenchTest {
  private static ThinBench.Options options(List<Long> volumes) {
    return new ThinBench.Options(
        Path.of("target/bench-tests/thin"), 2, 1, 64 << 20, volumes, 8, 0, 0.1, 2, 0.05);
  }

  @Test
  void measuresVolumesOfSeveralSizesInTurn() {
    BenchReport report =
        ThinBench.run(options(List.of(16L << 20, 1L << 30, 1L << 40)), BenchProgress.SILENT);

    assertThat(report.comparisons()).hasSize(2);
    for (Comparison comparison : report.comparisons()) {
      assertThat(comparison.series())
          .extracting(Series::name)
          .containsExactly("16 MiB", "1 GiB", "1 TiB");
      assertThat(comparison.series())
          .allMatch(s -> s.repeats().size() == 2)
          .allMatch(s -> s.spread(Measurement::operationsPerSecond).min() > 0);
      assertThat(comparison.ratios())
          .extracting(Ratio::name)
          .containsExactly(
              "CPU per op, 1 GiB / 16 MiB",
              "IOPS, 1 GiB / 16 MiB",
              "CPU per op, 1 TiB / 16 MiB",
              "IOPS, 1 TiB / 16 MiB");
      assertThat(comparison.ratios()).extracting(Ratio::goal).contains(Goal.atMost(1.5));
    }
    assertThat(report.notes()).anyMatch(note -> note.startsWith("1 TiB: "));
  }

  @Test
  void readsFindWhatWasDrawn() {
    Scatter scatter = new Scatter(1L << 28, 2);
    assertThatThrownBy(() -> scatter.drawAgain(0, 5)).isInstanceOf(BenchException.class);
    Set<Long> drawn = new HashSet<>();
    for (int i = 0; i < 1000; i++) {
      drawn.add(scatter.draw(1));
    }
    assertThat(drawn).hasSizeGreaterThan(990).allMatch(block -> block >= 0 && block < 1L << 28);
    for (long random = Long.MIN_VALUE; random < Long.MAX_VALUE - (1L << 55); random += 1L << 55) {
      assertThat(drawn).contains(scatter.drawAgain(1, random));
    }
    assertThat(scatter.drawn()).isEqualTo(1000);
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    assertThatThrownBy(() -> options(List.of(1L << 30)))
        .isInstanceOf(BenchException.class)
        .hasMessageContaining("two or more");
  }
}
