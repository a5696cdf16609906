package dev.tuff.tools;

import java.io.Console;
import java.util.Locale;

/** Asks before something is done that can't be undone. */
final class Consent {
  private Consent() {}

  /**
   * Returns when the user agrees.
   *
   * @param given agreed already, by an option
   * @throws CommandException with one sentence when the user does not, or can't be asked
   */
  // Error Prone is wrong here: with the JDK's plain console there is none without a terminal.
  @SuppressWarnings("SystemConsoleNull")
  static void ask(boolean given, String question) {
    if (given) {
      return;
    }
    Console console = System.console();
    if (console == null || !console.isTerminal()) {
      throw new CommandException("nobody can be asked here (no terminal); agree with --yes");
    }
    String answer = console.readLine("%s [y/N] ", question);
    if (answer == null || !answer.strip().toLowerCase(Locale.ROOT).startsWith("y")) {
      throw new CommandException("not agreed to, so nothing was done");
    }
  }
}
