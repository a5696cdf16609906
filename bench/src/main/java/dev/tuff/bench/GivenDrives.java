package dev.tuff.bench;

import dev.tuff.natives.InUseException;
import dev.tuff.natives.NativeFile;
import dev.tuff.natives.PosixException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;

/**
 * Drives that someone names for an array to be measured on: checked before, without a label
 * afterwards.
 */
final class GivenDrives implements AutoCloseable {
  /** Both copies of an array's superblock and roots are within. */
  private static final int LABEL_BYTES = 1 << 20;

  private final List<Path> drives;

  /**
   * Changes nothing yet.
   *
   * @param count how many are needed
   * @param destructive whether what is on them may be lost
   * @throws BenchException where they can't be used, or hold something that is known
   */
  GivenDrives(List<Path> drives, int count, boolean destructive) {
    if (drives.size() != count) {
      throw new BenchException(
          drives.size() + " drives were named; give " + count + ", or none to have files made.");
    }
    if (new HashSet<>(drives).size() != count) {
      throw new BenchException("A drive was named twice; give " + count + " different ones.");
    }
    for (Path drive : drives) {
      if (!Files.exists(drive)) {
        throw new BenchException("There is no " + drive + "; name existing drives.");
      }
    }
    if (!destructive) {
      throw new BenchException(
          "A measurement destroys what is on the drives; allow it with --destructive.");
    }
    drives.forEach(GivenDrives::refuseContent);
    this.drives = List.copyOf(drives);
  }

  /** Refuses a block device on which something seems to be. */
  static void refuseContent(Path drive) {
    try {
      if (!Environment.isBlockDevice(drive)) {
        return;
      }
    } catch (IOException e) {
      throw new BenchException("Cannot look at " + drive + ": " + e.getMessage() + ".", e);
    }
    DriveGuard.content(drive)
        .ifPresent(
            content -> {
              throw new BenchException(
                  "There is "
                      + content
                      + " on "
                      + drive
                      + "; wipe it first (blkdiscard, or zeros over its first mebibyte) if nothing on it is needed.");
            });
  }

  List<Path> paths() {
    return drives;
  }

  /** Takes the labels off again, so that they are nobody's drives. */
  @Override
  public void close() {
    for (Path drive : drives) {
      try (Arena arena = Arena.ofConfined();
          NativeFile file =
              NativeFile.open(
                  drive,
                  NativeFile.Option.WRITE,
                  NativeFile.Option.EXCLUSIVE,
                  NativeFile.Option.DSYNC)) {
        file.write(arena.allocate(LABEL_BYTES, 4096), 0);
      } catch (InUseException | PosixException e) {
        throw new BenchException(
            "The measurement's label is still on " + drive + ": " + e.getMessage() + ".", e);
      }
    }
  }
}
