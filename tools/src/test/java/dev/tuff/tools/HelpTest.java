package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

class HelpTest {
  @TestFactory
  List<DynamicTest> everyCommandHasHelpAndDescribesAllItTakes() {
    List<DynamicTest> tests = new ArrayList<>();
    add(tests, Tuff.commandLine(), List.of());
    assertThat(tests).hasSizeGreaterThan(12);
    return tests;
  }

  private static void add(List<DynamicTest> tests, CommandLine command, List<String> path) {
    tests.add(
        DynamicTest.dynamicTest(
            command.getCommandSpec().qualifiedName(), () -> check(command, path)));
    command
        .getSubcommands()
        .forEach(
            (name, subcommand) -> {
              List<String> longer = new ArrayList<>(path);
              longer.add(name);
              add(tests, subcommand, longer);
            });
  }

  private static void check(CommandLine command, List<String> path) {
    List<String> arguments = new ArrayList<>(path);
    arguments.add("--help");
    StringWriter out = new StringWriter();
    int exitCode =
        Tuff.commandLine().setOut(new PrintWriter(out)).execute(arguments.toArray(String[]::new));
    assertThat(exitCode).isZero();
    assertThat(out.toString()).contains("Usage: " + command.getCommandSpec().qualifiedName());
    assertThat(command.getCommandSpec().usageMessage().description()).isNotEmpty();
    for (OptionSpec option : command.getCommandSpec().options()) {
      assertThat(option.description()).as(option.longestName()).isNotEmpty();
    }
    for (PositionalParamSpec positional : command.getCommandSpec().positionalParameters()) {
      assertThat(positional.description()).as(positional.paramLabel()).isNotEmpty();
    }
  }
}
