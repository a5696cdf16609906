package dev.tuff.bench;

import dev.tuff.natives.NativeFile;
import dev.tuff.natives.PosixException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.SplittableRandom;

/**
 * Files to measure on: allocated and written once with bytes that are not zero, since unwritten
 * extents read back unrealistically fast and compressible ones may never reach a drive.
 */
final class ImageFile {
  private static final int PIECE_BYTES = 4 << 20;
  private static final long MIB = 1L << 20;

  private ImageFile() {}

  /**
   * Makes {@code file} with {@code bytes} of data that does not compress, hardened, or leaves it
   * alone where it is there in that size already. A half-made one never has the final name.
   */
  static void make(Path file, long bytes) {
    try {
      if (Files.exists(file) && Files.size(file) == bytes) {
        return;
      }
      Files.createDirectories(file.toAbsolutePath().getParent());
      long usable = Files.getFileStore(file.toAbsolutePath().getParent()).getUsableSpace();
      if (usable < bytes + bytes / 10) {
        throw new BenchException(
            "A file of "
                + Workload.size(bytes)
                + " to measure on does not fit: "
                + (usable >> 20)
                + " MiB are free for "
                + file
                + "; free some space or give a smaller size.");
      }
      Path half = file.resolveSibling(file.getFileName() + ".new");
      Files.deleteIfExists(half);
      write(half, bytes);
      Files.move(half, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (FileAlreadyExistsException e) {
      throw new BenchException(
          "Cannot make " + file + ": " + e.getFile() + " is in the way and is not a directory.", e);
    } catch (IOException | PosixException e) {
      throw new BenchException(
          "Cannot make the file " + file + " to measure on: " + e.getMessage() + ".", e);
    }
  }

  /**
   * As {@link #make}, but written now in any case: reads are compared on files in the same state,
   * and one of hours ago may have gone cold somewhere below.
   */
  static void makeAnew(Path file, long bytes) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new BenchException("Cannot replace the file " + file + ": " + e.getMessage() + ".", e);
    }
    make(file, bytes);
  }

  /**
   * The size to use: {@code wanted}, or less (in whole MiB, a quarter of what is free) where space
   * is short.
   */
  static long fittingBytes(Path directory, long wanted) {
    try {
      Path existing = directory.toAbsolutePath();
      while (!Files.exists(existing)) {
        existing = existing.getParent();
      }
      long quarter = Files.getFileStore(existing).getUsableSpace() / 4 / MIB * MIB;
      return Math.min(wanted, Math.max(quarter, 16L << 20));
    } catch (IOException e) {
      throw new BenchException(
          "Cannot look at the free space of " + directory + ": " + e.getMessage() + ".", e);
    }
  }

  private static void write(Path file, long bytes) throws IOException {
    try (Arena arena = Arena.ofConfined();
        NativeFile out =
            NativeFile.open(file, NativeFile.Option.WRITE, NativeFile.Option.CREATE_NEW)) {
      out.allocate(0, bytes);
      MemorySegment piece = arena.allocate(PIECE_BYTES, 4096);
      fill(piece, bytes);
      for (long at = 0; at < bytes; at += PIECE_BYTES) {
        // Every piece differs, so that nothing below can share them.
        piece.set(ValueLayout.JAVA_LONG, 0, at + 1);
        out.write(piece.asSlice(0, Math.min(PIECE_BYTES, bytes - at)), at);
      }
      out.dataSync();
    }
  }

  /** Fills memory (a multiple of 8 bytes) with random bytes. */
  static void fill(MemorySegment memory, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (long at = 0; at < memory.byteSize(); at += 8) {
      memory.set(ValueLayout.JAVA_LONG_UNALIGNED, at, random.nextLong());
    }
  }
}
