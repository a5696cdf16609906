package dev.tuff.iom.scrub;

import dev.tuff.iom.object.BlockMap;

/**
 * How far a scrub of one drive has come, to go on there later, also after a restart: everything
 * before it was read.
 *
 * @param gfid the object; 0: the beginning; {@link Long#MAX_VALUE}: everything was read
 * @param map which of its maps; they come in the order of that type
 * @param leaf page of the map
 * @param entry place in the page
 */
public record ScrubPosition(long gfid, BlockMap map, long leaf, int entry) {
  /** Nothing was read yet. */
  public static final ScrubPosition START = new ScrubPosition(0, BlockMap.DATA, 0, 0);

  /** Everything was. */
  public static final ScrubPosition END = new ScrubPosition(Long.MAX_VALUE, BlockMap.DATA, 0, 0);
}
