package dev.tuff.iom.object;

import java.lang.foreign.MemorySegment;

/**
 * What stands in a cnode's page, for who reads a drive that no array runs on.
 *
 * @param dataLevels levels of the data map
 * @param parityLevels levels of the parity map
 * @param mappedData data blocks that the data map has entries of
 * @param mappedParity parity blocks that the parity map has entries of
 */
public record CnodePage(
    ObjectAttributes attributes,
    long dataAddress,
    int dataCrc,
    long parityAddress,
    int parityCrc,
    int dataLevels,
    int parityLevels,
    long mappedData,
    long mappedParity) {
  /** True for a page that was made for a cnode and holds none yet. */
  public static boolean empty(MemorySegment page) {
    return page.get(PageFormat.LONG, Cnode.OFFSET_ATTRIBUTES) == 0;
  }

  /** Decodes a page; null when it holds no sound cnode. */
  public static CnodePage decode(MemorySegment page) {
    ObjectAttributes attributes =
        ObjectAttributes.decode(page, Cnode.OFFSET_ATTRIBUTES, Cnode.OFFSET_STRETCHES);
    int dataLevels = page.get(PageFormat.BYTE, Cnode.OFFSET_DATA_LEVELS);
    int parityLevels = page.get(PageFormat.BYTE, Cnode.OFFSET_PARITY_LEVELS);
    if (attributes == null || !Cnode.soundLevels(dataLevels) || !Cnode.soundLevels(parityLevels)) {
      return null;
    }
    MapShape shape = MapShape.of(attributes);
    return new CnodePage(
        attributes,
        page.get(PageFormat.LONG, Cnode.OFFSET_DATA_MAP),
        page.get(PageFormat.INT, Cnode.OFFSET_DATA_MAP + PageFormat.POINTER_CRC),
        page.get(PageFormat.LONG, Cnode.OFFSET_PARITY_MAP),
        page.get(PageFormat.INT, Cnode.OFFSET_PARITY_MAP + PageFormat.POINTER_CRC),
        Cnode.levels(dataLevels, shape.dataLevels()),
        Cnode.levels(parityLevels, shape.parityLevels()),
        page.get(PageFormat.LONG, Cnode.OFFSET_DATA_BLOCKS),
        page.get(PageFormat.LONG, Cnode.OFFSET_PARITY_BLOCKS));
  }
}
