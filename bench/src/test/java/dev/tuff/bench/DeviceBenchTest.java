package dev.tuff.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/**
 * Tiny real runs on files under the build directory, as temporary directories may be without
 * O_DIRECT.
 */
class DeviceBenchTest {
  private Path directory;

  @BeforeEach
  void makeDirectory(TestInfo test) throws IOException {
    directory = Path.of("target", "bench-tests", test.getTestMethod().orElseThrow().getName());
    if (Files.exists(directory)) {
      try (var files = Files.list(directory)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
    }
    Files.createDirectories(directory);
  }

  private DeviceBench.Options options(
      List<Workload> workloads, Path target, boolean destructive, boolean fio) {
    return new DeviceBench.Options(
        target, directory, 16 << 20, workloads, 0.05, 2, 0.02, destructive, fio);
  }

  @Test
  void measuresEveryKindOfLoadAndAccountsForItsBytes() throws IOException {
    List<Workload> workloads = new ArrayList<>();
    for (Pattern pattern : Pattern.values()) {
      for (Direction direction : Direction.values()) {
        workloads.add(new Workload(pattern, direction, 4096, 3));
      }
    }
    workloads.add(new Workload(Pattern.SEQUENTIAL, Direction.WRITE, 1 << 20, 2));
    List<String> steps = new ArrayList<>();
    BenchReport report =
        DeviceBench.run(
            options(workloads, null, false, false),
            (what, done, total) -> steps.add(done + "/" + total));
    assertThat(report.comparisons()).hasSameSizeAs(workloads);
    for (int i = 0; i < workloads.size(); i++) {
      Series series = report.comparisons().get(i).series().getFirst();
      assertThat(series.repeats()).hasSize(2);
      for (Measurement m : series.repeats()) {
        boolean writes = workloads.get(i).direction() != Direction.READ;
        assertThat(m.operations()).isPositive();
        assertThat(m.bytes()).isEqualTo(m.operations() * workloads.get(i).blockBytes());
        assertThat(writes ? m.deviceWrittenBytes() : m.deviceReadBytes()).isEqualTo(m.bytes());
        assertThat(writes ? m.deviceReadBytes() : m.deviceWrittenBytes()).isZero();
        assertThat(m.latency().p50Nanos()).isPositive().isLessThanOrEqualTo(m.latency().p99Nanos());
        assertThat(m.peakResidentBytes()).isPositive();
      }
    }
    assertThat(steps).contains("0/15", "15/15");
    assertThat(report.table()).contains("4 KiB random durable write, depth 3");

    Path json = directory.resolve("out/report.json");
    report.writeJson(json);
    JsonNode root = new ObjectMapper().readTree(json.toFile());
    assertThat(root.path("comparisons")).hasSize(workloads.size());
    assertThat(root.path("environment").path("kernel").asText()).isNotEmpty();
    Path chart = directory.resolve("out/report.png");
    report.writeChart(chart);
    assertThat(ImageIO.read(chart.toFile()).getWidth()).isPositive();
    Files.delete(json);
    Files.delete(chart);
    Files.delete(json.getParent());
  }

  @Test
  void writingToAGivenFileNeedsPermission() throws IOException {
    Path target = directory.resolve("mine.img");
    ImageFile.make(target, 1 << 20);
    byte[] before = Files.readAllBytes(target);
    List<Workload> write = List.of(new Workload(Pattern.RANDOM, Direction.WRITE, 4096, 1));
    assertThatThrownBy(
            () -> DeviceBench.run(options(write, target, false, false), BenchProgress.SILENT))
        .isInstanceOf(BenchException.class)
        .hasMessageContaining("destroys");
    assertThat(Files.readAllBytes(target)).isEqualTo(before);
    DeviceBench.run(options(write, target, true, false), BenchProgress.SILENT);
    assertThat(Files.readAllBytes(target)).isNotEqualTo(before);
  }

  @Test
  void aMissingTargetIsOneSentence() {
    assertThatThrownBy(
            () ->
                DeviceBench.run(
                    options(List.of(), directory.resolve("no"), true, false), BenchProgress.SILENT))
        .isInstanceOf(BenchException.class)
        .hasMessageStartingWith("There is no ");
  }

  @Test
  void anImageIsWrittenOnceAndNeverHoldsZeroes() throws IOException {
    Path file = directory.resolve("drive.img");
    ImageFile.make(file, (4 << 20) + 4096);
    byte[] bytes = Files.readAllBytes(file);
    for (int at = 0; at < bytes.length; at += 512) {
      int or = 0;
      for (int i = at; i < at + 512; i++) {
        or |= bytes[i];
      }
      assertThat(or).isNotZero();
    }
    Object before = Files.getLastModifiedTime(file);
    ImageFile.make(file, (4 << 20) + 4096);
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(before);
  }

  @Test
  void knowsAFileSystemWhenItSeesOne() throws IOException {
    Path file = directory.resolve("drive.img");
    byte[] drive = new byte[256 << 10];
    Files.write(file, drive);
    assertThat(DriveGuard.content(file)).isEmpty();
    drive[1080] = 0x53;
    drive[1081] = (byte) 0xEF;
    Files.write(file, drive);
    assertThat(DriveGuard.content(file)).hasValue("an ext file system");
    Files.write(file, new byte[512]);
    assertThat(DriveGuard.content(file)).isEmpty();
  }

  @Test
  void fioRunsInTurn() {
    org.junit.jupiter.api.Assumptions.assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/fio")), "fio is not installed: its run is not tested");
    BenchReport report =
        DeviceBench.run(
            options(
                List.of(new Workload(Pattern.RANDOM, Direction.READ, 4096, 4)), null, false, true),
            BenchProgress.SILENT);
    Comparison comparison = report.comparisons().getFirst();
    assertThat(comparison.series()).extracting(Series::name).containsExactly("tuff", "fio");
    assertThat(comparison.ratios())
        .extracting(Ratio::name)
        .containsExactly("throughput / fio", "CPU per op / fio");
    assertThat(comparison.ratios().getFirst().values()).hasSize(2).allMatch(v -> v > 0);
  }
}
