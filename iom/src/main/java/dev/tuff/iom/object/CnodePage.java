package dev.tuff.iom.object;

import java.lang.foreign.MemorySegment;

/** What stands in a cnode's page, for who reads a drive that no array runs on. */
public record CnodePage(
    ObjectAttributes attributes, long dataAddress, int dataCrc, long parityAddress, int parityCrc) {
  /** Decodes a page; null when it holds no sound cnode. */
  public static CnodePage decode(MemorySegment page) {
    ObjectAttributes attributes = ObjectAttributes.decode(page, Cnode.OFFSET_ATTRIBUTES);
    if (attributes == null) {
      return null;
    }
    return new CnodePage(
        attributes,
        page.get(PageFormat.LONG, Cnode.OFFSET_DATA_MAP),
        page.get(PageFormat.INT, Cnode.OFFSET_DATA_MAP + PageFormat.POINTER_CRC),
        page.get(PageFormat.LONG, Cnode.OFFSET_PARITY_MAP),
        page.get(PageFormat.INT, Cnode.OFFSET_PARITY_MAP + PageFormat.POINTER_CRC));
  }
}
