package dev.tuff.iom.support;

/**
 * Which seeds a simulated test runs: the first few, as many as {@code -Ddev.tuff.seeds=...} says
 * for a longer search, or the one of {@code -Ddev.tuff.seed=...} to be replayed.
 */
public final class Seeds {
  private static final String PROPERTY = "dev.tuff.seed";
  private static final String COUNT_PROPERTY = "dev.tuff.seeds";
  private static final long FIRST = 1;

  private Seeds() {}

  /** The first {@code count} seeds, unless a property says otherwise. */
  public static long[] of(int count) {
    Long one = Long.getLong(PROPERTY);
    if (one != null) {
      return new long[] {one};
    }
    long[] seeds = new long[Integer.getInteger(COUNT_PROPERTY, count)];
    for (int i = 0; i < seeds.length; i++) {
      seeds[i] = FIRST + i;
    }
    return seeds;
  }

  /** The same and one that was never run before, which is printed. */
  public static long[] withFresh(int count) {
    long[] seeds = of(count);
    if (!all()) {
      return seeds;
    }
    long fresh = System.nanoTime();
    System.out.println("a fresh seed: " + replay(fresh));
    long[] more = java.util.Arrays.copyOf(seeds, seeds.length + 1);
    more[seeds.length] = fresh;
    return more;
  }

  /** False when one seed is replayed. */
  public static boolean all() {
    return Long.getLong(PROPERTY) == null;
  }

  /** What to say of a failure. */
  public static String replay(long seed) {
    return "seed " + seed + "; run again with -D" + PROPERTY + "=" + seed;
  }
}
