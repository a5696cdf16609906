package dev.tuff.bench;

import dev.tuff.iom.volume.Toughness;
import java.util.List;

/**
 * One kind of load on a volume.
 *
 * @param load {@link Direction#READ} or {@link Direction#WRITE}; how durable a write is, the
 *     toughness says
 * @param toughnesses for writes, each is measured, the first is judged; empty for reads
 */
public record ArrayWorkload(Workload load, List<Toughness> toughnesses) {
  public ArrayWorkload {
    toughnesses = List.copyOf(toughnesses);
    if (load.direction() == Direction.DURABLE_WRITE) {
      throw new BenchException(
          "A volume's writes are durable by their toughness; give write and toughness 2.");
    }
    if (load.direction().writes() == toughnesses.isEmpty()) {
      throw new BenchException("Writes need a toughness of 0, 1 or 2, and reads have none.");
    }
  }

  static ArrayWorkload read(Pattern pattern, int blockBytes, int depth) {
    return new ArrayWorkload(new Workload(pattern, Direction.READ, blockBytes, depth), List.of());
  }

  static ArrayWorkload write(Pattern pattern, int blockBytes, int depth, Toughness... toughnesses) {
    return new ArrayWorkload(
        new Workload(pattern, Direction.WRITE, blockBytes, depth), List.of(toughnesses));
  }
}
