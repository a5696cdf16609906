package dev.tuff.bench;

/**
 * Hears how far a measurement is. Called on the thread that called {@code run}, between measured
 * stretches only.
 */
@FunctionalInterface
public interface BenchProgress {
  /** Hears nothing. */
  BenchProgress SILENT = (what, done, total) -> {};

  /** {@code done} of {@code total} steps are finished and {@code what} begins. */
  void onStep(String what, int done, int total);
}
