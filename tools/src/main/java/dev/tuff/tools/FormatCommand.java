package dev.tuff.tools;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.FormatOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tuff format}. */
@Command(
    name = "format",
    description = {
      "Make drives an array.",
      "Everything on them is lost. Nothing is changed on any of them unless all can be used. Writes the array file that"
          + " the other commands find the drives by."
    })
final class FormatCommand implements Callable<Integer> {
  @Option(
      names = "--protect",
      paramLabel = "N+K",
      defaultValue = "4+1",
      description =
          "What volumes get unless they say otherwise: N data and K parity members (default: 4+1).")
  private Protection protection;

  @Option(
      names = "--force",
      description =
          "Also drives that belong to another array, and an array file that names another.")
  private boolean force;

  @Option(
      names = "--array",
      paramLabel = "FILE",
      defaultValue = "tuff.toml",
      description = "Where to write the array file (default: ./tuff.toml).")
  private Path arrayFile;

  @Parameters(
      arity = "1..*",
      paramLabel = "DRIVE",
      description = "Block devices or image files, at least N+K of them.")
  private List<Path> drives;

  @Mixin private OutputOptions output;

  @Override
  public Integer call() throws IOException {
    checkArrayFile();
    List<Path> absolute = drives.stream().map(drive -> drive.toAbsolutePath().normalize()).toList();
    UUID uuid =
        Array.format(
            absolute,
            new FormatOptions(protection.dataMembers(), protection.parityMembers(), 0, force));
    new ArrayFile(uuid, absolute).write(arrayFile);
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("array", uuid.toString());
    result.put("protection", protection.toString());
    result.put("drives", absolute.stream().map(Path::toString).toList());
    result.put("arrayFile", arrayFile.toAbsolutePath().normalize().toString());
    output.print(
        result,
        () ->
            "formatted %d drives as array %s, protection %s; %s names them%n"
                .formatted(absolute.size(), uuid, protection, arrayFile));
    return 0;
  }

  /**
   * Before the drives are touched: where the array is must be possible to write down afterwards.
   */
  private void checkArrayFile() {
    Path folder = arrayFile.toAbsolutePath().getParent();
    if (Files.exists(arrayFile) && !force) {
      throw new CommandException(
          arrayFile
              + " names another array's drives already; give --array FILE to write elsewhere, or --force to replace it");
    }
    if (Files.isDirectory(arrayFile) || !Files.isDirectory(folder) || !Files.isWritable(folder)) {
      throw new CommandException(
          "the array file cannot be written to "
              + arrayFile
              + "; give --array FILE in a folder that can be written");
    }
  }
}
