package dev.tuff.iom.scrub;

/**
 * How far a scrub of one drive has come, to go on there later, also after a restart: everything
 * before it was read.
 *
 * @param gfid the object; 0: the beginning; {@link Long#MAX_VALUE}: everything was read
 * @param parity whether in its parity map, which comes after its data map
 * @param leaf page of the map
 * @param entry place in the page
 */
public record ScrubPosition(long gfid, boolean parity, long leaf, int entry) {
  /** Nothing was read yet. */
  public static final ScrubPosition START = new ScrubPosition(0, false, 0, 0);

  /** Everything was. */
  public static final ScrubPosition END = new ScrubPosition(Long.MAX_VALUE, false, 0, 0);
}
