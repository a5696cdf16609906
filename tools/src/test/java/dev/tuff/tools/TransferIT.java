package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TransferIT {
  @TempDir Path folder;

  @BeforeEach
  void makeArray() {
    TuffProcess.shell(
            folder,
            "for i in 0 1 2 3 4; do fallocate -l 64M \"d $i.img\"; done; "
                + "tuff="
                + quoted(TuffProcess.ROOT.resolve("tuff"))
                + "; "
                + "\"$tuff\" format d*.img; \"$tuff\" volume create v --size 32M")
        .succeeds();
  }

  private static String quoted(Path path) {
    return "'" + path.toString().replace("'", "'\\''") + "'";
  }

  private static JsonNode json(TuffProcess finished) throws IOException {
    return new ObjectMapper().readTree(finished.succeeds().out());
  }

  @Test
  void filesOfAnySizeComeBack() throws IOException {
    for (int bytes : new int[] {1, 4097, 20_000_001}) {
      byte[] content = new byte[bytes];
      new Random(bytes).nextBytes(content);
      Files.write(folder.resolve("in"), content);
      JsonNode put = json(TuffProcess.run(folder, "put", "in", "v", "-o", "json"));
      JsonNode got =
          json(TuffProcess.run(folder, "get", "v", "out", "--size", "" + bytes, "-o", "json"));
      assertThat(folder.resolve("out")).hasBinaryContent(content);
      assertThat(got.get("sha256")).isEqualTo(put.get("sha256"));
      assertThat(put.get("bytes").asInt()).isEqualTo(bytes);
    }
  }

  @Test
  void aVolumeIsDeletedWhenThatIsAgreedTo() throws IOException {
    byte[] content = new byte[5_000_001];
    new Random(2).nextBytes(content);
    Files.write(folder.resolve("in"), content);
    TuffProcess.run(folder, "put", "in", "v").succeeds();
    TuffProcess.run(folder, "volume", "delete", "v").refuses("--yes");
    assertThat(json(TuffProcess.run(folder, "volume", "list", "-o", "json"))).hasSize(1);
    JsonNode deleted =
        json(TuffProcess.run(folder, "volume", "delete", "v", "--yes", "-o", "json"));
    assertThat(deleted.get("freedBytes").asLong()).isGreaterThanOrEqualTo(content.length);
    assertThat(json(TuffProcess.run(folder, "volume", "list", "-o", "json"))).isEmpty();
    TuffProcess.run(folder, "volume", "delete", "v", "--yes").refuses("no volume named v");
    TuffProcess.run(folder, "check").succeeds();
    TuffProcess plain =
        TuffProcess.run(folder, "volume", "create", "v", "--size", "8M", "--protect", "3+0");
    assertThat(plain.succeeds().out()).contains("no redundancy");
  }

  @Test
  void aVolumeIsReadWithAnyDriveMissing() throws IOException {
    byte[] content = new byte[5_000_001];
    new Random(1).nextBytes(content);
    Files.write(folder.resolve("in"), content);
    TuffProcess.run(folder, "put", "in", "v").succeeds();
    for (int drive = 0; drive < 5; drive++) {
      Path there = folder.resolve("d " + drive + ".img");
      Path away = folder.resolve("away");
      Files.move(there, away);
      TuffProcess got = TuffProcess.run(folder, "get", "v", "out", "--size", "5000001").succeeds();
      assertThat(got.err()).contains("warning: drive " + there + " is missing");
      assertThat(folder.resolve("out")).hasBinaryContent(content);
      if (drive == 4) {
        aVolumeIsWrittenWithADriveMissing();
      }
      Files.move(away, there);
    }
    assertThat(TuffProcess.run(folder, "status").succeeds().out())
        .contains("stale", "no more loss");
    TuffProcess.run(folder, "get", "v", "out", "--size", "3000001").succeeds();
    assertThat(folder.resolve("out")).hasSameBinaryContentAs(folder.resolve("in"));
  }

  private void aVolumeIsWrittenWithADriveMissing() throws IOException {
    byte[] content = new byte[3_000_001];
    new Random(2).nextBytes(content);
    Files.write(folder.resolve("in"), content);
    TuffProcess.run(folder, "put", "in", "v").succeeds();
    TuffProcess.run(folder, "get", "v", "out", "--size", "3000001").succeeds();
    assertThat(folder.resolve("out")).hasBinaryContent(content);
  }

  @Test
  void whatWasNeverWrittenReadsAsZeros() throws IOException {
    TuffProcess.run(folder, "get", "v", "out").succeeds();
    assertThat(folder.resolve("out")).hasBinaryContent(new byte[32 << 20]);
  }

  @Test
  void statusListAndDumpsAreTablesAndJson() throws IOException {
    assertThat(TuffProcess.run(folder, "status").succeeds().out())
        .contains("healthy", "4+1", "online", "32 MiB");
    JsonNode status = json(TuffProcess.run(folder, "status", "-o", "json"));
    assertThat(status.get("drives")).hasSize(5);
    assertThat(status.get("volumes").get(0).get("sizeBytes").asLong()).isEqualTo(32 << 20);
    assertThat(TuffProcess.run(folder, "volume", "list").succeeds().out())
        .contains("VOLUME", "32 MiB");
    assertThat(
            json(TuffProcess.run(folder, "volume", "list", "-o", "json"))
                .get(0)
                .get("name")
                .asText())
        .isEqualTo("v");
    for (String what : new String[] {"superblock", "journal", "map"}) {
      TuffProcess.run(folder, "dump", what).succeeds();
      assertThat(json(TuffProcess.run(folder, "dump", what, "d 2.img", "-o", "json"))).hasSize(1);
    }
  }
}
