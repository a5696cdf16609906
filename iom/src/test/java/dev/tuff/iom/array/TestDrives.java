package dev.tuff.iom.array;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Image files for arrays under test, in a folder of their own on a file system with O_DIRECT. */
final class TestDrives implements AutoCloseable {
  private final Path folder;
  final List<Path> paths = new ArrayList<>();

  TestDrives(int count, long bytes) {
    try {
      Files.createDirectories(Path.of("target"));
      folder = Files.createTempDirectory(Path.of("target").toAbsolutePath(), "drives");
      for (int i = 0; i < count; i++) {
        Path path = folder.resolve("drive" + i + ".img");
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
          file.setLength(bytes);
        }
        paths.add(path);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  List<Path> without(int... drives) {
    List<Path> rest = new ArrayList<>(paths);
    for (int drive : drives) {
      rest.remove(paths.get(drive));
    }
    return rest;
  }

  @Override
  public void close() {
    try (Stream<Path> files = Files.walk(folder)) {
      files
          .sorted(Comparator.reverseOrder())
          .forEach(
              path -> {
                try {
                  Files.delete(path);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
