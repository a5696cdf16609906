package dev.tuff.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * One load, measured on every side in turn (A B A B ...), so that whatever else the machine does
 * meets all sides alike.
 *
 * @param series ours first
 * @param ratios between the series, repeat by repeat
 */
public record Comparison(String name, List<Series> series, List<Ratio> ratios) {
  public Comparison {
    series = List.copyOf(series);
    ratios = List.copyOf(ratios);
  }

  /** One side: makes one stretch of the load each time it is called. */
  record Side(String name, Stretch stretch) {}

  /** Runs one stretch of {@code seconds}. */
  @FunctionalInterface
  interface Stretch {
    Measurement run(double seconds);
  }

  /**
   * Runs the sides in turn, {@code repeats} times, after one unrecorded stretch each that warms
   * caches and compiler.
   *
   * @param step told before every stretch
   */
  static Comparison alternate(
      String name,
      List<Side> sides,
      int repeats,
      double seconds,
      double warmUpSeconds,
      Runnable step) {
    List<List<Measurement>> taken = new ArrayList<>();
    for (Side side : sides) {
      taken.add(new ArrayList<>());
      if (warmUpSeconds > 0) {
        side.stretch.run(warmUpSeconds);
      }
    }
    for (int repeat = 0; repeat < repeats; repeat++) {
      for (int i = 0; i < sides.size(); i++) {
        step.run();
        taken.get(i).add(sides.get(i).stretch.run(seconds));
      }
    }
    List<Series> series = new ArrayList<>();
    for (int i = 0; i < sides.size(); i++) {
      series.add(new Series(sides.get(i).name, taken.get(i)));
    }
    return new Comparison(name, series, List.of());
  }

  /**
   * This comparison with one more ratio: {@code figure} of series {@code over} divided by that of
   * series {@code under}.
   */
  Comparison withRatio(
      String ratioName, int over, int under, ToDoubleFunction<Measurement> figure, Goal goal) {
    List<Double> values = new ArrayList<>();
    for (int i = 0; i < series.get(over).repeats().size(); i++) {
      values.add(
          figure.applyAsDouble(series.get(over).repeats().get(i))
              / figure.applyAsDouble(series.get(under).repeats().get(i)));
    }
    return withRatio(new Ratio(ratioName, values, goal));
  }

  Comparison withRatio(Ratio ratio) {
    List<Ratio> more = new ArrayList<>(ratios);
    more.add(ratio);
    return new Comparison(name, series, more);
  }
}
