package dev.tuff.iom.allocation;

import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.object.PageTree;

/**
 * Reads the bitmap of a former state of a drive, a few pages at a time. Owned by one shard's
 * thread.
 */
final class FormerBitmap implements PageRequest.Listener {
  private static final int AT_ONCE = 8;

  /** Takes a leaf; it is released after it. */
  @FunctionalInterface
  interface LeafConsumer {
    void leaf(int index, Page page);
  }

  private final PageTree tree;
  private final int leaves;
  private final LeafConsumer consumer;
  private final Runnable done;
  private final PageRequest[] requests = new PageRequest[AT_ONCE];
  private int next;
  private int owed;
  private boolean asking;

  FormerBitmap(PageTree tree, int leaves, LeafConsumer consumer, Runnable done) {
    this.tree = tree;
    this.leaves = leaves;
    this.consumer = consumer;
    this.done = done;
  }

  /** Begins. */
  void next() {
    asking = true;
    for (int i = 0; i < AT_ONCE && next < leaves; i++) {
      requests[i] = new PageRequest(this);
      owed++;
      ask(requests[i]);
    }
    asking = false;
    endIfDone();
  }

  /** Leaf after leaf, as long as they are there at once. */
  private void ask(PageRequest request) {
    while (next < leaves) {
      request.tag = next++;
      if (!tree.get(request, request.tag, false)) {
        return;
      }
      take(request);
    }
    owed--;
  }

  private void take(PageRequest request) {
    if (request.page() != null) {
      consumer.leaf(request.tag, request.page());
      request.release();
    }
  }

  @Override
  public void onPage(PageRequest request) {
    take(request);
    ask(request);
    endIfDone();
  }

  private void endIfDone() {
    if (owed == 0 && !asking) {
      done.run();
    }
  }
}
