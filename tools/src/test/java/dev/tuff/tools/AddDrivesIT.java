package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code tuff drive add}: an array gets more drives while it is served, and later while it is not.
 */
@Timeout(300)
class AddDrivesIT {
  private static final int MIB = 1 << 20;

  @TempDir Path folder;

  /** Writes a file to an export from an offset on, or reads it back and compares. */
  static final String COPY =
      """
      import nbd, sys
      what, export, name, at = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
      data = open(name, "rb").read()
      h = nbd.NBD()
      h.connect_uri("nbd+unix:///" + export + "?socket=s")
      STEP = 1 << 20
      for i in range(0, len(data), STEP):
          if what == "put": h.pwrite(data[i:i + STEP], at + i)
          else: assert h.pread(len(data[i:i + STEP]), at + i) == data[i:i + STEP], "differs at %d" % i
      if what == "put": h.flush()
      print("done")
      """;

  private String image(String name) {
    TuffProcess.shell(folder, "fallocate -l 96M " + name + ".img").succeeds();
    return name + ".img";
  }

  private void content(String name, int mebibytes) throws IOException {
    byte[] content = new byte[mebibytes * MIB];
    new Random(name.hashCode()).nextBytes(content);
    Files.write(folder.resolve(name), content);
  }

  private void copy(ServeProcess serve, String what, String export, String file, int atMebibytes)
      throws Exception {
    String at = Long.toString((long) atMebibytes * MIB);
    assertThat(serve.client("/usr/bin/python3", "copy.py", what, export, file, at))
        .contains("done");
  }

  private void requireAllThere(ServeProcess serve) throws Exception {
    copy(serve, "compare", "v", "grown", 16);
    copy(serve, "compare", "w", "wide", 0);
  }

  private JsonNode status() throws IOException {
    return new ObjectMapper()
        .readTree(TuffProcess.run(folder, "status", "-o", "json").succeeds().out());
  }

  private void requireSound() {
    assertThat(TuffProcess.run(folder, "check").succeeds().out()).contains("The array is sound");
  }

  @Test
  void anArrayGetsMoreDrivesUnderLoad() throws Exception {
    Process probe = new ProcessBuilder("/usr/bin/python3", "-c", "import nbd").start();
    boolean there = probe.waitFor() == 0;
    if (!there) {
      System.out.println("AddDrivesIT: skipped, package python3-libnbd is missing");
    }
    assumeTrue(there, "package python3-libnbd is missing");
    Files.writeString(folder.resolve("load.py"), NbdServiceIT.LOAD);
    Files.writeString(folder.resolve("copy.py"), COPY);
    content("grown", 24);
    content("wide", 12);
    TuffProcess.run(folder, "format", "--protect", "2+1", image("d0"), image("d1"), image("d2"))
        .succeeds();
    TuffProcess.run(folder, "volume", "create", "v", "--size", "16M").succeeds();
    try (ServeProcess serve = ServeProcess.start(folder, "--unix", "s", "--all")) {
      Process load =
          new ProcessBuilder("/usr/bin/python3", "load.py", "nbd+unix:///v?socket=s", "told")
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .start();
      assertThat(load.inputReader().readLine()).isEqualTo("loading");
      TimeUnit.MILLISECONDS.sleep(500);
      TuffProcess.run(folder, "drive", "add", image("d3"), "d1.img").refuses("is a drive of");
      assertThat(TuffProcess.run(folder, "drive", "add", "d3.img", image("d4")).succeeds().out())
          .contains("drive 3 is ", "d3.img now", "drive 4 is ", "d4.img now");
      assertThat(Files.readString(folder.resolve("tuff.toml"))).contains("d3.img", "d4.img");
      assertThat(serve.log()).contains("d4.img, which was added");
      TuffProcess.run(folder, "volume", "create", "w", "--size", "12M", "--protect", "3+2")
          .succeeds();
      TuffProcess.run(folder, "export", "add", "w").succeeds();
      copy(serve, "put", "w", "wide", 0);
      TuffProcess.run(folder, "volume", "resize", "v", "40M").succeeds();
      copy(serve, "put", "v", "grown", 16);
      assertThat(status().get("drives").get(4).get("usedBytes").asLong()).isGreaterThan(8L * MIB);
      TuffProcess.run(folder, "drive", "fail", "1").succeeds();
      requireAllThere(serve);
      assertThat(load.isAlive()).as("the load").isTrue();
      TuffProcess.run(folder, "drive", "add", image("d5")).refuses("Drive 1 is missing");
      serve.kill();
      assertThat(load.waitFor(30, TimeUnit.SECONDS)).isTrue();
    }
    try (ServeProcess serve = ServeProcess.start(folder, "--unix", "s", "--all")) {
      assertThat(status().get("drives")).hasSize(5);
      assertThat(
              serve.client(
                  "/usr/bin/python3", "load.py", "nbd+unix:///v?socket=s", "told", "--verify"))
          .startsWith("verified ");
      requireAllThere(serve);
      TuffProcess.run(folder, "drive", "replace", "1", image("n1")).succeeds();
      assertThat(TuffProcess.run(folder, "scrub").succeeds().out()).contains("n1.img", "d4.img");
      serve.stop();
    }
    requireSound();
    assertThat(TuffProcess.run(folder, "drive", "add", "d5.img").succeeds().out())
        .contains("drive 5 is ");
    requireSound();
    assertThat(status().get("drives")).hasSize(6);
    assertThat(status().get("state").asText()).isEqualTo("healthy");
    TuffProcess.run(folder, "drive", "add", "d5.img").refuses("is a drive of the array already");
    try (ServeProcess serve = ServeProcess.start(folder, "--unix", "s", "--all")) {
      TuffProcess.run(folder, "drive", "fail", "4").succeeds();
      requireAllThere(serve);
      serve.stop();
    }
  }
}
