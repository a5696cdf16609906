package dev.tuff.bench;

/**
 * Blocks drawn at random, each shard its own, so that those drawn before can be drawn from again:
 * reads of a thin volume are to find what was written, which is next to nothing of it. Each shard's
 * part belongs to its thread while a load runs.
 */
final class Scatter {
  private final long blocks;
  private final long[] drawn;

  /** Of {@code blocks} blocks, for {@code shards} shards. */
  Scatter(long blocks, int shards) {
    this.blocks = blocks;
    this.drawn = new long[shards];
  }

  /** A block that was not drawn before, as far as chance goes. */
  long draw(int shard) {
    return block(shard, drawn[shard]++);
  }

  /** One of those that the shard has drawn, chosen by {@code random}. */
  long drawAgain(int shard, long random) {
    if (drawn[shard] == 0) {
      throw new BenchException("Nothing was written yet that could be read; measure writes first.");
    }
    return block(shard, Math.unsignedMultiplyHigh(random, drawn[shard]));
  }

  private long block(int shard, long number) {
    return Math.unsignedMultiplyHigh(mix(((long) shard << 48) + number), blocks);
  }

  /** How many were drawn in all. */
  long drawn() {
    long sum = 0;
    for (long ofShard : drawn) {
      sum += ofShard;
    }
    return sum;
  }

  /** Spreads numbers that follow one another over all 64 bits (the finish of SplitMix64). */
  private static long mix(long number) {
    long z = (number + 1) * 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
