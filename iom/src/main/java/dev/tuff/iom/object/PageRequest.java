package dev.tuff.iom.object;

/**
 * Asks a {@link PageTree} for a leaf page. Embedded in the operation that needs the page and used
 * again.
 */
public final class PageRequest {
  /** Hears that the page is there. */
  @FunctionalInterface
  public interface Listener {
    /**
     * The request is answered; {@link PageRequest#page()} is pinned for the listener, or null where
     * nothing was ever mapped.
     */
    void onPage(PageRequest request);
  }

  final Listener listener;

  /** Free for the owner. */
  public int tag;

  PageTree tree;
  long leafIndex;
  boolean create;
  Page page;
  long nextPossible;
  boolean pending;
  PageRequest next;

  public PageRequest(Listener listener) {
    this.listener = listener;
  }

  /** The page, pinned; null for a hole. */
  public Page page() {
    return page;
  }

  /** Where nothing was ever mapped: the first leaf from here on at which something may be. */
  public long nextPossible() {
    return nextPossible;
  }

  /** Unpins the page if there is one. */
  public void release() {
    if (page != null) {
      page.unpin();
      page = null;
    }
  }
}
