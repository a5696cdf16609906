package dev.tuff.iom.recovery;

/** One version of a parity block. */
final class ParityVersion {
  /** Where it lies; 0: zeros, no member has a place. */
  final long address;

  /** The pj, or the ID of the entry by which recovery made it. */
  final long id;

  final int crc;

  /** For each data member the mj that is in it. */
  final long[] members;

  /** For each data member the CRC32C of that content. */
  final int[] memberCrcs;

  /** Data members that were discarded, one a bit: see {@code Cnode.discardedMembers}. */
  final int discarded;

  ParityVersion(long address, long id, int crc, long[] members, int[] memberCrcs, int discarded) {
    this.address = address;
    this.id = id;
    this.crc = crc;
    this.members = members;
    this.memberCrcs = memberCrcs;
    this.discarded = discarded;
  }
}
