package dev.tuff.device;

import dev.tuff.natives.Socket;

/**
 * One operation on a socket, or a timer, of a {@link SocketLoop}: allocated once by its owner and
 * used again and again. From the start of the operation to the handler's call it belongs to the
 * loop. Not thread-safe.
 */
public final class SocketRequest {
  /** Hears of the completion, on the loop's thread. */
  @FunctionalInterface
  public interface Handler {
    /** The operation has ended; see {@link SocketRequest#result}. */
    void onSocket(SocketRequest request);
  }

  private final Handler handler;
  int slot;
  boolean inFlight;
  int result;

  /** Null for a timer. */
  Socket socket;

  /** What the kernel reads or writes: kept from the garbage collector until it has let go. */
  Object memory;

  public SocketRequest(Handler handler) {
    this.handler = handler;
  }

  /** What was done: bytes, a descriptor, or a negative error number. */
  public int result() {
    return result;
  }

  /** True from the start until the handler is called. */
  public boolean inFlight() {
    return inFlight;
  }

  void complete(int newResult) {
    result = newResult;
    inFlight = false;
    socket = null;
    memory = null;
    handler.onSocket(this);
  }
}
