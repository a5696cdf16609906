package dev.tuff.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Image drives for an array to be measured, made once and used again. */
final class BenchDrives {
  private static final long MIB = 1L << 20;

  private BenchDrives() {}

  /** As many as asked for, of this size or less where space is short. */
  static List<Path> make(Path directory, int count, long bytes) {
    long together = ImageFile.fittingBytes(directory, bytes * count);
    long each = Math.max(64 * MIB, together / count / MIB * MIB);
    List<Path> drives = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Path drive = directory.resolve("array-" + each / MIB + "M").resolve("drive-" + i + ".img");
      ImageFile.make(drive, each);
      drives.add(drive);
    }
    return drives;
  }

  static String describe(List<Path> drives) {
    return drives.size() + " image files of " + Workload.size(size(drives));
  }

  /** Size of each. */
  static long size(List<Path> drives) {
    try {
      return Files.size(drives.getFirst());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
