package dev.tuff.iom.array;

import dev.tuff.iom.checkpoint.Epoch;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.journal.Journal;
import dev.tuff.iom.journal.JournalPosition;
import dev.tuff.iom.journal.JournalReader;
import dev.tuff.iom.journal.JournalRegion;
import dev.tuff.iom.layout.Layout;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** The drives of one array, put in their places, as far as they are there. */
final class AssembledDrives {
  private volatile DriveLabel[] labels;
  private volatile DriveLabel[] stale;

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
    DriveLabel first = drives.getFirst();
    for (DriveLabel label : drives) {
      checkUsable(label);
      checkSameArray(first, label);
    }
    Root newest = Epoch.newest(drives.stream().map(DriveLabel::root).toArray(Root[]::new));
    AssembledDrives assembled = new AssembledDrives(new DriveLabel[newest.places()]);
    drives.forEach(label -> assembled.put(label, newest));
    return assembled;
  }

  /**
   * A drive that did not take part in the newest epoch has missed what was decided in it, and so
   * has one whose place another has taken: neither is ever mixed in.
   */
  private void put(DriveLabel label, Root newest) {
    int index = label.superblock().driveIndex();
    if (index >= labels.length) {
      // It was to be added, and the array has gone on without it: it never was a drive of it.
      return;
    }
    if (Epoch.stale(label.root(), newest)) {
      stale[index] = label;
      return;
    }
    DriveLabel other = labels[index];
    if (other == null || other.root().incarnation(index) < label.root().incarnation(index)) {
      stale[index] = other == null ? stale[index] : other;
      labels[index] = label;
    } else if (other.root().incarnation(index) > label.root().incarnation(index)) {
      stale[index] = label;
    } else {
      throw new ArrayException(
          label.path()
              + " and "
              + other.path()
              + " are both drive "
              + index
              + " of the array; one is a copy, leave it out.");
    }
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
        label.superblock().defaultData() == first.superblock().defaultData()
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

  /**
   * Refuses an array that has lost more than its protection makes up for; drives that are not
   * rebuilt yet count as lost.
   */
  AssembledDrives checkEnough() {
    Superblock any = any().superblock();
    int missing = count() - present() - (doneWithout() ? 1 : 0);
    int rebuilding = 0;
    for (DriveLabel label : labels) {
      rebuilding += label != null && label.root().rebuilding() ? 1 : 0;
    }
    if (missing <= any.defaultParity() && missing + rebuilding > any.defaultParity()) {
      throw new ArrayException(
          "%d of the array's %d drives are missing or stale and %d not rebuilt yet, more than its protection %d+%d makes up for; bring back at least %d."
              .formatted(
                  missing,
                  count(),
                  rebuilding,
                  any.defaultData(),
                  any.defaultParity(),
                  missing + rebuilding - any.defaultParity()));
    }
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
    return this;
  }

  /**
   * Leaves a place empty for a drive that is to take it.
   *
   * @param fail also when the drive that has it is there
   */
  void makeRoom(int index, boolean fail) {
    if (index < 0 || index >= count()) {
      throw new ArrayException(
          "The array has drives 0 to %d, and none of number %d; give one of them."
              .formatted(count() - 1, index));
    }
    if (labels[index] != null && !fail) {
      throw new ArrayException(
          "Drive %d is there (%s); give --fail if it is to be replaced all the same, and it will never come back."
              .formatted(index, labels[index].path()));
    }
    if (labels[index] != null) {
      stale[index] = labels[index];
      labels[index] = null;
    }
    if (present() == 0) {
      throw new ArrayException("No other drive of the array is there to rebuild from.");
    }
    checkEnough();
  }

  /** The roots of the drives that are there. */
  Root[] roots() {
    return Arrays.stream(labels)
        .map(label -> label == null ? null : label.root())
        .toArray(Root[]::new);
  }

  /** A drive that is there. */
  DriveLabel any() {
    return Arrays.stream(labels).filter(Objects::nonNull).findFirst().orElseThrow();
  }

  /**
   * Refuses an array that was not stopped cleanly while drives are missing: starting it would
   * settle without them what was open, and make them stale. A drive whose place is vacated has
   * missed so much already that nothing is decided without it.
   */
  void refuseToDecide() {
    int vacated = vacated();
    int without = vacated != Layout.NONE && labels[vacated] == null ? 1 : 0;
    if (present() + without == count()) {
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
    Root[] roots = roots();
    Root newest = Epoch.newest(roots);
    for (Root root : roots) {
      if (root != null && Epoch.stale(root, newest)) {
        throw new ArrayException(
            "The array's drives were changed while it was being started; start it again.");
      }
    }
  }

  /** Drives that are there, and those that are stale, have one place more behind them. */
  void add(DriveLabel label) {
    DriveLabel[] more = Arrays.copyOf(labels, labels.length + 1);
    more[labels.length] = label;
    stale = Arrays.copyOf(stale, more.length);
    labels = more;
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

  /** True when volumes with the array's protection leave drives of each row over. */
  boolean leavesOver() {
    Superblock any = any().superblock();
    return count() > any.defaultData() + any.defaultParity();
  }

  /** True when a place is vacated, and the others have all that its drive had. */
  boolean doneWithout() {
    int vacated = vacated();
    return vacated != Layout.NONE
        && labels[vacated] == null
        && Arrays.stream(labels)
            .filter(Objects::nonNull)
            .noneMatch(label -> label.root().standingIn() || label.root().vacated() != vacated);
  }

  /** The place whose rows are on stand-ins in the newest epoch. */
  int vacated() {
    return Epoch.newest(roots()).vacated();
  }

  /** The superblock of the smallest drive. */
  Superblock smallest() {
    return Arrays.stream(labels)
        .filter(Objects::nonNull)
        .map(DriveLabel::superblock)
        .min((a, b) -> Long.compare(a.sizeBlocks(), b.sizeBlocks()))
        .orElseThrow();
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
}
