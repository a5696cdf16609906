package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.contentOf;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code tuff serve} as a service: killed under load, stopped under load, over TLS, called wrongly.
 */
@Timeout(300)
class NbdServiceIT {
  private static final long SEED = Long.getLong("tuff.crash.seed", new Random().nextInt(1 << 30));

  @TempDir Path folder;

  private static void requirePython() throws Exception {
    Process probe = new ProcessBuilder("/usr/bin/python3", "-c", "import nbd").start();
    boolean there = probe.waitFor() == 0;
    if (!there) {
      System.out.println("NbdServiceIT: skipped, package python3-libnbd is missing");
    }
    assumeTrue(there, "package python3-libnbd is missing");
  }

  /**
   * Writes blocks that say which version they are, over three connections, and says after each
   * flush which versions it covers. With a file of what was said, it verifies: each block must have
   * the newest version that was covered, or a newer one. With {@code --fua} nothing is flushed:
   * each write is hard when it is replied to.
   */
  static final String LOAD =
      """
      import nbd, os, random, sys
      uri, told = sys.argv[1], sys.argv[2]
      fua = "--fua" in sys.argv
      BLOCKS, SIZE = 2000, 4096
      def block(i, version): return (b"%08d %08d " % (i, version)) * (SIZE // 18) + bytes(SIZE % 18)
      hs = [nbd.NBD() for _ in range(3)]
      for h in hs: h.connect_uri(uri)
      covered = {}
      written = 0
      if os.path.exists(told):
          for line in open(told):
              if line.endswith("\\n"):
                  i, version = map(int, line.split())
                  covered[i] = max(version, covered.get(i, 0))
          for i, version in covered.items():
              data = hs[0].pread(SIZE, i * SIZE)
              found = int(data[9:17])
              assert data == block(i, found), "block %d is torn" % i
              assert found >= version, "block %d has version %d, %d was flushed" % (i, found, version)
              written = max(written, found)
          print("verified", len(covered), flush=True)
          if "--verify" in sys.argv: sys.exit(0)
      r = random.Random(written)
      version = written + 100000
      out = open(told, "a")
      print("loading", flush=True)
      try:
          while True:
              now = {}
              for h in hs:
                  pending = []
                  for _ in range(12):
                      i = r.randrange(BLOCKS)
                      while i in now: i = r.randrange(BLOCKS)
                      version += 1
                      now[i] = version
                      buf = nbd.Buffer.from_bytearray(bytearray(block(i, version)))
                      pending.append((h.aio_pwrite(buf, i * SIZE, flags=nbd.CMD_FLAG_FUA if fua else 0), buf))
                  while pending:
                      pending = [p for p in pending if not h.aio_command_completed(p[0])]
                      if pending: h.poll(-1)
              if not fua: hs[r.randrange(3)].flush()
              for i, v in now.items(): out.write("%d %d\\n" % (i, v))
              out.flush()
      except nbd.Error as e:
          print("ended", e.errnum, flush=True)
      """;

  @Test
  void whatWasFlushedSurvivesKills() throws Exception {
    whatWasToldSurvivesKills();
  }

  @Test
  void whatWasWrittenWithFuaSurvivesKills() throws Exception {
    whatWasToldSurvivesKills("--fua");
  }

  /** The volume itself promises nothing of a write that is replied to. */
  private void whatWasToldSurvivesKills(String... mode) throws Exception {
    requirePython();
    System.out.println("NbdServiceIT: again with -Dtuff.crash.seed=" + SEED);
    Random random = new Random(SEED);
    ServeProcess.makeArray(folder, 96, "32M", "0");
    Files.writeString(folder.resolve("load.py"), LOAD);
    for (int kill = 0; kill < 4; kill++) {
      try (ServeProcess serve = ServeProcess.start(folder, "--unix", "s", "--all")) {
        Process load = load(serve, mode);
        TimeUnit.MILLISECONDS.sleep(700 + random.nextInt(1500));
        serve.kill();
        assertThat(load.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(Files.size(folder.resolve("told"))).isPositive();
      }
    }
    try (ServeProcess serve = ServeProcess.start(folder, "--unix", "s", "--all")) {
      assertThat(
              serve.client(
                  "/usr/bin/python3", "load.py", "nbd+unix:///v?socket=s", "told", "--verify"))
          .startsWith("verified ");
      serve.stop();
    }
    TuffProcess.run(folder, "check").succeeds();
  }

  /** Starts the load, which first verifies what was told before, and waits until it writes. */
  private Process load(ServeProcess serve, String... mode) throws Exception {
    List<String> command =
        new ArrayList<>(List.of("/usr/bin/python3", "load.py", "nbd+unix:///v?socket=s", "told"));
    command.addAll(List.of(mode));
    Process load =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String line = load.inputReader().readLine();
    while (line != null && !line.equals("loading")) {
      assertThat(line).as("what the load says").startsWith("verified");
      line = load.inputReader().readLine();
    }
    assertThat(line).as("service says %s", serve.log()).isNotNull();
    return load;
  }

  /** As above with fio: what it wrote and flushed is verified after a kill under another load. */
  @Test
  void whatFioFlushedSurvivesAKill() throws Exception {
    boolean engine = ServeProcess.run(folder, 20, "fio", "--enghelp").contains("nbd");
    if (!engine) {
      System.out.println("NbdServiceIT: skipped, fio has no nbd engine");
    }
    assumeTrue(engine, "fio has no nbd engine");
    ServeProcess.makeArray(folder, 96, "64M", "0");
    List<String> job =
        List.of(
            "fio",
            "--name=v",
            "--ioengine=nbd",
            "--uri=nbd+unix:///v?socket=s",
            "--bs=8k",
            "--rw=randwrite",
            "--numjobs=2",
            "--size=12M",
            "--offset_increment=16M",
            "--iodepth=16",
            "--verify=crc32c",
            "--verify_fatal=1",
            "--randseed=3",
            "--end_fsync=1");
    try (ServeProcess serve = ServeProcess.start(folder, "--unix", "s", "--all")) {
      serve.client(with(job, "--do_verify=0"));
      File said = folder.resolve("other").toFile();
      Process other =
          new ProcessBuilder(
                  "fio",
                  "--name=o",
                  "--ioengine=nbd",
                  "--uri=nbd+unix:///v?socket=s",
                  "--bs=4k",
                  "--rw=randwrite",
                  "--offset=40M",
                  "--size=20M",
                  "--iodepth=32",
                  "--time_based",
                  "--runtime=20")
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .redirectOutput(said)
              .start();
      TimeUnit.MILLISECONDS.sleep(2000);
      assertThat(other.isAlive()).as("the other load: %s", contentOf(said)).isTrue();
      serve.kill();
      other.waitFor(30, TimeUnit.SECONDS);
      other.destroyForcibly();
    }
    try (ServeProcess serve = ServeProcess.start(folder, "--unix", "s", "--all")) {
      assertThat(serve.client(with(job, "--verify_only=1"))).contains("err= 0");
      serve.stop();
    }
  }

  private static String[] with(List<String> job, String more) {
    String[] all = job.toArray(new String[job.size() + 1]);
    all[job.size()] = more;
    return all;
  }

  /** The client hears of it, what it had flushed is there, and the array was stopped cleanly. */
  @Test
  void aStopUnderLoadIsGraceful() throws Exception {
    requirePython();
    ServeProcess.makeArray(folder, 96, "32M", "1");
    Files.writeString(folder.resolve("load.py"), LOAD);
    try (ServeProcess serve = ServeProcess.start(folder, "--unix", "s", "--all")) {
      Process load = load(serve);
      TimeUnit.MILLISECONDS.sleep(1500);
      serve.stop();
      assertThat(load.waitFor(30, TimeUnit.SECONDS)).isTrue();
      String end = new String(load.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(load.exitValue()).as("the load's end: %s", end).isZero();
    }
    assertThat(TuffProcess.run(folder, "status", "-o", "json").succeeds().out())
        .contains("\"stoppedCleanly\" : true");
    try (ServeProcess serve = ServeProcess.start(folder, "--unix", "s", "--all")) {
      serve.client("/usr/bin/python3", "load.py", "nbd+unix:///v?socket=s", "told", "--verify");
      serve.stop();
    }
  }

  @Test
  void overTls() throws Exception {
    String certificates =
        """
        set -e
        mkdir -p pki
        cd pki
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca-cert.pem -addext basicConstraints=critical,CA:TRUE
        for who in server client; do
          openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout $who-key.pem -out $who.csr
          echo subjectAltName=DNS:localhost,IP:127.0.0.1 > ext
          openssl x509 -req -in $who.csr -CA ca-cert.pem -CAkey ca.key -CAcreateserial -days 2 -out $who-cert.pem -extfile ext
        done
        """;
    ServeProcess.run(folder, 60, "bash", "-c", certificates);
    ServeProcess.makeArray(folder, 96, "32M", "1");
    byte[] data = new byte[8 << 20];
    new Random(1).nextBytes(data);
    Files.write(folder.resolve("in"), data);
    try (ServeProcess serve =
        ServeProcess.start(
            folder,
            "--listen",
            "127.0.0.1:0",
            "--all",
            "--tls-cert",
            "pki/server-cert.pem",
            "--tls-key",
            "pki/server-key.pem",
            "--tls-ca",
            "pki/ca-cert.pem")) {
      boolean nbdcopy = Files.isExecutable(Path.of("/usr/bin/nbdcopy"));
      boolean qemu = Files.isExecutable(Path.of("/usr/bin/qemu-img"));
      if (!nbdcopy || !qemu) {
        System.out.println("NbdServiceIT: skipped, package libnbd-bin or qemu-utils is missing");
      }
      assumeTrue(nbdcopy && qemu, "package libnbd-bin or qemu-utils is missing");
      String address = "localhost:" + serve.port();
      String secured =
          "nbds://" + address + "/v?tls-certificates=" + folder.toAbsolutePath().resolve("pki");
      serve.client("nbdcopy", "in", secured);
      serve.client("nbdcopy", secured, "out");
      assertThat(folder.resolve("out").toFile()).hasSize(32 << 20);
      try (var out = new java.io.RandomAccessFile(folder.resolve("out").toFile(), "rw")) {
        out.setLength(data.length);
      }
      assertThat(folder.resolve("out")).hasBinaryContent(data);
      serve.client(
          "qemu-img",
          "compare",
          "--object",
          "tls-creds-x509,id=tls0,dir=pki,endpoint=client",
          "--image-opts",
          "driver=raw,file.driver=file,file.filename=in",
          "driver=nbd,host=localhost,port=" + serve.port() + ",export=v,tls-creds=tls0");
      Process plain =
          new ProcessBuilder("nbdinfo", "nbd://" + address + "/v")
              .redirectErrorStream(true)
              .start();
      plain.getInputStream().readAllBytes();
      assertThat(plain.waitFor()).as("a client without TLS is refused").isNotZero();
      serve.stop();
    }
  }

  @Test
  void whatIsCalledWronglyIsRefused() throws Exception {
    ServeProcess.makeArray(folder, 64, "16M", "2");
    Files.writeString(folder.resolve("file"), "a file");
    TuffProcess.run(folder, "serve", "--listen", "localhost:x").isCalledWrongly("is no address");
    TuffProcess.run(folder, "serve", "--max-connections", "0").isCalledWrongly("0 connections");
    TuffProcess.run(folder, "serve", "--shards", "0").isCalledWrongly("1 to 64 shards");
    TuffProcess.run(folder, "serve", "--tls-cert", "file").isCalledWrongly("belong together");
    TuffProcess.run(folder, "serve", "--tls-ca", "file").isCalledWrongly("--tls-cert");
    TuffProcess.run(folder, "serve", "--tls-cert", "file", "--tls-key", "file").refuses("file");
    TuffProcess.run(folder, "serve", "--tls-cert", "no", "--tls-key", "no")
        .refuses("no: no such file");
    TuffProcess.run(folder, "connections").refuses("no service runs", "tuff serve");
    TuffProcess.run(folder, "export", "add", "x").refuses("no volume named x");
    TuffProcess.run(folder, "export", "remove", "x").refuses("nothing is exported");
    TuffProcess.run(folder, "export", "add", "v", "--name", "n".repeat(4097))
        .refuses("1 to 4096 bytes");
    TuffProcess.run(folder, "export", "add", "v", "--max-clients", "-1")
        .isCalledWrongly("-1 clients");
    assertThat(folder.resolve("tuff.exports.toml")).doesNotExist();
    Files.writeString(folder.resolve("tuff.exports.toml"), "[[export]]\nname = 'a'\n");
    TuffProcess.run(folder, "export", "list").refuses("without a volume");
    Files.writeString(folder.resolve("tuff.exports.toml"), "[[export]]\nvolume = 'w'\n");
    assertThat(TuffProcess.run(folder, "serve", "--unix", "s").err()).contains("no volume named w");
    Files.delete(folder.resolve("tuff.exports.toml"));
    assertThat(TuffProcess.run(folder, "serve", "--unix", "file").err())
        .contains("there is a file already");
    assertThat(TuffProcess.run(folder, "serve", "--unix", "x".repeat(200)).err())
        .contains("up to 107 bytes");
    assertThat(TuffProcess.run(folder, "serve", "--listen", "192.0.2.1:1").err())
        .contains("EADDRNOTAVAIL");
  }
}
