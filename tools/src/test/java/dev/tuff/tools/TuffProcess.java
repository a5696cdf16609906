package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * One finished run of the real {@code ./tuff} as a user would start it, from a folder of the test's
 * choice.
 *
 * @param exitCode the process's
 * @param out all it printed
 * @param err all it complained about
 */
record TuffProcess(int exitCode, String out, String err) {
  static final Path ROOT = Path.of(System.getProperty("tuff.root")).toAbsolutePath().normalize();

  // Short runs: half the time would go into compiling what is never run again.
  private static final String SHORT_RUN = "-XX:TieredStopAtLevel=1";

  static TuffProcess run(Path folder, String... arguments) {
    return start(folder, command(arguments), SHORT_RUN);
  }

  private static List<String> command(String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(ROOT.resolve("tuff").toString());
    command.addAll(List.of(arguments));
    return command;
  }

  /** Begins a run, to be killed; what it complains about is in {@code err} then. */
  static Process begin(Path folder, Path err, String... arguments) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(command(arguments))
            .directory(folder.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(err.toFile());
    builder.environment().put("TUFF_JAVA_OPTS", SHORT_RUN);
    return builder.start();
  }

  /** Begins a run that goes on beside the test; all it says is in {@code log}. */
  static Process beginLogged(Path folder, Path log, String... arguments) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(command(arguments))
            .directory(folder.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    builder.environment().put("TUFF_JAVA_OPTS", SHORT_RUN);
    return builder.start();
  }

  /**
   * Runs a script as people paste it: stops at its first failing command; {@code ./tuff} is the
   * project's.
   */
  static TuffProcess shell(Path folder, String script) {
    return start(folder, List.of("bash", "-euo", "pipefail", "-c", script), "");
  }

  private static TuffProcess start(Path folder, List<String> command, String javaOptions) {
    try {
      File out = File.createTempFile("tuff", ".out");
      File err = File.createTempFile("tuff", ".err");
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .directory(folder.toFile())
              .redirectInput(new File("/dev/null"))
              .redirectOutput(out)
              .redirectError(err);
      builder.environment().put("TUFF_JAVA_OPTS", javaOptions);
      Process process = builder.start();
      int exitCode = process.waitFor();
      TuffProcess finished =
          new TuffProcess(exitCode, Files.readString(out.toPath()), Files.readString(err.toPath()));
      Files.delete(out.toPath());
      Files.delete(err.toPath());
      return finished;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError("the test was interrupted", e);
    }
  }

  TuffProcess succeeds() {
    assertThat(exitCode).as("exit code of a run that said%n%s%s", out, err).isZero();
    return this;
  }

  /**
   * Refused with exit code 1, nothing printed, and exactly one line of complaint that contains all
   * the words.
   */
  TuffProcess refuses(String... words) {
    assertThat(exitCode).as("exit code of a run that said%n%s%s", out, err).isEqualTo(1);
    assertThat(err.lines().filter(line -> !line.startsWith("tuff: warning: ")))
        .as("complaint")
        .hasSize(1);
    assertThat(err).startsWith("tuff: ").contains(words);
    assertThat(out).isEmpty();
    return this;
  }

  /** Refused with exit code 2: one line of complaint and the pointer to the help. */
  TuffProcess isCalledWrongly(String... words) {
    assertThat(exitCode).as("exit code of a run that said%n%s%s", out, err).isEqualTo(2);
    assertThat(err.lines())
        .as("complaint and hint")
        .hasSize(2)
        .last()
        .asString()
        .startsWith("Try 'tuff");
    assertThat(err).startsWith("tuff: ").contains(words);
    assertThat(out).isEmpty();
    return this;
  }
}
