package dev.tuff.iom.simulation;

import dev.tuff.iom.recovery.RecoveryReport;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What simulations have done, injected and found. One thread's until it is added to another. */
public final class Statistics {
  /** What is counted beside faults. */
  enum Count {
    RUNS("runs"),
    OPERATIONS("operations"),
    EVENTS("events"),
    STARTS("starts"),
    CLEAN_STOPS("cleanStops"),
    CHECKS("checks"),
    DISCARDS("discards"),
    ZEROES("writesOfZeros"),
    UNMAPPED("blocksUnmapped"),
    PARITIES_UNMAPPED("paritiesUnmapped"),
    ALLOCATION_QUERIES("allocationQueries"),
    REFUSED("refusedForSpace"),
    LOST_SECTORS("lostSectors"),
    KEPT_SECTORS("keptSectors"),
    TORN_WRITES("tornWrites"),
    WRONG_BLOCKS_FOUND("wrongBlocksFound"),
    BLOCKS_RECONSTRUCTED("blocksReconstructed"),
    GROUPS("groupsSettled"),
    BLOCKS_FORWARD("blocksForward"),
    BLOCKS_BACK("blocksBack"),
    PARITIES_FORWARD("paritiesForward"),
    PARITIES_BACK("paritiesBack"),
    PARITIES_REMADE("paritiesRemade"),
    DAMAGED_IN_RECOVERY("blocksMadeInRecovery"),
    BLOCKS_REBUILT("blocksRebuilt"),
    BLOCKS_KEPT("blocksKept"),
    REBUILDS("rebuildsCompleted");

    final String key;

    Count(String key) {
      this.key = key;
    }
  }

  private final Map<Count, Long> counts = new EnumMap<>(Count.class);
  private final Map<FaultKind, Long> faults = new EnumMap<>(FaultKind.class);
  private long virtualNanos;

  Statistics() {}

  void count(Count what, long more) {
    counts.merge(what, more, Long::sum);
  }

  void count(FaultKind kind) {
    faults.merge(kind, 1L, Long::sum);
  }

  void time(long nanos) {
    virtualNanos += nanos;
  }

  void recovered(RecoveryReport report) {
    count(Count.GROUPS, report.groups());
    count(Count.BLOCKS_FORWARD, report.blocksForward());
    count(Count.BLOCKS_BACK, report.blocksBack());
    count(Count.PARITIES_FORWARD, report.paritiesForward());
    count(Count.PARITIES_BACK, report.paritiesBack());
    count(Count.PARITIES_REMADE, report.paritiesRemade());
    count(Count.DAMAGED_IN_RECOVERY, report.damagedBlocks());
  }

  void add(Statistics other) {
    other.counts.forEach(this::count);
    other.faults.forEach((kind, more) -> faults.merge(kind, more, Long::sum));
    virtualNanos += other.virtualNanos;
  }

  long get(Count what) {
    return counts.getOrDefault(what, 0L);
  }

  /** How often a fault was injected. */
  public long injected(FaultKind kind) {
    return faults.getOrDefault(kind, 0L);
  }

  public long runs() {
    return get(Count.RUNS);
  }

  public long operations() {
    return get(Count.OPERATIONS);
  }

  /** Power cuts, those in recovery included. */
  public long crashes() {
    return injected(FaultKind.POWER_CUT)
        + injected(FaultKind.CUT_IN_RECOVERY)
        + injected(FaultKind.CUT_IN_FAILOVER);
  }

  public long tornWrites() {
    return get(Count.TORN_WRITES);
  }

  /** Time that went by in the simulated arrays. */
  public double virtualSeconds() {
    return virtualNanos / 1e9;
  }

  /** Names of what clients must have done in many runs, and of what it must have brought about. */
  List<String> neverDone() {
    return Stream.of(
            Count.DISCARDS,
            Count.ZEROES,
            Count.UNMAPPED,
            Count.PARITIES_UNMAPPED,
            Count.ALLOCATION_QUERIES)
        .filter(count -> get(count) == 0)
        .map(count -> count.key)
        .toList();
  }

  /** All counts by name, faults first. */
  public Map<String, Long> counts() {
    Map<String, Long> all = new LinkedHashMap<>();
    for (FaultKind kind : FaultKind.values()) {
      all.put(kind.key(), injected(kind));
    }
    for (Count count : Count.values()) {
      all.put(count.key, get(count));
    }
    return all;
  }
}
