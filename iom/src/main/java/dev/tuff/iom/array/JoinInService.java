package dev.tuff.iom.array;

import dev.tuff.device.UringLoop;
import dev.tuff.iom.drive.Drive;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;

/** A drive on its way into a running array, in the place of one that is missing. */
final class JoinInService extends IncomingDrive {
  private final boolean fromNothing;

  /**
   * A drive that passes all checks that can be made before it is opened.
   *
   * @param arrayId of the array
   * @param failure why the drive that had the place has left the service, null if that was before
   * @param loop of the shard of its place
   * @param blocks that are used of it
   * @throws ArrayException with one sentence when it does not
   */
  JoinInService(
      Replacement replacement,
      UUID arrayId,
      String failure,
      UringLoop loop,
      int queueDepth,
      long blocks) {
    super(replacement.index(), replacement.drive(), loop, queueDepth, blocks);
    this.fromNothing = replacement.fromNothing();
    check(replacement, arrayId, failure, blocks);
  }

  private static void check(Replacement replacement, UUID arrayId, String failure, long blocks) {
    Path drive = replacement.drive();
    if (!Files.exists(drive)) {
      throw new ArrayException(drive + " does not exist; name the drive that is to be taken in.");
    }
    if (Files.isDirectory(drive)) {
      throw new ArrayException(drive + " is a directory; name a drive or an image file.");
    }
    if (Files.isRegularFile(drive) && size(drive) < blocks * Drive.BLOCK_BYTES) {
      throw new ArrayException(
          drive
              + " has "
              + size(drive)
              + " bytes, and the drive that it is to replace "
              + blocks * Drive.BLOCK_BYTES
              + "; use one that is at least as large.");
    }
    if (!replacement.force()) {
      DriveLabel label = DriveLabel.read(drive);
      if (!DriveJoin.hadPlace(label, arrayId, replacement.index())) {
        Formatter.refuseWhatHoldsData(drive, label);
      } else if (failure != null) {
        throw new ArrayException(
            "%s was drive %d up to now, and %s; use --force to take it in again all the same."
                .formatted(drive, replacement.index(), failure));
      }
    }
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new ArrayException(file + " could not be read: " + e.getMessage(), e);
    }
  }

  @Override
  public boolean fromNothing() {
    return fromNothing;
  }
}
