package dev.tuff.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.iom.volume.Toughness;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ArrayBenchTest {
  @Test
  void limitsAreThoseOfTheDesign() {
    // 5 drives, 4+1: a fifth of what is written is parity.
    assertThat(Limits.fullStripeWrite(1000, 4, 1)).isEqualTo(800);
    assertThat(Limits.cachedOverwrite(44_000, 1)).isEqualTo(22_000);
    // 2 reads of 1/100,000 s and 2 writes of 1/50,000 s.
    assertThat(Limits.readFirstOverwrite(50_000, 100_000, 1))
        .isCloseTo(16_666.7, org.assertj.core.data.Offset.offset(0.1));
    assertThat(Limits.readFirstOverwrite(50_000, 100_000, 2))
        .isCloseTo(11_111.1, org.assertj.core.data.Offset.offset(0.1));
  }

  @Test
  void measuresAnArrayInTurnWithItsRawDrives() {
    List<ArrayWorkload> workloads =
        List.of(
            ArrayWorkload.write(Pattern.SEQUENTIAL, 1 << 20, 3, Toughness.HARDENED),
            ArrayWorkload.write(
                Pattern.RANDOM, 4096, 8, Toughness.HARDENED, Toughness.TAKEN, Toughness.NONE),
            ArrayWorkload.read(Pattern.RANDOM, 4096, 8),
            ArrayWorkload.write(Pattern.RANDOM, 4096, 1, Toughness.HARDENED));
    ArrayBench.Options options =
        new ArrayBench.Options(
            Path.of("target/bench-tests/array"),
            2,
            1,
            0,
            64 << 20,
            32 << 20,
            0,
            0,
            false,
            workloads,
            0.1,
            2,
            0.05,
            false);
    List<String> steps = new ArrayList<>();
    BenchReport report =
        ArrayBench.run(options, (what, done, total) -> steps.add(done + "/" + total));

    assertThat(report.comparisons()).hasSize(4);
    Comparison sequential = report.comparisons().getFirst();
    assertThat(sequential.series())
        .extracting(Series::name)
        .containsExactly("tuff T2", "raw write, flushed", "raw durable write", "raw write");
    assertThat(sequential.ratios())
        .extracting(Ratio::name)
        .containsExactly(
            "throughput / flushed limit",
            "throughput / durable limit",
            "throughput / plain limit",
            "Java bytes per op");
    // One load: the goal is tied to the raw drives that had everything on the medium.
    assertThat(sequential.ratios().stream().filter(r -> r.goal() != null).map(Ratio::name))
        .containsExactly("throughput / flushed limit", "Java bytes per op");
    assertThat(sequential.ratios().getFirst().goal()).isEqualTo(Goal.atLeast(0.75));
    for (Measurement m : sequential.series().get(1).repeats()) {
      // Three drives, each flushed at least once in the measured time; nothing read or lost.
      assertThat(m.flushes()).isGreaterThanOrEqualTo(3);
      assertThat(m.flushes() % 3).isZero();
      assertThat(m.deviceWrittenBytes()).isEqualTo(m.bytes());
    }
    assertThat(sequential.series().get(3).repeats()).allMatch(m -> m.flushes() == 0);
    for (Measurement m : sequential.series().getFirst().repeats()) {
      // Two data members and a parity: at least half as much again as the user wrote.
      assertThat(m.writeAmplification()).isGreaterThanOrEqualTo(1.5);
    }
    assertThat(report.comparisons().get(1).series())
        .extracting(Series::name)
        .containsExactly("tuff T2", "tuff T1", "tuff T0", "raw durable write", "raw read");
    assertThat(report.comparisons().get(1).ratios())
        .extracting(Ratio::name)
        .containsExactly("IOPS / limit, cached", "IOPS / limit, read first", "Java bytes per op");
    assertThat(report.comparisons().get(1).ratios().stream().filter(r -> r.goal() != null))
        .hasSize(2);
    for (Comparison comparison : report.comparisons()) {
      for (Series series : comparison.series()) {
        assertThat(series.repeats()).hasSize(2).allMatch(m -> m.operations() > 0);
      }
    }
    assertThat(steps).contains("0/30", "30/30");
    assertThat(report.environment().settings())
        .containsEntry("protection", "2+1")
        .containsEntry("volume", "32 MiB");
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    assertThatThrownBy(() -> ArrayWorkload.write(Pattern.RANDOM, 4096, 1))
        .isInstanceOf(BenchException.class);
    Workload durable = new Workload(Pattern.RANDOM, Direction.DURABLE_WRITE, 4096, 1);
    assertThatThrownBy(() -> new ArrayWorkload(durable, List.of(Toughness.HARDENED)))
        .isInstanceOf(BenchException.class)
        .hasMessageContaining("toughness");
  }

  @Test
  void measuresAnArrayThatHasLostADriveInTurnWithAWholeOne() {
    List<ArrayWorkload> workloads =
        List.of(
            ArrayWorkload.write(Pattern.RANDOM, 4096, 8, Toughness.HARDENED),
            ArrayWorkload.read(Pattern.RANDOM, 4096, 8));
    ArrayBench.Options options =
        new ArrayBench.Options(
            Path.of("target/bench-tests/array"),
            2,
            1,
            0,
            64 << 20,
            32 << 20,
            0,
            0,
            false,
            workloads,
            0.1,
            2,
            0.05,
            true);
    BenchReport report = ArrayBench.run(options, (what, done, total) -> {});

    assertThat(report.comparisons()).hasSize(2);
    assertThat(report.comparisons().getFirst().series())
        .extracting(Series::name)
        .containsExactly("degraded T2", "whole T2");
    for (Comparison comparison : report.comparisons()) {
      assertThat(comparison.series().getFirst().repeats().getFirst().operations()).isPositive();
      assertThat(comparison.ratios()).hasSize(1);
      assertThat(comparison.ratios().getFirst().values()).allMatch(ratio -> ratio > 0);
    }
  }
}
