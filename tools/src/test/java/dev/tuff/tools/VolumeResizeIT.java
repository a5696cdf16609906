package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code tuff volume resize}, of an array that is stopped and of one that is served. */
@Timeout(300)
class VolumeResizeIT {
  private static final int MIB = 1 << 20;

  @TempDir Path folder;

  private JsonNode volume() throws IOException {
    return new ObjectMapper()
        .readTree(TuffProcess.run(folder, "volume", "list", "-o", "json").succeeds().out())
        .get(0);
  }

  private void requireSound() {
    assertThat(TuffProcess.run(folder, "check").succeeds().out()).contains("The array is sound");
  }

  private byte[] get(String length) throws IOException {
    Files.deleteIfExists(folder.resolve("got"));
    TuffProcess.run(folder, "get", "v", "got", "--size", length).succeeds();
    return Files.readAllBytes(folder.resolve("got"));
  }

  @Test
  void ofAStoppedArray() throws Exception {
    ServeProcess.makeArray(folder, 96, "1M", "2");
    byte[] content = new byte[12 * MIB];
    new Random(5).nextBytes(content);
    Files.write(folder.resolve("content"), content);

    assertThat(TuffProcess.run(folder, "put", "content", "v").exitCode()).isNotZero();
    assertThat(TuffProcess.run(folder, "volume", "resize", "v", "20M").succeeds().out())
        .isEqualTo("volume v has 20 MiB now%n".formatted());
    requireSound();
    assertThat(volume().get("sizeBytes").asLong()).isEqualTo(20 * MIB);
    TuffProcess.run(folder, "put", "content", "v").succeeds();
    assertThat(get("20M")).isEqualTo(Arrays.copyOf(content, 20 * MIB));

    for (String wrong : new String[] {"0", "1000", "2P", "4M"}) {
      TuffProcess refused = TuffProcess.run(folder, "volume", "resize", "v", wrong);
      assertThat(refused.exitCode()).as(wrong).isNotZero();
      assertThat(refused.err().strip()).as(wrong).startsWith("tuff: ").doesNotContain("\n");
    }
    assertThat(TuffProcess.run(folder, "volume", "resize", "v", "4M").err()).contains("--shrink");
    assertThat(volume().get("sizeBytes").asLong()).isEqualTo(20 * MIB);

    final long used = volume().get("usedBytes").asLong();
    TuffProcess.run(folder, "volume", "resize", "v", "4M", "--shrink").succeeds();
    requireSound();
    assertThat(volume().get("usedBytes").asLong()).isEqualTo(4 * MIB).isLessThan(used);
    TuffProcess.run(folder, "volume", "resize", "v", "12M").succeeds();
    requireSound();
    byte[] kept = Arrays.copyOf(content, 4 * MIB);
    assertThat(get("12M")).isEqualTo(Arrays.copyOf(kept, 12 * MIB));
  }

  /** A client that is connected keeps its size; the next one has the new one. */
  private static final String CLIENT =
      """
      import nbd, subprocess, sys
      def resize(*what):
          done = subprocess.run([sys.argv[1], "volume", "resize", "v", *what])
          assert done.returncode == 0, what
      def connected():
          h = nbd.NBD()
          h.set_strict_mode(0)
          h.connect_uri("nbd+unix:///v?socket=s")
          return h
      def refused(request, errno):
          try: request()
          except nbd.Error as e: assert e.errno == errno, e.errno
          else: assert False, "not refused"
      MIB = 1 << 20
      one = b"1" * MIB
      old = connected()
      assert old.get_size() == 8 * MIB
      old.pwrite(one, 7 * MIB)
      resize("16M")
      new = connected()
      assert new.get_size() == 16 * MIB
      new.pwrite(one, 15 * MIB)
      refused(lambda: old.pread(512, 8 * MIB), "EINVAL")
      refused(lambda: old.pwrite(one, 15 * MIB), "ENOSPC")
      assert old.pread(MIB, 7 * MIB) == one
      assert new.pread(MIB, 15 * MIB) == one
      assert new.pread(MIB, 8 * MIB) == bytes(MIB)
      resize("4M", "--shrink")
      refused(lambda: old.pread(MIB, 7 * MIB), "EINVAL")
      refused(lambda: old.pwrite(one, 7 * MIB), "ENOSPC")
      refused(lambda: new.zero(MIB, 15 * MIB), "ENOSPC")
      refused(lambda: new.trim(MIB, 15 * MIB), "EINVAL")
      old.pwrite(one, 3 * MIB)
      resize("16M")
      assert new.pread(MIB, 3 * MIB) == one
      for at in range(4, 16): assert new.pread(MIB, at * MIB) == bytes(MIB), at
      print("all as it should be")
      """;

  @Test
  void ofAServedArray() throws Exception {
    Process probe = new ProcessBuilder("/usr/bin/python3", "-c", "import nbd").start();
    boolean there = probe.waitFor() == 0;
    if (!there) {
      System.out.println("VolumeResizeIT: skipped, package python3-libnbd is missing");
    }
    assumeTrue(there, "package python3-libnbd is missing");
    ServeProcess.makeArray(folder, 96, "8M", "2");
    Files.writeString(folder.resolve("client.py"), CLIENT);
    try (ServeProcess serve = ServeProcess.start(folder, "--unix", "s", "--all")) {
      assertThat(
              serve.client(
                  "/usr/bin/python3", "client.py", TuffProcess.ROOT.resolve("tuff").toString()))
          .contains("all as it should be");
      TuffProcess refused = TuffProcess.run(folder, "volume", "resize", "v", "1M");
      assertThat(refused.exitCode()).isNotZero();
      assertThat(refused.err()).contains("--shrink");
      assertThat(TuffProcess.run(folder, "volume", "resize", "w", "1M").err())
          .contains("no volume named w");
      serve.stop();
    }
    requireSound();
    assertThat(volume().get("sizeBytes").asLong()).isEqualTo(16 * MIB);
  }

  @Test
  void volumesComeAndGoInARunningService() throws Exception {
    ServeProcess.makeArray(folder, 96, "8M", "2");
    try (ServeProcess serve = ServeProcess.start(folder, "--unix", "s", "--all")) {
      assertThat(
              TuffProcess.run(folder, "volume", "create", "w", "--size", "12M", "--protect", "3+1")
                  .succeeds()
                  .out())
          .startsWith("created volume w of 12 MiB");
      TuffProcess again = TuffProcess.run(folder, "volume", "create", "w", "--size", "1M");
      assertThat(again.exitCode()).isEqualTo(1);
      assertThat(again.err()).contains("There is a volume named w already");
      assertThat(TuffProcess.run(folder, "volume", "list").succeeds().out())
          .contains("12 MiB", "3+1");
      TuffProcess.run(folder, "export", "add", "w").succeeds();
      TuffProcess exported = TuffProcess.run(folder, "volume", "delete", "w", "--yes");
      assertThat(exported.exitCode()).isEqualTo(1);
      assertThat(exported.err()).contains("exported as w", "tuff export remove w");
      TuffProcess.run(folder, "export", "remove", "w").succeeds();
      TuffProcess.run(folder, "volume", "delete", "w", "--yes").succeeds();
      assertThat(TuffProcess.run(folder, "volume", "delete", "w", "--yes").err())
          .contains("no volume named w");
      serve.stop();
    }
    requireSound();
    assertThat(volume().get("name").asText()).isEqualTo("v");
  }
}
