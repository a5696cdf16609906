package dev.tuff.bench;

import java.util.Arrays;

/** Median, minimum and maximum of repeats. */
public record Spread(double median, double min, double max) {
  /**
   * Of at least one value; the median of an even number is the mean of the middle two. NaN if any
   * value is.
   */
  public static Spread of(double... values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("no values");
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    double median =
        sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    // Arrays.sort puts NaN last: one unknown makes the whole unknown rather than a little wrong.
    boolean unknown = Double.isNaN(sorted[sorted.length - 1]);
    return unknown
        ? new Spread(Double.NaN, Double.NaN, Double.NaN)
        : new Spread(median, sorted[0], sorted[sorted.length - 1]);
  }
}
