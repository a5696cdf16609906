package dev.tuff.iom.object;

import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;

/**
 * What stands in a cnode's page, for who reads a drive that no array runs on.
 *
 * @param tops where each map begins
 * @param mappedData data blocks that the maps have entries of
 * @param mappedParity parity blocks that the maps have entries of
 */
public record CnodePage(
    ObjectAttributes attributes, Map<BlockMap, Top> tops, long mappedData, long mappedParity) {
  /** The topmost pointer of a map, and its levels. */
  public record Top(long address, int crc, int levels) {}

  /** True for a page that was made for a cnode and holds none yet. */
  public static boolean empty(MemorySegment page) {
    return page.get(PageFormat.LONG, Cnode.OFFSET_ATTRIBUTES) == 0;
  }

  /** Decodes a page; null when it holds no sound cnode. */
  public static CnodePage decode(MemorySegment page) {
    ObjectAttributes attributes =
        ObjectAttributes.decode(page, Cnode.OFFSET_ATTRIBUTES, Cnode.OFFSET_STRETCHES);
    if (attributes == null) {
      return null;
    }
    MapShape shape = MapShape.of(attributes);
    Map<BlockMap, Top> tops = new EnumMap<>(BlockMap.class);
    for (BlockMap map : BlockMap.values()) {
      int levels = page.get(PageFormat.BYTE, Cnode.offsetOfLevels(map));
      if (!Cnode.soundLevels(levels)) {
        return null;
      }
      long at = Cnode.offsetOf(map);
      tops.put(
          map,
          new Top(
              page.get(PageFormat.LONG, at),
              page.get(PageFormat.INT, at + PageFormat.POINTER_CRC),
              Cnode.levels(levels, shape.levels(map))));
    }
    return new CnodePage(
        attributes,
        tops,
        page.get(PageFormat.LONG, Cnode.OFFSET_DATA_BLOCKS),
        page.get(PageFormat.LONG, Cnode.OFFSET_PARITY_BLOCKS));
  }

  /** Where a map begins. */
  public Top top(BlockMap map) {
    return tops.get(map);
  }
}
