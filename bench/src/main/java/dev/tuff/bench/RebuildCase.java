package dev.tuff.bench;

import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * Repeats of one kind of rebuild.
 *
 * @param label idle, or the policy beside the load
 */
public record RebuildCase(String label, List<RebuildRun> runs) {
  public RebuildCase {
    runs = List.copyOf(runs);
  }

  /** Whether there was a load beside it. */
  boolean loaded() {
    return !Double.isNaN(runs.getFirst().beside().operationsPerSecond());
  }

  Spread spread(ToDoubleFunction<RebuildRun> figure) {
    return Spread.of(runs.stream().mapToDouble(figure).toArray());
  }
}
