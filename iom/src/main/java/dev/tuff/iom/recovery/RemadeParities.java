package dev.tuff.iom.recovery;

import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageRequest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Parity blocks that recovery has made again, this one or one before it that was cut short: all
 * versions of each, since any of them may have to count. Owned by one shard's thread.
 */
final class RemadeParities {
  private final Map<Place, List<ParityVersion>> versionsAt = new HashMap<>();

  /**
   * Maps a parity that was made again.
   *
   * @param request answered with the page of its map entry; released
   * @param id of the journal entry
   * @param pending the generation of the block that is not closed, or null
   */
  void add(Cnode cnode, PageRequest request, ParityRemade entry, long id, PendingParity pending) {
    Page page = request.page();
    long at = cnode.parityEntry(entry.lblk);
    if (Cnode.id(page, at) < id) {
      if (Cnode.address(page, at) == 0) {
        cnode.addMappedParityBlocks(1, id);
      }
      map(cnode, page, at, entry.version(id), id);
    }
    request.release();
    List<ParityVersion> versions =
        versionsAt.computeIfAbsent(
            new Place(entry.gfid, entry.lblk),
            place -> {
              List<ParityVersion> earlier = new ArrayList<>();
              earlier.add(entry.before);
              if (pending != null) {
                earlier.add(pending.before(entry.lblk, entry.before));
              }
              return earlier;
            });
    versions.addFirst(entry.version(id));
  }

  /** Makes a version the one that the map names. */
  static void map(Cnode cnode, Page page, long at, ParityVersion version, long id) {
    Cnode.setEntry(page, at, version.address, version.id, version.crc);
    for (int m = 0; m < version.members.length; m++) {
      boolean discarded = (version.discarded >>> m & 1) != 0;
      cnode.setMember(page, at, m, version.members[m], version.memberCrcs[m], discarded);
    }
    page.markDirty(id);
  }

  /** All versions of a block, the newest first; null when it was not made again. */
  List<ParityVersion> versions(Place place) {
    return versionsAt.get(place);
  }

  /** The blocks that were made again. */
  Set<Place> places() {
    return versionsAt.keySet();
  }
}
