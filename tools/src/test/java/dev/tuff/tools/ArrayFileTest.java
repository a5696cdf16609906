package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArrayFileTest {
  @TempDir Path folder;

  @Test
  void readsWhatItWrote() throws IOException {
    ArrayFile written =
        new ArrayFile(
            UUID.randomUUID(),
            List.of(Path.of("/a b/d0"), Path.of("/\"quoted\" \\ d1"), Path.of("/ünïcode")));
    Path file = folder.resolve("tuff.toml");
    written.write(file);
    written.write(file);
    assertThat(ArrayFile.read(file)).isEqualTo(written);
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void takesRelativePathsFromItsOwnFolder() throws IOException {
    Path file = Files.writeString(folder.resolve("tuff.toml"), "drives = [\"d0\", \"../d1\"]");
    assertThat(ArrayFile.read(file).drives())
        .containsExactly(folder.resolve("d0"), folder.resolveSibling("d1"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "drives = [             | is not valid TOML",
        "array = 'x'            | does not list any drives",
        "drives = []            | lists no drives",
        "drives = [1]           | as a drive",
        "drives = ['']          | as a drive",
        "drives = 'd0'          | does not list any drives",
        "drive = ['d0']         | unknown entry 'drive'"
      })
  void saysWhatIsWrongWithIt(String text, String complaint) throws IOException {
    Path file = Files.writeString(folder.resolve("tuff.toml"), text);
    assertThatThrownBy(() -> ArrayFile.read(file))
        .isInstanceOf(CommandException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(complaint);
  }

  @Test
  void refusesAnArrayThatIsNoUuid() throws IOException {
    Path file = Files.writeString(folder.resolve("tuff.toml"), "array = 'x'\ndrives = ['d0']");
    assertThatThrownBy(() -> ArrayFile.read(file))
        .hasMessageContaining("names array 'x', which is not a UUID");
  }

  @Test
  void saysThatItIsMissing() {
    assertThatThrownBy(() -> ArrayFile.read(folder.resolve("none.toml")))
        .hasMessageContaining("no such file");
  }
}
