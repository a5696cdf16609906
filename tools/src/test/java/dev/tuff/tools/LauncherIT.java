package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LauncherIT {
  @TempDir Path folder;

  @Test
  void runsFromAnyFolderAndThroughALink() throws IOException {
    Path place = Files.createDirectory(folder.resolve("a b"));
    Files.createSymbolicLink(place.resolve("tuff link"), TuffProcess.ROOT.resolve("tuff"));
    assertThat(TuffProcess.run(place, "--version").succeeds().out()).startsWith("tuff ");
    assertThat(TuffProcess.shell(place, "'./tuff link' --version").succeeds().out())
        .startsWith("tuff ");
  }

  @Test
  void usesAFittingJavaHomeAndLooksForAnotherJdkInsteadOfAnUnfittingOne() throws IOException {
    Path old = Files.createDirectories(folder.resolve("jdk-17/bin")).getParent();
    Files.createFile(old.resolve("bin/javac")).toFile().setExecutable(true);
    Files.writeString(old.resolve("release"), "JAVA_VERSION=\"17.0.15\"\n");
    String tuff = "'" + TuffProcess.ROOT.resolve("tuff") + "' --version";
    assertThat(
            TuffProcess.shell(folder, "JAVA_HOME=jdk-17 TUFF_JVM_DIR='" + jvms() + "' " + tuff)
                .succeeds()
                .out())
        .contains("on Java " + Runtime.version().feature());
    TuffProcess.shell(folder, "unset JAVA_HOME; PATH=" + path() + " TUFF_JVM_DIR=. " + tuff)
        .refuses(
            "needs a JDK of 22 or newer",
            "Debian 13: apt-get install openjdk-25-jdk-headless",
            "Debian 12");
  }

  /** A folder of JVMs that holds the one of this test and another that is too old. */
  private Path jvms() throws IOException {
    Path jvms = Files.createDirectory(folder.resolve("jvms"));
    Files.createSymbolicLink(jvms.resolve("fitting"), Path.of(System.getProperty("java.home")));
    Files.createSymbolicLink(jvms.resolve("old"), folder.resolve("jdk-17"));
    return jvms;
  }

  /** A path with what the launcher needs, but no apt-get. */
  private Path path() throws IOException {
    Path bin = Files.createDirectory(folder.resolve("bin"));
    for (String name : new String[] {"bash", "env", "find", "readlink"}) {
      Files.createSymbolicLink(bin.resolve(name), Path.of("/usr/bin", name));
    }
    return bin;
  }

  @Test
  void helpAndVersionSucceed() {
    assertThat(TuffProcess.run(folder, "--help").succeeds().out()).contains("Usage: tuff");
    assertThat(TuffProcess.run(folder, "--version").succeeds().err()).isEmpty();
  }

  @Test
  void saysWhatWasCalledWrongly() {
    TuffProcess.run(folder).isCalledWrongly("which command?");
    TuffProcess.run(folder, "nonsense").isCalledWrongly("nonsense");
  }

  @Test
  void refusesADemoOfAMissingFileBeforeItBuildsOrCreatesAnything() {
    TuffProcess.run(folder, "demo", "/no/such/file").refuses("/no/such/file: no such file");
    TuffProcess.run(folder, "demo", folder.toString()).refuses("is not a readable file");
    assertThat(folder).isEmptyDirectory();
  }
}
