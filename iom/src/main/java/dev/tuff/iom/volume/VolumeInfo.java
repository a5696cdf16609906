package dev.tuff.iom.volume;

/**
 * A volume as people see it.
 *
 * @param usedBytes bytes that were written at least once, in whole blocks; data only, without
 *     parity
 */
public record VolumeInfo(
    String name,
    long gfid,
    long sizeBytes,
    int dataMembers,
    int parityMembers,
    int chunkBytes,
    Toughness toughness,
    long usedBytes) {}
