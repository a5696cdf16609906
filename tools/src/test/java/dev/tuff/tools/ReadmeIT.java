package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the README shows works as shown: every block, in order, in one folder. */
class ReadmeIT {
  private static final Pattern BLOCK =
      Pattern.compile("^```sh\\n(.*?)^```", Pattern.MULTILINE | Pattern.DOTALL);

  @TempDir Path folder;

  @Test
  void everyCommandBlockSucceeds() throws IOException {
    Files.createSymbolicLink(folder.resolve("tuff"), TuffProcess.ROOT.resolve("tuff"));
    Matcher matcher = BLOCK.matcher(Files.readString(TuffProcess.ROOT.resolve("README.md")));
    List<String> outputs = new ArrayList<>();
    while (matcher.find()) {
      TuffProcess finished = TuffProcess.shell(folder, matcher.group(1)).succeeds();
      outputs.add(finished.out());
    }
    assertThat(outputs).hasSizeGreaterThan(5);
    assertThat(outputs.getFirst()).containsPattern("All \\d+ comparisons matched");
    assertThat(folder.resolve("var/demo/throughput.png")).isNotEmptyFile();
    assertThat(folder.resolve("var/demo/latency.png")).isNotEmptyFile();
    assertThat(folder.resolve("copy.bin")).hasSameBinaryContentAs(folder.resolve("report.bin"));
  }
}
