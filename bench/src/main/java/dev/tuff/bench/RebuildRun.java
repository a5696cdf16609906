package dev.tuff.bench;

/**
 * One rebuild, or a stretch of it.
 *
 * @param rawBytesPerSecond of one drive, written in order, as fast as it takes the writes
 * @param rawFlushedBytesPerSecond likewise, with a flush at the end that counts
 * @param rawRebuildBytesPerSecond likewise, each stretch of it after N others were read
 * @param rebuildBytesPerSecond of the drive that is rebuilt
 * @param whole the load on an array that lacks nothing; {@link LoadRate#NONE} without a load
 * @param degraded on the same array while the drive is missing
 * @param beside on the same array while the drive is being rebuilt
 */
public record RebuildRun(
    double rawBytesPerSecond,
    double rawFlushedBytesPerSecond,
    double rawRebuildBytesPerSecond,
    double rebuildBytesPerSecond,
    LoadRate whole,
    LoadRate degraded,
    LoadRate beside) {}
