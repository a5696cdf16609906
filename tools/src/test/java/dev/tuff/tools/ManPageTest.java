package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ManPageTest {
  /** Beside the module, whose folder the tests run in. */
  private static final Path PAGES = Path.of("..", "docs", "man");

  private final Map<String, String> pages = ManPage.all(Tuff.commandLine());

  @Test
  void thePagesInDocsAreThoseOfTheCommands() throws IOException {
    try (Stream<Path> files = Files.list(PAGES)) {
      assertThat(files.map(file -> file.getFileName().toString()).collect(Collectors.toSet()))
          .as("./tuff man-pages docs/man writes them; pages of commands that are gone go by hand")
          .containsExactlyInAnyOrderElementsOf(pages.keySet());
    }
    for (Map.Entry<String, String> page : pages.entrySet()) {
      assertThat(PAGES.resolve(page.getKey()))
          .as("written by ./tuff man-pages docs/man")
          .hasContent(page.getValue());
    }
  }

  @Test
  void everyOptionAndNestedCommandIsOnItsPage() {
    assertThat(new TreeSet<>(pages.keySet())).contains("tuff.1", "tuff-serve.1", "tuff-bench.1");
    assertThat(pages.get("tuff-volume.1"))
        .contains(".SS tuff volume create", "\\fB\\-\\-size\\fR=\\fISIZE\\fR", ".SH EXIT STATUS");
    assertThat(pages.get("tuff.1")).contains(".BR tuff\\-serve (1)").doesNotContain("man\\-pages");
  }

  @Test
  void nothingOfATextIsTakenForARequest() {
    assertThat(String.join("\n", pages.values()).lines().filter(line -> line.startsWith(".")))
        .allMatch(line -> line.matches("\\.(TH|SH|SS|TP|PP|B|BR)( .*)?"));
  }
}
