package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code tuff scrub} on image files whose bytes were changed behind its back. */
class ScrubIT {
  @TempDir Path folder;
  private Process running;

  @BeforeEach
  void makeArray() throws IOException {
    byte[] content = new byte[2_000_000];
    new Random(2).nextBytes(content);
    Files.write(folder.resolve("in"), content);
    TuffProcess.shell(
            folder,
            "for i in 0 1 2 3 4; do fallocate -l 64M d$i.img; done; tuff='"
                + TuffProcess.ROOT.resolve("tuff")
                + "'; \"$tuff\" format d*.img; \"$tuff\" volume create v --size 8M; "
                + "\"$tuff\" put in v")
        .succeeds();
  }

  private static JsonNode json(TuffProcess finished) throws IOException {
    return new ObjectMapper().readTree(finished.out());
  }

  /** Changes a byte of the drive's first block of that kind. */
  private void rot(int drive, String kind) throws IOException {
    JsonNode map = json(TuffProcess.run(folder, "dump", "map", "d" + drive + ".img", "-o", "json"));
    for (JsonNode entry : map.get("d" + drive + ".img")) {
      if (entry.get("member").asText().startsWith(kind)) {
        try (FileChannel file =
            FileChannel.open(folder.resolve("d" + drive + ".img"), StandardOpenOption.WRITE)) {
          file.write(
              ByteBuffer.wrap(new byte[] {1, 2, 3}), entry.get("address").asLong() * 4096 + 1000);
        }
        return;
      }
    }
    throw new AssertionError("no " + kind + " on drive " + drive);
  }

  @Test
  void scrubRepairsWhatHasRotted() throws IOException {
    rot(1, "data");
    rot(3, "parity");
    assertThat(TuffProcess.run(folder, "check").exitCode()).isEqualTo(1);
    JsonNode report = json(TuffProcess.run(folder, "scrub", "-o", "json").succeeds());
    assertThat(report.get("damaged").asLong()).isEqualTo(2);
    assertThat(report.get("repaired").asLong()).isEqualTo(2);
    assertThat(report.get("lost").asLong()).isZero();
    TuffProcess.run(folder, "check").succeeds();
    assertThat(TuffProcess.run(folder, "scrub", "--rate", "500M").succeeds().out())
        .contains("Nothing was damaged.");
  }

  @Test
  void aDegradedArrayIsReadAndNotRepaired() throws IOException {
    Files.move(folder.resolve("d4.img"), folder.resolve("gone"));
    JsonNode report = json(TuffProcess.run(folder, "scrub", "-o", "json").succeeds());
    assertThat(report.get("damaged").asLong()).isZero();
    assertThat(report.get("drives")).hasSize(4);
  }

  @Test
  void aScrubThatWasStoppedGoesOnWhereItWas() throws IOException {
    // 48 blocks a second: two minutes for the whole, so that it is stopped on its way.
    JsonNode stopped =
        json(
            TuffProcess.run(folder, "scrub", "--rate", "192K", "--minutes", "0.02", "-o", "json")
                .succeeds());
    assertThat(stopped.get("finished").asBoolean()).isFalse();
    JsonNode noted =
        new ObjectMapper().readTree(Files.readAllBytes(folder.resolve("tuff-scrub.json")));
    long before = 0;
    for (JsonNode drive : noted.get("drives")) {
      before += drive.get("blocks").asLong();
    }
    assertThat(before).isPositive();
    JsonNode report = json(TuffProcess.run(folder, "scrub", "-o", "json").succeeds());
    JsonNode whole = json(TuffProcess.run(folder, "scrub", "-o", "json").succeeds());
    assertThat(report.get("finished").asBoolean()).isTrue();
    assertThat(report.get("blocks").asLong())
        .isEqualTo(whole.get("blocks").asLong())
        .isGreaterThan(before);
    assertThat(whole.get("unconfirmed").asLong()).isZero();
    JsonNode ended =
        new ObjectMapper().readTree(Files.readAllBytes(folder.resolve("tuff-scrub.json")));
    assertThat(ended.get("drives")).isEmpty();
    assertThat(ended.get("last").get("blocks").asLong()).isEqualTo(whole.get("blocks").asLong());
    assertThat(TuffProcess.run(folder, "status").succeeds().out())
        .contains("last scrub ended", "nothing damaged; none is planned");
  }

  private void serve(Path log) throws Exception {
    running = TuffProcess.beginLogged(folder, log, "serve", "--all", "--unix", "s.sock");
    awaitLine(log, " ready, ");
  }

  private void awaitLine(Path log, String text) throws Exception {
    while (!Files.readString(log).contains(text)) {
      assertThat(running.isAlive()).as(Files.readString(log)).isTrue();
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  private void stop(Path log) throws Exception {
    running.toHandle().destroy();
    assertThat(running.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(running.exitValue()).as(Files.readString(log)).isZero();
  }

  private void schedule(String table) throws IOException {
    Files.writeString(
        folder.resolve("tuff.toml"), "\n[scrub]\n" + table, StandardOpenOption.APPEND);
  }

  /** Rot that nobody has read is found and repaired without anybody asking for it. */
  @Test
  void aServiceScrubsByItsSchedule() throws Exception {
    rot(1, "data");
    rot(3, "parity");
    schedule("every = \"2s\"\n");
    Path log = folder.resolve("log");
    serve(log);
    awaitLine(log, "2 blocks damaged, 2 repaired, 0 lost; next one due ");
    assertThat(Files.readString(log))
        .contains(
            "scrub begins",
            "scrub: drive 1 had 1 damaged blocks, 1 of them repaired, 0 lost",
            "scrub: drive 3 had 1 damaged blocks, 1 of them repaired, 0 lost");
    awaitLine(log, "read, nothing damaged; next one due ");
    JsonNode scrub = json(TuffProcess.run(folder, "status", "-o", "json").succeeds()).get("scrub");
    assertThat(scrub.get("last").get("damaged").asLong()).isZero();
    assertThat(scrub.get("nextDue").asText()).isNotEmpty();
    assertThat(TuffProcess.run(folder, "status").succeeds().out()).contains("last scrub ended");
    assertThat(TuffProcess.run(folder, "scrub").succeeds().out()).contains("Nothing was damaged.");
    TuffProcess.run(folder, "scrub", "--rate", "1M")
        .refuses("a service runs for this array and scrubs it as its array file says");
    stop(log);
    TuffProcess.run(folder, "check").succeeds();
    assertThat(TuffProcess.run(folder, "status").succeeds().out())
        .contains("last scrub ended", "nothing damaged; next one due ");
  }

  @Test
  void aServiceGoesOnWhereItWas() throws Exception {
    // Some minutes for the whole.
    schedule("every = \"1h\"\nrate = \"192K\"\n");
    Path log = folder.resolve("log");
    serve(log);
    awaitLine(log, "scrub begins");
    TimeUnit.SECONDS.sleep(2);
    assertThat(TuffProcess.run(folder, "status").succeeds().out())
        .contains("no scrub has come to its end yet; one is under way, ");
    stop(log);
    assertThat(Files.readString(log)).contains("read; it goes on there");
    long before = 0;
    for (JsonNode drive :
        new ObjectMapper()
            .readTree(Files.readAllBytes(folder.resolve("tuff-scrub.json")))
            .get("drives")) {
      before += drive.get("blocks").asLong();
    }
    assertThat(before).isPositive();
    Path second = folder.resolve("log2");
    serve(second);
    awaitLine(second, "scrub goes on where it was, ");
    stop(second);
  }

  @Test
  void aBadScheduleIsRefused() throws IOException {
    schedule("every = \"often\"\n");
    TuffProcess.run(folder, "serve", "--all", "--unix", "s.sock")
        .refuses("'every' in [scrub]: 'often' is no duration");
  }

  @AfterEach
  void leaveNothingBehind() throws InterruptedException {
    if (running != null) {
      running.destroyForcibly().waitFor();
    }
  }
}
