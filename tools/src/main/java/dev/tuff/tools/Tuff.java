package dev.tuff.tools;

import dev.tuff.bench.BenchException;
import dev.tuff.device.DriveUnusableException;
import dev.tuff.iom.array.ArrayException;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.VolumeException;
import dev.tuff.natives.InUseException;
import dev.tuff.natives.PosixException;
import dev.tuff.natives.PreflightException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.lang.module.ModuleDescriptor;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/**
 * The {@code tuff} command. Exit codes: 0 done, 1 refused or failed (one sentence on the error
 * stream), 2 called wrongly.
 */
@Command(
    name = "tuff",
    mixinStandardHelpOptions = true,
    scope = ScopeType.INHERIT,
    versionProvider = Tuff.Version.class,
    sortOptions = false,
    usageHelpAutoWidth = true,
    synopsisSubcommandLabel = "COMMAND",
    description = "A storage appliance in software: volumes on drives, protected by erasure codes.",
    subcommands = {
      DemoCommand.class,
      FormatCommand.class,
      VolumeCommand.class,
      StatusCommand.class,
      DriveCommand.class,
      RebuildCommand.class,
      PutCommand.class,
      GetCommand.class,
      ServeCommand.class,
      ExportCommand.class,
      ConnectionsCommand.class,
      CheckCommand.class,
      ScrubCommand.class,
      LoadCommand.class,
      SimulateCommand.class,
      DumpCommand.class,
      BenchCommand.class,
      ManPagesCommand.class
    })
public final class Tuff implements Runnable {
  @Spec private CommandSpec spec;

  /** Runs the command line and ends the process with its exit code. */
  public static void main(String... arguments) {
    System.exit(commandLine().execute(arguments));
  }

  static CommandLine commandLine() {
    CommandLine command = new CommandLine(new Tuff());
    // Here and not in the annotation, which every subcommand would inherit.
    command
        .getCommandSpec()
        .usageMessage()
        .footer(
            "",
            "Sizes are bytes, or a number with K, M, G, T (powers of 1024).",
            "Contributors: ./tuff test [MAVEN ARGUMENT...] and ./tuff lint [--fix].");
    return command
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setAbbreviatedOptionsAllowed(false)
        .registerConverter(ByteSize.class, new ByteSize.Converter())
        .registerConverter(Protection.class, new Protection.Converter())
        .registerConverter(Toughness.class, new ToughnessConverter())
        .setParameterExceptionHandler(Tuff::calledWrongly)
        .setExecutionExceptionHandler(Tuff::failed);
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "which command?");
  }

  private static int calledWrongly(ParameterException failure, String[] arguments) {
    CommandLine command = failure.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("tuff: " + oneLine(failure.getMessage()));
    err.println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
    err.flush();
    return CommandLine.ExitCode.USAGE;
  }

  private static int failed(Exception failure, CommandLine command, ParseResult parsed) {
    PrintWriter err = command.getErr();
    command.getOut().flush();
    switch (failure) {
      case CommandException e -> err.println("tuff: " + oneLine(e.getMessage()));
      case ArrayException e -> err.println("tuff: " + oneLine(e.getMessage()));
      case VolumeException e -> err.println("tuff: " + oneLine(e.getMessage()));
      case BenchException e -> err.println("tuff: " + oneLine(e.getMessage()));
      case DriveUnusableException e -> err.println("tuff: " + oneLine(e.getMessage()));
      case InUseException e -> err.println("tuff: " + oneLine(e.getMessage()));
      case PosixException e -> err.println("tuff: " + oneLine(e.getMessage()));
      case PreflightException e ->
          e.problems().forEach(problem -> err.println("tuff: " + problem.sentence()));
      case IOException e -> err.println("tuff: " + oneLine(Failures.sentence(e)));
      case UncheckedIOException e ->
          err.println("tuff: " + oneLine(Failures.sentence(e.getCause())));
      default -> {
        err.println("tuff: this is a bug in Tuff; please report it with what follows");
        failure.printStackTrace(err);
      }
    }
    err.flush();
    return CommandLine.ExitCode.SOFTWARE;
  }

  private static String oneLine(String message) {
    return String.valueOf(message).replaceAll("\\s*\\R\\s*", "; ").replaceAll("\\.$", "");
  }

  /** The module's own version. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version =
          Optional.ofNullable(Tuff.class.getModule().getDescriptor())
              .flatMap(ModuleDescriptor::rawVersion)
              .orElse("(not built as a module)");
      return new String[] {"tuff " + version + " on Java " + Runtime.version()};
    }
  }
}
