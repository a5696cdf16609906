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
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code tuff check}: sound and damaged arrays, and that it changes nothing. */
class CheckIT {
  @TempDir static Path made;
  @TempDir Path folder;

  @BeforeAll
  static void makeArray() throws IOException {
    byte[] content = new byte[3_000_001];
    new Random(1).nextBytes(content);
    Files.write(made.resolve("in"), content);
    TuffProcess.shell(
            made,
            "for i in 0 1 2 3 4; do fallocate -l 64M d$i.img; done; tuff='"
                + TuffProcess.ROOT.resolve("tuff")
                + "'; \"$tuff\" format d*.img; \"$tuff\" volume create v --size 8M; "
                + "\"$tuff\" put in v")
        .succeeds();
  }

  /** An array for each test to damage; copied, as making one takes longer. */
  @BeforeEach
  void copyArray() {
    TuffProcess.shell(
            folder,
            "cp --sparse=always '%1$s'/* . && sed -i 's|%1$s|%2$s|' tuff.toml"
                .formatted(made, folder))
        .succeeds();
  }

  private Map<String, String> contents() throws IOException {
    Map<String, String> contents = new TreeMap<>();
    for (int i = 0; i < 5; i++) {
      Path drive = folder.resolve("d" + i + ".img");
      if (Files.exists(drive)) {
        try (FileChannel channel = FileChannel.open(drive)) {
          contents.put("d" + i, Overwrites.sha256(channel, channel.size()));
        }
      }
    }
    return contents;
  }

  /** Runs it and checks that no drive has changed. */
  private TuffProcess check(String... arguments) throws IOException {
    String[] all = new String[arguments.length + 1];
    all[0] = "check";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    Map<String, String> before = contents();
    TuffProcess finished = TuffProcess.run(folder, all);
    assertThat(contents()).as("drives after the check").isEqualTo(before);
    return finished;
  }

  private static JsonNode json(TuffProcess finished) throws IOException {
    return new ObjectMapper().readTree(finished.out());
  }

  private long addressOfFirstBlock(int drive) throws IOException {
    JsonNode dumped =
        json(TuffProcess.run(folder, "dump", "map", "d" + drive + ".img", "-o", "json"));
    return dumped.get("d" + drive + ".img").get(0).get("address").asLong();
  }

  private void damage(int drive, long block) throws IOException {
    try (FileChannel image =
        FileChannel.open(folder.resolve("d" + drive + ".img"), StandardOpenOption.WRITE)) {
      image.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5}), block * 4096 + 1000);
    }
  }

  @Test
  void aSoundArray() throws IOException {
    assertThat(check().succeeds().out())
        .contains("stopped cleanly", "sound", "empty", "The array is sound.")
        .doesNotContain("findings");
    JsonNode report = json(check("-o", "json").succeeds());
    assertThat(report.get("sound").asBoolean()).isTrue();
    assertThat(report.get("stoppedCleanly").asBoolean()).isTrue();
    assertThat(report.get("drives")).hasSize(5);
    assertThat(report.get("drives").get(3).get("state").asText()).isEqualTo("sound");
    assertThat(report.get("drives").get(3).get("usedBlocks").asLong()).isGreaterThan(150);
    assertThat(report.get("volumes").asLong()).isEqualTo(1);
    assertThat(report.get("groups").asLong()).isBetween(183L, 192L);
    assertThat(report.get("findings")).isEmpty();
  }

  @Test
  void aVolumeThatIsNearlyEmptyIsCheckedByWhatIsInIt() throws IOException {
    TuffProcess.run(folder, "volume", "create", "thin", "--size", "1024T").succeeds();
    assertThat(json(check("-o", "json").succeeds()).get("volumes").asLong()).isEqualTo(2);
  }

  @Test
  void aDamagedBlock() throws IOException {
    damage(1, addressOfFirstBlock(1));
    TuffProcess finished = check();
    assertThat(finished.exitCode()).isEqualTo(1);
    assertThat(finished.err()).isEmpty();
    assertThat(finished.out())
        .contains(
            "1 damaged data and parity blocks",
            "1 of them made again by their groups",
            "drive 1 (",
            "has a wrong checksum; its group makes it again",
            "No data block is lost.");
    JsonNode report = json(check("-o", "json"));
    assertThat(report.get("sound").asBoolean()).isFalse();
    assertThat(report.get("drives").get(1).get("state").asText()).isEqualTo("damaged");
    assertThat(report.get("damagedBlocks").asLong()).isEqualTo(1);
    assertThat(report.get("repairableBlocks").asLong()).isEqualTo(1);
    assertThat(report.get("findings")).hasSize(1);
  }

  @Test
  void missingDrives() throws IOException {
    Files.delete(folder.resolve("d2.img"));
    TuffProcess finished = check();
    assertThat(finished.exitCode()).isEqualTo(1);
    assertThat(finished.err()).contains("warning: drive " + folder.resolve("d2.img"));
    assertThat(finished.out())
        .contains(
            "drive 2 is missing", "blocks out of reach made by their groups", "No data block is");
    Files.delete(folder.resolve("d4.img"));
    finished = check();
    assertThat(finished.exitCode()).isEqualTo(1);
    assertThat(finished.out()).contains("drive 4 is missing", "not all data can be read");
  }

  @Test
  void aDriveThatIsCutOff() throws IOException {
    try (FileChannel image = FileChannel.open(folder.resolve("d3.img"), StandardOpenOption.WRITE)) {
      image.truncate(32 << 20);
    }
    TuffProcess finished = check();
    assertThat(finished.exitCode()).isEqualTo(1);
    assertThat(finished.out()).contains("d3.img", "truncated", "drive 3 is missing");
    try (FileChannel image = FileChannel.open(folder.resolve("d3.img"), StandardOpenOption.WRITE)) {
      image.truncate(8192);
    }
    finished = check();
    assertThat(finished.exitCode()).isEqualTo(1);
    assertThat(finished.out()).contains("drive 3 is missing");
  }

  @Test
  void whatCannotBeChecked() throws IOException, InterruptedException {
    check("--drive", "in").refuses("in is not a drive of a Tuff array");
    check("--drive", "none.img").refuses("none.img: no such file");
    check("--drive", "d0.img", "--drive", "./d0.img").refuses("is named twice");
    check("--drive").isCalledWrongly("--drive");
    check("--repair").isCalledWrongly("Unknown option");
    Files.copy(folder.resolve("d0.img"), folder.resolve("copy.img"));
    check("--drive", "d0.img", "--drive", "copy.img").refuses("are both drive 0");
    Process holder =
        new ProcessBuilder(
                "flock",
                folder.resolve("d3.img").toString(),
                "sh",
                "-c",
                "echo held; exec sleep 60")
            .start();
    try {
      assertThat(holder.inputReader().readLine()).isEqualTo("held");
      check().refuses("d3.img is in use by");
    } finally {
      holder.descendants().forEach(ProcessHandle::destroy);
      holder.destroy();
      holder.waitFor();
    }
  }
}
