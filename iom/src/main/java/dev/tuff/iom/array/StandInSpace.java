package dev.tuff.iom.array;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.side.SideRooms;

/**
 * Whether drives have room for what they are to take over of one that is missing, and whether there
 * is a drive to take it over for each row. Asked while everything stands still, each drive on its
 * shard, one after the other or together.
 */
final class StandInSpace {
  /** Beside the blocks: pages of maps. */
  private static final int SHARE_OF_PAGES = 16;

  private static final int PAGES = 64;

  private final int place;
  private final RebuildSpace mapped = new RebuildSpace();
  private final SideRooms[] drives;
  private String tooWide;

  /** For one place of so many. */
  StandInSpace(int place, int places) {
    this.place = place;
    this.drives = new SideRooms[places];
  }

  /** Takes note of a drive that stands still. */
  synchronized void note(SideRooms rooms) {
    drives[rooms.driveIndex] = rooms;
    for (Cnode cnode : rooms.cnodes().all()) {
      long data = cnode.mappedDataBlocks();
      long parity = cnode.mappedParityBlocks();
      mapped.note(cnode.attributes().gfid(), data, parity);
      if (!cnode.layout().canVacate() && (!cnode.attributes().deleted() || data + parity > 0)) {
        tooWide = cnode.attributes().name();
      }
    }
  }

  /** When all drives are noted: null, or why they can't take over what the place has. */
  synchronized ArrayException refusal() {
    if (tooWide != null) {
      return new ArrayException(
          "Volume %s is on all drives of the array, so that none is left over to take the place of drive %d; replace it."
              .formatted(tooWide, place));
    }
    for (SideRooms rooms : drives) {
      if (rooms == null) {
        continue;
      }
      long needs = mapped.spaceToStandIn(place, rooms);
      needs += needs / SHARE_OF_PAGES + PAGES;
      long free = rooms.budget.unpromised();
      if (needs > free) {
        return new ArrayException(
            "Drive %d has %d bytes free, and may need %d for what it would take over of drive %d; replace that drive, or free space."
                .formatted(
                    rooms.driveIndex,
                    Math.max(0, free) * Drive.BLOCK_BYTES,
                    needs * Drive.BLOCK_BYTES,
                    place));
      }
    }
    return null;
  }
}
