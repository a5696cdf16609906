package dev.tuff.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class FioPeerTest {
  @Test
  void readsWhatFioSaysOfRandomReads() throws IOException {
    Measurement m = FioPeer.parse(sample("fio-randread.json"), false);
    assertThat(m.operations()).isEqualTo(56728);
    assertThat(m.bytes()).isEqualTo(232357888L);
    assertThat(m.seconds()).isEqualTo(0.501);
    // 7.2 % + 74.6 % of 500 ms
    assertThat(m.cpuSeconds()).isEqualTo(0.409000, within(1e-5));
    assertThat(m.latency().p50Nanos()).isEqualTo(230400);
    assertThat(m.latency().p99Nanos()).isEqualTo(1908736);
    assertThat(m.latency().p999Nanos()).isEqualTo(4685824);
  }

  @Test
  void readsWhatFioSaysOfDurableWrites() throws IOException {
    Measurement m = FioPeer.parse(sample("fio-dsync-write.json"), true);
    assertThat(m.operations()).isEqualTo(1362);
    assertThat(m.bytes()).isEqualTo(1428160512L);
    assertThat(m.seconds()).isEqualTo(0.501);
    // 6.4 % + 14.4 % of 500 ms
    assertThat(m.cpuSeconds()).isEqualTo(0.104000, within(1e-5));
    assertThat(m.latency().p50Nanos()).isEqualTo(2932736);
    assertThat(m.latency().p99Nanos()).isEqualTo(5406720);
    assertThat(m.latency().p999Nanos()).isEqualTo(6324224);
  }

  @Test
  void warningsBeforeTheJsonDoNotMatter() throws IOException {
    String text = "fio: some warning\n" + sample("fio-randread.json");
    assertThat(FioPeer.parse(text, false))
        .isEqualTo(FioPeer.parse(sample("fio-randread.json"), false));
  }

  @Test
  void aJobThatDidNothingIsRefused() throws IOException {
    String text = sample("fio-randread.json");
    assertThatThrownBy(() -> FioPeer.parse(text, true)).isInstanceOf(BenchException.class);
    assertThatThrownBy(() -> FioPeer.parse("fio: nothing here", false))
        .isInstanceOf(BenchException.class);
    assertThatThrownBy(() -> FioPeer.parse("{\"jobs\":[{\"error\":5}]}", false))
        .isInstanceOf(BenchException.class)
        .hasMessageContaining("error 5");
  }

  @Test
  void asksFioForTheSameLoad() {
    List<String> command =
        new FioPeer(Path.of("a:b.img"), 1 << 20)
            .command(
                new Workload(Pattern.RANDOM, Direction.DURABLE_WRITE, 4096, 32),
                2.5,
                Path.of("out.json"));
    assertThat(command)
        .contains(
            "--filename=a\\:b.img",
            "--size=1048576",
            "--ioengine=io_uring",
            "--direct=1",
            "--rw=randwrite",
            "--bs=4096",
            "--iodepth=32",
            "--sync=dsync",
            "--norandommap=1",
            "--runtime=2500ms",
            "--time_based=1");
    assertThat(FioPeer.options(new Workload(Pattern.SEQUENTIAL, Direction.READ, 1 << 20, 8)))
        .contains("--rw=read", "--bs=1048576", "--iodepth=8")
        .doesNotContain("--sync=dsync", "--norandommap=1");
  }

  private static String sample(String name) throws IOException {
    try (InputStream in = FioPeerTest.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
