package dev.tuff.bench;

import dev.tuff.natives.NativeFile;
import java.io.IOException;
import java.io.UncheckedIOException;
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
    return drives.size()
        + (isBlockDevice(drives.getFirst()) ? " drives" : " image files")
        + " of "
        + Workload.size(size(drives));
  }

  private static boolean isBlockDevice(Path drive) {
    try {
      return Environment.isBlockDevice(drive);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Size of the smallest. */
  static long size(List<Path> drives) {
    long smallest = Long.MAX_VALUE;
    for (Path drive : drives) {
      try (NativeFile file = NativeFile.open(drive)) {
        smallest = Math.min(smallest, file.sizeBytes());
      }
    }
    return smallest;
  }
}
