package dev.tuff.device;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * How a {@link SimulatedDrive} hangs: its requests are neither done nor refused when their time has
 * come. One that is answered late is done then: a read reads, a write writes.
 *
 * @param operations that hang
 * @param percent of them that do
 * @param shortestNanos how long at least
 * @param longestNanos and at most
 * @param neverPercent of those that hang, how many are never answered
 * @param seed decides which
 */
public record Hang(
    Set<IoOperation> operations,
    int percent,
    long shortestNanos,
    long longestNanos,
    int neverPercent,
    long seed) {
  static final long FOR_EVER = -1;

  public Hang {
    // In the same order every time, for whoever prints it.
    operations = Collections.unmodifiableSet(EnumSet.copyOf(operations));
  }
}
