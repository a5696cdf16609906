package dev.tuff.tools;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.volume.Volume;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tuff get}. */
@Command(
    name = "get",
    description = {
      "Read a volume, or the first bytes of it, into a file. Works with as many drives missing as there are parity members.",
      "The file appears when it is complete, and replaces one of that name."
    })
final class GetCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "VOLUME", description = "What to read.")
  private String volumeName;

  @Parameters(index = "1", paramLabel = "FILE", description = "Where to.")
  private Path file;

  @Option(
      names = {"--size", "--bytes"},
      paramLabel = "SIZE",
      description = "How much of it, as tuff put printed it (default: the whole volume).")
  private ByteSize size;

  @Mixin private ArrayOptions array;
  @Mixin private OutputOptions output;

  @Override
  public Integer call() throws IOException {
    Path target = file.toAbsolutePath();
    if (Files.isDirectory(target)) {
      throw new CommandException(file + " is a folder; give a file to write");
    }
    if (!Files.isDirectory(target.getParent())) {
      throw new CommandException(
          file + " cannot be written: there is no folder " + target.getParent());
    }
    try (Array assembled = array.assembleReadOnly()) {
      Volume volume = assembled.volume(volumeName);
      long bytes = size == null ? volume.sizeBytes() : size.bytes();
      if (bytes > volume.sizeBytes()) {
        throw new CommandException(
            "volume "
                + volumeName
                + " has "
                + volume.sizeBytes()
                + " bytes, fewer than the "
                + bytes
                + " asked for");
      }
      Path part =
          target.resolveSibling(
              "." + target.getFileName() + ".tuff-" + ProcessHandle.current().pid());
      Transfer transfer;
      try {
        transfer = read(assembled, volume, part, bytes);
        Files.move(
            part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(part);
      }
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("volume", volumeName);
      result.put("file", file.toString());
      result.put("bytes", bytes);
      result.put("sha256", transfer.sha256Hex());
      result.put("seconds", transfer.seconds());
      output.print(
          result,
          () ->
              "read %d bytes of volume %s into %s%nSHA-256 %s%n"
                  .formatted(bytes, volumeName, file, result.get("sha256")));
    }
    return 0;
  }

  private static Transfer read(Array array, Volume volume, Path part, long bytes)
      throws IOException {
    try (FileChannel out =
            FileChannel.open(part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        Progress progress = Progress.of("get", bytes)) {
      Transfer transfer = Transfer.hashed(array, volume, progress);
      transfer.get(out, bytes);
      out.force(true);
      return transfer;
    }
  }
}
