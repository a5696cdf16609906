package dev.tuff.iom.array;

import dev.tuff.iom.checkpoint.Epoch;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.journal.Journal;
import dev.tuff.iom.journal.JournalPosition;
import dev.tuff.iom.journal.JournalReader;
import dev.tuff.iom.journal.JournalRegion;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** The drives of one array, put in their places, as far as they are there. */
final class AssembledDrives {
  private final DriveLabel[] labels;
  private final DriveLabel[] stale;

  private AssembledDrives(DriveLabel[] labels) {
    this.labels = labels;
    this.stale = new DriveLabel[labels.length];
  }

  /**
   * Reads the labels of {@code drives} and checks that they are members of one array and enough to
   * serve it.
   */
  static AssembledDrives of(List<Path> drives) {
    return place(drives.stream().map(AssembledDrives::readLabel).toList());
  }

  /** Likewise of labels that were read already. */
  static AssembledDrives place(List<DriveLabel> drives) {
    if (drives.isEmpty()) {
      throw new ArrayException("No drive was named; name the drives of an array.");
    }
    DriveLabel first = null;
    DriveLabel[] labels = null;
    for (DriveLabel label : drives) {
      checkUsable(label);
      if (first == null) {
        first = label;
        labels = new DriveLabel[label.superblock().drives()];
      }
      checkSameArray(first, label);
      int index = label.superblock().driveIndex();
      if (labels[index] != null) {
        throw new ArrayException(
            label.path()
                + " and "
                + labels[index].path()
                + " are both drive "
                + index
                + " of the array; one is a copy, leave it out.");
      }
      labels[index] = label;
    }
    AssembledDrives assembled = new AssembledDrives(labels);
    assembled.leaveOutStale();
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
    return DriveLabel.read(path);
  }

  private static void checkUsable(DriveLabel label) {
    if (label.superblock() == null) {
      throw new ArrayException(label.refusal());
    }
    if (label.root() == null) {
      throw new ArrayException(
          label.path()
              + " has no sound root (all copies are damaged); leave the drive out and the array runs"
              + " without it.");
    }
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
    boolean agree =
        label.superblock().drives() == first.superblock().drives()
            && label.superblock().defaultData() == first.superblock().defaultData()
            && label.superblock().defaultParity() == first.superblock().defaultParity();
    if (!agree) {
      throw new ArrayException(
          "The superblocks of "
              + first.path()
              + " and "
              + label.path()
              + " do not agree about their array; leave out the one that is damaged.");
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
              + " are missing or stale, more than its protection "
              + any.defaultData()
              + "+"
              + any.defaultParity()
              + " makes up for; bring back at least "
              + (missing - any.defaultParity())
              + ".");
    }
  }

  /**
   * Refuses an array that was not stopped cleanly while drives are missing: starting it would
   * settle without them what was open, and make them stale.
   */
  void refuseToDecide() {
    if (!degraded()) {
      return;
    }
    for (DriveLabel label : labels) {
      if (label != null && journalHasEntries(label)) {
        throw new ArrayException(
            "The array was not stopped cleanly, and "
                + missingDrives()
                + " missing: bring back what you can before anything reads or writes the volumes,"
                + " because a start without a drive makes it stale.");
      }
    }
  }

  private String missingDrives() {
    List<String> missing = new ArrayList<>();
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] == null) {
        missing.add(String.valueOf(i));
      }
    }
    return missing.size() == 1
        ? "drive " + missing.getFirst() + " is"
        : "drives " + String.join(", ", missing) + " are";
  }

  private static boolean journalHasEntries(DriveLabel label) {
    Superblock s = label.superblock();
    try (Arena arena = Arena.ofConfined();
        DriveFile drive = new DriveFile(label.path())) {
      return new JournalReader(
              new JournalRegion(
                  s.journalFirstBlock(), s.journalBlocks(), s.arrayId(), s.driveIndex()),
              drive,
              arena.allocate(Journal.COMMIT_BYTES, Drive.BLOCK_BYTES),
              new JournalPosition(label.root().tailPosition(), label.root().tailSequence()))
          .next();
    }
  }

  /** Reads all labels again: the last word, once every drive is claimed. */
  void readAgain() {
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] != null) {
        DriveLabel again = readLabel(labels[i].path());
        checkUsable(again);
        checkSameArray(labels[i], again);
        labels[i] = again;
      }
    }
    if (leaveOutStale()) {
      throw new ArrayException(
          "The array's drives were changed while it was being started; start it again.");
    }
  }

  /**
   * A drive that did not take part in the newest epoch has missed what was decided in it: it is
   * never mixed in. True when there was one.
   */
  private boolean leaveOutStale() {
    Root[] roots = new Root[labels.length];
    for (int i = 0; i < labels.length; i++) {
      roots[i] = labels[i] == null ? null : labels[i].root();
    }
    Root newest = Epoch.newest(roots);
    boolean found = false;
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] != null && Epoch.stale(roots[i], i, newest)) {
        stale[i] = labels[i];
        labels[i] = null;
        found = true;
      }
    }
    return found;
  }

  /** A label for each place, null where the drive is missing. */
  DriveLabel[] labels() {
    return labels;
  }

  /** A label for each place whose drive is there but stale, else null. */
  DriveLabel[] stale() {
    return stale;
  }

  int count() {
    return labels.length;
  }

  int present() {
    return (int) Arrays.stream(labels).filter(Objects::nonNull).count();
  }

  /** Drives that may be missing. */
  int bearable() {
    return Arrays.stream(labels)
        .filter(Objects::nonNull)
        .findFirst()
        .orElseThrow()
        .superblock()
        .defaultParity();
  }

  boolean degraded() {
    return present() < count();
  }
}
