package dev.tuff.bench;

/**
 * What a load of reads and writes, each kind waiting for its own, comes to.
 *
 * @param p99Nanos of its slower half, reads or writes
 */
public record LoadRate(double readsPerSecond, double writesPerSecond, double p99Nanos) {
  /** There was no load. */
  static final LoadRate NONE = new LoadRate(Double.NaN, Double.NaN, Double.NaN);

  double operationsPerSecond() {
    return readsPerSecond + writesPerSecond;
  }
}
