package dev.tuff.tools;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.Volume;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tuff put}. */
@Command(
    name = "put",
    description = {
      "Store a file at the start of a volume. When this is done, all of it is hardened.",
      "Prints the size, which tuff get needs to make the same file again, and the SHA-256."
    })
final class PutCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "FILE", description = "What to store.")
  private Path file;

  @Parameters(index = "1", paramLabel = "VOLUME", description = "Where.")
  private String volumeName;

  @Option(
      names = "--toughness",
      paramLabel = "LEVEL",
      description = "0, 1 or 2, for each write (default: the volume's).")
  private Toughness toughness;

  @Mixin private ArrayOptions array;
  @Mixin private OutputOptions output;

  @Override
  public Integer call() throws IOException {
    if (Files.isDirectory(file)) {
      throw new CommandException(file + " is a folder; give a file to store");
    }
    try (FileChannel in = FileChannel.open(file);
        Array assembled = array.assemble()) {
      Volume volume = assembled.volume(volumeName);
      long bytes = in.size();
      if (bytes > volume.sizeBytes()) {
        throw new CommandException(
            file
                + " has "
                + bytes
                + " bytes, volume "
                + volumeName
                + " only "
                + volume.sizeBytes());
      }
      Transfer transfer;
      try (Progress progress = Progress.of("put", bytes)) {
        transfer = Transfer.hashed(assembled, volume, progress);
        transfer.put(in, bytes, toughness == null ? ownToughness(assembled) : toughness);
      }
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("file", file.toString());
      result.put("volume", volumeName);
      result.put("bytes", bytes);
      result.put("sha256", transfer.sha256Hex());
      result.put("seconds", transfer.seconds());
      output.print(
          result,
          () ->
              "stored %d bytes of %s in volume %s%nSHA-256 %s%n"
                  .formatted(bytes, file, volumeName, result.get("sha256")));
    }
    return 0;
  }

  private Toughness ownToughness(Array assembled) {
    return assembled.status().volumes().stream()
        .filter(volume -> volume.name().equals(volumeName))
        .findFirst()
        .orElseThrow()
        .toughness();
  }
}
