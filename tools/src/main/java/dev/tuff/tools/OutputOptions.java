package dev.tuff.tools;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.PrintWriter;
import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code -o}: the same result as a table for people or as JSON for programs. */
final class OutputOptions {
  /** How a result is printed. */
  enum Format {
    TABLE,
    JSON
  }

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      defaultValue = "table",
      description = "How to print the result: table (default) or json.")
  private Format format;

  /** Prints the JSON when that was asked for, the text otherwise. */
  void printRaw(String json, Supplier<String> text) {
    PrintWriter out = command.commandLine().getOut();
    out.print(format == Format.TABLE ? text.get() : json.strip() + "\n");
    out.flush();
  }

  /** Prints the value as JSON when that was asked for, the text otherwise. */
  void print(Object value, Supplier<String> text) {
    printRaw(format == Format.JSON ? json(value) : "", text);
  }

  static String json(Object value) {
    try {
      return new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a result that is no JSON: " + value, e);
    }
  }
}
