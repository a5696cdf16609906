package dev.tuff.iom.nbd;

import dev.tuff.device.IoBuffer;
import dev.tuff.device.SocketLoop;
import dev.tuff.device.SocketRequest;
import dev.tuff.device.UringLoop;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.runtime.Message;
import dev.tuff.iom.runtime.Shard;
import dev.tuff.iom.volume.AllocationMap;
import dev.tuff.natives.Socket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The connections of one shard, with their memory and their clock. The clock ticks once a second,
 * and only while some connection has a time limit: idle connections cost nothing.
 */
final class NbdShard implements Actor {
  private static final long TICK_NANOS = 1_000_000_000L;

  /** Replies are made so many at a time; there are never more than connections may have open. */
  private static final int REPLIES_AT_ONCE = 64;

  private final NbdServer server;
  private final Shard shard;
  private final UringLoop loop;
  private final RequestBuffers buffers;
  private final AtomicInteger expected = new AtomicInteger();
  private final Set<Connection> connections = new LinkedHashSet<>();
  private final ArrayDeque<Connection> toAttend = new ArrayDeque<>();
  private final ArrayDeque<AllocationMap> freeMaps = new ArrayDeque<>();
  private final Arena replyMemory = Arena.ofShared();
  private final SocketRequest ticker = new SocketRequest(this::onTick);
  private Reply freeReplies;
  private Piece freePieces;
  private Operation freeOperations;

  NbdShard(NbdServer server, Shard shard, UringLoop loop, RequestBuffers buffers) {
    this.server = server;
    this.shard = shard;
    this.loop = loop;
    this.buffers = buffers;
  }

  @Override
  public Shard shard() {
    return shard;
  }

  @Override
  public void onMessage(Message message) {
    Invariant.check(false, "nobody sends messages to the connections: " + message.type);
  }

  @Override
  public void onRoundEnd() {
    for (Connection next = toAttend.poll(); next != null; next = toAttend.poll()) {
      next.onRoundEnd();
    }
  }

  // ---------------------------------------------------------------- connections

  void adopt(Socket socket, long number) {
    Connection connection = new Connection(this, socket, number);
    connections.add(connection);
    keepTime();
    connection.open();
    if (server.stopping()) {
      // Accepted before, and comes here after.
      connection.stop();
    }
  }

  void attend(Connection connection) {
    toAttend.add(connection);
  }

  /** Any thread: a connection is on its way here. */
  void expect() {
    expected.incrementAndGet();
  }

  /** Any thread: one that was expected does not come, or has gone. */
  void forget() {
    expected.decrementAndGet();
  }

  /** Any thread: connections here and on their way. */
  int expected() {
    return expected.get();
  }

  void remove(Connection connection) {
    connections.remove(connection);
    forget();
    server.onClosed();
  }

  void stopAll() {
    List.copyOf(connections).forEach(Connection::stop);
  }

  /** Breaks off all connections, or those of one export. */
  void abortAll(Export export, String why) {
    for (Connection connection : List.copyOf(connections)) {
      if (export == null || connection.export() == export) {
        connection.abort(why);
      }
    }
  }

  List<ConnectionInfo> infos() {
    List<ConnectionInfo> infos = new ArrayList<>();
    connections.forEach(connection -> infos.add(connection.info()));
    return infos;
  }

  // ---------------------------------------------------------------- what connections use

  int index() {
    return shard.index();
  }

  SocketLoop sockets() {
    return loop.sockets();
  }

  long nanoTime() {
    return loop.nanoTime();
  }

  RequestBuffers buffers() {
    return buffers;
  }

  ServerLimits limits() {
    return server.limits();
  }

  Exports exports() {
    return server.exports();
  }

  TlsSettings tls() {
    return server.tls();
  }

  boolean tlsRequired() {
    return server.tls() != null && server.tls().required();
  }

  void event(Connection connection, String what) {
    server.log(connection.peer + " (connection " + connection.number + ") " + what);
  }

  /** Runs something that takes long elsewhere, and then {@code after} here. */
  void aside(Runnable task, Runnable after) {
    server.aside(
        () -> {
          task.run();
          while (!shard.offer(after)) {
            Thread.onSpinWait();
          }
        });
  }

  /** Sees to it that the clock ticks. */
  void keepTime() {
    if (!ticker.inFlight()) {
      loop.sockets().timer(ticker, TICK_NANOS);
    }
  }

  private void onTick(SocketRequest done) {
    long now = nanoTime();
    boolean needed = false;
    for (Connection connection : connections) {
      if (connection.needsTime()) {
        connection.checkTime(now);
        needed = true;
      }
    }
    if (needed) {
      keepTime();
    }
  }

  // ---------------------------------------------------------------- pools

  /** Gives its memory back; no connection may be left. */
  IoBuffer[][] close() {
    Invariant.check(connections.isEmpty(), "no connection is left", connections.size());
    replyMemory.close();
    return buffers.all();
  }

  Reply newReply() {
    if (freeReplies == null) {
      MemorySegment headers = replyMemory.allocate((long) REPLIES_AT_ONCE * Reply.HEADER_BYTES, 8);
      for (int i = 0; i < REPLIES_AT_ONCE; i++) {
        Reply made = new Reply(headers.asSlice((long) i * Reply.HEADER_BYTES, Reply.HEADER_BYTES));
        made.next = freeReplies;
        freeReplies = made;
      }
    }
    Reply reply = freeReplies;
    freeReplies = reply.next;
    reply.next = null;
    return reply;
  }

  void recycle(Reply reply) {
    if (reply.own != null) {
      reply.own.close();
      reply.own = null;
    }
    reply.headerBytes = 0;
    reply.payload = null;
    reply.payloadOffset = 0;
    reply.payloadBytes = 0;
    reply.piece = null;
    reply.ends = null;
    reply.next = freeReplies;
    freeReplies = reply;
  }

  Piece newPiece() {
    Piece piece = freePieces;
    if (piece == null) {
      return new Piece(shard.index());
    }
    freePieces = piece.next;
    piece.next = null;
    return piece;
  }

  /** Room for the answer to a query; comes back with the piece that has it. */
  AllocationMap newMap() {
    AllocationMap map = freeMaps.poll();
    return map == null ? new AllocationMap() : map;
  }

  /** Takes a piece back, with its buffer, when neither appliance nor output has it. */
  void recycleIfFree(Piece piece) {
    if (piece.inAppliance || piece.inOutput) {
      return;
    }
    Connection connection = piece.connection;
    int bufferBytes = 0;
    if (piece.buffer != null) {
      bufferBytes = piece.buffer.capacityBytes();
      buffers.give(piece.buffer);
      piece.buffer = null;
    }
    if (piece.allocation != null) {
      freeMaps.push(piece.allocation);
      piece.allocation = null;
    }
    piece.operation = null;
    piece.connection = null;
    piece.nextOfOperation = null;
    piece.next = freePieces;
    freePieces = piece;
    connection.onRecycled(bufferBytes);
  }

  Operation newOperation() {
    Operation operation = freeOperations;
    if (operation == null) {
      return new Operation();
    }
    freeOperations = operation.next;
    operation.next = null;
    return operation;
  }

  void recycle(Operation operation) {
    operation.connection = null;
    operation.next = freeOperations;
    freeOperations = operation;
  }
}
