package dev.tuff.tools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/** Makes temporary folders in the build's own, which is on a disk. */
public final class BuildFolder implements TempDirFactory {
  @Override
  public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext extension)
      throws IOException {
    Path place = TuffProcess.ROOT.resolve("tools/target/it");
    Files.createDirectories(place);
    return Files.createTempDirectory(place, extension.getRequiredTestClass().getSimpleName());
  }
}
