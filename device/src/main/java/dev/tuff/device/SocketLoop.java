package dev.tuff.device;

import dev.tuff.natives.Ring;
import dev.tuff.natives.SendList;
import dev.tuff.natives.Socket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The sockets' side of a {@link UringLoop}: operations go to the kernel and complete with those of
 * the drives, in the same system calls. Bounded: {@link #MAX_IN_FLIGHT} operations. The loop's
 * thread only.
 */
public final class SocketLoop {
  /** Operations in flight at most: two a connection, one a listening socket, one timer. */
  public static final int MAX_IN_FLIGHT = 4096;

  /** Upper half of the user data of all operations here; no drive's slot is so high. */
  static final int USER_DATA = 0x4000_0000;

  /** User data of operations whose completions mean nothing. */
  static final long IGNORED = ((long) USER_DATA << 32) | 0xFFFF_FFFFL;

  private static final int FIRST_SLOTS = 64;

  private final UringLoop loop;
  private SocketRequest[] inFlight = new SocketRequest[FIRST_SLOTS];
  private int[] freeSlots = new int[FIRST_SLOTS];
  private int free;
  private int slots;

  SocketLoop(UringLoop loop) {
    this.loop = loop;
  }

  /** Waits for a connection; the result is its descriptor, for {@link Socket#accepted}. */
  public void accept(SocketRequest request, Socket listening) {
    begin(request, listening, null);
    loop.reserve().prepareAccept(listening.fd(), userData(request));
  }

  /**
   * Receives into memory; the result is the number of bytes, 0 at the end of the stream.
   *
   * @param whole whether to wait for all bytes
   */
  public void receive(
      SocketRequest request,
      Socket socket,
      MemorySegment memory,
      long offset,
      int bytes,
      boolean whole) {
    begin(request, socket, memory);
    loop.reserve().prepareReceive(socket.fd(), memory, offset, bytes, whole, userData(request));
  }

  /** Sends all pieces; the result is the number of bytes, fewer when the connection broke. */
  public void send(SocketRequest request, Socket socket, SendList pieces) {
    begin(request, socket, pieces);
    loop.reserve().prepareSend(socket.fd(), pieces, userData(request));
  }

  /** Calls the handler after so many nanoseconds. */
  public void timer(SocketRequest request, long nanos) {
    MemorySegment time = Arena.ofAuto().allocate(16, 8);
    time.set(ValueLayout.JAVA_LONG, 0, nanos / 1_000_000_000L);
    time.set(ValueLayout.JAVA_LONG, 8, nanos % 1_000_000_000L);
    begin(request, null, time);
    loop.reserve().prepareTimer(time, userData(request));
  }

  /** Operations in flight. */
  public int inFlight() {
    return slots - free;
  }

  private static long userData(SocketRequest request) {
    return ((long) USER_DATA << 32) | request.slot;
  }

  private void begin(SocketRequest request, Socket socket, Object memory) {
    if (request.inFlight) {
      throw new IllegalStateException("the operation is still under way");
    }
    if (free > 0) {
      request.slot = freeSlots[--free];
    } else {
      if (slots == MAX_IN_FLIGHT) {
        throw new IllegalStateException(MAX_IN_FLIGHT + " operations are in flight already");
      }
      if (slots == inFlight.length) {
        inFlight = java.util.Arrays.copyOf(inFlight, slots * 2);
        freeSlots = java.util.Arrays.copyOf(freeSlots, slots * 2);
      }
      request.slot = slots++;
    }
    inFlight[request.slot] = request;
    request.inFlight = true;
    request.socket = socket;
    request.memory = memory;
  }

  /** Takes a completion from the loop. */
  void onCompletion(int slot, int result) {
    SocketRequest request = inFlight[slot];
    inFlight[slot] = null;
    freeSlots[free++] = slot;
    request.complete(result);
  }

  /**
   * Ends everything that is in flight, for a loop that is closed with its users gone: no handler is
   * called, and the kernel has let go of all memory afterwards.
   */
  void abandon(Ring ring) {
    for (int slot = 0; slot < slots; slot++) {
      SocketRequest request = inFlight[slot];
      if (request != null && request.socket != null) {
        request.socket.shutdown();
      } else if (request != null) {
        loop.reserve().prepareTimerRemoval(userData(request), IGNORED);
      }
    }
    while (inFlight() > 0) {
      ring.enter(1, -1);
      while (ring.next()) {
        long data = ring.userData();
        int slot = (int) data;
        if (data >>> 32 == USER_DATA && data != IGNORED && inFlight[slot] != null) {
          inFlight[slot] = null;
          freeSlots[free++] = slot;
        }
      }
    }
  }
}
