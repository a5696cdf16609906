package dev.tuff.iom.array;

/** Which seeds a simulated test runs: fixed ones, or the one to be replayed. */
final class Seeds {
  private static final String PROPERTY = "dev.tuff.seed";
  private static final long FIRST = 1;

  private Seeds() {}

  /** The first {@code count} seeds, or the one of the property. */
  static long[] of(int count) {
    Long one = Long.getLong(PROPERTY);
    if (one != null) {
      return new long[] {one};
    }
    long[] seeds = new long[count];
    for (int i = 0; i < count; i++) {
      seeds[i] = FIRST + i;
    }
    return seeds;
  }

  /** False when one seed is replayed. */
  static boolean all() {
    return Long.getLong(PROPERTY) == null;
  }

  /** What to say of a failure. */
  static String replay(long seed) {
    return "seed " + seed + "; run again with -D" + PROPERTY + "=" + seed;
  }
}
