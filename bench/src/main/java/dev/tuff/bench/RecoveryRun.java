package dev.tuff.bench;

/**
 * One start after a kill.
 *
 * @param records journal records replayed, on all drives
 * @param entries journal entries in them
 * @param groups groups settled that were not closed
 * @param seconds from the threads' start until volumes could be used
 * @param loadSeconds how long the load had run when it was killed
 */
public record RecoveryRun(
    long records, long entries, long groups, double seconds, double loadSeconds) {}
