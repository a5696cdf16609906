package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a user can do wrong: one sentence each through the real command, and nothing changed on any
 * drive.
 */
class BadInputIT {
  private static final long DRIVE_BYTES = 64 << 20;

  @TempDir static Path shared;
  private static String volumes;
  @TempDir Path folder;

  /** An array of five drives with volume v of 8 MiB; no test may change it. */
  @BeforeAll
  static void makeArray() throws IOException {
    TuffProcess.run(shared, with("format", images(shared, "d", 5))).succeeds();
    TuffProcess.run(shared, "volume", "create", "v", "--size", "8M").succeeds();
    volumes = TuffProcess.run(shared, "volume", "list").succeeds().out();
  }

  private static String[] images(Path where, String name, int count) throws IOException {
    String[] names = new String[count];
    for (int i = 0; i < count; i++) {
      names[i] = name + i + ".img";
      image(where.resolve(names[i]), DRIVE_BYTES);
    }
    return names;
  }

  private static Path image(Path file, long bytes) throws IOException {
    try (RandomAccessFile image = new RandomAccessFile(file.toFile(), "rw")) {
      image.setLength(bytes);
    }
    return file;
  }

  private static String[] with(String command, String... arguments) {
    List<String> all = new ArrayList<>(List.of(command.split(" ")));
    all.addAll(List.of(arguments));
    return all.toArray(String[]::new);
  }

  /** Runs it in {@code where}, and checks that no image there has changed. */
  private static TuffProcess unchanging(Path where, String... arguments) throws IOException {
    Map<String, String> before = contents(where);
    TuffProcess finished = TuffProcess.run(where, arguments);
    assertThat(contents(where)).as("files after the refused command").isEqualTo(before);
    return finished;
  }

  /**
   * Runs it on the shared array, which it may start for writing, and checks that it has the same
   * volumes afterwards. (A start leaves its traces in the drives' superblocks and journals.)
   */
  private static TuffProcess keeping(String... arguments) {
    TuffProcess finished = TuffProcess.run(shared, arguments);
    if (finished.exitCode() != 2) {
      assertThat(TuffProcess.run(shared, "volume", "list").succeeds().out())
          .as("volumes after the refused command")
          .isEqualTo(volumes);
    }
    return finished;
  }

  private static Map<String, String> contents(Path where) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    List<Path> files;
    try (var listed = Files.list(where)) {
      files = listed.filter(Files::isRegularFile).toList();
    }
    for (Path file : files) {
      try (FileChannel channel = FileChannel.open(file)) {
        contents.put(file.getFileName().toString(), Overwrites.sha256(channel, channel.size()));
      }
    }
    return contents;
  }

  @Test
  void aWrongDrive() throws IOException {
    String[] drives = images(folder, "d", 4);
    Files.createDirectory(folder.resolve("sub"));
    unchanging(folder, with("format", with("sub", drives))).refuses("sub is a directory");
    unchanging(folder, with("format", with("/dev/null", drives))).refuses("/dev/null");
    unchanging(folder, "status", "--drive", "d0.img")
        .refuses("d0.img is not a drive of a Tuff array");
  }

  @Test
  void aMissingDrive() throws IOException {
    String[] drives = images(folder, "d", 4);
    unchanging(folder, with("format", with("none.img", drives))).refuses("none.img does not exist");
    unchanging(folder, "status", "--drive", "none.img").refuses("none.img: no such file");
  }

  @Test
  void aDriveThatIsTooSmall() throws IOException {
    String[] drives = images(folder, "d", 4);
    image(folder.resolve("small.img"), 1 << 20);
    unchanging(folder, with("format", with("small.img", drives)))
        .refuses("small.img", "1048576 bytes");
  }

  @Test
  void aDriveNamedTwice() throws IOException {
    String[] drives = images(folder, "d", 4);
    unchanging(folder, with("format", with("d0.img", drives))).refuses("is named twice");
  }

  @Test
  void aDriveInUse() throws IOException, InterruptedException {
    Process holder =
        new ProcessBuilder(
                "flock",
                shared.resolve("d3.img").toString(),
                "sh",
                "-c",
                "echo held; exec sleep 60")
            .start();
    try {
      assertThat(holder.inputReader().readLine()).isEqualTo("held");
      unchanging(shared, "status").refuses("d3.img is in use by");
      unchanging(shared, "put", ".", "v", "--array", "tuff.toml").refuses("is a folder");
      unchanging(shared, with("format --force", "d0.img", "d1.img", "d2.img", "d3.img", "d4.img"))
          .refuses("d3.img is in use by");
    } finally {
      holder.descendants().forEach(ProcessHandle::destroy);
      holder.destroy();
      holder.waitFor();
    }
  }

  @Test
  void aDriveOfSomethingElse() throws IOException {
    String[] drives = images(folder, "d", 5);
    try (FileChannel ext4 = FileChannel.open(folder.resolve("d2.img"), StandardOpenOption.WRITE)) {
      ext4.write(ByteBuffer.wrap(new byte[] {0x53, (byte) 0xEF}), 0x438);
    }
    unchanging(folder, with("format", drives))
        .refuses("d2.img holds an ext2/3/4 file system", "--force");
  }

  @Test
  void aDriveOfAnotherArray() throws IOException {
    String[] others = images(folder, "o", 5);
    TuffProcess.run(folder, with("format", others)).succeeds();
    unchanging(folder, with("format --array other.toml", others))
        .refuses("o0.img belongs to array", "--force");
    String theirs = folder.resolve("o4.img").toString();
    TuffProcess.run(
            shared, "status", "--drive", "d0.img", "--drive", "d1.img", "--drive", "d2.img",
            "--drive", "d3.img", "--drive", theirs)
        .refuses("o4.img belongs to array", "name the drives of one array");
  }

  @Test
  void aDriveOfAnotherVersion() throws IOException {
    TuffProcess.run(folder, with("format", images(folder, "d", 5))).succeeds();
    int changed = 0;
    try (FileChannel drive =
        FileChannel.open(
            folder.resolve("d1.img"), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      for (long at = 0; at < 4 << 20; at += 4096) {
        ByteBuffer magic = ByteBuffer.allocate(8);
        drive.read(magic, at);
        if (new String(magic.array(), StandardCharsets.US_ASCII).equals("TUFFSUPR")) {
          drive.write(ByteBuffer.wrap(new byte[] {99, 0, 0, 0}), at + 8);
          changed++;
        }
      }
    }
    assertThat(changed).as("copies of the superblock").isEqualTo(2);
    unchanging(folder, "status").refuses("d1.img was formatted in version 99");
  }

  @Test
  void tooManyDrivesMissing() throws IOException {
    TuffProcess.run(folder, with("format", images(folder, "d", 5))).succeeds();
    Files.delete(folder.resolve("d0.img"));
    assertThat(TuffProcess.run(folder, "status").succeeds().out()).contains("degraded");
    TuffProcess.run(folder, "volume", "create", "v", "--size", "1M").succeeds();
    Files.delete(folder.resolve("d1.img"));
    unchanging(folder, "status").refuses("5 drives and 2 are missing");
  }

  @Test
  void anImpossibleProtection() throws IOException {
    String[] drives = images(folder, "d", 5);
    unchanging(folder, with("format --protect 4+2", drives))
        .refuses("Protection 4+2 needs 6 drives and there are 5");
    unchanging(folder, with("format --protect 33+1", drives))
        .isCalledWrongly("protection 33+1 is not possible");
    unchanging(folder, with("format --protect 4+5", drives))
        .isCalledWrongly("protection 4+5 is not possible");
    unchanging(folder, with("format --protect raid5", drives))
        .isCalledWrongly("'raid5' is not a protection");
    keeping("volume", "create", "w", "--size", "1M", "--protect", "5+1")
        .refuses("Protection 5+1 needs 6 drives");
  }

  @Test
  void anArrayFileOfAnotherArray() throws IOException {
    images(folder, "d", 5);
    Files.writeString(folder.resolve("tuff.toml"), "drives = ['x']\n");
    unchanging(folder, "format", "d0.img", "d1.img", "d2.img", "d3.img", "d4.img")
        .refuses("tuff.toml names another array");
    unchanging(
            folder,
            "format",
            "--array",
            "no/such/tuff.toml",
            "d0.img",
            "d1.img",
            "d2.img",
            "d3.img",
            "d4.img")
        .refuses("the array file cannot be written");
  }

  @Test
  void noArrayAtAll() throws IOException {
    unchanging(folder, "status").refuses("which array?");
    unchanging(folder, "status", "--array", "none.toml").refuses("none.toml: no such file");
    Files.writeString(folder.resolve("broken.toml"), "drives = [");
    unchanging(folder, "status", "--array", "broken.toml").refuses("broken.toml is not valid TOML");
    unchanging(folder, "status", "--array", "broken.toml", "--drive", "broken.toml")
        .refuses("either --drive or --array");
  }

  @Test
  void aVolumeNameTwice() throws IOException {
    keeping("volume", "create", "v", "--size", "1M").refuses("volume named v already");
  }

  @Test
  void aVolumeThatIsNotThere() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "content");
    keeping("put", file.toString(), "w").refuses("volume", "w");
    keeping("get", "w", folder.resolve("out").toString()).refuses("volume", "w");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void aVolumeThatCannotBe() throws IOException {
    keeping("volume", "create", "w", "--size", "0").refuses("0 bytes");
    keeping("volume", "create", "w", "--size", "10GB").isCalledWrongly("'10GB' is not a size");
    keeping("volume", "create", "w").isCalledWrongly("--size");
    keeping("volume", "create", "w", "--size", "1M", "--chunk", "5K")
        .refuses("chunk of 5120 bytes");
    keeping("volume", "create", "w", "--size", "1M", "--toughness", "3")
        .isCalledWrongly("'3' is not a toughness");
  }

  @Test
  void aVolumeThatIsTooSmallForTheFile() throws IOException {
    Path large = image(folder.resolve("large"), (8 << 20) + 1);
    keeping("put", large.toString(), "v").refuses("8388609 bytes, volume v only 8388608");
    keeping("get", "v", folder.resolve("out").toString(), "--size", "9M")
        .refuses("fewer than the 9437184 asked for");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void noSpaceOnTheDrives() throws IOException {
    TuffProcess.run(folder, with("format", images(folder, "d", 5))).succeeds();
    TuffProcess.run(folder, "volume", "create", "thin", "--size", "1G").succeeds();
    Path large = image(folder.resolve("large"), 400 << 20);
    TuffProcess.run(folder, "put", large.toString(), "thin").refuses("no space");
    assertThat(TuffProcess.run(folder, "status").succeeds().out()).contains("healthy");
  }

  @Test
  void aFileThatCannotBeRead() throws IOException {
    unchanging(shared, "put", "/no/such/file", "v").refuses("/no/such/file: no such file");
    unchanging(shared, "put", folder.toString(), "v").refuses("is a folder");
    Path file = Files.writeString(folder.resolve("empty"), "");
    TuffProcess.run(folder, "demo", "/no/such/file").refuses("/no/such/file: no such file");
    TuffProcess.run(folder, "demo", "--dir", folder.toString(), "/no/such/file")
        .refuses("/no/such/file: no such file");
    TuffProcess.run(folder, "demo", "--dir", folder.toString(), file.toString())
        .refuses("is empty");
    assertThat(folder.resolve("demo")).doesNotExist();
  }

  @Test
  void aFileThatCannotBeWritten() throws IOException {
    unchanging(shared, "get", "v", "/no/such/folder/file")
        .refuses("there is no folder /no/such/folder");
    unchanging(shared, "get", "v", folder.toString()).refuses("is a folder");
  }

  @Test
  void aDemoWithoutSpace() throws IOException {
    Path huge = image(folder.resolve("huge"), 1L << 42);
    TuffProcess.run(folder, "demo", "--dir", "here", huge.toString()).refuses("free some space");
    assertThat(folder.resolve("here")).doesNotExist();
  }

  @Test
  void aBenchThatWouldDestroy() throws IOException {
    Path image = image(folder.resolve("d.img"), DRIVE_BYTES);
    unchanging(folder, "bench", "device", image.toString(), "--direction", "write")
        .refuses("--destructive");
    unchanging(folder, "bench", "device", "none.img").refuses("none.img");
    unchanging(folder, "bench", "rebuild", image.toString()).refuses("give 6");
  }
}
