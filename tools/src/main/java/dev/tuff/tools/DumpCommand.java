package dev.tuff.tools;

import dev.tuff.iom.array.Dump;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tuff dump}. */
@Command(
    name = "dump",
    synopsisSubcommandLabel = "COMMAND",
    description = "Print what stands on drives that are not in use. Changes nothing.",
    subcommands = {
      DumpCommand.Superblock.class,
      DumpCommand.Journal.class,
      DumpCommand.BlockMap.class
    })
final class DumpCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "which command? superblock, journal or map");
  }

  /** Which drives: those given, else the array's. */
  static final class Drives {
    @Parameters(
        arity = "0..*",
        paramLabel = "DRIVE",
        description = "The drives (default: all of the array).")
    private List<Path> given = List.of();

    @Mixin private ArrayOptions array;

    private List<Path> paths() {
      for (Path drive : given) {
        if (!Files.exists(drive)) {
          throw new CommandException("drive " + drive + ": no such file or device");
        }
      }
      return given.isEmpty() ? array.drives() : given;
    }

    /** Everything is read before anything is printed. */
    private Map<String, List<Map<String, Object>>> read(
        Function<Path, List<Map<String, Object>>> dump) {
      Map<String, List<Map<String, Object>>> byDrive = new java.util.LinkedHashMap<>();
      for (Path drive : paths()) {
        byDrive.put(drive.toString(), dump.apply(drive));
      }
      return byDrive;
    }
  }

  /** {@code tuff dump superblock}. */
  @Command(name = "superblock", description = "Print superblocks.")
  static final class Superblock implements Callable<Integer> {
    @Mixin private Drives drives;
    @Mixin private OutputOptions output;

    @Override
    public Integer call() {
      Map<String, List<Map<String, Object>>> all =
          drives.read(drive -> List.of(Dump.superblock(drive)));
      output.print(all, () -> text(all, DumpCommand::fields));
      return 0;
    }
  }

  /** {@code tuff dump journal}. */
  @Command(name = "journal", description = "Print the journal's records, oldest first.")
  static final class Journal implements Callable<Integer> {
    @Mixin private Drives drives;
    @Mixin private OutputOptions output;

    @Override
    public Integer call() {
      Map<String, List<Map<String, Object>>> all = drives.read(Dump::journal);
      output.print(all, () -> text(all, DumpCommand::table));
      return 0;
    }
  }

  /** {@code tuff dump map}. */
  @Command(name = "map", description = "Print block maps: where each logical block stands.")
  static final class BlockMap implements Callable<Integer> {
    @Option(names = "--volume", paramLabel = "NAME", description = "Only this volume's.")
    private String volume;

    @Mixin private Drives drives;
    @Mixin private OutputOptions output;

    @Override
    public Integer call() {
      Map<String, List<Map<String, Object>>> all = drives.read(drive -> Dump.map(drive, volume));
      output.print(all, () -> text(all, DumpCommand::table));
      return 0;
    }
  }

  private static String text(
      Map<String, List<Map<String, Object>>> byDrive,
      Function<List<Map<String, Object>>, String> form) {
    StringBuilder text = new StringBuilder();
    byDrive.forEach(
        (drive, entries) ->
            text.append(text.isEmpty() ? "" : "\n")
                .append(drive)
                .append(":\n")
                .append(form.apply(entries)));
    return text.toString();
  }

  private static String fields(List<Map<String, Object>> entries) {
    StringBuilder text = new StringBuilder();
    for (Map<String, Object> entry : entries) {
      int width = entry.keySet().stream().mapToInt(String::length).max().orElse(0);
      entry.forEach(
          (key, value) ->
              text.append(key)
                  .append(" ".repeat(width - key.length() + 2))
                  .append(value)
                  .append('\n'));
    }
    return text.toString();
  }

  private static String table(List<Map<String, Object>> entries) {
    Set<String> keys = new LinkedHashSet<>();
    entries.forEach(entry -> keys.addAll(entry.keySet()));
    if (keys.isEmpty()) {
      return "nothing\n";
    }
    Table table = new Table(keys.toArray(String[]::new));
    for (Map<String, Object> entry : entries) {
      List<Object> cells = new ArrayList<>();
      keys.forEach(key -> cells.add(entry.getOrDefault(key, "")));
      table.row(cells.toArray());
    }
    return table.toString();
  }
}
