package dev.tuff.bench;

import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * One shape of array, and how its starts went.
 *
 * @param driveBytes size of each drive
 * @param volumeBytes size of the thin volume that was written
 * @param journalBytes size of each drive's journal
 */
public record RecoveryCase(
    long driveBytes, long volumeBytes, long journalBytes, List<RecoveryRun> runs) {
  public RecoveryCase {
    runs = List.copyOf(runs);
  }

  /** For people: "drives 1 GiB, volume 16 GiB, journal 64 MiB". */
  public String label() {
    return "drives %s, volume %s, journal %s"
        .formatted(
            Workload.size(driveBytes), Workload.size(volumeBytes), Workload.size(journalBytes));
  }

  public Spread spread(ToDoubleFunction<RecoveryRun> figure) {
    return Spread.of(runs.stream().mapToDouble(figure).toArray());
  }
}
