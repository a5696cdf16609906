package dev.tuff.tools;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.ArrayStatus;
import dev.tuff.iom.array.DriveInfo;
import dev.tuff.iom.array.Replacement;
import dev.tuff.natives.Preflight;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tuff drive}. */
@Command(
    name = "drive",
    description = "The drives of an array: show them, replace one.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {DriveCommand.ListDrives.class, DriveCommand.Replace.class})
final class DriveCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "which command?");
  }

  /** {@code tuff drive list}. */
  @Command(
      name = "list",
      description = {
        "Show the drives of the array, one a line: in use, missing, stale, or being rebuilt and how",
        "far that is. Nothing is changed."
      })
  static final class ListDrives implements Callable<Integer> {
    @Mixin private ArrayOptions array;
    @Mixin private OutputOptions output;

    @Override
    public Integer call() {
      ArrayStatus status;
      try (Array assembled = array.assembleToLook()) {
        status = assembled.status();
      }
      output.print(
          status.drives().stream().map(Results::drive).toList(),
          () -> Results.driveTable(status).toString());
      return 0;
    }
  }

  /** {@code tuff drive replace}. */
  @Command(
      name = "replace",
      description = {
        "Give the place of a drive that is missing or stale to another one, and rebuild it.",
        "Everything on the new drive is lost; the old one never comes back. The new one is a member at",
        "once: what is written from now on is fully protected. What the old one held is made from the",
        "others in the background, by whatever command has the array open; this command does it to its",
        "end unless --no-wait is given. The array file is brought up to date."
      })
  static final class Replace implements Callable<Integer> {
    @Parameters(paramLabel = "INDEX", description = "The place: 0 and up, see tuff drive list.")
    private int index;

    @Parameters(paramLabel = "NEW_DRIVE", description = "A block device or image file.")
    private Path drive;

    @Option(
        names = "--fail",
        description = "Also when the drive that has the place is there and works.")
    private boolean fail;

    @Option(
        names = "--force",
        description = "Also when NEW_DRIVE holds something or belongs to another array.")
    private boolean force;

    @Option(names = "--no-wait", description = "Do not wait for the rebuild.")
    private boolean noWait;

    @Mixin private ArrayOptions array;
    @Mixin private OutputOptions output;

    @Override
    public Integer call() throws IOException {
      List<Path> present = array.drives();
      Path file = array.fileOrNull();
      Preflight.require(0);
      Path fresh = drive.toAbsolutePath().normalize();
      List<Path> now = Array.replaceDrive(present, new Replacement(index, fresh, fail, force));
      List<DriveInfo> drives;
      long lost;
      try (Array assembled = array.assemble(now)) {
        // The array has the drive: from here on the file has to name it.
        if (file != null) {
          write(file, fresh, assembled.status());
        }
        lost = noWait ? 0 : RebuildCommand.finish(assembled);
        drives = assembled.status().drives();
      }
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("drive", index);
      result.put("path", fresh.toString());
      result.put("state", drives.get(index).state());
      result.put("lostBlocks", lost);
      output.print(
          result,
          () ->
              "drive %d is %s now, %s%n"
                  .formatted(
                      index,
                      fresh,
                      noWait
                          ? "to be rebuilt by whoever opens the array"
                          : RebuildCommand.end(lost)));
      return lost == 0 ? 0 : 1;
    }

    /** The new drive stands where the old one stood, as far as that can be told. */
    private void write(Path file, Path fresh, ArrayStatus status) throws IOException {
      ArrayFile before = ArrayFile.read(file);
      List<Path> paths = new ArrayList<>(before.drives());
      if (!paths.contains(fresh)) {
        List<Path> members = new ArrayList<>();
        for (DriveInfo member : status.drives()) {
          if (member.index() != index && !member.path().isEmpty()) {
            members.add(Path.of(member.path()).toAbsolutePath().normalize());
          }
        }
        List<Path> strangers = new ArrayList<>(paths);
        strangers.removeAll(members);
        if (index < paths.size() && strangers.contains(paths.get(index))) {
          paths.set(index, fresh);
        } else if (strangers.size() == 1) {
          paths.set(paths.indexOf(strangers.getFirst()), fresh);
        } else {
          paths.add(fresh);
        }
      }
      new ArrayFile(status.uuid(), paths).write(file);
    }
  }
}
