package dev.tuff.xor;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** One seed for a whole run: printed, and given again by {@code mvn -Dseed=...}. */
final class Seeds {
  private static final long SEED = Long.getLong("seed", System.nanoTime());

  static {
    System.out.println("parity tests: seed " + SEED + " (again: mvn test -Dseed=" + SEED + ")");
  }

  private Seeds() {}

  static RandomGenerator random() {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
  }
}
