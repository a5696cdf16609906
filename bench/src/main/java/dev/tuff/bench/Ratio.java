package dev.tuff.bench;

import java.util.List;

/**
 * One figure of ours against another's, a value per repeat, each from two neighbouring stretches of
 * the same run.
 *
 * @param goal null where the ratio is shown and not judged
 */
public record Ratio(String name, List<Double> values, Goal goal) {
  public Ratio {
    values = List.copyOf(values);
  }

  public Spread spread() {
    return Spread.of(values.stream().mapToDouble(Double::doubleValue).toArray());
  }

  /** Whether the median reaches the goal; true without a goal. */
  public boolean met() {
    return goal == null || goal.metBy(spread().median());
  }
}
