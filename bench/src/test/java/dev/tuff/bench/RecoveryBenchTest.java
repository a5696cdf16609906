package dev.tuff.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class RecoveryBenchTest {
  /** The process that is killed. */
  static final class Child {
    private Child() {}

    public static void main(String... drives) {
      RecoveryBench.loadUntilKilled(Arrays.stream(drives).map(Path::of).toList(), 60, System.out);
    }
  }

  private static List<String> child(Class<?> main) {
    String modules = System.getProperty("jdk.module.path", "");
    String classes = System.getProperty("java.class.path", "");
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED",
        "-Xmx128m",
        "-cp",
        String.join(File.pathSeparator, modules, classes, "target/test-classes", "target/classes"),
        main.getName());
  }

  private static RecoveryBench.Options options(List<String> child) {
    return new RecoveryBench.Options(
        Path.of("target/bench-tests/recovery"),
        child,
        2,
        1,
        List.of(64L << 20),
        List.of(1L << 30),
        List.of(4L << 20),
        0.2,
        2);
  }

  @Test
  void startsWhatWasKilled() throws Exception {
    RecoveryReport report = RecoveryBench.run(options(child(Child.class)), BenchProgress.SILENT);

    assertThat(report.cases()).hasSize(1);
    RecoveryCase only = report.cases().getFirst();
    assertThat(only.label()).isEqualTo("drives 64 MiB, volume 1 GiB, journal 4 MiB");
    assertThat(only.runs()).hasSize(2).allMatch(run -> run.records() > 0 && run.seconds() > 0);
    assertThat(report.table()).contains("records", only.label());
    assertThat(report.json()).contains("\"groups\"", "\"journalBytes\" : 4194304");
    Path chart = Path.of("target/bench-tests/recovery/recovery.png");
    report.writeChart(chart);
    assertThat(Files.size(chart)).isPositive();
  }

  @Test
  void aLoadThatDoesNotStartIsAnError() {
    List<String> nothing = List.of("/bin/echo", "no");
    assertThatThrownBy(() -> RecoveryBench.run(options(nothing), BenchProgress.SILENT))
        .isInstanceOf(BenchException.class)
        .hasMessageContaining("did not start");
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    assertThatThrownBy(
            () ->
                new RecoveryBench.Options(
                    Path.of("x"), List.of("x"), 2, 1, List.of(), List.of(), List.of(), 1, 1))
        .isInstanceOf(BenchException.class);
  }
}
