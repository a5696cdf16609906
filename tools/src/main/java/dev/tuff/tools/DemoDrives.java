package dev.tuff.tools;

import dev.tuff.natives.NativeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The demo's image files. Allocated and written once before anything is measured: unwritten extents
 * read back faster than any drive, and are slower to write.
 *
 * @param paths all of them
 * @param bytesEach a multiple of 64 MiB
 */
record DemoDrives(List<Path> paths, long bytesEach) {
  private static final long STEP_BYTES = 64L << 20;
  private static final long SMALLEST_BYTES = 512L << 20;

  DemoDrives {
    paths = List.copyOf(paths);
  }

  /**
   * Plans {@code count} drives in {@code folder} with room for a file of {@code fileBytes} over
   * 4+1, twice. Makes nothing.
   */
  static DemoDrives plan(Path folder, int count, long fileBytes) {
    List<Path> paths = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      paths.add(folder.resolve("drive" + i + ".img"));
    }
    long wanted = Math.max(SMALLEST_BYTES, SMALLEST_BYTES / 2 + fileBytes / 2);
    return new DemoDrives(paths, (wanted + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES);
  }

  /** What making those that are not there yet takes from the file system. */
  long missingBytes() throws IOException {
    long missing = 0;
    for (Path path : paths) {
      missing += isThere(path) ? 0 : bytesEach;
    }
    return missing;
  }

  /** Makes those that are not there yet. A half-made one never has the final name. */
  void make(Progress progress) throws IOException {
    List<Path> made = new ArrayList<>();
    for (Path path : paths) {
      if (isThere(path)) {
        progress.advance(bytesEach);
      } else {
        Files.deleteIfExists(path);
        Path half = half(path);
        Files.deleteIfExists(half);
        try (NativeFile file =
            NativeFile.open(half, NativeFile.Option.WRITE, NativeFile.Option.CREATE_NEW)) {
          file.allocate(0, bytesEach);
        }
        made.add(half);
      }
    }
    if (!made.isEmpty()) {
      try (RawDrives raw = new RawDrives(made)) {
        raw.write(bytesEach, progress);
      }
    }
    for (Path path : paths) {
      if (Files.exists(half(path))) {
        Files.move(half(path), path);
      }
    }
  }

  private static Path half(Path path) {
    return path.resolveSibling(path.getFileName() + ".new");
  }

  private boolean isThere(Path path) throws IOException {
    return Files.isRegularFile(path) && Files.size(path) == bytesEach;
  }
}
