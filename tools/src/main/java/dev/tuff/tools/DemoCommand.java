package dev.tuff.tools;

import dev.tuff.natives.Preflight;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tuff demo}. */
@Command(
    name = "demo",
    description = {
      "Store a file behind parity and prove that it survives.",
      "Makes six image drives, stores the file on five of them as 4+1, reads it back with each drive withheld in turn,"
          + " overwrites random ranges, stops and starts, kills a process in mid-write and recovers, and compares every time."
          + " Prints what it measured."
    })
final class DemoCommand implements Callable<Integer> {
  @Spec private CommandSpec command;

  @Parameters(
      arity = "0..1",
      paramLabel = "FILE",
      description = "What to store (default: the running JDK's own module image).")
  private Path file;

  @Option(
      names = "--dir",
      paramLabel = "FOLDER",
      defaultValue = "var",
      description = "Everything is made in its folder demo (default: ./var).")
  private Path folder;

  @Option(
      names = "--seed",
      paramLabel = "NUMBER",
      description = "Repeats the random ranges of another run.")
  private Long seed;

  @Mixin private OutputOptions output;

  @Override
  public Integer call() throws IOException {
    Path stored = file != null ? file : Path.of(System.getProperty("java.home"), "lib", "modules");
    requireReadable(stored);
    Preflight.require(0);
    long used = seed != null ? seed : ThreadLocalRandom.current().nextLong(1L << 32);
    Demo demo = new Demo(stored, folder.resolve("demo"), used, command.commandLine().getErr());
    DemoReport report = demo.run();
    Map<String, Object> json = report.json();
    json.put(
        "charts",
        java.util.List.of(demo.throughputChart().toString(), demo.latencyChart().toString()));
    output.print(json, () -> "\n" + report.text() + "\n" + closing(demo, report));
    if (report.mismatchCount() > 0) {
      throw new CommandException(
          report.mismatchCount()
              + " of "
              + report.comparisonCount()
              + " comparisons found something else than was stored");
    }
    return 0;
  }

  private static void requireReadable(Path file) throws IOException {
    if (!Files.exists(file)) {
      throw new CommandException(
          "demo: "
              + file
              + ": no such file; give a file to store, or none for the JDK's own module image");
    }
    if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
      throw new CommandException(
          "demo: "
              + file
              + " is not a readable file; give a file to store, or none for the JDK's own module image");
    }
    if (Files.size(file) == 0) {
      throw new CommandException("demo: " + file + " is empty; give a file with something in it");
    }
  }

  private static String closing(Demo demo, DemoReport report) {
    String verdict =
        report.mismatchCount() == 0
            ? "All " + report.comparisonCount() + " comparisons matched."
            : report.mismatchCount()
                + " of "
                + report.comparisonCount()
                + " comparisons did NOT match.";
    return "charts: %s, %s%n%s%n".formatted(demo.throughputChart(), demo.latencyChart(), verdict);
  }
}
