package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A real {@code ./tuff serve} that is ready, for other makers' clients to talk to. */
final class ServeProcess implements AutoCloseable {
  private static final long START_SECONDS = 60;

  private final Path folder;
  private final Path log;
  private final Process process;

  private ServeProcess(Path folder, Path log, Process process) {
    this.folder = folder;
    this.log = log;
    this.process = process;
  }

  /** Five image drives, 4+1, and a volume {@code v}. */
  static void makeArray(Path folder, int driveMebibytes, String volumeSize, String toughness)
      throws IOException {
    List<String> format = new ArrayList<>(List.of("format", "--protect", "4+1"));
    for (int i = 0; i < 5; i++) {
      try (var image = new java.io.RandomAccessFile(folder.resolve("d" + i).toFile(), "rw")) {
        image.setLength((long) driveMebibytes << 20);
      }
      format.add("d" + i);
    }
    TuffProcess.run(folder, format.toArray(String[]::new)).succeeds();
    TuffProcess.run(folder, "volume", "create", "v", "--size", volumeSize, "--toughness", toughness)
        .succeeds();
  }

  /**
   * Starts it and waits until it is ready. With two shards unless the options say something else: a
   * small machine would have one, and nothing would pass from one to another.
   */
  static ServeProcess start(Path folder, String... options) throws Exception {
    List<String> command = new ArrayList<>(List.of(TuffProcess.ROOT.resolve("tuff").toString()));
    command.add("serve");
    command.addAll(List.of(options));
    if (!command.contains("--shards")) {
      command.addAll(List.of("--shards", "2"));
    }
    Path log = Files.createTempFile(folder, "serve", ".log");
    Process process =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectOutput(log.toFile())
            .redirectErrorStream(true)
            .start();
    ServeProcess serve = new ServeProcess(folder, log, process);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
    while (!serve.log().contains(" ready, ")) {
      assertThat(process.isAlive()).as("the service runs: %s", serve.log()).isTrue();
      assertThat(System.nanoTime()).as("time until it is ready").isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(50);
    }
    return serve;
  }

  String log() throws IOException {
    return Files.readString(log);
  }

  Process process() {
    return process;
  }

  /** The port of its first TCP listener on localhost. */
  int port() throws IOException {
    var matcher = java.util.regex.Pattern.compile("listens on 127.0.0.1:(\\d+)").matcher(log());
    assertThat(matcher.find()).isTrue();
    return Integer.parseInt(matcher.group(1));
  }

  /** SIGTERM: it must end well. */
  void stop() throws Exception {
    process.destroy();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("it ends: %s", log()).isTrue();
    assertThat(process.exitValue()).as("exit code, after %s", log()).isZero();
    assertThat(log()).contains(" stopped");
  }

  /** SIGKILL. */
  void kill() throws Exception {
    process.destroyForcibly().waitFor();
  }

  @Override
  public void close() {
    process.destroyForcibly();
    process.onExit().join();
  }

  /** Runs another maker's command in the folder, which must succeed, and returns what it said. */
  String client(String... command) throws Exception {
    return run(folder, 120, command);
  }

  static String run(Path folder, int seconds, String... command) throws Exception {
    Path out = Files.createTempFile(folder, "client", ".out");
    Process client =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectOutput(out.toFile())
            .redirectErrorStream(true)
            .start();
    boolean ended = client.waitFor(seconds, TimeUnit.SECONDS);
    if (!ended) {
      client.destroyForcibly().waitFor();
    }
    String said = Files.readString(out);
    Files.delete(out);
    assertThat(ended).as("%s ends in time; it said %s", String.join(" ", command), said).isTrue();
    assertThat(client.exitValue())
        .as("exit code of %s, which said %s", String.join(" ", command), said)
        .isZero();
    return said;
  }
}
