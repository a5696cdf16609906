package dev.tuff.iom.checkpoint;

import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageTree;
import dev.tuff.iom.runtime.Invariant;

/**
 * The metadata trees of a state that a drive was in before it came back into its place: a hint at
 * what may still be right on it. Nothing of it is promised to be there any more.
 *
 * @param bitmapAddress topmost page of the allocation bitmap
 * @param bitmapCrc its checksum
 * @param objectsAddress topmost page of the object tree
 * @param objectsCrc its checksum
 * @param nextGfid objects have GFIDs below this
 */
public record FormerState(
    long bitmapAddress, int bitmapCrc, long objectsAddress, int objectsCrc, long nextGfid) {

  /** The topmost pointer of the allocation bitmap; for reading. */
  public PageTree.Holder bitmap() {
    return new Top(bitmapAddress, bitmapCrc);
  }

  /** The topmost pointer of the object tree; for reading. */
  public PageTree.Holder objects() {
    return new Top(objectsAddress, objectsCrc);
  }

  private record Top(long address, int crc) implements PageTree.Holder {
    @Override
    public void set(long newAddress, int newCrc) {
      Invariant.check(false, "a former state is never changed", newAddress);
    }

    @Override
    public void setLevels(int levels) {
      Invariant.check(false, "a former state is never changed", levels);
    }

    @Override
    public Page page() {
      return null;
    }
  }
}
