package dev.tuff.tools;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
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
    footer = {
      "",
      "Sizes are bytes, or a number with K, M, G, T (powers of 1024).",
      "Contributors: ./tuff test [MAVEN ARGUMENT...] and ./tuff lint [--fix] are the launcher's own."
    },
    subcommands = {})
public final class Tuff implements Runnable {
  @Spec private CommandSpec spec;

  /** Runs the command line and ends the process with its exit code. */
  public static void main(String... arguments) {
    System.exit(commandLine().execute(arguments));
  }

  static CommandLine commandLine() {
    return new CommandLine(new Tuff())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setAbbreviatedOptionsAllowed(false)
        .registerConverter(ByteSize.class, new ByteSize.Converter())
        .registerConverter(Protection.class, new Protection.Converter())
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
    return String.valueOf(message).replaceAll("\\s*\\R\\s*", "; ");
  }

  /** The module's own version. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version =
          Tuff.class.getModule().getDescriptor().rawVersion().orElse("(not built as a module)");
      return new String[] {"tuff " + version + " on Java " + Runtime.version()};
    }
  }
}
