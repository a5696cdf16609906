package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The real command, killed with SIGKILL at random moments, also while it recovers, and with drives
 * lost in the same accident: everything acknowledged is there afterwards. The page cache and the
 * drive's survive such a kill; lost caches are the simulator's business.
 *
 * <p>Again with the same random numbers, as far as the machine's own timing allows: {@code
 * -Dtuff.crash.seed=NUMBER}.
 */
class CrashIT {
  private static final int KILLS = 14;
  private static final long SEED = Long.getLong("tuff.crash.seed", new Random().nextInt(1 << 30));

  @TempDir Path folder;
  private Random random;
  private final List<Path> loops = new ArrayList<>();
  private Process running;
  private int kills;
  private int killsWhileStarting;
  private int recoveries;

  @BeforeEach
  void seed(TestInfo test) {
    random = new Random(SEED);
    System.out.println(
        "CrashIT " + test.getDisplayName() + ": again with -Dtuff.crash.seed=" + SEED);
  }

  @AfterEach
  void leaveNothingBehind() throws Exception {
    if (running != null) {
      running.destroyForcibly().waitFor();
    }
    for (Path loop : loops) {
      answer("losetup", "--detach", loop.toString());
    }
  }

  // ---- under load

  @Test
  void whatWasAcknowledgedSurvivesKills() throws Exception {
    makeArray("4+1", images(5, 96));
    long began = System.nanoTime();
    killUnderLoad(KILLS);
    assertThat(recoveries).as("starts that had something to recover").isGreaterThan(KILLS / 2);
    System.out.printf(
        "CrashIT: %d kills, %d of them while it started, %d recoveries, %.0f s%n",
        kills, killsWhileStarting, recoveries, (System.nanoTime() - began) / 1e9);
  }

  @Test
  void theSameOnBlockDevices() throws Exception {
    List<Path> drives = new ArrayList<>();
    for (Path image : images(5, 64)) {
      drives.add(loop(image));
    }
    makeArray("3+2", drives);
    killUnderLoad(3);
    assertThat(recoveries).isPositive();
  }

  /** Kills it so many times, and verifies every time in one way or the other. */
  private void killUnderLoad(int times) throws Exception {
    Path acks = folder.resolve("acks");
    for (int i = 0; i < times; i++) {
      long acknowledged = Files.exists(acks) ? Files.size(acks) : 0;
      begin("load", "v", "--acks", "acks", "--seconds", "60");
      boolean whileStarting = i % 3 == 2;
      if (whileStarting) {
        awaitDrives();
        TimeUnit.MILLISECONDS.sleep(random.nextInt(400));
      } else {
        // A load that goes on verifies before it writes: that it writes says that all was there.
        awaitGrowth(acks, acknowledged);
        TimeUnit.MILLISECONDS.sleep(random.nextInt(1500));
      }
      kill();
      killsWhileStarting += whileStarting ? 1 : 0;
      if (i % 4 == 1) {
        verify();
      }
    }
    verify();
    check();
    // And it is an array as before.
    TuffProcess.run(folder, "load", "v", "--acks", "acks", "--seconds", "0.5").succeeds();
    verify();
  }

  @ParameterizedTest
  @CsvSource({"4+1, 1", "3+2, 2"})
  void drivesLostInTheSameAccident(String protection, int lost) throws Exception {
    List<Path> drives = images(5, 96);
    makeArray(protection, drives);
    begin("load", "v", "--acks", "acks", "--seconds", "60");
    awaitGrowth(folder.resolve("acks"), 0);
    TimeUnit.MILLISECONDS.sleep(500 + random.nextInt(1500));
    kill();
    List<Path> shuffled = new ArrayList<>(drives);
    Collections.shuffle(shuffled, random);
    List<Path> gone = shuffled.subList(0, lost);
    for (Path drive : gone) {
      Files.move(drive, away(drive));
    }
    // To look decides nothing.
    TuffProcess.run(folder, "status").refuses("was not stopped cleanly, and drive", "missing");
    TuffProcess.run(folder, "volume", "list").refuses("bring back what you can");
    TuffProcess degraded = verify();
    assertThat(degraded.err()).contains("not stopped cleanly; recovered in");
    for (Path drive : gone) {
      assertThat(degraded.err()).contains("drive " + drive + " is missing");
    }
    for (Path drive : gone) {
      Files.move(away(drive), drive);
    }
    TuffProcess back = verify();
    JsonNode status = json(TuffProcess.run(folder, "status", "-o", "json"));
    assertThat(status.get("state").asText()).isEqualTo("degraded");
    assertThat(status.get("recovery").get("stoppedCleanly").asBoolean()).isTrue();
    for (Path drive : gone) {
      assertThat(back.err()).contains("warning: drive " + drive + " is stale: it missed what was");
      JsonNode shown = status.get("drives").get(drives.indexOf(drive));
      assertThat(shown.get("state").asText()).isEqualTo("stale");
      assertThat(shown.get("path").asText()).isEqualTo(drive.toString());
    }
    TuffProcess.run(folder, "load", "v", "--acks", "acks", "--seconds", "1").succeeds();
    verify();
  }

  // ---- other commands

  @Test
  void aVolumeIsThereOrNotWhenItsMakingIsKilled() throws Exception {
    makeArray("4+1", images(5, 64));
    byte[] content = content(100_000);
    Files.write(folder.resolve("in"), content);
    int there = 0;
    int attempts = 4;
    for (int i = 0; i < attempts; i++) {
      String name = "w" + i;
      begin("volume", "create", name, "--size", "1M");
      awaitDrives();
      TimeUnit.MILLISECONDS.sleep(random.nextInt(300));
      kill();
      boolean found = false;
      for (JsonNode volume : json(TuffProcess.run(folder, "volume", "list", "-o", "json"))) {
        found |= volume.get("name").asText().equals(name);
      }
      there += found ? 1 : 0;
      if (!found) {
        TuffProcess.run(folder, "volume", "create", name, "--size", "1M").succeeds();
      }
      TuffProcess.run(folder, "put", "in", name).succeeds();
      TuffProcess.run(folder, "get", name, "out", "--size", "100000").succeeds();
      assertThat(folder.resolve("out")).hasBinaryContent(content);
    }
    check();
    System.out.printf("CrashIT: %d of %d volumes were there after the kill%n", there, attempts);
  }

  @Test
  void aKilledPutLeavesEachBlockOldOrNew() throws Exception {
    makeArray("4+1", images(5, 96));
    int bytes = 48 << 20;
    byte[] old = content(bytes);
    Files.write(folder.resolve("in"), old);
    TuffProcess.run(folder, "put", "in", "v").succeeds();
    byte[] written = content(bytes);
    Files.write(folder.resolve("in"), written);
    for (int i = 0; i < 4; i++) {
      begin("put", "in", "v");
      awaitDrives();
      TimeUnit.MILLISECONDS.sleep(random.nextInt(900));
      kill();
      TuffProcess.run(folder, "get", "v", "out", "--size", "" + bytes).succeeds();
      byte[] found = Files.readAllBytes(folder.resolve("out"));
      for (int at = 0; at < bytes; at += LoadBlock.BYTES) {
        int end = at + LoadBlock.BYTES;
        assertThat(
                Arrays.equals(found, at, end, old, at, end)
                    || Arrays.equals(found, at, end, written, at, end))
            .as("block at %d is the old or the new one", at)
            .isTrue();
      }
    }
    check();
    TuffProcess.run(folder, "put", "in", "v").succeeds();
    TuffProcess.run(folder, "get", "v", "out", "--size", "" + bytes).succeeds();
    assertThat(folder.resolve("out")).hasBinaryContent(written);
  }

  // ---- what the tests are made of

  private List<Path> images(int count, int mebibytes) throws Exception {
    List<Path> images = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Path image = folder.resolve("d" + i + ".img");
      assertThat(answer("fallocate", "-l", mebibytes + "M", image.toString())).isEmpty();
      images.add(image);
    }
    return images;
  }

  /** A loop device, or the test is skipped and says why. */
  private Path loop(Path image) throws Exception {
    String answer =
        Files.isWritable(Path.of("/dev/loop-control"))
            ? answer("losetup", "--find", "--show", image.toString())
            : "no right to make loop devices here";
    boolean had = answer.startsWith("/dev/loop");
    if (!had) {
      System.out.println("CrashIT: no block devices tried: " + answer);
    }
    assumeTrue(had, answer);
    Path loop = Path.of(answer);
    loops.add(loop);
    return loop;
  }

  private void makeArray(String protection, List<Path> drives) {
    List<String> format = new ArrayList<>(List.of("format", "--protect", protection));
    drives.forEach(drive -> format.add(drive.toString()));
    TuffProcess.run(folder, format.toArray(String[]::new)).succeeds();
    TuffProcess.run(folder, "volume", "create", "v", "--size", "48M").succeeds();
  }

  private static Path away(Path drive) {
    return drive.resolveSibling(drive.getFileName() + ".away");
  }

  private byte[] content(int bytes) {
    byte[] content = new byte[bytes];
    random.nextBytes(content);
    return content;
  }

  private Path complaints() {
    return folder.resolve("err");
  }

  private void begin(String... arguments) throws IOException {
    running = TuffProcess.begin(folder, complaints(), arguments);
  }

  /** SIGKILL, also when it has ended by itself. */
  private void kill() throws Exception {
    running.destroyForcibly().waitFor();
    kills++;
    String said = Files.readString(complaints());
    recoveries += said.contains("recovered in") ? 1 : 0;
    // It may have been killed in mid-start, or have done what it had to; but it never complained.
    assertThat(said.lines().filter(line -> !line.startsWith("tuff: the array was not stopped")))
        .as("complaints of the killed process")
        .isEmpty();
  }

  /** Until it has opened the array's drives. */
  private void awaitDrives() throws Exception {
    Path open = Path.of("/proc/" + running.pid() + "/fd");
    while (running.isAlive()) {
      try (var descriptors = Files.newDirectoryStream(open)) {
        for (Path descriptor : descriptors) {
          if (Files.readSymbolicLink(descriptor).toString().matches(".*/(d4\\.img|loop\\d+)")) {
            return;
          }
        }
      } catch (NoSuchFileException | java.nio.file.DirectoryIteratorException gone) {
        // It was closed, or the process has ended: the next look tells.
        Thread.onSpinWait();
      }
    }
  }

  private void awaitGrowth(Path file, long bytes) throws Exception {
    while (!Files.exists(file) || Files.size(file) <= bytes) {
      assertThat(running.isAlive())
          .as("the load runs until it is killed; it said: %s", Files.readString(complaints()))
          .isTrue();
      TimeUnit.MILLISECONDS.sleep(5);
    }
  }

  private TuffProcess verify() {
    TuffProcess verified = TuffProcess.run(folder, "load", "v", "--verify", "acks").succeeds();
    assertThat(verified.out()).contains("all sound");
    recoveries += verified.err().contains("recovered in") ? 1 : 0;
    return verified;
  }

  private void check() {
    assertThat(TuffProcess.run(folder, "check").succeeds().out()).contains("The array is sound");
  }

  private static JsonNode json(TuffProcess finished) throws IOException {
    return new ObjectMapper().readTree(finished.succeeds().out());
  }

  private static String answer(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    process.waitFor();
    return output;
  }
}
