package dev.tuff.bench;

/**
 * One rebuild, or a stretch of it.
 *
 * @param rawBytesPerSecond of one drive, written in order, as fast as it takes the writes
 * @param rawFlushedBytesPerSecond likewise, with a flush at the end that counts
 * @param rawRebuildBytesPerSecond likewise, each stretch of it after N others were read
 * @param rebuildBytesPerSecond of the drive that is rebuilt
 * @param aloneOperationsPerSecond of the load without a rebuild; 0: without a load
 * @param besideOperationsPerSecond of the load beside it
 * @param aloneP99Nanos of the load's slower half, reads or writes
 * @param besideP99Nanos likewise, beside it
 */
public record RebuildRun(
    double rawBytesPerSecond,
    double rawFlushedBytesPerSecond,
    double rawRebuildBytesPerSecond,
    double rebuildBytesPerSecond,
    double aloneOperationsPerSecond,
    double besideOperationsPerSecond,
    double aloneP99Nanos,
    double besideP99Nanos) {}
