package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * An array with a drive more than N+K, without a spare: when a drive fails the others take over
 * what it had, with the real command under a load that verifies.
 */
@Timeout(300)
class TakeOverIT {
  private static final int DRIVES = 6;
  private static final int MIB = 1 << 20;
  private static final int STATIC_MEBIBYTES = 64;

  /**
   * What the load goes over; there from the beginning, so that drives hold as much at all times.
   */
  private static final int LOADED_MEBIBYTES = 8;

  private static final long WAIT_SECONDS = 60;

  @TempDir Path folder;
  private Process load;

  @BeforeEach
  void makeArray() throws Exception {
    Process probe = new ProcessBuilder("/usr/bin/python3", "-c", "import nbd").start();
    boolean there = probe.waitFor() == 0;
    if (!there) {
      System.out.println("TakeOverIT: skipped, package python3-libnbd is missing");
    }
    assumeTrue(there, "package python3-libnbd is missing");
    Files.writeString(folder.resolve("load.py"), NbdServiceIT.LOAD);
    Files.writeString(folder.resolve("copy.py"), AddDrivesIT.COPY);
    List<String> format = new ArrayList<>(List.of("format", "--protect", "4+1"));
    for (int i = 0; i < DRIVES; i++) {
      format.add(image("d" + i));
    }
    TuffProcess.run(folder, format.toArray(String[]::new)).succeeds();
    create("v", LOADED_MEBIBYTES);
    create("w", STATIC_MEBIBYTES);
  }

  @AfterEach
  void endLoad() throws Exception {
    if (load != null) {
      load.destroyForcibly().waitFor();
    }
  }

  private String image(String name) {
    TuffProcess.shell(folder, "fallocate -l 96M " + name + ".img").succeeds();
    return name + ".img";
  }

  /** A volume that is full; its content is in a file of that name. */
  private void create(String volume, int mebibytes) throws IOException {
    byte[] content = new byte[mebibytes * MIB];
    new Random(volume.hashCode()).nextBytes(content);
    Files.write(folder.resolve(volume), content);
    TuffProcess.run(folder, "volume", "create", volume, "--size", mebibytes + "M").succeeds();
    TuffProcess.run(folder, "put", volume, volume).succeeds();
  }

  private ServeProcess serve(String... more) throws Exception {
    List<String> options = new ArrayList<>(List.of("--unix", "s", "--all"));
    options.addAll(List.of(more));
    return ServeProcess.start(folder, options.toArray(String[]::new));
  }

  /** It verifies what an earlier one was told first. */
  private void beginLoad() throws Exception {
    load =
        new ProcessBuilder("/usr/bin/python3", "load.py", "nbd+unix:///v?socket=s", "told")
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .start();
    String said = load.inputReader().readLine();
    while (said != null && said.startsWith("verified")) {
      said = load.inputReader().readLine();
    }
    assertThat(said).isEqualTo("loading");
    TimeUnit.MILLISECONDS.sleep(500);
  }

  /** When the service is gone: it has seen no error before. */
  private void requireLoadEnded() throws Exception {
    assertThat(load.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(load.inputReader().readLine()).startsWith("ended");
    load = null;
  }

  private void requireContents(ServeProcess serve) throws Exception {
    assertThat(serve.client("/usr/bin/python3", "copy.py", "compare", "w", "w", "0"))
        .contains("done");
    assertThat(
            serve.client(
                "/usr/bin/python3", "load.py", "nbd+unix:///v?socket=s", "told", "--verify"))
        .startsWith("verified ");
  }

  /** The service's status, without a process: what is over soon is to be seen. */
  private JsonNode status() {
    return Control.ask(Control.socketOf(folder.resolve("tuff.toml")), "status", Map.of());
  }

  private static String state(JsonNode status, int drive) {
    return status.get("drives").get(drive).get("state").asText();
  }

  private static boolean anyTakingOver(JsonNode status) {
    for (JsonNode drive : status.get("drives")) {
      if (drive.get("state").asText().equals("taking over")) {
        return true;
      }
    }
    return false;
  }

  private JsonNode await(ServeProcess serve, Predicate<JsonNode> wanted) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
    while (true) {
      JsonNode status = status();
      if (wanted.test(status)) {
        return status;
      }
      assertThat(System.nanoTime()).as("%s%n%s", status, serve.log()).isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(5);
    }
  }

  private void awaitLine(ServeProcess serve, String text) throws Exception {
    await(
        serve,
        status -> {
          try {
            return serve.log().contains(text);
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        });
  }

  private static void requireTakenOver(JsonNode status, int drive) {
    assertThat(state(status, drive)).isEqualTo("taken over");
    assertThat(status.get("drives").get(drive).get("usedBytes").isNull()).isTrue();
    requireProtected(status);
  }

  private static void requireProtected(JsonNode status) {
    assertThat(status.get("state").asText()).isEqualTo("healthy");
    requireLossesSurvived(status, 1);
  }

  private static void requireLossesSurvived(JsonNode status, int losses) {
    for (JsonNode volume : status.get("volumes")) {
      assertThat(volume.get("lossesSurvived").asInt()).isEqualTo(losses);
    }
  }

  private static long mostUsed(JsonNode status) {
    long most = 0;
    for (JsonNode drive : status.get("drives")) {
      most = Math.max(most, drive.get("usedBytes").asLong());
    }
    return most;
  }

  private JsonNode statusAtRest() throws IOException {
    return new ObjectMapper()
        .readTree(TuffProcess.run(folder, "status", "-o", "json").succeeds().out());
  }

  private TuffProcess requireSound() {
    TuffProcess check = TuffProcess.run(folder, "check").succeeds();
    assertThat(check.out()).contains("The array is sound");
    return check;
  }

  /** Each drive has what it is to have: with one away all is read. */
  private void requireReadWithout(int drive) throws IOException {
    Path image = folder.resolve("d" + drive + ".img");
    Path away = folder.resolve("away");
    Files.move(image, away);
    TuffProcess.run(folder, "get", "w", "copy", "--size", STATIC_MEBIBYTES + "M").succeeds();
    assertThat(Files.mismatch(folder.resolve("w"), folder.resolve("copy"))).isEqualTo(-1);
    Files.delete(folder.resolve("copy"));
    Files.move(away, image);
  }

  @Test
  void theOthersTakeOverAndAnotherDriveFailsAndBothComeHome() throws Exception {
    long usedBefore;
    try (ServeProcess serve = serve()) {
      usedBefore = mostUsed(status());
      beginLoad();
      TuffProcess.run(folder, "drive", "fail", "2").succeeds();
      JsonNode meanwhile = await(serve, TakeOverIT::anyTakingOver);
      assertThat(meanwhile.get("state").asText()).isEqualTo("degraded");
      assertThat(state(meanwhile, 2)).isEqualTo("failed");
      requireTakenOver(await(serve, status -> state(status, 2).equals("taken over")), 2);
      assertThat(serve.log()).contains("the others take over what drive 2 had");
      awaitLine(serve, "has everything now");
      assertThat(mostUsed(status())).isGreaterThan(usedBefore + 2 * MIB);
      assertThat(TuffProcess.run(folder, "status").succeeds().out())
          .contains(", healthy, ", "taken over", "d2.img", "1 more loss", "drive 2 was taken out")
          .doesNotContain("taking over");

      TuffProcess.run(folder, "drive", "fail", "4").succeeds();
      awaitLine(serve, "the others can't take over what drive 4 had: Drive 2 is missing as well");
      JsonNode later = status();
      assertThat(later.get("state").asText()).isEqualTo("degraded");
      assertThat(state(later, 2)).isEqualTo("taken over");
      assertThat(state(later, 4)).isEqualTo("failed");
      requireLossesSurvived(later, 0);
      requireContents(serve);
      assertThat(load.isAlive()).as("the load").isTrue();
      serve.stop();
      requireLoadEnded();
    }
    TuffProcess check = TuffProcess.run(folder, "check");
    assertThat(check.exitCode()).as(check.out()).isEqualTo(1);
    assertThat(check.out()).contains("drive 2", "drive 4", "No data block is lost");

    try (ServeProcess serve = serve()) {
      beginLoad();
      requireContents(serve);
      TuffProcess.run(folder, "drive", "replace", "4", image("n4")).succeeds();
      requireTakenOver(status(), 2);
      // The old one: the service has not had it since its start.
      assertThat(TuffProcess.run(folder, "drive", "replace", "2", "d2.img").succeeds().out())
          .contains("drive 2 returns", "d2.img now");
      requireProtected(status());
      await(serve, status -> mostUsed(status) < usedBefore + 2 * MIB);
      assertThat(TuffProcess.run(folder, "drive", "list").succeeds().out())
          .contains("n4.img")
          .doesNotContain("taken over", "taking over", "rebuilding");
      assertThat(load.isAlive()).as("the load").isTrue();
      requireContents(serve);
      serve.stop();
      requireLoadEnded();
    }
    assertThat(requireSound().out()).doesNotContain("taken over");
    requireProtected(statusAtRest());
    requireReadWithout(0);
  }

  @Test
  void takingOverGoesOnAfterAKill() throws Exception {
    try (ServeProcess serve = serve()) {
      beginLoad();
      TuffProcess.run(folder, "drive", "fail", "1").succeeds();
      await(serve, TakeOverIT::anyTakingOver);
      serve.kill();
      requireLoadEnded();
    }
    try (ServeProcess serve = serve()) {
      beginLoad();
      TuffProcess.run(folder, "rebuild", "--policy", "rebuild").succeeds();
      requireTakenOver(status(), 1);
      requireContents(serve);
      serve.kill();
      requireLoadEnded();
    }
    // The next command recovers, and nothing is different after it.
    assertThat(TuffProcess.run(folder, "rebuild").succeeds().out()).contains("nothing to rebuild");
    TuffProcess looked = TuffProcess.run(folder, "drive", "list").succeeds();
    assertThat(looked.out()).contains("taken over");
    assertThat(looked.err()).contains("the others have all that drive 1 had");
    requireSound();
    requireReadWithout(5);
    assertThat(TuffProcess.run(folder, "drive", "replace", "1", image("n1")).succeeds().out())
        .contains("and everything is on it");
    requireSound();
    requireProtected(statusAtRest());
    requireReadWithout(3);
  }

  @Test
  void theOthersDoNotTakeOverWhereTheyMustNotOrCannot() throws Exception {
    try (ServeProcess serve = serve("--no-take-over")) {
      beginLoad();
      TuffProcess.run(folder, "drive", "fail", "3").succeeds();
      // Longer than it takes the others to begin.
      TimeUnit.SECONDS.sleep(2);
      JsonNode status = status();
      assertThat(status.get("state").asText()).isEqualTo("degraded");
      assertThat(state(status, 3)).isEqualTo("failed");
      assertThat(anyTakingOver(status)).isFalse();
      requireLossesSurvived(status, 0);
      assertThat(serve.log()).doesNotContain("take over");
      serve.stop();
      requireLoadEnded();
    }
    TuffProcess.run(folder, "volume", "create", "x", "--size", "1M", "--protect", "5+1").succeeds();
    try (ServeProcess serve = serve()) {
      awaitLine(
          serve,
          "the others can't take over what drive 3 had: Volume x is on all drives of the array");
      assertThat(status().get("state").asText()).isEqualTo("degraded");
      serve.stop();
    }
    TuffProcess.run(folder, "volume", "delete", "x", "--yes").succeeds();
    // A drive that is missing at the start is one as well.
    try (ServeProcess serve = serve()) {
      requireTakenOver(await(serve, status -> state(status, 3).equals("taken over")), 3);
      requireContents(serve);
      serve.stop();
    }
    requireSound();
  }
}
