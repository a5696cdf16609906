package dev.tuff.tools;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.AssembleOptions;
import dev.tuff.natives.Preflight;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which array a command works on: drives named one by one, or an {@link ArrayFile}. */
final class ArrayOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--drive",
      paramLabel = "PATH",
      description = "A drive of the array; repeat for each. Instead of an array file.")
  private List<Path> drives = List.of();

  @Option(
      names = "--array",
      paramLabel = "FILE",
      description =
          "The array file that names the drives (default: ./tuff.toml, else /etc/tuff/tuff.toml).")
  private Path arrayFile;

  /**
   * The drives that are there. One that the array file names and that is not there is warned about,
   * and left out.
   */
  List<Path> drives() {
    if (!drives.isEmpty()) {
      if (arrayFile != null) {
        throw new CommandException("give either --drive or --array, not both");
      }
      for (Path drive : drives) {
        if (!Files.exists(drive)) {
          throw new CommandException("drive " + drive + ": no such file or device");
        }
      }
      return drives;
    }
    Path file = file();
    List<Path> present = new ArrayList<>();
    for (Path drive : ArrayFile.read(file).drives()) {
      if (Files.exists(drive)) {
        present.add(drive);
      } else {
        command.commandLine().getErr().println("tuff: warning: drive " + drive + " is missing");
        command.commandLine().getErr().flush();
      }
    }
    if (present.isEmpty()) {
      throw new CommandException("none of the drives that " + file + " names is there");
    }
    return present;
  }

  /** The array file, or null where the drives are named one by one. */
  Path fileOrNull() {
    return drives.isEmpty() ? file() : null;
  }

  /** The array file, for what stands beside it. */
  Path file() {
    if (!drives.isEmpty()) {
      throw new CommandException("this needs an array file; give --array, not --drive");
    }
    if (arrayFile != null) {
      return arrayFile;
    }
    if (Files.exists(ArrayFile.HERE)) {
      return ArrayFile.HERE;
    }
    if (Files.exists(ArrayFile.SYSTEM)) {
      return ArrayFile.SYSTEM;
    }
    throw new CommandException(
        "which array? There is no ./tuff.toml and no /etc/tuff/tuff.toml; name the drives with --drive, or an array file with --array");
  }

  /** Starts the array for reading and writing; its close stops it cleanly. */
  Array assemble() {
    return assemble(AssembleOptions.defaults());
  }

  /**
   * Starts the array as {@link #assemble} does, to run for long, and for drives that take the
   * places of others.
   *
   * @param more what else it is to be
   */
  Array assembleToServe(
      UnaryOperator<AssembleOptions> more, AssembleOptions.DriveListener listener) {
    Path file = fileOrNull();
    List<Path> spares = file == null ? List.of() : ArrayFile.read(file).spares();
    return assemble(more.apply(AssembleOptions.service(spares, listener)));
  }

  /** The running service's answer to a command; null when none runs for this array. */
  JsonNode askService(String asked, Map<String, ?> arguments) {
    Path file = drives.isEmpty() && (arrayFile != null || fileIsThere()) ? file() : null;
    return file == null ? null : Control.ask(Control.socketOf(file), asked, arguments);
  }

  private static boolean fileIsThere() {
    return Files.exists(ArrayFile.HERE) || Files.exists(ArrayFile.SYSTEM);
  }

  /**
   * Starts the array; nothing on its drives is changed, unless it was not stopped cleanly and has
   * to recover first.
   */
  Array assembleReadOnly() {
    AssembleOptions options = AssembleOptions.defaults();
    return assemble(new AssembleOptions(options.shards(), true, options.pinned()));
  }

  /**
   * Likewise, to look at it: refused when a start would decide something without drives that are
   * missing, which nobody expects of looking.
   */
  Array assembleToLook() {
    AssembleOptions options = AssembleOptions.defaults();
    return assemble(new AssembleOptions(options.shards(), true, options.pinned(), true));
  }

  private Array assemble(AssembleOptions options) {
    return assemble(drives(), options);
  }

  /** Starts the array of just these drives for reading and writing. */
  Array assemble(List<Path> present) {
    return assemble(present, AssembleOptions.defaults());
  }

  private Array assemble(List<Path> present, AssembleOptions options) {
    Preflight.require(0);
    Array array = Array.assemble(present, options);
    PrintWriter err = command.commandLine().getErr();
    StartNotes.of(array.status()).forEach(note -> err.println("tuff: " + note));
    err.flush();
    return array;
  }
}
