package dev.tuff.iom.check;

import java.lang.foreign.MemorySegment;

/**
 * Sees what the check sees, and judges contents that the check itself can't know to be right: for
 * who knows what was written. With a witness blocks that were never written are looked at too, and
 * each member is made from each parity.
 */
public interface Witness {
  /** The newest version of a group's member (N and up: parity) is at an address; 0: zeros. */
  void onBlock(long gfid, long lblk, int member, long address);

  /** Null when block {@code volumeBlock} of object {@code gfid} may have this content. */
  String wrong(long gfid, long volumeBlock, MemorySegment content);

  /** The array's rows lie as they do with this place vacated; before anything else. */
  default void onVacated(int place) {}
}
