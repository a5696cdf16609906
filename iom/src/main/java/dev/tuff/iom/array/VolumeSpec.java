package dev.tuff.iom.array;

import dev.tuff.iom.volume.Toughness;

/**
 * A volume to be made.
 *
 * @param name 1 to 255 bytes of UTF-8, not yet in use
 * @param sizeBytes a multiple of 512; space is taken as it is written
 * @param dataMembers N, 0: the array's
 * @param parityMembers K, -1: the array's
 * @param chunkBytes a power of two from 4 KiB to 256 KiB, 0: 64 KiB
 * @param toughness for clients that don't say
 */
public record VolumeSpec(
    String name,
    long sizeBytes,
    int dataMembers,
    int parityMembers,
    int chunkBytes,
    Toughness toughness) {
  /** A volume with the array's protection. */
  public static VolumeSpec of(String name, long sizeBytes) {
    return new VolumeSpec(name, sizeBytes, 0, -1, 0, Toughness.HARDENED);
  }
}
