package dev.tuff.iom.rebuild;

import dev.tuff.iom.checkpoint.FormerState;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageCache;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.object.PageTree;
import dev.tuff.iom.side.SideRooms;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * The maps that a drive had before it came back, the latest first: read page by page as the rebuild
 * asks for them, and hints only. A page that is damaged or was written over has no entries. One
 * segment is looked up at a time, so that a few pages of memory do. Owned by the drive's shard.
 */
public final class FormerMaps {
  /** Cnodes whose pages stay in memory. */
  private static final int OPEN_CNODES = 4;

  /** Whoever looks a segment up. */
  interface Looker {
    /**
     * A former state's leaf with the segment's entries; good until this returns.
     *
     * @param cnode the object as it was then
     * @param latest it is of the latest state: what stands where others say is told by this one
     */
    void onFormerLeaf(Cnode cnode, Page leaf, boolean latest);

    /** That were all. */
    void onFormerLeafsEnd();
  }

  private record Opened(PageTree objects, Cnode cnode, PageRequest page) {
    boolean is(PageTree of, long gfid) {
      return objects == of && cnode.attributes().gfid() == gfid;
    }
  }

  private record Look(Segment segment, boolean parity, Looker looker) {}

  private final SideRooms rooms;
  private final PageCache pages;
  private final List<FormerState> states;
  private final PageTree[] objects;
  private final ArrayDeque<Look> waiting = new ArrayDeque<>();
  private final List<Opened> opened = new ArrayList<>();
  private final PageRequest leaf = new PageRequest(this::onLeaf);
  private Look now;
  private int state;

  /**
   * @param pages memory for pages of former states
   */
  public FormerMaps(SideRooms rooms, PageCache pages) {
    this.rooms = rooms;
    this.pages = pages;
    this.states = rooms.root.formerStates();
    this.objects = new PageTree[states.size()];
    for (int i = 0; i < objects.length; i++) {
      objects[i] =
          new PageTree(
              pages, PageFormat.KIND_OBJECTS, 0, PageFormat.OBJECT_LEVELS, states.get(i).objects());
    }
  }

  /** False when the drive came empty, or nothing of what it was is left. */
  boolean any() {
    return objects.length > 0 && rooms.allocator.formerBlocks() > 0;
  }

  /** Tells {@code looker} of the leafs that the former states have for a segment, then the end. */
  void look(Segment segment, boolean parity, Looker looker) {
    waiting.add(new Look(segment, parity, looker));
    if (now == null) {
      nextLook();
    }
  }

  private void nextLook() {
    while (now == null && !waiting.isEmpty()) {
      now = waiting.poll();
      state = 0;
      goOn();
    }
  }

  /** State after state, as long as its pages are there at once. */
  private void goOn() {
    while (state < objects.length) {
      if (!lookIn()) {
        return;
      }
      state++;
    }
    Look done = now;
    now = null;
    done.looker.onFormerLeafsEnd();
  }

  private void nextState() {
    state++;
    goOn();
    nextLook();
  }

  /** False when it goes on once a page is there. */
  private boolean lookIn() {
    long gfid = now.segment.gfid();
    if (gfid >= states.get(state).nextGfid()) {
      return true;
    }
    for (Opened one : opened) {
      if (one.is(objects[state], gfid)) {
        return lookUp(one.cnode);
      }
    }
    PageRequest page = new PageRequest(this::onCnode);
    return objects[state].get(page, gfid, false) && openAndLookUp(page);
  }

  private void onCnode(PageRequest page) {
    if (openAndLookUp(page)) {
      nextState();
    }
  }

  private boolean openAndLookUp(PageRequest page) {
    Cnode cnode =
        page.page() == null
            ? null
            : Cnode.open(page.page(), rooms.driveIndex, rooms.root.vacated(), pages);
    Cnode present = rooms.cnode(now.segment.gfid());
    if (cnode == null || !cnode.attributes().sameObject(present.attributes())) {
      page.release();
      return true;
    }
    if (opened.size() == OPEN_CNODES) {
      opened.removeFirst().page.release();
    }
    opened.add(new Opened(objects[state], cnode, page));
    return lookUp(cnode);
  }

  private boolean lookUp(Cnode cnode) {
    long lblk = now.segment.lblk();
    if (lblk + cnode.segmentBlocks() > cnode.lblks()) {
      return true;
    }
    boolean here =
        now.parity ? cnode.parityLeaf(leaf, lblk, false) : cnode.dataLeaf(leaf, lblk, false);
    if (here) {
      tell(cnode);
    }
    return here;
  }

  private void onLeaf(PageRequest answered) {
    for (Opened one : opened) {
      if (one.is(objects[state], now.segment.gfid())) {
        tell(one.cnode);
        break;
      }
    }
    nextState();
  }

  private void tell(Cnode cnode) {
    if (leaf.page() != null) {
      now.looker.onFormerLeaf(cnode, leaf.page(), state == 0);
      leaf.release();
    }
  }
}
