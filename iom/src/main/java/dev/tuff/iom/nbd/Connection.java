package dev.tuff.iom.nbd;

import dev.tuff.device.IoBuffer;
import dev.tuff.device.SocketLoop;
import dev.tuff.device.SocketRequest;
import dev.tuff.natives.Errno;
import dev.tuff.natives.SendList;
import dev.tuff.natives.Socket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A client's connection, from acceptance to the end: moves bytes between the socket and the phase
 * it is in, and ends only when kernel and appliance have let go of everything that is its. Lives on
 * one shard; that shard's thread only.
 */
final class Connection {
  /** Where it stands. */
  enum Phase {
    /** Options are negotiated. */
    HANDSHAKE,
    /** Requests are served. */
    TRANSMISSION,
    /** Nothing more is taken in; what is under way is answered. */
    FINISHING,
    /** All is sent; the client is given a moment to read it and to close. */
    LINGERING,
    /** Broken off or over; waits for what is lent out. */
    CLOSING,
    CLOSED
  }

  private static final int INBOX_BYTES = 16 << 10;
  private static final int PIECES_PER_SEND = 64;

  /** How long after the server's stop requests are still answered, with a refusal. */
  private static final long REFUSING_NANOS = 1_000_000_000L;

  /** So that a send that goes on at all is over before it counts as stalled. */
  private static final int BYTES_PER_SEND = 1 << 20;

  final NbdShard shard;
  final String peer;
  final long number;
  final long sinceNanos;

  private final Socket socket;
  private final SocketLoop loop;
  private final SocketRequest receive = new SocketRequest(this::onReceived);
  private final SocketRequest send = new SocketRequest(this::onSent);
  private final SendList sendList = new SendList(PIECES_PER_SEND);

  private Phase phase = Phase.HANDSHAKE;
  private String reason = "";
  private Handshake handshake;
  private Transmission transmission;
  private Export export;
  private TlsLink tls;
  private boolean tlsAsked;

  /**
   * Given back when kernel and appliance have let go. Not left to the collector of garbage: that
   * would count it as part of the heap's limit.
   */
  private final Arena memory = Arena.ofConfined();

  private Inbox inbox = new Inbox(memory, INBOX_BYTES);
  private Piece receivingInto;
  private boolean ended;
  private boolean blocked;
  private boolean stopping;
  private boolean dirty;

  private Reply firstReply;
  private Reply lastReply;
  private int sentOfFirst;
  private long queuedBytes;

  /** When what is to be sent last got on, or when it came to be where there was nothing. */
  private long unsentSince;

  /** When the step of a request that is half here began, 0 when none is. */
  private long partialSince;

  private long partialStep;
  private long lingerUntil;
  private long stopSince;

  // Of RequestBuffers.
  IoBuffer granted;
  boolean waitsForBuffer;

  Connection(NbdShard shard, Socket socket, long number) {
    this.shard = shard;
    this.socket = socket;
    this.number = number;
    this.loop = shard.sockets();
    this.peer = socket.peer();
    this.sinceNanos = shard.nanoTime();
    this.handshake = new Handshake(this);
  }

  /** Begins: the server speaks first. */
  void open() {
    shard.event(this, "connected");
    handshake.greet();
    pump();
    wake();
  }

  // ---------------------------------------------------------------- what the phases use

  Inbox inbox() {
    return inbox;
  }

  Phase phase() {
    return phase;
  }

  Export export() {
    return export;
  }

  boolean secured() {
    return tls != null;
  }

  boolean stopping() {
    return stopping;
  }

  long queuedBytes() {
    return queuedBytes;
  }

  /** Queues a reply. */
  void reply(Reply reply) {
    if (lastReply == null) {
      firstReply = reply;
      if (!send.inFlight()) {
        unsentSince = shard.nanoTime();
      }
    } else {
      lastReply.next = reply;
    }
    lastReply = reply;
    queuedBytes += reply.bytes();
    wake();
  }

  /** Queues bytes of the negotiation. */
  @SuppressWarnings("MustBeClosedChecker") // closed when the reply is sent, or dropped
  void reply(byte[] bytes) {
    Reply reply = shard.newReply();
    // Not pooled: negotiation is short.
    reply.own = Arena.ofConfined();
    reply.payload = reply.own.allocate(bytes.length);
    MemorySegment.copy(MemorySegment.ofArray(bytes), 0, reply.payload, 0, bytes.length);
    reply.payloadBytes = bytes.length;
    reply(reply);
  }

  /** After what is queued, everything is TLS; what came before the client knew is not believed. */
  void startTls() {
    tlsAsked = true;
    inbox.clear();
  }

  boolean startsTls() {
    return tlsAsked;
  }

  /** The negotiation has ended with an export, which was entered. */
  void transmit(Export chosen, Transmission newTransmission) {
    export = chosen;
    transmission = newTransmission;
    handshake = null;
    phase = Phase.TRANSMISSION;
    shard.event(this, "uses export " + chosen.name() + (secured() ? " over TLS" : ""));
  }

  /** Takes nothing more in, answers what is under way, closes. */
  void finish(String why) {
    if (phase == Phase.HANDSHAKE || phase == Phase.TRANSMISSION) {
      phase = Phase.FINISHING;
      reason = why;
      if (transmission != null) {
        transmission.dropPartial();
      }
      wake();
    }
  }

  /** Breaks off: nothing more is sent. */
  void abort(String why) {
    if (phase != Phase.CLOSING && phase != Phase.CLOSED) {
      if (reason.isEmpty()) {
        reason = why;
      }
      phase = Phase.CLOSING;
      socket.shutdown();
      shard.buffers().forget(this);
      wake();
    }
  }

  /** Has it looked after at the end of the round. */
  void wake() {
    if (!dirty) {
      dirty = true;
      shard.attend(this);
    }
  }

  // ---------------------------------------------------------------- in

  /** Lets the phase work on what is there, and asks for more if it needs that. */
  private void pump() {
    while (phase == Phase.HANDSHAKE || phase == Phase.TRANSMISSION) {
      Phase before = phase;
      boolean wantsInput = phase == Phase.HANDSHAKE ? handshake.consume() : transmission.consume();
      if (phase != before) {
        continue;
      }
      blocked = !wantsInput;
      if (blocked) {
        // That time is not the client's.
        partialSince = 0;
      }
      if (blocked || receive.inFlight()) {
        return;
      }
      if (tls != null && tls.decrypt(inbox)) {
        continue;
      }
      if (phase != before) {
        continue;
      }
      if (tls != null && (tls.busy() || tls.waitsForOutput())) {
        blocked = true;
        return;
      }
      if (ended) {
        finish(partial() ? "left in the middle of a message" : "disconnected");
        return;
      }
      receive();
      return;
    }
  }

  private boolean partial() {
    return phase == Phase.HANDSHAKE || transmission.partial() || inbox.available() > 0;
  }

  private void receive() {
    if (phase == Phase.TRANSMISSION && partial()) {
      // Not by every byte that comes: a client could stretch a request for ever.
      if (partialSince == 0 || partialStep != transmission.steps()) {
        partialSince = shard.nanoTime();
        partialStep = transmission.steps();
      }
      shard.keepTime();
    } else {
      partialSince = 0;
    }
    if (tls != null) {
      tls.receive(loop, receive, socket);
      return;
    }
    if (phase == Phase.TRANSMISSION && inbox.available() == 0) {
      Piece piece = transmission.awaitedPiece();
      if (piece != null) {
        receivingInto = piece;
        loop.receive(
            receive,
            socket,
            piece.buffer.segment(),
            piece.start() + piece.filled,
            piece.bytes - piece.filled,
            true);
        return;
      }
    }
    inbox.compact();
    loop.receive(receive, socket, inbox.memory(), inbox.tail(), inbox.room(), false);
  }

  private void onReceived(SocketRequest done) {
    int result = done.result();
    Piece piece = receivingInto;
    receivingInto = null;
    if (phase == Phase.CLOSING) {
      wake();
      return;
    }
    if (result < 0) {
      abort("broken off: " + Errno.name(-result));
      return;
    }
    if (result == 0) {
      ended = true;
      if (phase == Phase.LINGERING || phase == Phase.FINISHING) {
        wake();
        return;
      }
    } else if (phase == Phase.LINGERING || phase == Phase.FINISHING) {
      // Nothing that comes now is looked at.
      if (phase == Phase.LINGERING) {
        discardInput();
      }
      return;
    } else if (tls != null) {
      tls.onReceived(result);
    } else if (piece != null) {
      piece.filled += result;
      transmission.countReceived(result);
    } else {
      inbox.received(result);
    }
    pump();
    wake();
  }

  // ---------------------------------------------------------------- out

  private void flush() {
    if (send.inFlight()
        || phase == Phase.LINGERING
        || phase == Phase.CLOSING
        || phase == Phase.CLOSED) {
      return;
    }
    if (tls != null) {
      if (tls.encrypt()) {
        unsentSince = shard.nanoTime();
        shard.keepTime();
        tls.send(loop, send, socket, sendList);
        return;
      }
      if (tls.outputOver()) {
        // What is still owed can't be said any more.
        finish("TLS was closed");
        linger();
        return;
      }
    } else if (firstReply != null) {
      gather();
      unsentSince = shard.nanoTime();
      shard.keepTime();
      loop.send(send, socket, sendList);
      return;
    }
    if (firstReply != null) {
      // TLS has something else to do first, and waits for the client.
      shard.keepTime();
    } else if (tlsAsked && tls == null) {
      switchToTls();
    } else if (phase == Phase.FINISHING) {
      finishIfAnswered();
    }
  }

  private void gather() {
    sendList.clear();
    int skip = sentOfFirst;
    for (Reply reply = firstReply;
        reply != null && !sendList.full() && sendList.bytes() < BYTES_PER_SEND;
        reply = reply.next) {
      if (skip < reply.headerBytes) {
        sendList.add(reply.header, skip, reply.headerBytes - skip);
        skip = 0;
      } else {
        skip -= reply.headerBytes;
      }
      if (reply.payloadBytes > skip && !sendList.full()) {
        sendList.add(reply.payload, reply.payloadOffset + skip, reply.payloadBytes - skip);
      }
      skip = 0;
    }
  }

  private void onSent(SocketRequest done) {
    int result = done.result();
    if (phase == Phase.CLOSING) {
      wake();
      return;
    }
    if (result <= 0) {
      abort("broken off: " + Errno.name(-result));
      return;
    }
    if (tls != null) {
      tls.onSent(result);
    } else {
      advance(result);
    }
    wake();
    flush();
  }

  /** The reply that is to be sent next, or null: for TLS. */
  Reply firstReply() {
    return firstReply;
  }

  int sentOfFirst() {
    return sentOfFirst;
  }

  /** Takes off the queue what has been sent, and gives back what was lent to it. */
  void advance(int bytes) {
    queuedBytes -= bytes;
    sentOfFirst += bytes;
    while (firstReply != null && sentOfFirst >= firstReply.bytes()) {
      Reply sent = firstReply;
      sentOfFirst -= sent.bytes();
      firstReply = sent.next;
      if (firstReply == null) {
        lastReply = null;
      }
      giveBack(sent);
    }
  }

  private void giveBack(Reply reply) {
    Piece piece = reply.piece;
    Operation ends = reply.ends;
    shard.recycle(reply);
    if (piece != null) {
      piece.inOutput = false;
      shard.recycleIfFree(piece);
    }
    if (ends != null) {
      transmission.onEnded(ends);
    }
  }

  // ---------------------------------------------------------------- TLS

  private void switchToTls() {
    tlsAsked = false;
    inbox = new Inbox(memory, TlsLink.INBOX_BYTES);
    tls = new TlsLink(this, memory, shard.tls());
    handshake.restart();
    pump();
    wake();
  }

  /** The client has said over TLS that nothing more comes. */
  void onTlsEnd() {
    ended = true;
  }

  /** A task of the TLS handshake is done. */
  void onTlsTaskDone() {
    if (phase != Phase.CLOSING && phase != Phase.CLOSED) {
      blocked = true;
    }
    wake();
  }

  // ---------------------------------------------------------------- the appliance's answers

  void onAnswered(Piece piece) {
    transmission.onAnswered(piece, phase == Phase.CLOSING || phase == Phase.LINGERING);
    wake();
  }

  void onReleased(Piece piece) {
    shard.recycleIfFree(piece);
  }

  /** A piece of its own has come back to the pool. */
  void onRecycled(int bufferBytes) {
    transmission.onRecycled(bufferBytes);
    if (blocked || phase == Phase.CLOSING || phase == Phase.FINISHING || stopping) {
      wake();
    }
  }

  // ---------------------------------------------------------------- round, time, end

  /** Once at the end of each round in which something was its. */
  void onRoundEnd() {
    dirty = false;
    if (phase == Phase.CLOSED) {
      return;
    }
    if (phase == Phase.CLOSING) {
      closeIfFree();
      return;
    }
    if (phase == Phase.LINGERING) {
      if (ended) {
        abort(reason);
      }
      return;
    }
    if (blocked) {
      pump();
    }
    flush();
    if (stopping && refused()) {
      finish("the server stops");
    }
  }

  private void finishIfAnswered() {
    if (transmission != null && !transmission.idle()) {
      return;
    }
    if (tls != null && tls.closeOutput()) {
      flush();
      return;
    }
    linger();
  }

  /** All is sent that will be; the client may take it and close. */
  private void linger() {
    if (ended) {
      abort(reason);
      return;
    }
    socket.shutdownOutput();
    phase = Phase.LINGERING;
    lingerUntil = shard.nanoTime() + (long) (shard.limits().lingerSeconds() * 1e9);
    shard.keepTime();
    if (!receive.inFlight()) {
      discardInput();
    }
  }

  private void discardInput() {
    inbox.clear();
    loop.receive(receive, socket, inbox.memory(), 0, inbox.room(), false);
  }

  private void closeIfFree() {
    if (receive.inFlight() || send.inFlight()) {
      return;
    }
    while (firstReply != null) {
      Reply dropped = firstReply;
      firstReply = dropped.next;
      giveBack(dropped);
    }
    lastReply = null;
    if (transmission != null) {
      transmission.abandon();
      if (!transmission.idle()) {
        return;
      }
    }
    if (tls != null && tls.busy()) {
      return;
    }
    phase = Phase.CLOSED;
    socket.close();
    memory.close();
    if (export != null) {
      export.leave();
    }
    shard.event(this, "closed: " + reason);
    shard.remove(this);
  }

  /** The server stops: what is under way is answered; then everything is refused for a moment. */
  void stop() {
    stopping = true;
    stopSince = shard.nanoTime();
    shard.keepTime();
    wake();
  }

  /** Whether the moment is over, and nothing under way is left. */
  private boolean refused() {
    boolean through =
        switch (phase) {
          case HANDSHAKE -> true;
          case TRANSMISSION -> transmission.idle() && !partial();
          case FINISHING, LINGERING, CLOSING, CLOSED -> false;
        };
    return through && shard.nanoTime() - stopSince >= REFUSING_NANOS;
  }

  /** Whether someone has to look at the time for it. */
  boolean needsTime() {
    return switch (phase) {
      case HANDSHAKE, LINGERING -> true;
      case TRANSMISSION, FINISHING ->
          stopping || unsent() || (partialSince != 0 && receive.inFlight());
      case CLOSING, CLOSED -> false;
    };
  }

  private boolean unsent() {
    return send.inFlight() || firstReply != null;
  }

  void checkTime(long now) {
    if (stopping) {
      wake();
    }
    long stallNanos = (long) (shard.limits().stallSeconds() * 1e9);
    switch (phase) {
      case HANDSHAKE -> {
        if (now - sinceNanos > shard.limits().handshakeSeconds() * 1e9) {
          abort("did not finish its negotiation in time");
        }
      }
      case TRANSMISSION, FINISHING -> {
        if (unsent() && now - unsentSince > stallNanos) {
          abort("does not take its replies");
        } else if (partialSince != 0 && receive.inFlight() && now - partialSince > stallNanos) {
          abort("does not finish what it began to send");
        }
      }
      case LINGERING -> {
        if (now - lingerUntil >= 0) {
          abort(reason);
        }
      }
      case CLOSING, CLOSED -> {}
    }
  }

  /** What it does now, for people. */
  ConnectionInfo info() {
    return new ConnectionInfo(
        number,
        peer,
        export == null ? "" : export.name(),
        secured(),
        phase == Phase.HANDSHAKE ? "negotiates" : phase == Phase.TRANSMISSION ? "serves" : "ends",
        shard.index(),
        (shard.nanoTime() - sinceNanos) / 1_000_000_000L,
        transmission == null ? 0 : transmission.requests(),
        transmission == null ? 0 : transmission.underWay(),
        transmission == null ? 0 : transmission.readBytes(),
        transmission == null ? 0 : transmission.writtenBytes());
  }
}
