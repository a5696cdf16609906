package dev.tuff.iom.volume;

/**
 * A volume as people see it.
 *
 * @param usedBytes bytes that were written at least once, in whole blocks; data only, without
 *     parity
 * @param lossesSurvived how many more drives may be lost now, whichever they are, without a byte of
 *     it being lost; below 0 when some of it can't be read already
 */
public record VolumeInfo(
    String name,
    long gfid,
    long sizeBytes,
    int dataMembers,
    int parityMembers,
    int chunkBytes,
    Toughness toughness,
    long usedBytes,
    int lossesSurvived) {}
