package dev.tuff.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * The same ISA-L calls from C: compiled from a source in this module's resources, into a directory
 * of its own that goes with it.
 */
final class ParityPeer implements AutoCloseable {
  private static final String SOURCE = "parity_peer.c";

  private final Path directory;
  private final Path program;

  private ParityPeer(Path directory) {
    this.directory = directory;
    this.program = directory.resolve("parity_peer");
  }

  /**
   * Compiles it; throws {@link BenchException} that names the package where compiler or headers are
   * missing.
   */
  static ParityPeer compile() {
    try (InputStream source = ParityPeer.class.getResourceAsStream(SOURCE)) {
      if (source == null) {
        throw new IllegalStateException(SOURCE + " is not in the module");
      }
      ParityPeer peer = new ParityPeer(Files.createTempDirectory("tuff-parity"));
      boolean ready = false;
      try {
        Path file = peer.directory.resolve(SOURCE);
        Files.copy(source, file);
        peer.call(
            60,
            "Cannot compile the C program to compare with; install the packages gcc and libisal-dev",
            List.of("gcc", "-O2", file.toString(), "-o", peer.program.toString(), "-lisal"));
        ready = true;
      } finally {
        if (!ready) {
          peer.close();
        }
      }
      return peer;
    } catch (IOException e) {
      throw new BenchException(
          "Cannot place the C program to compare with: " + e.getMessage() + ".", e);
    }
  }

  /**
   * What the program says.
   *
   * @param bytesPerSecond of data
   * @param bytesPerCpuSecond of data, per second of the program's own time
   */
  record Answer(double bytesPerSecond, double bytesPerCpuSecond) {}

  /** One stretch, after a fifth of its time to warm up. */
  Answer run(String work, int bytes, int stripes, double seconds) {
    List<String> command =
        List.of(
            program.toString(),
            work,
            String.valueOf(bytes),
            String.valueOf(stripes),
            String.format(Locale.ROOT, "%.3f", seconds));
    String said =
        call(Math.round(seconds * 2) + 60, "The C program to compare with failed", command);
    String[] figures = said.split(" ", 2);
    if (figures.length != 2) {
      throw new IllegalStateException("the C program said: " + said);
    }
    return new Answer(Double.parseDouble(figures[0]), Double.parseDouble(figures[1]));
  }

  private String call(long timeoutSeconds, String failure, List<String> command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String said =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      if (!process.waitFor(timeoutSeconds, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new BenchException(failure + ": it did not end in time.");
      }
      if (process.exitValue() != 0) {
        throw new BenchException(
            failure
                + " ("
                + said.lines().findFirst().orElse("exit code " + process.exitValue())
                + ").");
      }
      return said;
    } catch (IOException e) {
      throw new BenchException(failure + " (" + e.getMessage() + ").", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchException("Interrupted while " + command.getFirst() + " ran.", e);
    }
  }

  /** Removes the compiled program. */
  @Override
  public void close() {
    try {
      Files.deleteIfExists(program);
      Files.deleteIfExists(directory.resolve(SOURCE));
      Files.deleteIfExists(directory);
    } catch (IOException e) {
      throw new BenchException("Cannot remove " + directory + ": " + e.getMessage() + ".", e);
    }
  }
}
