package dev.tuff.iom.journal;

import java.util.UUID;

/**
 * Where a drive's journal lies and whose it is.
 *
 * @param firstBlock address of its first block
 * @param blocks its size
 * @param arrayId the array, repeated in each record
 * @param driveIndex the drive, repeated in each record
 */
public record JournalRegion(long firstBlock, int blocks, UUID arrayId, int driveIndex) {}
