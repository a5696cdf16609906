package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What an admin goes through in the life of an array, with the real command under a load that
 * verifies: drives fail in service, the machine crashes meanwhile, drives are replaced and rebuilt
 * under load, scrubbed, and others fail.
 */
class DriveFailureIT {
  @TempDir Path folder;
  private Process running;

  @AfterEach
  void leaveNothingBehind() throws Exception {
    if (running != null) {
      running.destroyForcibly().waitFor();
    }
  }

  private void makeArray(String protection, int drives) {
    List<String> format = new ArrayList<>(List.of("format", "--protect", protection));
    for (int i = 0; i < drives; i++) {
      format.add(image("d" + i));
    }
    TuffProcess.run(folder, format.toArray(String[]::new)).succeeds();
    TuffProcess.run(folder, "volume", "create", "v", "--size", "32M").succeeds();
  }

  private String image(String name) {
    TuffProcess.shell(folder, "fallocate -l 96M " + name + ".img").succeeds();
    return name + ".img";
  }

  private TuffProcess load(String seconds, String... more) {
    List<String> arguments =
        new ArrayList<>(List.of("load", "v", "--acks", "acks", "--seconds", seconds));
    arguments.addAll(List.of(more));
    return TuffProcess.run(folder, arguments.toArray(String[]::new)).succeeds();
  }

  /** A load that is killed in its middle. */
  private void killedLoad(String... more) throws Exception {
    List<String> arguments =
        new ArrayList<>(List.of("load", "v", "--acks", "acks", "--seconds", "60"));
    arguments.addAll(List.of(more));
    long before = Files.size(folder.resolve("acks"));
    Path complaints = folder.resolve("err");
    running = TuffProcess.begin(folder, complaints, arguments.toArray(String[]::new));
    // It verifies what is there first, and then writes on.
    while (Files.size(folder.resolve("acks")) <= before + 4000) {
      assertThat(running.isAlive()).as(Files.readString(complaints)).isTrue();
      TimeUnit.MILLISECONDS.sleep(5);
    }
    TimeUnit.MILLISECONDS.sleep(500);
    running.destroyForcibly().waitFor();
  }

  private void verify() {
    assertThat(TuffProcess.run(folder, "load", "v", "--verify", "acks").succeeds().out())
        .contains("all sound");
  }

  private JsonNode status() throws IOException {
    return new ObjectMapper()
        .readTree(TuffProcess.run(folder, "status", "-o", "json").succeeds().out());
  }

  private int lossesSurvived() throws IOException {
    return status().get("volumes").get(0).get("lossesSurvived").asInt();
  }

  private void requireWhole() throws IOException {
    assertThat(TuffProcess.run(folder, "check").succeeds().out()).contains("The array is sound");
    assertThat(status().get("state").asText()).isEqualTo("healthy");
  }

  @Test
  void aDriveFailsIsReplacedAndAnotherFails() throws Exception {
    makeArray("4+1", 5);
    load("3", "--fail", "2");
    assertThat(lossesSurvived()).isZero();
    assertThat(status().get("drives").get(2).get("state").asText()).isEqualTo("stale");
    killedLoad();
    verify();

    String spare = image("n1");
    TuffProcess.run(folder, "drive", "replace", "2", spare, "--no-wait").succeeds();
    killedLoad();
    load("3");
    TuffProcess.run(folder, "rebuild", "--policy", "rebuild").succeeds();
    assertThat(lossesSurvived()).isEqualTo(1);
    requireWhole();
    JsonNode scrubbed =
        new ObjectMapper()
            .readTree(TuffProcess.run(folder, "scrub", "-o", "json").succeeds().out());
    assertThat(scrubbed.get("damaged").asLong()).isZero();
    assertThat(scrubbed.get("drives")).hasSize(5);

    load("3", "--fail", "0");
    verify();
    TuffProcess.run(folder, "drive", "replace", "0", image("n2")).succeeds();
    requireWhole();
    verify();
  }

  @Test
  void twoDrivesFailAtOnceAndAThirdWhenTheFirstIsRebuilt() throws Exception {
    makeArray("4+2", 6);
    load("3", "--fail", "1", "--fail", "4");
    assertThat(lossesSurvived()).isZero();
    killedLoad();
    TuffProcess.run(folder, "drive", "replace", "1", image("n1")).succeeds();
    assertThat(lossesSurvived()).isEqualTo(1);
    load("3", "--fail", "0");
    assertThat(lossesSurvived()).isZero();
    verify();
    TuffProcess.run(folder, "drive", "replace", "0", image("n2")).succeeds();
    TuffProcess.run(folder, "drive", "replace", "4", image("n3")).succeeds();
    assertThat(lossesSurvived()).isEqualTo(2);
    requireWhole();
    verify();
  }

  /** A service that has lost a drive takes a spare by itself, and others by hand. */
  @Test
  void aServiceTakesSparesAndOtherDrives() throws Exception {
    makeArray("4+1", 5);
    load("1");
    String spare = image("s1");
    TuffProcess.run(folder, "drive", "add", spare, "--spare").succeeds();
    TuffProcess.run(folder, "drive", "add", spare, "--spare").refuses("names", "already");
    TuffProcess.run(folder, "drive", "add", spare).refuses("is a spare", "tuff drive remove");
    TuffProcess.run(folder, "drive", "remove", "d1.img").refuses("is a drive of the array");
    assertThat(TuffProcess.run(folder, "drive", "locate", "1").succeeds().out())
        .contains("image file", "d1.img");

    Path log = folder.resolve("log");
    running =
        TuffProcess.beginLogged(folder, log, "serve", "--all", "--shards", "2", "--unix", "s.sock");
    awaitLine(log, " ready, ");
    TuffProcess.run(folder, "drive", "fail", "1").succeeds();
    awaitLine(log, "is the spare");
    TuffProcess.run(folder, "rebuild", "--policy", "rebuild").succeeds();
    awaitLine(log, "drive 1 has everything now");
    assertThat(lossesSurvived()).isEqualTo(1);
    assertThat(Files.readString(folder.resolve("tuff.toml")))
        .contains("s1.img")
        .doesNotContain("d1.img", "spares");
    TuffProcess.run(folder, "drive", "replace", "7", image("n1")).refuses("Drive 7 is not missing");
    TuffProcess.run(folder, "drive", "replace", "3", "n1.img").refuses("Drive 3 is not missing");
    TuffProcess.run(folder, "drive", "replace", "3", "d1.img", "--fail")
        .refuses("belongs to array");
    assertThat(lossesSurvived()).isEqualTo(1);
    TuffProcess.run(folder, "drive", "fail", "3").succeeds();
    assertThat(TuffProcess.run(folder, "status").succeeds().out())
        .contains("drive 3 was taken out of service", "no more loss");
    TuffProcess.run(folder, "drive", "replace", "3", "n1.img").succeeds();
    TuffProcess.run(folder, "drive", "replace", "3", "d1.img", "--fail", "--force").succeeds();
    assertThat(TuffProcess.run(folder, "drive", "list").succeeds().out())
        .contains("s1.img", "d1.img")
        .doesNotContain("n1.img", "rebuilding", "failed");
    running.toHandle().destroy();
    assertThat(running.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(running.exitValue()).as(Files.readString(log)).isZero();
    requireWhole();
    verify();
  }

  /** A drive that was only away comes back, in service and at rest, and most of it is kept. */
  @Test
  void aStaleDriveComesBackAndKeepsWhatItHas() throws Exception {
    makeArray("4+1", 5);
    load("2");
    Path log = folder.resolve("log");
    running =
        TuffProcess.beginLogged(folder, log, "serve", "--all", "--shards", "2", "--unix", "s.sock");
    awaitLine(log, " ready, ");
    TuffProcess.run(folder, "drive", "fail", "1").succeeds();
    TuffProcess.run(folder, "drive", "replace", "1", "d1.img")
        .refuses("was drive 1 up to now", "--force");
    assertThat(
            TuffProcess.run(folder, "drive", "replace", "1", "d1.img", "--force").succeeds().out())
        .contains("drive 1 returns; what has not changed on it is kept", "d1.img now");
    running.toHandle().destroy();
    assertThat(running.waitFor(60, TimeUnit.SECONDS)).isTrue();
    requireWhole();
    verify();

    // A service that is started without it takes it in again as it is.
    Files.move(folder.resolve("d3.img"), folder.resolve("away.img"));
    running =
        TuffProcess.beginLogged(folder, log, "serve", "--all", "--shards", "2", "--unix", "s.sock");
    awaitLine(log, " ready, ");
    Files.move(folder.resolve("away.img"), folder.resolve("d3.img"));
    assertThat(TuffProcess.run(folder, "drive", "replace", "3", "d3.img").succeeds().out())
        .contains("drive 3 returns");
    running.toHandle().destroy();
    assertThat(running.waitFor(60, TimeUnit.SECONDS)).isTrue();
    requireWhole();
    verify();

    TuffProcess.run(folder, "load", "v", "--acks", "acks", "--seconds", "1", "--fail", "4")
        .succeeds();
    assertThat(status().get("drives").get(4).get("state").asText()).isEqualTo("stale");
    JsonNode back =
        new ObjectMapper()
            .readTree(
                TuffProcess.run(folder, "drive", "replace", "4", "d4.img", "-o", "json")
                    .succeeds()
                    .out());
    assertThat(back.get("returns").asBoolean()).isTrue();
    assertThat(back.get("keptBytes").asLong()).isPositive();
    assertThat(back.get("lostBlocks").asLong()).isZero();
    requireWhole();
    verify();

    // And one that is not trusted is made anew as a whole.
    load("1", "--fail", "0");
    assertThat(
            TuffProcess.run(folder, "drive", "replace", "0", "d0.img", "--from-nothing")
                .succeeds()
                .out())
        .doesNotContain("returns", "kept")
        .contains("and everything is on it");
    requireWhole();
    assertThat(TuffProcess.run(folder, "scrub").succeeds().out()).isNotEmpty();
    verify();
  }

  private void awaitLine(Path log, String text) throws Exception {
    while (!Files.readString(log).contains(text)) {
      assertThat(running.isAlive()).as(Files.readString(log)).isTrue();
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }
}
