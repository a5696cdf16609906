package dev.tuff.iom.array;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.journal.Journal;
import dev.tuff.iom.journal.JournalPosition;
import dev.tuff.iom.journal.JournalReader;
import dev.tuff.iom.journal.JournalRegion;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** The drives of one array, put in their places, as far as they are there. */
final class AssembledDrives {
  private final DriveLabel[] labels;

  private AssembledDrives(DriveLabel[] labels) {
    this.labels = labels;
  }

  /**
   * Reads the labels of {@code drives} and checks that they are members of one array and enough to
   * serve it.
   */
  static AssembledDrives of(List<Path> drives) {
    if (drives.isEmpty()) {
      throw new ArrayException("No drive was named; name the drives of an array.");
    }
    DriveLabel first = null;
    DriveLabel[] labels = null;
    for (Path path : drives) {
      DriveLabel label = readLabel(path);
      if (first == null) {
        first = label;
        labels = new DriveLabel[label.superblock().drives()];
      }
      checkSameArray(first, label);
      int index = label.superblock().driveIndex();
      if (labels[index] != null) {
        throw new ArrayException(
            path
                + " and "
                + labels[index].path()
                + " are both drive "
                + index
                + " of the array; one is a copy, leave it out.");
      }
      labels[index] = label;
    }
    AssembledDrives assembled = new AssembledDrives(labels);
    assembled.checkEnough();
    return assembled;
  }

  private static DriveLabel readLabel(Path path) {
    if (!Files.exists(path)) {
      throw new ArrayException(path + " does not exist; name the drives of the array.");
    }
    if (Files.isDirectory(path)) {
      throw new ArrayException(path + " is a directory; name drives or image files.");
    }
    DriveLabel label = DriveLabel.read(path);
    if (label.superblock() == null) {
      throw new ArrayException(label.refusal());
    }
    if (label.root() == null) {
      throw new ArrayException(
          path
              + " has no sound root (all copies are damaged); leave the drive out and the array runs"
              + " without it.");
    }
    return label;
  }

  private static void checkSameArray(DriveLabel first, DriveLabel label) {
    if (!label.superblock().arrayId().equals(first.superblock().arrayId())) {
      throw new ArrayException(
          label.path()
              + " belongs to array "
              + label.superblock().arrayId()
              + " and "
              + first.path()
              + " to array "
              + first.superblock().arrayId()
              + "; name the drives of one array.");
    }
  }

  private void checkEnough() {
    Superblock any =
        Arrays.stream(labels).filter(Objects::nonNull).findFirst().orElseThrow().superblock();
    int missing = count() - present();
    if (missing > any.defaultParity()) {
      throw new ArrayException(
          "The array has "
              + count()
              + " drives and "
              + missing
              + " are missing, more than its protection "
              + any.defaultData()
              + "+"
              + any.defaultParity()
              + " makes up for; bring back at least "
              + (missing - any.defaultParity())
              + ".");
    }
  }

  /** Reads all labels again, and checks that no journal has anything after its last checkpoint. */
  void readAgain() {
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] != null) {
        DriveLabel again = readLabel(labels[i].path());
        checkSameArray(labels[i], again);
        labels[i] = again;
        checkClean(again);
      }
    }
  }

  private static void checkClean(DriveLabel label) {
    Superblock s = label.superblock();
    try (Arena arena = Arena.ofConfined();
        DriveFile drive = new DriveFile(label.path())) {
      JournalReader reader =
          new JournalReader(
              new JournalRegion(
                  s.journalFirstBlock(), s.journalBlocks(), s.arrayId(), s.driveIndex()),
              drive,
              arena.allocate(Journal.COMMIT_BYTES, Drive.BLOCK_BYTES),
              new JournalPosition(label.root().tailPosition(), label.root().tailSequence()));
      if (reader.next()) {
        throw new ArrayException(
            "The array was not stopped cleanly ("
                + label.path()
                + " has journal entries after its last checkpoint), and this version can't recover from"
                + " that; its data is untouched, keep the drives for a version that can.");
      }
    }
  }

  /** A label for each place, null where the drive is missing. */
  DriveLabel[] labels() {
    return labels;
  }

  int count() {
    return labels.length;
  }

  int present() {
    return (int) Arrays.stream(labels).filter(Objects::nonNull).count();
  }

  boolean degraded() {
    return present() < count();
  }
}
