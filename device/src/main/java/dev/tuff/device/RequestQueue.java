package dev.tuff.device;

/** First in, first out, linked through the requests themselves. Not thread-safe. */
final class RequestQueue {
  private IoRequest head;
  private IoRequest tail;

  boolean isEmpty() {
    return head == null;
  }

  void add(IoRequest request) {
    request.next = null;
    if (head == null) {
      head = request;
    } else {
      tail.next = request;
    }
    tail = request;
  }

  /** The newest, meaningless if there is none. */
  IoRequest last() {
    return tail;
  }

  /** The oldest, null if there is none. */
  IoRequest poll() {
    IoRequest first = head;
    if (first != null) {
      head = first.next;
      first.next = null;
      if (head == null) {
        tail = null;
      }
    }
    return first;
  }
}
