package dev.tuff.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RebuildBenchTest {
  private static RebuildBench.Options options(int parityMembers) {
    return new RebuildBench.Options(
        Path.of("target/bench-tests/rebuild"),
        List.of(),
        false,
        2,
        parityMembers,
        64 << 20,
        4,
        0.1,
        1);
  }

  private static RebuildBench.Options on(List<Path> drives, boolean destructive) {
    return new RebuildBench.Options(
        Path.of("target/bench-tests/rebuild"), drives, destructive, 2, 1, 64 << 20, 4, 0.1, 1);
  }

  @Test
  void takesDrivesThatAreNamedAndLeavesThemWithoutALabel(@TempDir Path folder) throws Exception {
    List<Path> drives = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Path drive = folder.resolve("d" + i);
      ImageFile.make(drive, 64 << 20);
      drives.add(drive);
    }
    byte[] before = Files.readAllBytes(drives.getFirst());
    assertThatThrownBy(() -> RebuildBench.run(on(drives, false), BenchProgress.SILENT))
        .hasMessageContaining("--destructive");
    assertThatThrownBy(() -> RebuildBench.run(on(drives.subList(1, 4), true), BenchProgress.SILENT))
        .hasMessageContaining("3 drives were named; give 4");
    assertThat(Files.readAllBytes(drives.getFirst())).isEqualTo(before);

    RebuildReport report = RebuildBench.run(on(drives, true), BenchProgress.SILENT);

    assertThat(report.cases().getFirst().runs())
        .allSatisfy(run -> assertThat(run.rebuildBytesPerSecond()).isPositive());
    for (Path drive : drives) {
      assertThat(Files.readAllBytes(drive)).isNotEqualTo(before).startsWith(new byte[1 << 20]);
    }
  }

  @Test
  void measuresRebuildsIdleAndBesideALoadByEachPolicy() {
    RebuildReport report = RebuildBench.run(options(1), BenchProgress.SILENT);

    assertThat(report.cases())
        .extracting(RebuildCase::label)
        .containsExactly("idle", "load, service first", "load, balanced", "load, rebuild first");
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
              for (LoadRate rate : List.of(run.whole(), run.degraded(), run.beside())) {
                assertThat(rate.readsPerSecond()).isPositive();
                assertThat(rate.writesPerSecond()).isPositive();
              }
            });
    assertThat(report.table()).contains("/ raw rebuild").contains("of degraded");
    assertThat(report.json()).contains("rawRebuildBytesPerSecond").contains("loadDegraded");
  }

  @Test
  void withoutParityNothingIsRebuilt() {
    assertThatThrownBy(() -> options(0))
        .isInstanceOf(BenchException.class)
        .hasMessageContaining("parity");
  }
}
