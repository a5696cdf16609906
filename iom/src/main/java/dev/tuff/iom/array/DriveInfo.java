package dev.tuff.iom.array;

/**
 * A drive as people see it.
 *
 * @param state "online", "missing" (only the index is known) or "stale": it was left out of what
 *     was decided since
 */
public record DriveInfo(
    int index,
    String path,
    String state,
    long sizeBytes,
    long usedBytes,
    long journalBytes,
    long epoch,
    long checksumErrors,
    long mediaErrors,
    long reconstructedBlocks) {}
