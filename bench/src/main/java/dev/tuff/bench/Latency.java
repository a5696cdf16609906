package dev.tuff.bench;

import org.HdrHistogram.Histogram;

/** Percentiles of the time from submit to completion, in nanoseconds; NaN where not known. */
public record Latency(
    double meanNanos, double p50Nanos, double p99Nanos, double p999Nanos, double maxNanos) {
  /** Where latencies were not taken. */
  public static final Latency UNKNOWN =
      new Latency(Double.NaN, Double.NaN, Double.NaN, Double.NaN, Double.NaN);

  static Latency of(Histogram histogram) {
    if (histogram.getTotalCount() == 0) {
      return UNKNOWN;
    }
    return new Latency(
        histogram.getMean(),
        histogram.getValueAtPercentile(50),
        histogram.getValueAtPercentile(99),
        histogram.getValueAtPercentile(99.9),
        histogram.getMaxValue());
  }
}
