package dev.tuff.tools;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.ArrayStatus;
import dev.tuff.iom.array.DriveInfo;
import dev.tuff.iom.array.RebuildInfo;
import dev.tuff.iom.array.Replacement;
import dev.tuff.natives.Preflight;
import java.io.IOException;
import java.nio.file.Files;
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
    description = "The drives of an array: show, find, fail, replace, add them; spares.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      DriveCommand.ListDrives.class,
      DriveCommand.Fail.class,
      DriveCommand.Replace.class,
      DriveCommand.Add.class,
      DriveCommand.Remove.class,
      DriveCommand.Locate.class
    })
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
        "Show the drives of the array, one a line: in use, missing, stale, being rebuilt or taking over",
        "what another had and how far that is; or taken over, when it is missing and the others have",
        "all that it had. Nothing is changed."
      })
  static final class ListDrives implements Callable<Integer> {
    @Mixin private ArrayOptions array;
    @Mixin private OutputOptions output;

    @Override
    public Integer call() {
      JsonNode served = array.askService("status", Map.of());
      if (served != null) {
        output.print(
            served.get("drives"), () -> array.askService("drives-text", Map.of()).asText());
        return 0;
      }
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

  /** {@code tuff drive fail}. */
  @Command(
      name = "fail",
      description = {
        "Take a drive out of service, as if it had failed: before it is pulled, or when it is slow",
        "or makes noises. A running service goes on without it: a spare takes its place, or the others",
        "take over what it had where they can. The drive is stale from then on."
      })
  static final class Fail implements Callable<Integer> {
    @Parameters(paramLabel = "INDEX", description = "The drive: 0 and up, see tuff drive list.")
    private int index;

    @Mixin private ArrayOptions array;
    @Mixin private OutputOptions output;

    @Override
    public Integer call() {
      if (array.askService("drive-fail", Map.of("index", index)) == null) {
        try (Array assembled = array.assemble()) {
          assembled.failDrive(index);
        }
      }
      output.print(
          Map.of("drive", index, "state", "stale"),
          () ->
              "drive %d is out of service; give its place to another with 'tuff drive replace %d PATH'%n"
                  .formatted(index, index));
      return 0;
    }
  }

  /** {@code tuff drive add}. */
  @Command(
      name = "add",
      description = {
        "Add drives to the array: volumes that are made from now on, and what volumes grow by, are",
        "spread over them, too; what is stored already stays where it is. All drives that the array",
        "has must be there and rebuilt. Everything on the new drives is lost. A running service takes",
        "them in while its clients go on. The array file is brought up to date.",
        "With --spare: name drives as spares in the array file instead. A service takes a spare in by",
        "itself when a drive is missing or fails. Nothing is written to it before. A service that runs",
        "hears of it when it is started the next time."
      })
  static final class Add implements Callable<Integer> {
    @Parameters(paramLabel = "DRIVE", arity = "1..*", description = "Block devices or image files.")
    private List<Path> drives;

    @Option(names = "--spare", description = "As spares, and not for data.")
    private boolean spare;

    @Option(
        names = "--force",
        description = "Also a drive that holds something or belongs to another array.")
    private boolean force;

    @Mixin private ArrayOptions array;
    @Mixin private OutputOptions output;

    @Override
    public Integer call() throws IOException {
      List<Path> added = drives.stream().map(path -> path.toAbsolutePath().normalize()).toList();
      if (spare) {
        addSpares(added);
        return 0;
      }
      int first = addForData(added);
      List<Map<String, Object>> result = new ArrayList<>();
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < added.size(); i++) {
        result.add(Map.of("drive", first + i, "path", added.get(i).toString()));
        text.append("drive %d is %s now%n".formatted(first + i, added.get(i)));
      }
      output.print(result, text::toString);
      return 0;
    }

    private int addForData(List<Path> added) throws IOException {
      List<String> names = added.stream().map(Path::toString).toList();
      JsonNode served = array.askService("drive-add", Map.of("drives", names, "force", force));
      if (served != null) {
        return served.asInt();
      }
      List<Path> present = array.drives();
      Path file = array.fileOrNull();
      if (file != null) {
        refuseSpares(ArrayFile.read(file), added);
      }
      Preflight.require(0);
      List<Path> now = Array.addDrives(present, added, force);
      // Named before any other drive tells of them: from then on they would be missing.
      if (file != null) {
        DriveLog.add(file, added);
      }
      // When it has been started they are there for good.
      try (Array assembled = array.assemble(now)) {
        return assembled.status().driveCount() - added.size();
      }
    }

    private static void refuseSpares(ArrayFile file, List<Path> added) {
      for (Path drive : added) {
        if (file.spares().contains(drive)) {
          throw new CommandException(
              drive + " is a spare; take it out with 'tuff drive remove " + drive + "' first");
        }
      }
    }

    private void addSpares(List<Path> added) throws IOException {
      Path file = array.file();
      ArrayFile before = ArrayFile.read(file);
      List<Path> spares = new ArrayList<>(before.spares());
      for (Path drive : added) {
        if (!Files.exists(drive)) {
          throw new CommandException("drive " + drive + ": no such file or device");
        }
        if (before.drives().contains(drive) || spares.contains(drive)) {
          throw new CommandException("array file " + file + " names " + drive + " already");
        }
        spares.add(drive);
      }
      before.withSpares(spares).write(file);
      output.print(
          added.stream().map(drive -> Map.of("spare", drive.toString())).toList(),
          () -> String.join("", added.stream().map("%s is a spare now%n"::formatted).toList()));
    }
  }

  /** {@code tuff drive remove}. */
  @Command(
      name = "remove",
      description = "Take a spare out of the array file. Drives in use are failed or replaced.")
  static final class Remove implements Callable<Integer> {
    @Parameters(paramLabel = "DRIVE", description = "The spare, as the array file names it.")
    private Path drive;

    @Mixin private ArrayOptions array;
    @Mixin private OutputOptions output;

    @Override
    public Integer call() throws IOException {
      Path file = array.file();
      Path removed = drive.toAbsolutePath().normalize();
      ArrayFile before = ArrayFile.read(file);
      List<Path> spares = new ArrayList<>(before.spares());
      if (!spares.remove(removed)) {
        throw new CommandException(
            "array file "
                + file
                + " names no spare "
                + removed
                + (before.drives().contains(removed)
                    ? "; it is a drive of the array: see tuff drive fail and tuff drive replace"
                    : ""));
      }
      before.withSpares(spares).write(file);
      output.print(
          Map.of("removed", removed.toString()),
          () -> "%s is no spare any more%n".formatted(removed));
      return 0;
    }
  }

  /** {@code tuff drive locate}. */
  @Command(
      name = "locate",
      description = {
        "Say which piece of hardware a drive is: path, model, serial number; and light its lamp in",
        "the enclosure, where it is in one (--off puts it out)."
      })
  static final class Locate implements Callable<Integer> {
    @Parameters(paramLabel = "INDEX", description = "The drive: 0 and up, see tuff drive list.")
    private int index;

    @Option(names = "--off", description = "Put the lamp out.")
    private boolean off;

    @Mixin private ArrayOptions array;
    @Mixin private OutputOptions output;

    @Override
    public Integer call() {
      DriveHardware hardware = DriveHardware.of(path());
      Map<String, Object> found = new LinkedHashMap<>(hardware.facts());
      found.put("lamp", hardware.lamp(!off));
      output.print(found, () -> text(found));
      return 0;
    }

    private Path path() {
      JsonNode served = array.askService("status", Map.of());
      if (served != null) {
        for (JsonNode drive : served.get("drives")) {
          if (drive.get("index").asInt() == index && drive.hasNonNull("path")) {
            return Path.of(drive.get("path").asText());
          }
        }
      } else {
        try (Array assembled = array.assembleToLook()) {
          for (DriveInfo drive : assembled.status().drives()) {
            if (drive.index() == index && !drive.path().isEmpty()) {
              return Path.of(drive.path());
            }
          }
        }
      }
      throw new CommandException(
          "the array knows no path of drive " + index + "; see tuff drive list");
    }

    private static String text(Map<String, Object> found) {
      StringBuilder text = new StringBuilder();
      found.forEach((name, value) -> text.append("%-8s%s%n".formatted(name, value)));
      return text.toString();
    }
  }

  /** {@code tuff drive replace}. */
  @Command(
      name = "replace",
      description = {
        "Give the place of a drive that is missing, stale or taken over to another one, and rebuild it.",
        "Everything on the new drive is lost; the old one does not come back by itself. Given the old",
        "drive itself, what has not changed on it since is kept. The new one is a member at once; tuff rebuild --help says how what is written meanwhile is protected. What the old one held is made from the",
        "others in the background, by whatever command has the array open; this command does it to its",
        "end unless --no-wait is given. The array file is brought up to date.",
        "In the place of a drive that the others have taken over, the array survives one loss less until the new one",
        "is rebuilt, see tuff status."
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
        description = {
          "Also when NEW_DRIVE holds something or belongs to another array, or is the very drive that",
          "has failed in the service that runs."
        })
    private boolean force;

    @Option(
        names = "--from-nothing",
        description = "Keep nothing of what is on NEW_DRIVE, also when it had the place before.")
    private boolean fromNothing;

    @Option(names = "--no-wait", description = "Do not wait for the rebuild.")
    private boolean noWait;

    @Mixin private ArrayOptions array;
    @Mixin private OutputOptions output;

    @Override
    public Integer call() throws IOException {
      Path asked = drive.toAbsolutePath().normalize();
      JsonNode served =
          array.askService(
              "drive-replace",
              Map.of(
                  "index",
                  index,
                  "drive",
                  asked.toString(),
                  "fail",
                  fail,
                  "force",
                  force,
                  "fromNothing",
                  fromNothing));
      if (served != null) {
        boolean returns = served.path("returns").asBoolean();
        if (!noWait) {
          RebuildCommand.awaitService(array);
        }
        output.print(
            Map.of("drive", index, "path", asked.toString(), "returns", returns),
            () -> "%sdrive %d is %s now%n".formatted(returning(index, returns), index, asked));
        return 0;
      }
      List<Path> present = array.drives();
      Path file = array.fileOrNull();
      Preflight.require(0);
      Path fresh = drive.toAbsolutePath().normalize();
      List<Path> now =
          Array.replaceDrive(present, new Replacement(index, fresh, fail, force, fromNothing));
      boolean returns = Array.returned(fresh);
      List<DriveInfo> drives;
      List<RebuildInfo> rebuilds;
      long lost;
      try (Array assembled = array.assemble(now)) {
        // The array has the drive: from here on the file has to name it.
        if (file != null) {
          write(file, fresh, assembled.status());
        }
        lost = noWait ? 0 : RebuildCommand.finish(assembled);
        drives = assembled.status().drives();
        rebuilds = assembled.rebuilds();
      }
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("drive", index);
      result.put("path", fresh.toString());
      result.put("state", drives.get(index).state());
      result.put("returns", returns);
      result.put("keptBytes", RebuildCommand.kept(rebuilds));
      result.put("rebuiltBytes", RebuildCommand.rebuilt(rebuilds));
      result.put("lostBlocks", lost);
      output.print(
          result,
          () ->
              "%sdrive %d is %s now, %s%n"
                  .formatted(
                      returning(index, returns),
                      index,
                      fresh,
                      noWait
                          ? "to be rebuilt by whoever opens the array"
                          : RebuildCommand.end(rebuilds, lost)));
      return lost == 0 ? 0 : 1;
    }

    private static String returning(int index, boolean returns) {
      return returns
          ? "drive %d returns; what has not changed on it is kept%n".formatted(index)
          : "";
    }

    private void write(Path file, Path fresh, ArrayStatus status) throws IOException {
      List<Path> members = new ArrayList<>();
      for (DriveInfo member : status.drives()) {
        if (member.index() != index && !member.path().isEmpty()) {
          members.add(Path.of(member.path()).toAbsolutePath().normalize());
        }
      }
      ArrayFile before = ArrayFile.read(file);
      ArrayFile now = before.replaced(index, members, fresh);
      new ArrayFile(status.uuid(), now.drives(), now.spares(), now.scrub()).write(file);
    }
  }
}
