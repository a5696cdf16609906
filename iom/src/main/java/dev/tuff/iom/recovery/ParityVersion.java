package dev.tuff.iom.recovery;

/**
 * One version of a parity block.
 *
 * @param address where it lies; 0: zeros, nothing was ever merged
 * @param id the pj, or the ID of the entry by which recovery made it
 * @param members for each data member the mj that is in it
 * @param memberCrcs for each data member the CRC32C of that content
 */
record ParityVersion(long address, long id, int crc, long[] members, int[] memberCrcs) {}
