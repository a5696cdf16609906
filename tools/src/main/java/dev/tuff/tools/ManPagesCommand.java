package dev.tuff.tools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Writes the manual pages: for contributors who changed a command, and for packages. */
@Command(
    name = "man-pages",
    hidden = true,
    description = "Write the manual pages of all commands into a folder.")
final class ManPagesCommand implements Callable<Integer> {
  @Parameters(paramLabel = "FOLDER", description = "Where to; pages that are there are replaced.")
  private Path folder;

  @Override
  public Integer call() throws IOException {
    Files.createDirectories(folder);
    for (Map.Entry<String, String> page : ManPage.all(Tuff.commandLine()).entrySet()) {
      Files.writeString(folder.resolve(page.getKey()), page.getValue());
    }
    return 0;
  }
}
