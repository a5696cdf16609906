package dev.tuff.tools;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tuff.iom.array.Array;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tuff export}. */
@Command(
    name = "export",
    synopsisSubcommandLabel = "COMMAND",
    description = "Say which volumes tuff serve serves, also while it runs.",
    subcommands = {
      ExportCommand.ListAll.class,
      ExportCommand.Add.class,
      ExportCommand.Remove.class
    })
final class ExportCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "which command? list, add or remove");
  }

  /** {@code tuff export list}. */
  @Command(
      name = "list",
      description = "List the exports; while a service runs also how many clients each has.")
  static final class ListAll implements Callable<Integer> {
    @Mixin private ArrayOptions array;
    @Mixin private OutputOptions output;

    @Override
    public Integer call() {
      Path file = array.file();
      JsonNode served = Control.ask(Control.socketOf(file), "exports", Map.of());
      JsonNode exports =
          served != null
              ? served
              : Control.JSON.valueToTree(
                  ExportsFile.read(ExportsFile.beside(file)).entries().stream()
                      .map(ExportsFile.Entry::json)
                      .toList());
      output.print(exports, () -> table(exports));
      return 0;
    }

    private static String table(JsonNode exports) {
      if (exports.isEmpty()) {
        return "nothing is exported\n";
      }
      Table table = new Table("EXPORT", "VOLUME", "ACCESS", "CLIENTS", "LIMIT", "DESCRIPTION");
      for (JsonNode e : exports) {
        table.row(
            e.get("name").asText(),
            e.get("volume").asText(),
            e.get("readOnly").asBoolean() ? "read" : "read/write",
            e.has("clients") ? e.get("clients").asText() : "-",
            e.get("maxClients").asInt() == 0 ? "-" : e.get("maxClients").asText(),
            e.get("description").asText());
      }
      return table.toString();
    }
  }

  /** {@code tuff export add}. */
  @Command(name = "add", description = "Export a volume.")
  static final class Add implements Callable<Integer> {
    @Spec private CommandSpec command;

    @Parameters(paramLabel = "VOLUME", description = "The volume.")
    private String volume;

    @Option(
        names = "--name",
        paramLabel = "NAME",
        description = "The name by which clients ask for it (default: the volume's).")
    private String name;

    @Option(
        names = "--description",
        paramLabel = "TEXT",
        defaultValue = "",
        description = "What clients are shown beside the name.")
    private String description;

    @Option(names = "--read-only", description = "Clients may only read.")
    private boolean readOnly;

    @Option(
        names = "--max-clients",
        paramLabel = "NUMBER",
        defaultValue = "0",
        description =
            "Connections at a time (default: no limit). A client may use several for one disk.")
    private int maxClients;

    @Mixin private ArrayOptions array;

    @Override
    public Integer call() {
      if (maxClients < 0) {
        throw new ParameterException(
            command.commandLine(), maxClients + " clients are not possible; give 0 or more");
      }
      Path file = array.file();
      ExportsFile.Entry entry =
          new ExportsFile.Entry(
              name == null ? volume : name, volume, description, readOnly, maxClients);
      if (Control.ask(Control.socketOf(file), "export-add", entry.json()) == null) {
        ExportsFile more = ExportsFile.read(ExportsFile.beside(file)).with(entry);
        try (Array assembled = array.assembleToLook()) {
          entry.export(assembled.volume(volume));
        }
        more.write(ExportsFile.beside(file));
      }
      command.commandLine().getOut().println("export " + entry.name() + " of volume " + volume);
      command.commandLine().getOut().flush();
      return 0;
    }
  }

  /** {@code tuff export remove}. */
  @Command(
      name = "remove",
      description = "Do not export a volume any more. The volume stays as it is.")
  static final class Remove implements Callable<Integer> {
    @Spec private CommandSpec command;

    @Parameters(paramLabel = "NAME", description = "The export's name.")
    private String name;

    @Option(names = "--force", description = "Also one that is in use: its clients are broken off.")
    private boolean force;

    @Mixin private ArrayOptions array;

    @Override
    public Integer call() {
      Path file = array.file();
      Map<String, Object> request = Map.of("name", name, "force", force);
      if (Control.ask(Control.socketOf(file), "export-remove", request) == null) {
        ExportsFile.read(ExportsFile.beside(file)).without(name).write(ExportsFile.beside(file));
      }
      command.commandLine().getOut().println("removed export " + name);
      command.commandLine().getOut().flush();
      return 0;
    }
  }
}
