package dev.tuff.bench;

/**
 * What the drives allow an array to reach, from raw figures of the same run. Journal and map pages
 * come on top; the goal is to make them small.
 */
final class Limits {
  private Limits() {}

  /**
   * Full-stripe sequential writes, user bytes per second: raw sequential writes of all drives, less
   * the parities' part.
   */
  static double fullStripeWrite(double rawBytesPerSecond, int n, int k) {
    return rawBytesPerSecond * n / (n + k);
  }

  /**
   * Overwrites of single blocks with old data and parity in the cache: each is one durable write of
   * data and one per parity.
   *
   * @param w raw durable writes per second at the same total depth
   */
  static double cachedOverwrite(double w, int k) {
    return w / (1 + k);
  }

  /**
   * The same, with old data and old parities read first.
   *
   * @param r raw reads per second at the same total depth
   */
  static double readFirstOverwrite(double w, double r, int k) {
    return 1 / ((1 + k) / w + (1 + k) / r);
  }
}
