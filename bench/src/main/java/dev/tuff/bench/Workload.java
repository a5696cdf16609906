package dev.tuff.bench;

import java.util.Locale;

/**
 * One kind of load.
 *
 * @param blockBytes size of every operation; a multiple of 4096 on raw devices, at most 4 MiB
 * @param depth operations in flight, at least 1
 */
public record Workload(Pattern pattern, Direction direction, int blockBytes, int depth) {
  public Workload {
    if (blockBytes < 512 || blockBytes > 4 << 20) {
      throw new BenchException(
          "The block size is " + blockBytes + " bytes; give one between 512 bytes and 4 MiB.");
    }
    if (depth < 1 || depth > 1024) {
      throw new BenchException("The queue depth is " + depth + "; give one between 1 and 1024.");
    }
  }

  /** For people: "4 KiB random read, depth 32". */
  public String label() {
    return size(blockBytes)
        + " "
        + pattern.name().toLowerCase(Locale.ROOT)
        + " "
        + direction.label()
        + ", depth "
        + depth;
  }

  static String size(long bytes) {
    if (bytes >= 1L << 40 && bytes % (1L << 40) == 0) {
      return (bytes >> 40) + " TiB";
    }
    if (bytes >= 1 << 30 && bytes % (1 << 30) == 0) {
      return (bytes >> 30) + " GiB";
    }
    if (bytes >= 1 << 20 && bytes % (1 << 20) == 0) {
      return (bytes >> 20) + " MiB";
    }
    return bytes % 1024 == 0 ? (bytes >> 10) + " KiB" : bytes + " B";
  }
}
