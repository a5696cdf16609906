package dev.tuff.bench;

import java.util.List;
import java.util.function.ToDoubleFunction;

/** One side's repeats of one load, in the order in which they were made. */
public record Series(String name, List<Measurement> repeats) {
  public Series {
    repeats = List.copyOf(repeats);
  }

  public Spread spread(ToDoubleFunction<Measurement> figure) {
    return Spread.of(repeats.stream().mapToDouble(figure).toArray());
  }
}
