package dev.tuff.tools;

/**
 * The command was refused or failed; the message is the one sentence its user gets to read. Exit
 * code 1.
 */
final class CommandException extends RuntimeException {
  private static final long serialVersionUID = 1;

  CommandException(String sentence) {
    super(sentence);
  }

  CommandException(String sentence, Throwable cause) {
    super(sentence, cause);
  }
}
