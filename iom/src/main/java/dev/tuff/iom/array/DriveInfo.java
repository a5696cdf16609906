package dev.tuff.iom.array;

/**
 * A drive as people see it.
 *
 * @param state "online" or "missing"; of a missing one only the index is known
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
