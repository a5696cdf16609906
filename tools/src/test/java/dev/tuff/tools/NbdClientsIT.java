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
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Other makers' clients on a running {@code tuff serve}: libnbd's tools and Python binding, QEMU's,
 * fio, file systems over FUSE. Skipped, with the reason printed, where a client is not installed.
 */
@Timeout(300)
class NbdClientsIT {
  private static final int BYTES = 40_000_000;
  @TempDir static Path folder;
  private static ServeProcess serve;
  private static String uri;

  @BeforeAll
  static void start() throws Exception {
    ServeProcess.makeArray(folder, 256, "600M", "1");
    for (String name : new String[] {"qcow", "fio", "qemu"}) {
      TuffProcess.run(folder, "volume", "create", name, "--size", "64M", "--toughness", "1")
          .succeeds();
    }
    TuffProcess.run(folder, "export", "add", "v", "--description", "a volume").succeeds();
    TuffProcess.run(folder, "export", "add", "v", "--name", "ro", "--read-only").succeeds();
    serve = ServeProcess.start(folder, "--unix", "s", "--listen", "127.0.0.1:0", "--all");
    uri = uri("v");
  }

  private static String uri(String export) {
    return "nbd+unix:///" + export + "?socket=s";
  }

  @AfterAll
  static void stop() throws Exception {
    try (ServeProcess closing = serve) {
      if (closing != null) {
        closing.stop();
        TuffProcess.run(folder, "check").succeeds();
        JsonNode status = json(TuffProcess.run(folder, "status", "-o", "json").succeeds());
        assertThat(status.get("recovery").get("stoppedCleanly").asBoolean()).isTrue();
      }
    }
  }

  private static JsonNode json(TuffProcess finished) throws IOException {
    return new ObjectMapper().readTree(finished.out());
  }

  private static void require(String command, String debianPackage) {
    boolean there = false;
    for (String place : (System.getenv("PATH") + ":/usr/sbin:/sbin").split(":", -1)) {
      there |= Files.isExecutable(Path.of(place, command));
    }
    if (!there) {
      System.out.println(
          "NbdClientsIT: skipped, " + command + " of package " + debianPackage + " is missing");
    }
    assumeTrue(there, command + " of package " + debianPackage + " is missing");
  }

  private static void file(String name, long seed, int bytes) throws IOException {
    byte[] data = new byte[bytes];
    new Random(seed).nextBytes(data);
    Files.write(folder.resolve(name), data);
  }

  private static void assertSame(String one, String other) throws IOException {
    assertThat(Files.mismatch(folder.resolve(one), folder.resolve(other))).isEqualTo(-1);
  }

  // ---------------------------------------------------------------- libnbd

  @Test
  void nbdinfoShowsWhatIsThere() throws Exception {
    require("nbdinfo", "libnbd-bin");
    JsonNode list =
        new ObjectMapper()
            .readTree(
                serve.client("nbdinfo", "--json", "--list", "nbd://127.0.0.1:" + serve.port()));
    assertThat(list.get("exports")).hasSize(5);
    JsonNode v =
        new ObjectMapper().readTree(serve.client("nbdinfo", "--json", uri)).get("exports").get(0);
    assertThat(v.get("export-size").asLong()).isEqualTo(600L << 20);
    assertThat(v.get("description").asText()).isEqualTo("a volume");
    for (String can :
        new String[] {"can_multi_conn", "can_fua", "can_trim", "can_zero", "can_df"}) {
      assertThat(v.get(can).asBoolean()).as(can).isTrue();
    }
    assertThat(v.get("block_size_maximum").asInt()).isEqualTo(32 << 20);
    assertThat(serve.client("nbdinfo", "--is", "readonly", uri("ro"))).isEmpty();
  }

  @Test
  void nbdcopyInAndOut() throws Exception {
    require("nbdcopy", "libnbd-bin");
    file("copy.in", 1, BYTES);
    serve.client("nbdcopy", "--connections=4", "--requests=32", "--flush", "copy.in", uri);
    serve.client("nbdcopy", "--connections=2", "--request-size=4194304", uri("ro"), "copy.out");
    try (var out = new java.io.RandomAccessFile(folder.resolve("copy.out").toFile(), "rw")) {
      out.setLength(BYTES);
    }
    assertSame("copy.in", "copy.out");
    Files.delete(folder.resolve("copy.out"));
  }

  @Test
  void pythonBinding() throws Exception {
    require("nbdsh", "libnbd-bin and python3-libnbd");
    String script =
        """
        import nbd, random
        a = nbd.NBD(); b = nbd.NBD()
        a.add_meta_context("base:allocation")
        for h in (a, b): h.connect_uri("%s")
        assert a.get_size() == 64 << 20 and a.can_multi_conn()
        a.zero(64 << 20, 0)
        data = random.Random(1).randbytes(300001)
        a.pwrite(data, 12345, nbd.CMD_FLAG_FUA)
        assert b.pread(300001, 12345) == data
        # Out of order, many at a time.
        pending = []
        for i in range(200):
            buf = nbd.Buffer.from_bytearray(bytearray([i]) * 4096)
            pending.append((a.aio_pwrite(buf, (1 << 20) + i * 4096), buf))
        while pending:
            pending = [p for p in pending if not a.aio_command_completed(p[0])]
            if pending: a.poll(-1)
        b.flush()
        for i in range(200):
            assert b.pread(4096, (1 << 20) + i * 4096) == bytes([i]) * 4096
        seen = []
        def extent(metacontext, offset, entries, err):
            seen.extend(entries)
        a.block_status(32 << 20, 32 << 20, extent)
        assert seen == [32 << 20, 3], seen
        for call in (lambda: a.pread(1, 64 << 20), lambda: a.pwrite(b"x", 64 << 20)):
            try:
                a.set_strict_mode(0); call()
            except nbd.Error as e:
                assert e.errnum in (22, 28), e
            else:
                raise AssertionError("beyond the end")
        a.trim(4096, 1 << 20)
        assert a.pread(4096, 1 << 20) == bytes(4096)
        a.shutdown(); b.shutdown()
        """
            .formatted(uri("fio"));
    Files.writeString(folder.resolve("script.py"), script);
    serve.client("/usr/bin/python3", "script.py");
  }

  // ---------------------------------------------------------------- QEMU

  @Test
  void qemuConvertsInAndOut() throws Exception {
    require("qemu-img", "qemu-utils");
    String volume = uri("qemu");
    // As large as the volume, and only its first third written.
    file("qemu.in", 2, 20 << 20);
    try (var in = new java.io.RandomAccessFile(folder.resolve("qemu.in").toFile(), "rw")) {
      in.setLength(64 << 20);
    }
    serve.client(
        "qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", "-W", "-m", "8", "qemu.in", volume);
    serve.client("qemu-img", "compare", "-f", "raw", "-F", "raw", "qemu.in", volume);
    serve.client("qemu-img", "convert", "-f", "raw", "-O", "qcow2", volume, "qemu.qcow2");
    serve.client("qemu-img", "compare", "-f", "raw", "-F", "qcow2", "qemu.in", "qemu.qcow2");
    // What was not written is seen as holes.
    assertThat(Files.size(folder.resolve("qemu.qcow2"))).isLessThan(30 << 20);
    assertThat(serve.client("nbdinfo", "--map", "--totals", volume)).contains("hole,zero");
    Files.delete(folder.resolve("qemu.qcow2"));
  }

  @Test
  void qemuIoPatterns() throws Exception {
    require("qemu-io", "qemu-utils");
    String said =
        serve.client(
            "qemu-io",
            "-f",
            "raw",
            uri,
            "-c",
            "write -P 0x11 300M 1M",
            "-c",
            "write -f -P 0x22 315000000 512",
            "-c",
            "aio_write -P 0x33 330M 4M",
            "-c",
            "aio_flush",
            "-c",
            "read -P 0x11 300M 300k",
            "-c",
            "read -P 0x22 315000000 512",
            "-c",
            "read -P 0x33 330M 4M",
            "-c",
            "write -z 330M 1M",
            "-c",
            "write -z -u 331M 1M",
            "-c",
            "read -P 0 330M 2M",
            "-c",
            "read -P 0x33 332M 2M",
            "-c",
            "discard 332M 2M",
            "-c",
            "flush",
            "-c",
            "writev -P 0x44 340M 1k 2k 3k 512",
            "-c",
            "readv -P 0x44 340M 3k 3k 512");
    assertThat(said).doesNotContain("failed").doesNotContain("error");
  }

  @Test
  void qcow2WithinAVolume() throws Exception {
    require("qemu-img", "qemu-utils");
    String inside = uri("qcow");
    serve.client("qemu-img", "create", "-f", "qcow2", inside, "256M");
    String said =
        serve.client(
            "qemu-io",
            "-f",
            "qcow2",
            inside,
            "-c",
            "write -P 7 1M 10M",
            "-c",
            "write -P 8 200M 3M",
            "-c",
            "discard 5M 1M",
            "-c",
            "flush");
    assertThat(said).doesNotContain("failed");
    serve.client("qemu-img", "snapshot", "-c", "one", inside);
    assertThat(
            serve.client(
                "qemu-io",
                "-f",
                "qcow2",
                inside,
                "-c",
                "write -P 9 1M 1M",
                "-c",
                "read -P 9 1M 1M",
                "-c",
                "read -P 7 2M 3M",
                "-c",
                "read -P 0 5M 1M",
                "-c",
                "read -P 8 200M 3M"))
        .doesNotContain("failed");
    serve.client("qemu-img", "check", "-f", "qcow2", inside);
  }

  // ---------------------------------------------------------------- fio

  @Test
  void fioVerifiesOverSeveralConnections() throws Exception {
    require("fio", "fio");
    boolean engine = ServeProcess.run(folder, 20, "fio", "--enghelp").contains("nbd");
    if (!engine) {
      System.out.println("NbdClientsIT: skipped, fio has no nbd engine");
    }
    assumeTrue(engine, "fio has no nbd engine");
    String said =
        serve.client(
            "fio",
            "--name=v",
            "--ioengine=nbd",
            "--uri=" + uri("fio"),
            "--rw=randrw",
            "--bsrange=512-65536",
            "--numjobs=4",
            "--size=12M",
            "--offset_increment=16M",
            "--iodepth=16",
            "--verify=crc32c",
            "--verify_fatal=1",
            "--fsync=32",
            "--randseed=7");
    assertThat(said).contains("err= 0");
  }

  // ---------------------------------------------------------------- file systems

  @Test
  void ext4() throws Exception {
    require("mkfs.ext4", "e2fsprogs");
    fileSystem("mkfs.ext4 -q -F", "e2fsck -fn");
  }

  @Test
  void xfs() throws Exception {
    require("mkfs.xfs", "xfsprogs");
    fileSystem("mkfs.xfs -q -f", "xfs_repair -n");
  }

  /** Made, filled, trimmed and checked, through nbdfuse and a loop device. */
  private static void fileSystem(String make, String check) throws Exception {
    require("nbdfuse", "libnbd-bin");
    boolean fuse =
        Files.isReadable(Path.of("/dev/fuse")) && Files.exists(Path.of("/dev/loop-control"));
    if (!fuse) {
      System.out.println("NbdClientsIT: skipped, there is no FUSE or no loop device here");
    }
    assumeTrue(fuse, "no FUSE or no loop device here");
    String script =
        """
        set -euo pipefail
        PATH=$PATH:/usr/sbin:/sbin
        mkdir -p fuse mnt
        nbdfuse fuse/disk 'nbd+unix:///v?socket=s' &
        trap 'umount mnt 2>/dev/null || true; [ -z "${loop:-}" ] || losetup -d $loop 2>/dev/null || true; fusermount3 -u fuse 2>/dev/null || fusermount -u fuse 2>/dev/null || true; wait || true' EXIT
        for i in $(seq 100); do [ -e fuse/disk ] && break; sleep 0.1; done
        loop=$(losetup -f --show fuse/disk)
        %s $loop
        mount $loop mnt
        mkdir mnt/d
        for i in $(seq 40); do head -c 1000000 /dev/urandom > mnt/d/$i; done
        (cd mnt && find . -type f | sort | xargs sha256sum) > sums
        sync
        rm mnt/d/1? mnt/d/2?
        sync
        mapped() { nbdinfo --map --totals 'nbd+unix:///v?socket=s' | awk '$NF == "data" {print $1}'; }
        before=$(mapped)
        fstrim mnt
        sync
        after=$(mapped)
        # Of twenty files of a megabyte.
        [ $((before - after)) -gt 15000000 ] || { echo "trimmed from $before to $after bytes"; exit 1; }
        umount mnt
        %s $loop
        mount $loop mnt
        (cd mnt && grep -v 'd/[12].$' ../sums | sha256sum -c --quiet)
        umount mnt
        """
            .formatted(make, check);
    ServeProcess.run(folder, 200, "bash", "-c", script);
  }

  // ---------------------------------------------------------------- the service's own commands

  @Test
  void exportsComeAndGoWhileItRuns() throws Exception {
    TuffProcess.run(
            folder,
            "export",
            "add",
            "qcow",
            "--name",
            "extra",
            "--max-clients",
            "1",
            "--description",
            "one more")
        .succeeds();
    TuffProcess.run(folder, "export", "add", "qcow", "--name", "extra").refuses("extra already");
    TuffProcess.run(folder, "export", "add", "nothing").refuses("no volume named nothing");
    JsonNode exports = json(TuffProcess.run(folder, "export", "list", "-o", "json").succeeds());
    assertThat(exports).hasSize(6);
    assertThat(exports.get(0).get("name").asText()).isEqualTo("extra");
    require("nbdsh", "libnbd-bin and python3-libnbd");
    Files.writeString(
        folder.resolve("hold.py"),
        """
        import nbd, sys, time
        h = nbd.NBD(); h.connect_uri(sys.argv[1]); h.pread(512, 0)
        print("connected", flush=True)
        try:
            while True: time.sleep(0.1); h.pread(512, 0)
        except nbd.Error: sys.exit(0)
        """);
    Process holder =
        new ProcessBuilder("/usr/bin/python3", "hold.py", uri("extra"))
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .start();
    assertThat(holder.inputReader().readLine()).isEqualTo("connected");
    JsonNode connections = json(TuffProcess.run(folder, "connections", "-o", "json").succeeds());
    boolean listed = false;
    for (JsonNode connection : connections) {
      listed |= connection.get("export").asText().equals("extra");
    }
    assertThat(listed).isTrue();
    TuffProcess.run(folder, "export", "remove", "extra").refuses("in use by 1");
    TuffProcess.run(folder, "export", "remove", "extra", "--force").succeeds();
    assertThat(holder.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(holder.exitValue()).isZero();
    assertThat(json(TuffProcess.run(folder, "export", "list", "-o", "json"))).hasSize(5);
    TuffProcess.run(folder, "export", "remove", "extra").refuses("no export named extra");
  }

  @Test
  void theArrayIsTheServicesAlone() {
    // Whoever needs the drives is refused; the service answers for itself.
    TuffProcess.run(folder, "check").refuses("in use");
    assertThat(TuffProcess.run(folder, "status").succeeds().out()).contains("1 more loss");
    TuffProcess.run(folder, "serve", "--unix", "other").refuses("in use");
  }
}
