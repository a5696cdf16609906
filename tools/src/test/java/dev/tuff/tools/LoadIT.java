package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code tuff load} as its user sees it, and that it finds what it is there to find. */
class LoadIT {
  private static final int DRIVES = 5;

  @TempDir Path folder;

  @BeforeEach
  void makeArray() throws IOException {
    for (int i = 0; i < DRIVES; i++) {
      try (RandomAccessFile image = new RandomAccessFile(drive(i).toFile(), "rw")) {
        image.setLength(64 << 20);
      }
    }
    TuffProcess.run(folder, "format", "d0.img", "d1.img", "d2.img", "d3.img", "d4.img").succeeds();
    TuffProcess.run(folder, "volume", "create", "v", "--size", "16M").succeeds();
  }

  private Path drive(int index) {
    return folder.resolve("d" + index + ".img");
  }

  private TuffProcess load(String... more) {
    String[] all = new String[4 + more.length];
    all[0] = "load";
    all[1] = "v";
    all[2] = "--seconds";
    all[3] = "0.5";
    System.arraycopy(more, 0, all, 4, more.length);
    return TuffProcess.run(folder, all);
  }

  private TuffProcess verify() {
    return TuffProcess.run(folder, "load", "v", "--verify", "acks");
  }

  @Test
  void anArrayThatWentBackInTimeIsFound() throws IOException {
    load("--acks", "acks").succeeds();
    for (int i = 0; i < DRIVES; i++) {
      Files.copy(drive(i), folder.resolve("before" + i));
    }
    assertThat(load("--acks", "acks").succeeds().out()).startsWith("wrote ");
    assertThat(verify().succeeds().out()).startsWith("verified 4096 blocks of volume v");
    for (int i = 0; i < DRIVES; i++) {
      Files.copy(folder.resolve("before" + i), drive(i), StandardCopyOption.REPLACE_EXISTING);
    }
    verify().refuses("does not hold what was acknowledged: block ", " has lost version ");
    load("--acks", "acks").refuses(" has lost version ");
  }

  @Test
  void whatIsWrittenByOthersIsFoundAndNotOverwritten() throws IOException {
    load("--acks", "acks").succeeds();
    Files.writeString(folder.resolve("file"), "something else");
    TuffProcess.run(folder, "put", "file", "v").succeeds();
    verify().refuses("block 0 holds something that no load has written", "(1 of 4096 blocks are");
    load("--acks", "others").refuses("holds something already", "--overwrite");
    assertThat(folder.resolve("others")).doesNotExist();
    load("--acks", "others", "--overwrite").succeeds();
    verify().refuses("is of another load");
    TuffProcess.run(folder, "load", "v", "--verify", "others").succeeds();
  }

  @Test
  void acknowledgementsGoToStandardOutputToo() throws IOException {
    TuffProcess loaded = load("--size", "1M", "--depth", "3").succeeds();
    assertThat(loaded.err()).startsWith("wrote ");
    Files.writeString(folder.resolve("acks"), loaded.out());
    assertThat(verify().succeeds().out()).startsWith("verified 256 blocks of volume v");
  }

  @Test
  void whatCannotBeIsRefused() throws IOException {
    load("--size", "17M").refuses("has 16777216 bytes, fewer than 17825792");
    load("--size", "1K").refuses("4K to 16G");
    load("--depth", "0").isCalledWrongly("depth of 0");
    load("--acks", "no/such/acks").refuses("no/such/acks: no such file");
    TuffProcess.run(folder, "load", "v", "--seconds", "0").isCalledWrongly("0.0 seconds");
    TuffProcess.run(folder, "load", "w").refuses("no volume named w");
    verify().refuses("acks: no such file");
    TuffProcess.run(folder, "load", "v", "--verify", ".").refuses("is a folder");
    TuffProcess.run(folder, "load", "v", "--verify", "d0.img").refuses("not written by tuff load");
    TuffProcess.run(folder, "load", "v", "--verify", "acks", "--seed", "1")
        .isCalledWrongly("--verify only reads");
    Files.createFile(folder.resolve("acks"));
    verify().refuses("acks is empty");
    load("--acks", "acks").succeeds();
    load("--acks", "acks", "--seed", "1").refuses("leave --size, --seed and --overwrite out");
    TuffProcess.run(folder, "volume", "create", "other", "--size", "16M").succeeds();
    TuffProcess.run(folder, "load", "other", "--verify", "acks")
        .refuses("tells of a load of another volume than other");
  }
}
