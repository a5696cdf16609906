package dev.tuff.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a figure was measured on and with; printed with every figure, as figures do not travel
 * between machines.
 *
 * @param drive model or kind of what lies under the path, and its write cache
 * @param settings of this run, in a readable order: N+K, chunk, toughness, seconds, repeats
 */
public record Environment(
    String when,
    String kernel,
    String cpu,
    int cpus,
    long memoryBytes,
    String java,
    String drive,
    String fileSystem,
    double loadAverage,
    Map<String, String> settings) {

  public Environment {
    settings = Collections.unmodifiableMap(new LinkedHashMap<>(settings));
  }

  /**
   * Looks at this machine; {@code path} (a file, directory or block device, or null) says which
   * drive.
   */
  static Environment of(Path path, Map<String, String> settings) {
    return new Environment(
        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
        firstLine("/proc/sys/kernel/osrelease"),
        valueOf("/proc/cpuinfo", "model name"),
        Runtime.getRuntime().availableProcessors(),
        installedMemory(),
        Runtime.version() + " " + System.getProperty("java.vm.name"),
        path == null ? "none" : drive(path),
        path == null ? "none" : fileSystem(path),
        currentLoad(),
        settings);
  }

  private static double currentLoad() {
    String line = firstLine("/proc/loadavg");
    return line.equals("unknown") ? Double.NaN : Double.parseDouble(line.split(" ", 2)[0]);
  }

  private static long installedMemory() {
    String text = valueOf("/proc/meminfo", "MemTotal").replaceAll("[^0-9]", "");
    return text.isEmpty() ? -1 : Long.parseLong(text) * 1024;
  }

  private static String fileSystem(Path path) {
    try {
      if (isBlockDevice(path)) {
        return "none (block device)";
      }
      return Files.getFileStore(path).type();
    } catch (IOException e) {
      return "unknown";
    }
  }

  static boolean isBlockDevice(Path path) throws IOException {
    int mode = (Integer) Files.getAttribute(path, "unix:mode");
    return (mode & 0170000) == 0060000;
  }

  private static String drive(Path path) {
    try {
      long number =
          ((Number) Files.getAttribute(path, isBlockDevice(path) ? "unix:rdev" : "unix:dev"))
              .longValue();
      // glibc's layout of dev_t: 12 bits of major from bit 8, 8 bits of minor, the rest above.
      long major = (number >>> 8 & 0xfff) | (number >>> 32 & ~0xfffL);
      long minor = (number & 0xff) | (number >>> 12 & ~0xffL);
      Path block = Path.of("/sys/dev/block/" + major + ":" + minor);
      if (!Files.exists(block)) {
        return "unknown (device " + major + ":" + minor + ")";
      }
      block = block.toRealPath();
      Path disk = Files.exists(block.resolve("queue")) ? block : block.getParent();
      String model = firstLine(disk.resolve("device/model").toString());
      String kind =
          firstLine(disk.resolve("queue/rotational").toString()).equals("1")
              ? "rotational"
              : "solid-state or virtual";
      return disk.getFileName()
          + (model.equals("unknown") ? "" : " " + model.strip())
          + ", says it is "
          + kind
          + ", write cache: "
          + firstLine(disk.resolve("queue/write_cache").toString());
    } catch (IOException e) {
      return "unknown";
    }
  }

  private static String firstLine(String file) {
    try {
      List<String> lines = Files.readAllLines(Path.of(file));
      return lines.isEmpty() ? "unknown" : lines.getFirst().strip();
    } catch (IOException | UncheckedIOException e) {
      return "unknown";
    }
  }

  private static String valueOf(String file, String key) {
    try {
      for (String line : Files.readAllLines(Path.of(file))) {
        if (line.startsWith(key)) {
          return line.substring(line.indexOf(':') + 1).strip();
        }
      }
      return "unknown";
    } catch (IOException e) {
      return "unknown";
    }
  }
}
