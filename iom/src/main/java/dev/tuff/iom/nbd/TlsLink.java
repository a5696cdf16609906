package dev.tuff.iom.nbd;

import dev.tuff.device.SocketLoop;
import dev.tuff.device.SocketRequest;
import dev.tuff.natives.SendList;
import dev.tuff.natives.Socket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;

/**
 * TLS between a connection and its socket: records in, records out. The long computations of a
 * handshake run aside, so that a shard never waits for them. One connection's; its shard's thread
 * only.
 */
final class TlsLink {
  /** A connection's inbox has room for what is left of a message and a record's content. */
  static final int INBOX_BYTES = 64 << 10;

  private static final int NET_IN_BYTES = 64 << 10;
  private static final int NET_OUT_BYTES = 160 << 10;
  private static final int RECORD_BYTES = 16 << 10;
  private static final ByteBuffer[] NOTHING = {ByteBuffer.allocate(0)};

  private final Connection connection;
  private final SSLEngine engine;
  private final MemorySegment inMemory;
  private final ByteBuffer in;
  private final MemorySegment outMemory;
  private final ByteBuffer out;
  private boolean busy;
  private boolean failed;
  private boolean closing;

  /** With memory of its connection. */
  TlsLink(Connection connection, Arena arena, TlsSettings settings) {
    this.connection = connection;
    this.inMemory = arena.allocate(NET_IN_BYTES);
    this.in = inMemory.asByteBuffer();
    this.outMemory = arena.allocate(NET_OUT_BYTES);
    this.out = outMemory.asByteBuffer();
    this.engine = settings.engine();
  }

  /** Whether a task of the handshake runs aside. */
  boolean busy() {
    return busy;
  }

  /** Whether nothing more can be received before something of what is to be sent is out. */
  boolean waitsForOutput() {
    return !failed && engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP && !roomForRecord();
  }

  /**
   * Whether nothing more will ever be sent, replies that are still owed included: TLS has failed,
   * or the output was closed; a client of TLS 1.2 closes both directions.
   */
  boolean outputOver() {
    return (failed || engine.isOutboundDone()) && out.position() == 0;
  }

  /** The largest record is not known once and for all: it grows with what the client sends. */
  private boolean roomForRecord() {
    return out.remaining() >= engine.getSession().getPacketBufferSize();
  }

  /** Makes a record of TLS's own; false when nothing came of it. */
  private boolean wrapOwn() throws SSLException {
    SSLEngineResult result = engine.wrap(NOTHING, out);
    return result.getStatus() == SSLEngineResult.Status.OK && result.bytesProduced() > 0;
  }

  // ---------------------------------------------------------------- in

  void receive(SocketLoop loop, SocketRequest request, Socket socket) {
    loop.receive(request, socket, inMemory, in.position(), in.remaining(), false);
  }

  void onReceived(int bytes) {
    in.position(in.position() + bytes);
  }

  /** Takes records apart; true when the inbox has got something. */
  boolean decrypt(Inbox inbox) {
    boolean grew = false;
    try {
      while (!busy && !failed) {
        HandshakeStatus status = engine.getHandshakeStatus();
        if (status == HandshakeStatus.NEED_TASK) {
          runTasks();
          return grew;
        }
        if (status == HandshakeStatus.NEED_WRAP) {
          if (!roomForRecord() || !wrapOwn()) {
            return grew;
          }
          connection.wake();
          continue;
        }
        inbox.compact();
        if (inbox.room() < engine.getSession().getApplicationBufferSize()) {
          return grew;
        }
        SSLEngineResult result = unwrap(inbox);
        grew |= result.bytesProduced() > 0;
        switch (result.getStatus()) {
          case OK -> {}
          case BUFFER_UNDERFLOW, BUFFER_OVERFLOW -> {
            return grew;
          }
          case CLOSED -> {
            connection.onTlsEnd();
            return grew;
          }
        }
      }
      return grew;
    } catch (SSLException e) {
      fail(e);
      return false;
    }
  }

  private SSLEngineResult unwrap(Inbox inbox) throws SSLException {
    ByteBuffer target = inbox.memory().asSlice(inbox.tail(), inbox.room()).asByteBuffer();
    in.flip();
    try {
      SSLEngineResult result = engine.unwrap(in, target);
      inbox.received(result.bytesProduced());
      return result;
    } finally {
      in.compact();
    }
  }

  private void runTasks() {
    busy = true;
    connection.shard.aside(
        () -> {
          for (Runnable task = engine.getDelegatedTask();
              task != null;
              task = engine.getDelegatedTask()) {
            task.run();
          }
        },
        () -> {
          busy = false;
          connection.onTlsTaskDone();
        });
  }

  /** The client is told by an alert, if there is one to send. */
  private void fail(SSLException cause) {
    failed = true;
    try {
      if (roomForRecord() && !engine.isOutboundDone()) {
        engine.wrap(NOTHING, out);
      }
    } catch (SSLException e) {
      cause.addSuppressed(e);
    }
    connection.finish("TLS failed: " + cause.getMessage());
  }

  // ---------------------------------------------------------------- out

  /** Makes records of what waits to be sent; true when there are any. */
  boolean encrypt() {
    try {
      while (!busy && !failed && !closing && roomForRecord()) {
        HandshakeStatus status = engine.getHandshakeStatus();
        if (status == HandshakeStatus.NEED_WRAP) {
          if (!wrapOwn()) {
            break;
          }
        } else if (status == HandshakeStatus.NOT_HANDSHAKING && connection.firstReply() != null) {
          SSLEngineResult result = engine.wrap(content(), out);
          connection.advance(result.bytesConsumed());
          if (result.bytesConsumed() == 0) {
            break;
          }
        } else {
          break;
        }
      }
    } catch (SSLException e) {
      fail(e);
    }
    return out.position() > 0;
  }

  /** A record's worth of replies. */
  private ByteBuffer[] content() {
    List<ByteBuffer> pieces = new ArrayList<>();
    int bytes = 0;
    int skip = connection.sentOfFirst();
    for (Reply reply = connection.firstReply();
        reply != null && bytes < RECORD_BYTES;
        reply = reply.next) {
      if (skip < reply.headerBytes) {
        pieces.add(reply.header.asSlice(skip, reply.headerBytes - skip).asByteBuffer());
        bytes += reply.headerBytes - skip;
        skip = 0;
      } else {
        skip -= reply.headerBytes;
      }
      if (reply.payloadBytes > skip) {
        pieces.add(
            reply
                .payload
                .asSlice(reply.payloadOffset + skip, reply.payloadBytes - skip)
                .asByteBuffer());
        bytes += reply.payloadBytes - skip;
      }
      skip = 0;
    }
    return pieces.toArray(new ByteBuffer[0]);
  }

  void send(SocketLoop loop, SocketRequest request, Socket socket, SendList list) {
    list.clear();
    list.add(outMemory, 0, out.position());
    loop.send(request, socket, list);
  }

  void onSent(int bytes) {
    out.flip();
    out.position(bytes);
    out.compact();
  }

  /** Says that nothing more comes; true when there is something to send for it. */
  boolean closeOutput() {
    if (closing || failed || busy) {
      return false;
    }
    closing = true;
    engine.closeOutbound();
    try {
      if (roomForRecord()) {
        engine.wrap(NOTHING, out);
      }
    } catch (SSLException e) {
      // There is nobody to tell any more: the connection ends either way.
      failed = true;
    }
    return out.position() > 0;
  }
}
