package dev.tuff.iom.rebuild;

/**
 * How far the rebuild of a drive is.
 *
 * @param totalBlocks what the drive will have, estimated by what the others have
 * @param passedBlocks of these, about what lies before its cursor
 * @param rebuiltBlocks blocks written in this run
 * @param keptBlocks blocks that were found in this run where the drive had them before it came back
 * @param lostBlocks of those written, blocks that could not be made: they can't be read
 * @param over everything is rebuilt, and the drive says so of itself
 */
public record RebuildProgress(
    long totalBlocks,
    long passedBlocks,
    long rebuiltBlocks,
    long keptBlocks,
    long lostBlocks,
    boolean over) {}
