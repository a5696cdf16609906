package dev.tuff.iom.rebuild;

import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;

/** What a {@link BlocksRebuilt} makes of the map, when it is journaled and when it is replayed. */
public final class RebuiltEntries {
  private RebuiltEntries() {}

  /** Maps the blocks of the entry of journal ID {@code id} that have no entry yet. */
  public static void map(Cnode cnode, Page page, BlocksRebuilt rebuilt, long id) {
    int mapped = 0;
    boolean changed = false;
    long entry = rebuilt.parity ? cnode.parityEntry(rebuilt.lblk) : cnode.dataEntry(rebuilt.lblk);
    for (int i = 0; i < rebuilt.count; i++) {
      if (rebuilt.has(i) && Cnode.id(page, entry) == 0) {
        Cnode.setEntry(
            page,
            entry,
            rebuilt.address[i],
            rebuilt.parity ? id : rebuilt.versionId[i],
            rebuilt.crc[i]);
        for (int m = 0; m < rebuilt.members; m++) {
          int at = i * rebuilt.members + m;
          boolean discarded = (rebuilt.discarded[i] >>> m & 1) != 0;
          cnode.setMember(page, entry, m, rebuilt.memberId[at], rebuilt.memberCrc[at], discarded);
        }
        changed = true;
        mapped += rebuilt.address[i] != 0 ? 1 : 0;
      }
      entry += rebuilt.parity ? cnode.parityEntryBytes() : cnode.dataEntryBytes();
    }
    if (changed) {
      page.markDirty(id);
    }
    if (mapped == 0) {
      return;
    }
    if (rebuilt.parity) {
      cnode.addMappedParityBlocks(mapped, id);
    } else {
      cnode.addMappedDataBlocks(mapped, id);
    }
  }
}
