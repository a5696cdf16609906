package dev.tuff.iom.checkpoint;

/**
 * Which drives take part in an array's newest epoch, by what their roots say.
 *
 * <p>A recovery with drives missing begins an epoch and may be cut short when some drives have
 * written it; if it goes on with others missing, two sets of drives have the same number. Only a
 * recovery that is through has let clients in, and then all its drives have written it.
 */
public final class Epoch {
  private Epoch() {}

  /**
   * The root that says which drives count.
   *
   * @param roots of all drives, in any order, also of several that claim the same place; null is
   *     passed over; not all null
   */
  public static Root newest(Root... roots) {
    long epoch = 0;
    for (Root root : roots) {
      epoch = root == null ? epoch : Math.max(epoch, root.epoch());
    }
    Root chosen = null;
    for (Root root : roots) {
      if (root != null
          && root.epoch() == epoch
          && (chosen == null || better(root, chosen, roots))) {
        chosen = root;
      }
    }
    return chosen;
  }

  private static boolean better(Root a, Root b, Root[] roots) {
    boolean throughA = through(a, roots);
    return throughA == through(b, roots) ? holders(a, roots) > holders(b, roots) : throughA;
  }

  /** Every drive of the epoch that is there has written it. */
  private static boolean through(Root epoch, Root[] roots) {
    for (Root root : roots) {
      if (root != null && takesPart(root, epoch) && !root.sameEpoch(epoch)) {
        return false;
      }
    }
    return true;
  }

  /** The very drive that the epoch's list means by its place, and not one that was there before. */
  private static boolean takesPart(Root root, Root epoch) {
    int drive = root.driveIndex();
    return epoch.inEpoch(drive) && root.incarnation(drive) == epoch.incarnation(drive);
  }

  private static int holders(Root epoch, Root[] roots) {
    int holders = 0;
    for (Root root : roots) {
      holders += root != null && root.sameEpoch(epoch) ? 1 : 0;
    }
    return holders;
  }

  /** True when a drive has missed what was decided in the newest epoch: it is never mixed in. */
  public static boolean stale(Root root, Root newest) {
    return root.epoch() == newest.epoch() ? !root.sameEpoch(newest) : !takesPart(root, newest);
  }
}
