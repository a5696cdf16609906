package dev.tuff.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * fio(1) as the peer of the device layer: same file, pattern, block size, depth and time. Its CPU
 * time is what its job process used by getrusage, kernel workers of its ring included, without
 * fio's own start and end.
 */
final class FioPeer {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path target;
  private final long bytes;

  /**
   * @param bytes of the target, from its start, are used
   */
  FioPeer(Path target, long bytes) {
    this.target = target;
    this.bytes = bytes;
  }

  /**
   * fio's name and version; throws {@link BenchException} with the package to install where it is
   * missing.
   */
  static String version() {
    try {
      Process process = new ProcessBuilder("fio", "--version").redirectErrorStream(true).start();
      String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      process.waitFor();
      return text.strip();
    } catch (IOException e) {
      throw new BenchException(
          "fio is not installed; install the package fio to measure against it.", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchException("Interrupted while asking fio for its version.", e);
    }
  }

  /** Runs one stretch of fio. */
  Measurement run(Workload work, double seconds) {
    Path output = null;
    try {
      output = Files.createTempFile("tuff-fio", ".json");
      Process process =
          new ProcessBuilder(command(work, seconds, output))
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.PIPE)
              .start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(Math.round(seconds) + 60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new BenchException("fio did not end in time; look at the drive " + target + ".");
      }
      if (process.exitValue() != 0) {
        throw new BenchException(
            "fio failed: "
                + said.strip().lines().findFirst().orElse("exit code " + process.exitValue())
                + ".");
      }
      return parse(Files.readString(output), work.direction().writes());
    } catch (IOException e) {
      throw new BenchException(
          "fio could not be run: " + e.getMessage() + "; install the package fio.", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchException("Interrupted while fio ran.", e);
    } finally {
      delete(output);
    }
  }

  private static void delete(Path file) {
    if (file != null) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        throw new BenchException(
            "Cannot remove the temporary file " + file + ": " + e.getMessage() + ".", e);
      }
    }
  }

  /** The options that say what is measured; the others of the command line are names and times. */
  static List<String> options(Workload work) {
    List<String> options = new ArrayList<>();
    options.add("--ioengine=io_uring");
    options.add("--direct=1");
    String direction = work.direction() == Direction.READ ? "read" : "write";
    options.add("--rw=" + (work.pattern() == Pattern.RANDOM ? "rand" : "") + direction);
    options.add("--bs=" + work.blockBytes());
    options.add("--iodepth=" + work.depth());
    if (work.pattern() == Pattern.RANDOM) {
      // Like ours: each block anew, no map of those visited.
      options.add("--norandommap=1");
      options.add("--randrepeat=0");
    }
    if (work.direction() == Direction.DURABLE_WRITE) {
      options.add("--sync=dsync");
    }
    return options;
  }

  List<String> command(Workload work, double seconds, Path output) {
    List<String> command = new ArrayList<>();
    command.add("fio");
    command.add("--name=tuff");
    command.add("--filename=" + target.toString().replace(":", "\\:"));
    command.add("--size=" + bytes);
    command.addAll(options(work));
    command.add("--time_based=1");
    command.add("--runtime=" + Math.max(1, Math.round(seconds * 1000)) + "ms");
    command.add("--allow_file_create=0");
    command.add("--output-format=json");
    command.add("--output=" + output);
    return command;
  }

  /** Reads fio's JSON of one job. Throws {@link BenchException} where it is not that. */
  static Measurement parse(String text, boolean writes) {
    try {
      // fio prints warnings in front of its JSON.
      JsonNode root = JSON.readTree(text.substring(Math.max(0, text.indexOf('{'))));
      JsonNode job = root.path("jobs").path(0);
      JsonNode side = job.path(writes ? "write" : "read");
      if (job.path("error").asInt(-1) != 0 || side.path("total_ios").asLong(0) == 0) {
        throw new BenchException(
            "fio's job failed or did nothing (error "
                + job.path("error").asText("unknown")
                + "); run fio by hand to see why.");
      }
      double seconds = side.path("runtime").asDouble() / 1e3;
      JsonNode clat = side.path("clat_ns").path("percentile");
      double jobSeconds = job.path("job_runtime").asDouble() / 1e3;
      double cpu =
          (job.path("usr_cpu").asDouble() + job.path("sys_cpu").asDouble()) / 100 * jobSeconds;
      long bytes = side.path("io_bytes").asLong();
      return new Measurement(
          seconds,
          side.path("total_ios").asLong(),
          bytes,
          new Latency(
              side.path("lat_ns").path("mean").asDouble(Double.NaN),
              clat.path("50.000000").asDouble(Double.NaN),
              clat.path("99.000000").asDouble(Double.NaN),
              clat.path("99.900000").asDouble(Double.NaN),
              side.path("lat_ns").path("max").asDouble(Double.NaN)),
          cpu,
          writes ? 0 : bytes,
          writes ? bytes : 0,
          writes ? side.path("total_ios").asLong() : 0,
          job.path("sync").path("total_ios").asLong(0),
          -1,
          -1);
    } catch (IOException e) {
      throw new BenchException(
          String.format(
              Locale.ROOT,
              "fio's output is not the JSON that fio 3 writes (%d characters).",
              text.length()),
          e);
    }
  }
}
