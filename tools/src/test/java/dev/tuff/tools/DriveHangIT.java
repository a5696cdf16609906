package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A drive that hangs, under a service with clients that verify: a loop device over a file of
 * nbdfuse, which is stopped and goes on later, so that the kernel has the drive's requests and
 * neither fails nor completes them. Skipped, with the reason printed, where that can't be made.
 */
@Timeout(400)
class DriveHangIT {
  private static final int CLIENTS = 4;
  private static final long AWAIT_SECONDS = 90;

  /** Writes and reads blocks by chance, and knows what each must hold; ends when told. */
  private static final String CLIENT =
      """
      import nbd, os, random, sys
      me = int(sys.argv[1])
      rng = random.Random(me)
      h = nbd.NBD()
      h.connect_uri("nbd+unix:///v?socket=s")
      first, blocks, known = me << 24, 1024, {}
      n = 0
      while not os.path.exists("end"):
          slots = {}
          for i in rng.sample(range(blocks // 4), 8):
              if rng.random() < 0.5:
                  known[i] = rng.randbytes(16384)
                  buf = nbd.Buffer.from_bytearray(bytearray(known[i]))
                  slots[i] = (h.aio_pwrite(buf, first + i * 16384), buf, False)
              else:
                  buf = nbd.Buffer(16384)
                  slots[i] = (h.aio_pread(buf, first + i * 16384), buf, True)
          while slots:
              done = [i for i in slots if h.aio_command_completed(slots[i][0])]
              for i in done:
                  _, buf, read = slots.pop(i)
                  if read:
                      assert buf.to_bytearray() == known.get(i, bytes(16384)), "slot %d of client %d" % (i, me)
              if not done: h.poll(-1)
          n += 1
          if n % 8 == 0: h.flush()
          if n % 4 == 0:
              with open("rounds%d.new" % me, "w") as f: f.write(str(n))
              os.rename("rounds%d.new" % me, "rounds%d" % me)
      for i in known:
          assert h.pread(16384, first + i * 16384) == known[i], "in the end, slot %d of client %d" % (i, me)
      h.shutdown()
      """;

  @TempDir Path folder;
  private final List<Process> clients = new ArrayList<>();
  private Process image;
  private Process fuse;
  private String loop;
  private ServeProcess serve;

  @BeforeEach
  void makeArray() throws Exception {
    for (String command : List.of("qemu-nbd", "nbdfuse", "losetup", "nbdsh", "fusermount3")) {
      require(installed(command), command + " is missing (qemu-utils, libnbd-bin, python3-libnbd)");
    }
    require(
        Files.isWritable(Path.of("/dev/fuse")) && Files.exists(Path.of("/dev/loop-control")),
        "there is no FUSE or no loop device here");
    for (int i = 0; i < 5; i++) {
      TuffProcess.shell(folder, "truncate -s 256M d" + i).succeeds();
    }
    image = begin("qemu-nbd", "-f", "raw", "-k", folder.resolve("q").toString(), "-t", "d4");
    await(() -> Files.exists(folder.resolve("q")), "qemu-nbd");
    Files.createDirectory(folder.resolve("fuse"));
    fuse = begin("nbdfuse", "fuse/disk", "nbd+unix:///?socket=" + folder.resolve("q"));
    await(() -> Files.exists(folder.resolve("fuse/disk")), "nbdfuse");
    loop =
        ServeProcess.run(folder, 20, "losetup", "-f", "--show", "--direct-io=on", "fuse/disk")
            .strip();
    TuffProcess.run(folder, "format", "--protect", "4+1", "d0", "d1", "d2", "d3", loop).succeeds();
    TuffProcess.run(folder, "volume", "create", "v", "--size", "128M").succeeds();
    serve = ServeProcess.start(folder, "--unix", "s", "--all", "--drive-timeout", "3");
    Files.writeString(folder.resolve("client.py"), CLIENT);
  }

  @AfterEach
  void leaveNothingBehind() throws Exception {
    if (fuse != null && fuse.isAlive()) {
      signal("CONT");
    }
    clients.forEach(Process::destroyForcibly);
    if (serve != null) {
      serve.close();
    }
    if (loop != null) {
      TuffProcess.shell(folder, "losetup -d " + loop).succeeds();
    }
    if (fuse != null) {
      TuffProcess.shell(folder, "fusermount3 -u fuse").succeeds();
      fuse.waitFor();
    }
    if (image != null) {
      image.destroy();
      image.waitFor();
    }
  }

  private static void require(boolean there, String otherwise) {
    if (!there) {
      System.out.println("DriveHangIT: skipped, " + otherwise);
    }
    assumeTrue(there, otherwise);
  }

  private static boolean installed(String command) {
    for (String place : (System.getenv("PATH") + ":/usr/sbin:/sbin").split(":", -1)) {
      if (Files.isExecutable(Path.of(place, command))) {
        return true;
      }
    }
    return false;
  }

  private Process begin(String... command) throws IOException {
    return new ProcessBuilder(command)
        .directory(folder.toFile())
        .redirectErrorStream(true)
        .redirectOutput(Files.createTempFile(folder, "said", ".log").toFile())
        .start();
  }

  private void signal(String name) {
    TuffProcess.shell(folder, "kill -" + name + " " + fuse.pid()).succeeds();
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void await(Condition condition, String what) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(AWAIT_SECONDS);
    while (!condition.holds()) {
      assertThat(System.nanoTime()).as("time until %s", what).isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(50);
    }
  }

  private void startClients() throws Exception {
    for (int i = 0; i < CLIENTS; i++) {
      clients.add(begin("/usr/bin/python3", "client.py", "" + i));
    }
    awaitProgress();
  }

  /** Each client gets some further. */
  private void awaitProgress() throws Exception {
    for (int i = 0; i < CLIENTS; i++) {
      int client = i;
      int before = rounds(i);
      await(
          () -> {
            assertThat(clients.get(client).isAlive()).as("client %d runs", client).isTrue();
            return rounds(client) >= before + 8;
          },
          "client " + i + " goes on, after " + serve.log());
    }
  }

  private int rounds(int client) throws IOException {
    Path file = folder.resolve("rounds" + client);
    return Files.exists(file) ? Integer.parseInt(Files.readString(file)) : 0;
  }

  private void endClients() throws Exception {
    Files.createFile(folder.resolve("end"));
    for (Process client : clients) {
      assertThat(client.waitFor(AWAIT_SECONDS, TimeUnit.SECONDS)).isTrue();
      assertThat(client.exitValue()).as("exit code of a client that verifies").isZero();
    }
  }

  private void awaitFailed() throws Exception {
    await(
        () -> serve.log().contains("has failed: it did not answer for 3 s"),
        "the drive that hangs has failed");
    assertThat(serve.log()).doesNotContain("array waits");
  }

  @Test
  void theArrayGoesOnAndTheDriveIsTakenBack() throws Exception {
    startClients();
    signal("STOP");
    awaitFailed();
    awaitProgress();
    assertThat(TuffProcess.run(folder, "status").succeeds().out())
        .contains("it did not answer for 3 s", "no more loss");
    TuffProcess.run(folder, "drive", "replace", "4", loop, "--force")
        .refuses("has not answered", "may still carry them out");
    awaitProgress();

    signal("CONT");
    // What it does now, late, is seen by nobody.
    awaitProgress();
    await(
        () -> {
          TuffProcess tried =
              TuffProcess.run(folder, "drive", "replace", "4", loop, "--force", "--no-wait");
          assertThat(tried.exitCode() == 0 || tried.err().contains("has not answered"))
              .as(tried.err())
              .isTrue();
          return tried.exitCode() == 0;
        },
        "the drive has answered all that it was asked");
    TuffProcess.run(folder, "rebuild", "--policy", "rebuild").succeeds();
    awaitProgress();

    // Once more: what was replaced of the memory serves like the rest.
    signal("STOP");
    await(
        () -> serve.log().split("did not answer for 3 s", -1).length == 3,
        "the drive has failed again");
    awaitProgress();
    signal("CONT");
    endClients();
    serve.stop();
    takeBackAndCheck();
  }

  /** The array does not run: the drive, which is stale, is taken in, and all is sound. */
  private void takeBackAndCheck() {
    TuffProcess degraded = TuffProcess.run(folder, "check");
    assertThat(degraded.exitCode()).as(degraded.out()).isEqualTo(1);
    assertThat(degraded.out()).contains("is stale", "No data block is lost");
    TuffProcess.run(folder, "drive", "replace", "4", loop).succeeds();
    assertThat(TuffProcess.run(folder, "check").succeeds().out()).contains("The array is sound");
  }

  @Test
  void theServiceStopsWhileADriveHangs() throws Exception {
    startClients();
    signal("STOP");
    awaitFailed();
    awaitProgress();
    endClients();
    serve.process().destroy();
    await(() -> serve.log().contains(" stopped"), "the service has stopped");
    // The kernel lets a process with a flush under way go only when that has ended.
    signal("CONT");
    assertThat(serve.process().waitFor(AWAIT_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(serve.process().exitValue()).as(serve.log()).isZero();
    takeBackAndCheck();
  }
}
