package dev.tuff.device;

/**
 * What a device is.
 *
 * @param sizeBytes usable size, rounded down to 4 KiB
 * @param logicalBlockBytes smallest addressable unit
 * @param physicalBlockBytes smallest unit written without read-modify-write inside the device
 * @param alignmentBytes offset and length of every transfer must be multiples of this (O_DIRECT);
 *     divides 4096
 * @param volatileCache whether a completed write can still be lost by a power failure until a
 *     flush. Always true for files
 * @param discard whether {@link IoOperation#DISCARD} does something
 */
public record Geometry(
    long sizeBytes,
    int logicalBlockBytes,
    int physicalBlockBytes,
    int alignmentBytes,
    boolean volatileCache,
    boolean discard) {}
