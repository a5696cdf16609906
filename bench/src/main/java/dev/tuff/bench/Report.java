package dev.tuff.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a benchmark run found, in its three forms: text, JSON, chart. */
public interface Report {
  /** Environment, figures and notes as plain text, lines of any length ended by newlines. */
  String table();

  /** The whole run, every repeat of it, as JSON. */
  String json();

  /**
   * Draws the figures as a PNG, making its directory; throws {@link BenchException} where it cannot
   * be written.
   */
  void writeChart(Path file);

  /**
   * Writes {@link #json()} to {@code file}, making its directory; throws {@link BenchException}
   * where it cannot.
   */
  default void writeJson(Path file) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.writeString(file, json() + "\n");
    } catch (IOException e) {
      throw new BenchException(
          "Cannot write the report to " + file + ": " + e.getMessage() + ".", e);
    }
  }
}
