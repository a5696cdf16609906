package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A Linux machine in QEMU, which has no need of the host's kernel or of hardware virtualization: a
 * volume is its disk, and Linux's own NBD client runs in it. What it does is what the README shows.
 * Skipped, with the reason printed, where the launcher's set-up found no QEMU or no kernel for it.
 */
@Timeout(400)
class VirtualMachineIT {
  private static final int BOOT_SECONDS = 180;

  /** The host, for a machine on QEMU's user network. */
  private static final String HOST = "10.0.2.2";

  private static final Path KERNEL = TuffProcess.ROOT.resolve("tools/target/guest");
  private static Path vmlinuz;

  @TempDir Path folder;

  @BeforeAll
  static void findMachine() throws IOException {
    require(executable("qemu-system-x86_64"), "qemu-system-x86_64 of package qemu-system-x86");
    require(executable("nbd-client"), "nbd-client of package nbd-client");
    Path boot = KERNEL.resolve("boot");
    Optional<Path> found = Optional.empty();
    if (Files.isDirectory(boot)) {
      try (Stream<Path> files = Files.list(boot)) {
        found = files.filter(f -> f.getFileName().toString().startsWith("vmlinuz-")).findFirst();
      }
    }
    require(found.isPresent(), "a kernel of package linux-image-cloud-amd64");
    vmlinuz = found.orElseThrow();
  }

  private static boolean executable(String command) {
    return Stream.of((System.getenv("PATH") + ":/usr/sbin:/sbin").split(":", -1))
        .anyMatch(place -> Files.isExecutable(Path.of(place, command)));
  }

  private static void require(boolean there, String what) {
    if (!there) {
      System.out.println("VirtualMachineIT: skipped, " + what + " is missing");
    }
    assumeTrue(there, what + " is missing");
  }

  /** The README's block that begins so. */
  private static String block(String begin) throws IOException {
    Matcher block =
        Pattern.compile("^```bash\\n(" + begin + ".*?)^```", Pattern.MULTILINE | Pattern.DOTALL)
            .matcher(Files.readString(TuffProcess.ROOT.resolve("README.md")));
    assertThat(block.find()).as("the README shows " + begin).isTrue();
    return block.group(1);
  }

  private ServeProcess serve() throws Exception {
    ServeProcess.makeArray(folder, 192, "200M", "1");
    TuffProcess.run(folder, "export", "add", "v", "--name", "disk1").succeeds();
    return ServeProcess.start(folder, "--listen", "127.0.0.1:0");
  }

  /** Boots a machine that runs the script and ends; returns what it said. */
  private String boot(String script, List<Path> files, List<String> command) throws Exception {
    Path commands = Files.writeString(folder.resolve("script"), script);
    Path initrd = folder.resolve("initrd");
    List<String> make =
        new ArrayList<>(
            List.of(
                TuffProcess.ROOT.resolve("tools/src/test/guest/make-guest").toString(),
                KERNEL.toString(),
                commands.toString(),
                initrd.toString()));
    files.forEach(file -> make.add(file.toString()));
    ServeProcess.run(folder, 60, make.toArray(String[]::new));
    List<String> boot = new ArrayList<>(command);
    boot.addAll(
        List.of(
            "-nographic",
            "-no-reboot",
            "-kernel",
            vmlinuz.toString(),
            "-initrd",
            initrd.toString(),
            "-append",
            "console=ttyS0 quiet panic=-1",
            "-nic",
            "user,model=virtio-net-pci"));
    String said = ServeProcess.run(folder, BOOT_SECONDS, boot.toArray(String[]::new));
    assertThat(said).as("what the machine said").contains("guest: exit code 0");
    return said;
  }

  /** The export's content as a file. */
  private Path copyOut(ServeProcess serve) throws Exception {
    serve.client("nbdcopy", "nbd://127.0.0.1:" + serve.port() + "/disk1", "out.img");
    return folder.resolve("out.img");
  }

  private void assertSoundWith(Path image, String file, Path expected) throws Exception {
    ServeProcess.run(folder, 60, "/sbin/e2fsck", "-fn", image.toString());
    ServeProcess.run(
        folder, 60, "/sbin/debugfs", "-R", "dump " + file + " taken.out", image.toString());
    assertThat(folder.resolve("taken.out")).hasSameBinaryContentAs(expected);
  }

  @Test
  void linuxNbdClientAsInTheReadme() throws Exception {
    Path readme = TuffProcess.ROOT.resolve("README.md");
    try (ServeProcess serve = serve()) {
      String script = block("modprobe nbd").replace("127.0.0.1 10809", HOST + " " + serve.port());
      assertThat(script).contains(HOST);
      String said =
          boot(
              script,
              List.of(readme),
              List.of("qemu-system-x86_64", "-machine", "accel=kvm:tcg", "-m", "256M"));
      assertThat(said).contains("Connected /dev/nbd0");
      assertThat(serve.log()).contains("connection 2) uses export disk1");
      assertSoundWith(copyOut(serve), "README.md", readme);
      serve.stop();
    }
    TuffProcess.run(folder, "check").succeeds();
  }

  @Test
  void qemuMachineAsInTheReadme() throws Exception {
    Path content = Files.write(folder.resolve("content"), new byte[3_000_000]);
    Files.writeString(content, "what the machine's disk holds");
    ServeProcess.run(folder, 60, "truncate", "-s", "128M", "disk.raw");
    ServeProcess.run(folder, 60, "/sbin/mkfs.ext4", "-q", "disk.raw");
    ServeProcess.run(folder, 60, "/sbin/debugfs", "-w", "-R", "write content found", "disk.raw");
    ServeProcess.run(folder, 60, "qemu-img", "convert", "-O", "qcow2", "disk.raw", "debian.qcow2");
    try (ServeProcess serve = serve()) {
      String[] lines =
          block("qemu-img convert")
              .replace("127.0.0.1", "127.0.0.1:" + serve.port())
              .split("\n", -1);
      serve.client(lines[0].split(" ", -1));
      List<String> machine =
          new ArrayList<>(
              List.of(
                  lines[1]
                      .replace("-enable-kvm", "-machine accel=kvm:tcg")
                      .replace("-m 2G", "-m 256M")
                      .split(" ", -1)));
      String said =
          boot(
              """
              mount -o discard /dev/vda /mnt
              cat /mnt/found
              dd if=/dev/zero of=/mnt/large bs=1M count=40
              sync
              rm /mnt/large
              sync
              fstrim /mnt
              cp README.md /mnt/README.md
              umount /mnt
              """,
              List.of(TuffProcess.ROOT.resolve("README.md")),
              machine);
      assertThat(said).contains("what the machine's disk holds");
      assertSoundWith(copyOut(serve), "README.md", TuffProcess.ROOT.resolve("README.md"));
      serve.stop();
    }
    TuffProcess.run(folder, "check").succeeds();
  }
}
