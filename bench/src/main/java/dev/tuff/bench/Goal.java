package dev.tuff.bench;

/** What a ratio must reach: at least, or at most, a bound. */
public record Goal(double bound, boolean atLeast) {
  public static Goal atLeast(double bound) {
    return new Goal(bound, true);
  }

  public static Goal atMost(double bound) {
    return new Goal(bound, false);
  }

  public boolean metBy(double value) {
    return atLeast ? value >= bound : value <= bound;
  }

  @Override
  public String toString() {
    return (atLeast ? ">= " : "<= ") + bound;
  }
}
