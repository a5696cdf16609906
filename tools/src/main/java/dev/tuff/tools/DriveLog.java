package dev.tuff.tools;

import dev.tuff.iom.array.AssembleOptions.DriveListener;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Says in the service's log what becomes of drives, and keeps the array file right. */
final class DriveLog implements DriveListener {
  private final ServiceLog log;
  private final Path file;

  /**
   * For a service.
   *
   * @param file the array file; null when the drives were named one by one
   */
  DriveLog(ServiceLog log, Path file) {
    this.log = log;
    this.file = file;
  }

  @Override
  public void onFailed(int drive, String path, String why) {
    log.line("drive " + drive + " (" + path + ") " + why + "; the array goes on without it");
  }

  @Override
  public void onMemoryHeld(int drive, String path) {
    log.line(
        "drive "
            + drive
            + " ("
            + path
            + ") hangs, and memory that it may still write to can't be taken from it:"
            + " the array waits until the system gives its requests up");
  }

  @Override
  public void onBug(int drive, Throwable bug) {
    StringWriter trace = new StringWriter();
    bug.printStackTrace(new PrintWriter(trace));
    log.line(
        (drive < 0 ? "the array stops: " : "the I/O manager of drive " + drive + " stops: ")
            + "a bug in Tuff, please report it with what follows\n"
            + trace.toString().stripTrailing());
  }

  @Override
  public void onTaken(int drive, Path spare) {
    log.line("drive " + drive + " is the spare " + spare + " now, and is being rebuilt");
    try {
      note(file, drive, spare);
    } catch (IOException | CommandException e) {
      log.line("the array file could not be brought up to date: " + e.getMessage());
    }
  }

  @Override
  public void onAdded(int drive, Path path) {
    log.line("drive " + drive + " is " + path + ", which was added");
    try {
      if (file != null) {
        add(file, List.of(path));
      }
    } catch (IOException | CommandException e) {
      log.line("the array file could not be brought up to date: " + e.getMessage());
    }
  }

  /** The array file names drives that were added. */
  static synchronized void add(Path file, List<Path> added) throws IOException {
    ArrayFile.read(file).withMore(added).write(file);
  }

  @Override
  public void onTakingOver(int drive) {
    log.line(
        "the others take over what drive "
            + drive
            + " had, on their free space: what is written from now on has full protection, the rest"
            + " is being rebuilt");
  }

  @Override
  public void onNotTakenOver(int drive, String why) {
    log.line("the others can't take over what drive " + drive + " had: " + why);
  }

  @Override
  public void onRebuilt(int drive, long lostBlocks) {
    log.line(
        "drive "
            + drive
            + " has everything now"
            + (lostBlocks == 0
                ? ""
                : ", but for " + lostBlocks + " blocks that could be had from no other drive"));
  }

  @Override
  public void onRefused(Path spare, String why) {
    log.line("spare " + spare + " can't be used: " + why);
  }

  /** The array file says where drive {@code index} is now. */
  static synchronized void note(Path file, int index, Path fresh) throws IOException {
    if (file == null) {
      return;
    }
    ArrayFile before = ArrayFile.read(file);
    List<Path> others = new ArrayList<>(before.drives());
    if (index < others.size()) {
      others.remove(index);
    }
    before.replaced(index, others, fresh).write(file);
  }
}
