package dev.tuff.iom.nbd;

import dev.tuff.device.SocketLoop;
import dev.tuff.device.SocketRequest;
import dev.tuff.natives.Errno;
import dev.tuff.natives.Socket;

/** Accepts connections of one listening socket, on one shard. */
final class Listener {
  private static final long PAUSE_NANOS = 200_000_000L;

  private final NbdServer server;
  private final SocketLoop loop;
  private final Socket socket;
  private final String name;
  private final boolean tcp;
  private final SocketRequest accept = new SocketRequest(this::onAccepted);
  private final SocketRequest pause = new SocketRequest(this::onPaused);
  private boolean stopped;
  private boolean closed;

  Listener(NbdServer server, SocketLoop loop, Socket socket, String name, boolean tcp) {
    this.server = server;
    this.loop = loop;
    this.socket = socket;
    this.name = name;
    this.tcp = tcp;
  }

  void start() {
    loop.accept(accept, socket);
  }

  private void onAccepted(SocketRequest done) {
    int result = done.result();
    if (stopped) {
      if (result >= 0) {
        Socket.accepted(result).close();
      }
      close();
    } else if (result >= 0) {
      server.onAccepted(Socket.accepted(result), tcp);
      start();
    } else if (result == -Errno.ECONNABORTED || result == -Errno.EINTR) {
      start();
    } else {
      // Most likely out of descriptors: to try again at once would only burn the processor.
      server.log("cannot accept on " + name + ": " + Errno.describe(-result));
      loop.timer(pause, PAUSE_NANOS);
    }
  }

  private void onPaused(SocketRequest done) {
    if (stopped) {
      close();
    } else {
      start();
    }
  }

  /** Takes no more connections; on its shard. */
  void stop() {
    stopped = true;
    if (accept.inFlight()) {
      socket.shutdown();
    } else if (!pause.inFlight()) {
      close();
    }
  }

  private void close() {
    closed = true;
    socket.close();
  }

  boolean closed() {
    return closed;
  }
}
