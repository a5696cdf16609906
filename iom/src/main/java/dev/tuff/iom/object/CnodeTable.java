package dev.tuff.iom.object;

import java.util.ArrayList;
import java.util.List;

/**
 * The objects of one drive by GFID: found on every operation, so without boxing the key. Owned by
 * one shard's thread.
 */
public final class CnodeTable {
  private long[] gfids = new long[64];
  private Cnode[] cnodes = new Cnode[64];
  private int count;

  /** The object's cnode, or null. */
  public Cnode get(long gfid) {
    int slot = slot(gfid, gfids);
    return gfids[slot] == gfid ? cnodes[slot] : null;
  }

  /** Adds a cnode; GFIDs are positive and never reused. */
  public void put(Cnode cnode) {
    if (count * 2 >= gfids.length) {
      grow();
    }
    int slot = slot(cnode.attributes().gfid(), gfids);
    if (gfids[slot] == 0) {
      count++;
    }
    gfids[slot] = cnode.attributes().gfid();
    cnodes[slot] = cnode;
  }

  private void grow() {
    long[] moreGfids = new long[gfids.length * 2];
    Cnode[] moreCnodes = new Cnode[gfids.length * 2];
    for (int i = 0; i < gfids.length; i++) {
      if (gfids[i] != 0) {
        int slot = slot(gfids[i], moreGfids);
        moreGfids[slot] = gfids[i];
        moreCnodes[slot] = cnodes[i];
      }
    }
    gfids = moreGfids;
    cnodes = moreCnodes;
  }

  private static int slot(long gfid, long[] table) {
    int slot = (int) ((gfid * 0x9E3779B97F4A7C15L) >>> 40) & (table.length - 1);
    while (table[slot] != 0 && table[slot] != gfid) {
      slot = (slot + 1) & (table.length - 1);
    }
    return slot;
  }

  /** All of them, in no order. */
  public List<Cnode> all() {
    List<Cnode> all = new ArrayList<>();
    for (Cnode cnode : cnodes) {
      if (cnode != null) {
        all.add(cnode);
      }
    }
    return all;
  }
}
