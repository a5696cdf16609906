package dev.tuff.natives;

import java.util.List;
import java.util.stream.Collectors;

/** This system cannot run Tuff as it is; the message has one sentence per problem. */
public final class PreflightException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient List<Preflight.Problem> problems;

  PreflightException(List<Preflight.Problem> problems) {
    super(problems.stream().map(Preflight.Problem::sentence).collect(Collectors.joining("\n")));
    this.problems = List.copyOf(problems);
  }

  /** What is wrong, at least one. */
  public List<Preflight.Problem> problems() {
    return problems;
  }
}
