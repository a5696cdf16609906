package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
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
  void keepsTheScheduleWhenADriveIsReplaced() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("tuff.toml"),
            """
            array = '7d444840-9dc0-11d1-b245-5ffdce74fad2'
            drives = ['/d0', '/d1']
            [scrub]
            every = '48h'
            rate = '100M'
            minutes = 1.5
            """);
    ArrayFile.read(file)
        .replaced(1, List.of(Path.of("/d0")), Path.of("/d2"))
        .withSpares(List.of(Path.of("/s")))
        .write(file);
    ArrayFile read = ArrayFile.read(file);
    assertThat(read.drives()).containsExactly(Path.of("/d0"), Path.of("/d2"));
    assertThat(read.spares()).containsExactly(Path.of("/s"));
    assertThat(read.scrub())
        .isEqualTo(new ScrubSchedule(Duration.ofDays(2), new ByteSize(100 << 20), 1.5));
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

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "every = 7     | every' in [scrub]: '7' is no duration",
        "every = 'x'   | every' in [scrub]: 'x' is no duration",
        "rate = 'fast' | rate' in [scrub]: 'fast' is not a size",
        "rate = 0      | rate' in [scrub]: 0 bytes a second",
        "minutes = 0   | minutes' in [scrub]: '0' is no number of minutes",
        "minutes = 'x' | minutes' in [scrub]: 'x' is no number of minutes",
        "evry = '7d'   | evry' in [scrub]: unknown entry; it knows every, rate and minutes"
      })
  void saysWhatIsWrongWithTheSchedule(String entry, String complaint) throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("tuff.toml"), "drives = ['d']\n[scrub]\n%s\n".formatted(entry));
    assertThatThrownBy(() -> ArrayFile.read(file))
        .isInstanceOf(CommandException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(complaint);
  }

  @Test
  void refusesAScheduleThatIsNoTable() throws IOException {
    Path file = Files.writeString(folder.resolve("tuff.toml"), "drives = ['d']\nscrub = 1");
    assertThatThrownBy(() -> ArrayFile.read(file))
        .hasMessageContaining("write [scrub] on a line of its own");
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
