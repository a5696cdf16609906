package dev.tuff.tools;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Manual pages of the commands in roff (the {@code man} macros), made from what {@code --help} is
 * made from, so that the two never differ. One page for {@code tuff}, one for each of its commands
 * with that command's own commands in it. Without AsciiDoc in between: nothing is needed to make or
 * to read them but {@code man}.
 */
final class ManPage {
  private static final String EXIT_STATUS =
      """
      .SH EXIT STATUS
      .TP
      0
      Done.
      .TP
      1
      Refused or failed; one sentence on the error stream says what was found and what to do.
      .TP
      2
      Called wrongly.
      """;

  private final StringBuilder out = new StringBuilder();

  private ManPage() {}

  /** All pages by file name, like {@code tuff-serve.1}, in the order of the commands. */
  static Map<String, String> all(CommandLine tuff) {
    Map<String, String> pages = new LinkedHashMap<>();
    pages.put(fileName(tuff), page(tuff, tuff));
    for (CommandLine command : tuff.getSubcommands().values()) {
      if (!command.getCommandSpec().usageMessage().hidden()) {
        pages.put(fileName(command), page(tuff, command));
      }
    }
    return pages;
  }

  private static String fileName(CommandLine command) {
    return name(command) + ".1";
  }

  private static String name(CommandLine command) {
    return command.getCommandSpec().qualifiedName("-");
  }

  private static String page(CommandLine tuff, CommandLine command) {
    ManPage page = new ManPage();
    List<String> description = description(command);
    page.line(".TH " + name(command).toUpperCase(Locale.ROOT) + " 1 \"\" \"Tuff\" \"Tuff\"");
    page.line(".SH NAME");
    page.line(text(name(command)) + " \\- " + text(withoutStop(description.getFirst())));
    page.line(".SH SYNOPSIS");
    page.synopsis(command);
    page.line(".SH DESCRIPTION");
    page.paragraphs(description);
    if (command.equals(tuff)) {
      page.commands(command);
    }
    page.arguments(command, ".SH OPTIONS");
    if (!command.equals(tuff)) {
      page.nested(command);
    }
    page.out.append(EXIT_STATUS);
    page.files();
    page.seeAlso(tuff, command);
    return page.out.toString();
  }

  private void nested(CommandLine command) {
    if (command.getSubcommands().isEmpty()) {
      return;
    }
    line(".SH COMMANDS");
    for (CommandLine sub : command.getSubcommands().values()) {
      line(".SS " + text(sub.getCommandSpec().qualifiedName()));
      synopsis(sub);
      line(".PP");
      paragraphs(description(sub));
      arguments(sub, null);
    }
  }

  private void commands(CommandLine command) {
    line(".SH COMMANDS");
    for (CommandLine sub : command.getSubcommands().values()) {
      if (!sub.getCommandSpec().usageMessage().hidden()) {
        line(".TP");
        line(".BR " + text(name(sub)) + " (1)");
        line(text(description(sub).getFirst()));
      }
    }
  }

  private void synopsis(CommandLine command) {
    CommandSpec spec = command.getCommandSpec();
    String synopsis =
        new Help(spec, Help.defaultColorScheme(Help.Ansi.OFF))
            .synopsis(0)
            .replaceAll("\\s+", " ")
            .strip();
    String rest = synopsis.substring(Math.min(synopsis.length(), spec.qualifiedName().length()));
    line(".B " + text(spec.qualifiedName()));
    if (!rest.isBlank()) {
      line(text(rest.strip()));
    }
  }

  private void arguments(CommandLine command, String title) {
    CommandSpec spec = command.getCommandSpec();
    boolean nested = title == null;
    List<ArgSpec> all = new ArrayList<>(spec.positionalParameters());
    for (OptionSpec option : spec.options()) {
      if (!nested || !(option.usageHelp() || option.versionHelp())) {
        all.add(option);
      }
    }
    all.removeIf(ArgSpec::hidden);
    if (all.isEmpty()) {
      return;
    }
    if (!nested) {
      line(title);
    }
    for (ArgSpec one : all) {
      line(".TP");
      line(label(one));
      paragraphs(List.of(one.description()));
    }
  }

  private static String label(ArgSpec one) {
    String value = "\\fI" + text(one.paramLabel()) + "\\fR";
    if (!(one instanceof OptionSpec option)) {
      return value;
    }
    List<String> names = new ArrayList<>();
    for (String name : option.names()) {
      names.add("\\fB" + text(name) + "\\fR");
    }
    boolean takesValue = option.arity().max() > 0;
    return String.join(", ", names) + (takesValue ? "=" + value : "");
  }

  private void files() {
    line(".SH FILES");
    line(".TP");
    line(text("./tuff.toml, /etc/tuff/tuff.toml"));
    line("Where the array's drives are, unless \\-\\-array or \\-\\-drive says it.");
  }

  private void seeAlso(CommandLine tuff, CommandLine command) {
    line(".SH SEE ALSO");
    List<String> others = new ArrayList<>();
    if (!command.equals(tuff)) {
      others.add("tuff");
    }
    for (CommandLine other : tuff.getSubcommands().values()) {
      if (!other.equals(command) && !other.getCommandSpec().usageMessage().hidden()) {
        others.add(name(other));
      }
    }
    for (int i = 0; i < others.size(); i++) {
      line(".BR " + text(others.get(i)) + " (1)" + (i + 1 < others.size() ? "," : ""));
    }
  }

  private static List<String> description(CommandLine command) {
    return List.of(command.getCommandSpec().usageMessage().description());
  }

  private void paragraphs(List<String> lines) {
    for (String line : lines) {
      String shown = text(line.replaceAll("\\s*\\R\\s*", " ").strip());
      line(shown.isEmpty() ? ".PP" : shown);
    }
  }

  private static String withoutStop(String sentence) {
    return sentence.replaceAll("\\s*\\R\\s*", " ").replaceAll("\\.$", "");
  }

  /** As roff prints it: nothing in it is a request, an escape or a dash. */
  private static String text(String plain) {
    String escaped = plain.replace("\\", "\\e").replace("-", "\\-").replace("%%", "%");
    return escaped.startsWith(".") || escaped.startsWith("'") ? "\\&" + escaped : escaped;
  }

  private void line(String line) {
    out.append(line).append('\n');
  }
}
