package dev.tuff.iom.nbd;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.volume.AllocationMap;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.Volume;
import dev.tuff.iom.volume.VolumeRequest;

/**
 * The transmission phase: reads requests, hands them to the volume in pieces, answers them in
 * whatever order they are done. Requests are begun in the order in which they came; one that has to
 * wait for memory holds up those behind it on the same connection, and no other. One connection's;
 * its shard's thread only.
 */
final class Transmission {
  /** Which headers requests and replies have. */
  enum Style {
    SIMPLE,
    STRUCTURED,
    EXTENDED
  }

  private enum State {
    HEADER,
    /** A read, or zeroes, of which not all pieces are made. */
    ISSUE,
    /** A read whose reply is one run of pieces: nothing else may come between. */
    STREAM,
    /** A status request that has no buffer for its answer yet. */
    STATUS,
    PAYLOAD,
    /** A payload that nobody wants. */
    SKIP,
    OVER
  }

  /** Requests of one connection that are not answered yet. */
  private static final int MAX_OPERATIONS = 256;

  /** Pieces of one request that are under way. */
  private static final int MAX_PIECES = 4;

  /** Extents in one answer to a status request; whoever wants more asks on from where it ends. */
  private static final int MAX_EXTENTS = 1024;

  /**
   * Payload that is skipped rather than breaking the connection off. With extended headers, which
   * tell apart what is sent and what is meant, the protocol wants it broken off beyond the limit.
   */
  private static final long MAX_SKIPPED_BYTES = 2L * Nbd.MAX_PAYLOAD_BYTES;

  private static final int BLOCK_BYTES = 4096;

  private final Connection connection;
  private final NbdShard shard;
  private final Export export;
  private final Volume volume;

  /** What the client goes by as long as it is connected: the protocol can't tell it another. */
  private final long sizeBytes;

  private final Style style;
  private final Replies replies;
  private final int allocationContext;

  private State state = State.HEADER;
  private Operation current;
  private Piece filling;
  private long skipRest;
  private int operations;
  private int piecesOut;

  /** Of buffers that this connection has. */
  private long heldBytes;

  /** Headers, pieces of payload and MiB of skipped payload that have come whole. */
  private long steps;

  private long requests;
  private long readBytes;
  private long writtenBytes;

  /**
   * @param sizeBytes the export's size, as the client was told it
   * @param allocationContext the number under which the client knows base:allocation, 0 if it did
   *     not choose it
   */
  Transmission(
      Connection connection, Export export, long sizeBytes, Style style, int allocationContext) {
    this.connection = connection;
    this.shard = connection.shard;
    this.export = export;
    this.volume = export.volume();
    this.sizeBytes = sizeBytes;
    this.style = style;
    this.allocationContext = allocationContext;
    this.replies = new Replies(connection, style, this::onPieceQueued);
  }

  // ---------------------------------------------------------------- requests

  /** Works on what has arrived; true when more is needed. */
  boolean consume() {
    Inbox inbox = connection.inbox();
    int headerBytes = style == Style.EXTENDED ? Nbd.EXTENDED_REQUEST_BYTES : Nbd.REQUEST_BYTES;
    while (true) {
      switch (state) {
        case HEADER -> {
          if (operations >= MAX_OPERATIONS) {
            return false;
          }
          if (inbox.available() < headerBytes) {
            return true;
          }
          onHeader(inbox);
        }
        case ISSUE -> {
          if (!issue()) {
            return false;
          }
          state = State.HEADER;
        }
        case STREAM -> {
          if (!stream()) {
            return false;
          }
          state = State.HEADER;
        }
        case STATUS -> {
          if (!askStatus()) {
            return false;
          }
          state = State.HEADER;
        }
        case PAYLOAD -> {
          if (current.issued == 0 && filling == null && inbox.available() == 0) {
            // No buffer for a mere announcement.
            return true;
          }
          if (filling == null && !nextPayloadPiece()) {
            return false;
          }
          int now = Math.min(inbox.available(), filling.bytes - filling.filled);
          if (now > 0) {
            inbox.take(filling.buffer.segment(), filling.start() + filling.filled, now);
            filling.filled += now;
            writtenBytes += now;
          }
          if (filling.filled < filling.bytes) {
            return true;
          }
          onPayloadPiece();
        }
        case SKIP -> {
          int now = (int) Math.min(skipRest, inbox.available());
          inbox.skip(now);
          if (skipRest / RequestBuffers.MAX_PIECE_BYTES
              != (skipRest - now) / RequestBuffers.MAX_PIECE_BYTES) {
            steps++;
          }
          skipRest -= now;
          if (skipRest > 0) {
            return true;
          }
          Operation refused = current;
          current = null;
          state = State.HEADER;
          replies.end(refused);
        }
        case OVER -> {
          return false;
        }
      }
    }
  }

  private void onHeader(Inbox inbox) {
    int magic = inbox.intAt(0);
    if (magic != (style == Style.EXTENDED ? Nbd.EXTENDED_REQUEST_MAGIC : Nbd.REQUEST_MAGIC)) {
      leave("sent something that is no request");
      return;
    }
    Operation operation = shard.newOperation();
    operation.begin(connection);
    operation.flags = inbox.shortAt(4);
    operation.command = inbox.shortAt(6);
    operation.cookie = inbox.longAt(8);
    operation.offset = inbox.longAt(16);
    if (style == Style.EXTENDED) {
      operation.length = inbox.longAt(24);
      inbox.skip(Nbd.EXTENDED_REQUEST_BYTES);
    } else {
      operation.length = Integer.toUnsignedLong(inbox.intAt(24));
      inbox.skip(Nbd.REQUEST_BYTES);
    }
    current = operation;
    operations++;
    requests++;
    steps++;
    if (operation.command == Nbd.CMD_DISC) {
      // It has no reply, whatever is wrong with it.
      end(operation);
      leave("disconnected");
      return;
    }
    check(operation);
    if (hasPayload(operation)) {
      beginPayload(operation);
    } else if (operation.error != 0) {
      refuse(operation);
    } else {
      begin(operation);
    }
  }

  private void leave(String why) {
    state = State.OVER;
    connection.finish(why);
  }

  /** What follows the header: a write's bytes, or what an extended request says it has. */
  private boolean hasPayload(Operation operation) {
    return operation.command == Nbd.CMD_WRITE
        || (style == Style.EXTENDED && operation.flag(Nbd.CMD_FLAG_PAYLOAD_LEN));
  }

  private void check(Operation operation) {
    int command = operation.command;
    boolean writes =
        command == Nbd.CMD_WRITE || command == Nbd.CMD_WRITE_ZEROES || command == Nbd.CMD_TRIM;
    int allowed =
        switch (command) {
          case Nbd.CMD_READ -> style == Style.SIMPLE ? 0 : Nbd.CMD_FLAG_DF;
          case Nbd.CMD_WRITE -> style == Style.EXTENDED ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0;
          case Nbd.CMD_WRITE_ZEROES -> Nbd.CMD_FLAG_NO_HOLE | Nbd.CMD_FLAG_FAST_ZERO;
          case Nbd.CMD_BLOCK_STATUS -> Nbd.CMD_FLAG_REQ_ONE;
          default -> 0;
        };
    boolean known =
        command >= Nbd.CMD_READ
            && command <= Nbd.CMD_BLOCK_STATUS
            && (command != Nbd.CMD_BLOCK_STATUS || allocationContext != 0);
    if (connection.stopping()) {
      operation.fail(Nbd.ESHUTDOWN, "the server stops");
    } else if (!known) {
      operation.fail(Nbd.EINVAL, Nbd.command(command) + " was not negotiated");
    } else if ((operation.flags & ~(allowed | Nbd.CMD_FLAG_FUA)) != 0) {
      operation.fail(
          Nbd.EINVAL,
          Nbd.command(command) + " has no flags " + Integer.toHexString(operation.flags));
    } else if (writes && export.readOnly()) {
      operation.fail(Nbd.EPERM, "the export is read-only");
    } else if (command == Nbd.CMD_FLUSH) {
      if (operation.offset != 0 || operation.length != 0) {
        operation.fail(Nbd.EINVAL, "a flush has no offset and no length");
      }
    } else {
      checkRange(operation);
    }
  }

  private void checkRange(Operation operation) {
    int command = operation.command;
    long size = Math.min(sizeBytes, volume.sizeBytes());
    if (operation.offset < 0
        || operation.length < 0
        || operation.length > size
        || operation.offset > size - operation.length) {
      operation.fail(beyondEnd(command), "beyond the end of the export");
    } else if (operation.length > Nbd.MAX_PAYLOAD_BYTES
        && (command == Nbd.CMD_READ || command == Nbd.CMD_WRITE)) {
      operation.fail(Nbd.EINVAL, "longer than " + Nbd.MAX_PAYLOAD_BYTES + " bytes");
    } else if (command == Nbd.CMD_READ
        && operation.flag(Nbd.CMD_FLAG_DF)
        && operation.length > RequestBuffers.MAX_PIECE_BYTES) {
      operation.fail(
          Nbd.EOVERFLOW,
          "unfragmented reads have up to " + RequestBuffers.MAX_PIECE_BYTES + " bytes");
    } else if (command == Nbd.CMD_BLOCK_STATUS && operation.length == 0) {
      operation.fail(Nbd.EINVAL, "the status of no bytes");
    }
  }

  private static int beyondEnd(int command) {
    boolean fills = command == Nbd.CMD_WRITE || command == Nbd.CMD_WRITE_ZEROES;
    return fills ? Nbd.ENOSPC : Nbd.EINVAL;
  }

  private void refuse(Operation operation) {
    current = null;
    operation.allIssued = true;
    replies.end(operation);
  }

  private void begin(Operation operation) {
    boolean nothing = operation.length == 0 && operation.command != Nbd.CMD_FLUSH;
    switch (operation.command) {
      case Nbd.CMD_READ -> {
        if (nothing) {
          refuse(operation);
        } else if (style == Style.SIMPLE && operation.length > RequestBuffers.MAX_PIECE_BYTES) {
          operation.streamed = true;
          state = State.STREAM;
        } else {
          state = State.ISSUE;
        }
      }
      case Nbd.CMD_FLUSH -> flush(operation);
      case Nbd.CMD_CACHE -> refuse(operation);
      default -> {
        if (nothing) {
          refuse(operation);
        } else {
          beginSpace(operation);
        }
      }
    }
  }

  private void flush(Operation operation) {
    current = null;
    operation.allIssued = true;
    Piece piece = newPiece(operation);
    piece.request.flush();
    submit(piece);
  }

  // ---------------------------------------------------------------- reads

  /** Bytes of the piece that comes next: cut where large pieces of volumes are aligned. */
  private static int pieceBytes(Operation operation) {
    long rest = operation.length - operation.issued;
    if (operation.length <= RequestBuffers.MAX_PIECE_BYTES) {
      return (int) rest;
    }
    long at = operation.offset + operation.issued;
    long toBoundary = RequestBuffers.MAX_PIECE_BYTES - at % RequestBuffers.MAX_PIECE_BYTES;
    return (int) Math.min(rest, toBoundary);
  }

  /** Makes the pieces of a read, or of zeroes; false when it has to go on later. */
  private boolean issue() {
    Operation operation = current;
    while (operation.issued < operation.length) {
      // A piece that failed ends the rest.
      if (operation.error != 0) {
        break;
      }
      if (operation.unanswered >= MAX_PIECES) {
        return false;
      }
      boolean read = operation.command == Nbd.CMD_READ;
      Piece piece = read ? nextPiece(operation) : nextZeroes(operation);
      if (piece == null) {
        return false;
      }
      operation.allIssued = operation.issued == operation.length;
      if (read) {
        piece.request.read(piece.offset, piece.bytes, piece.buffer);
      }
      submit(piece);
    }
    current = null;
    if (!operation.allIssued) {
      operation.allIssued = true;
      // The next request may need a buffer of another size than the one that is waited for.
      shard.buffers().forget(connection);
      if (operation.unanswered == 0) {
        replies.end(operation);
      }
    }
    return true;
  }

  /**
   * Likewise for a read under one simple header. It begins when everything before it is answered
   * and lets nothing else begin until it is, so that what it waits for is never held by others that
   * wait for it.
   */
  private boolean stream() {
    Operation operation = current;
    if (operation.issued == 0 && operations > 1) {
      return false;
    }
    while (operation.issued < operation.length && operation.error == 0) {
      if (operation.unanswered >= MAX_PIECES) {
        return false;
      }
      Piece piece = nextPiece(operation);
      if (piece == null) {
        return false;
      }
      if (operation.lastPiece == null) {
        operation.firstPiece = piece;
      } else {
        operation.lastPiece.nextOfOperation = piece;
      }
      operation.lastPiece = piece;
      piece.request.read(piece.offset, piece.bytes, piece.buffer);
      submit(piece);
    }
    if (operation.error != 0) {
      shard.buffers().forget(connection);
    }
    if (operation.unanswered > 0) {
      return false;
    }
    current = null;
    operation.allIssued = true;
    if (operation.error != 0) {
      if (operation.headerSent) {
        // The header promised the bytes; there is no other way to take that back.
        connection.abort("broken off: a read failed after its reply had begun");
      }
      replies.end(operation);
    }
    return true;
  }

  private void onStreamed(Operation operation, Piece done) {
    if (operation.error != 0) {
      dropStream(operation);
      return;
    }
    // Kept, with its buffer, until its turn comes.
    done.inOutput = true;
    while (operation.firstPiece != null && operation.firstPiece.answered) {
      Piece piece = operation.firstPiece;
      operation.firstPiece = piece.nextOfOperation;
      if (operation.firstPiece == null) {
        operation.lastPiece = null;
      }
      boolean last = piece.offset + piece.bytes == operation.offset + operation.length;
      replies.streamed(operation, piece, last);
    }
  }

  private void dropStream(Operation operation) {
    Piece piece = operation.firstPiece;
    operation.firstPiece = null;
    operation.lastPiece = null;
    while (piece != null) {
      Piece next = piece.nextOfOperation;
      if (piece.inOutput) {
        piece.inOutput = false;
        shard.recycleIfFree(piece);
      }
      piece = next;
    }
  }

  // ---------------------------------------------------------------- writes

  private void beginPayload(Operation operation) {
    long bytes = operation.length;
    if (operation.command == Nbd.CMD_WRITE && operation.error == 0) {
      if (bytes == 0) {
        refuse(operation);
      } else {
        state = State.PAYLOAD;
      }
      return;
    }
    long most = style == Style.EXTENDED ? Nbd.MAX_PAYLOAD_BYTES : MAX_SKIPPED_BYTES;
    if (bytes < 0 || bytes > most) {
      // There may be no end of it.
      leave("sent a payload of " + Long.toUnsignedString(bytes) + " bytes");
      end(operation);
      return;
    }
    operation.fail(Nbd.EINVAL, Nbd.command(operation.command) + " has no payload");
    skipRest = bytes;
    state = State.SKIP;
  }

  private boolean nextPayloadPiece() {
    filling = nextPiece(current);
    return filling != null;
  }

  private void onPayloadPiece() {
    Piece piece = filling;
    Operation operation = current;
    filling = null;
    steps++;
    if (operation.issued == operation.length) {
      operation.allIssued = true;
      current = null;
      state = State.HEADER;
    }
    piece.request.write(piece.offset, piece.bytes, piece.buffer, toughness(operation));
    submit(piece);
  }

  /** As hard as the volume's writes are, or harder when the client asks for it. */
  private Toughness toughness(Operation operation) {
    return operation.flag(Nbd.CMD_FLAG_FUA) ? Toughness.HARDENED : volume.attributes().toughness();
  }

  /** The piece that the next bytes belong to, if they may be received straight into it. */
  Piece awaitedPiece() {
    return state == State.PAYLOAD ? filling : null;
  }

  void countReceived(int bytes) {
    writtenBytes += bytes;
  }

  // ---------------------------------------------------------------- space

  /** Trim, zeroes and block status, the commands about space: the volume does them by itself. */
  private void beginSpace(Operation operation) {
    if (operation.command == Nbd.CMD_WRITE_ZEROES) {
      boolean keep = operation.flag(Nbd.CMD_FLAG_NO_HOLE);
      if (operation.flag(Nbd.CMD_FLAG_FAST_ZERO) && (keep || !hasWholeBlock(operation))) {
        operation.fail(Nbd.ENOTSUP, "these zeroes would take as long as other data");
        refuse(operation);
        return;
      }
      if (keep) {
        state = State.ISSUE;
        return;
      }
    }
    if (operation.command == Nbd.CMD_BLOCK_STATUS) {
      state = State.STATUS;
      return;
    }
    current = null;
    operation.allIssued = true;
    Piece piece = newPiece(operation);
    long offset = operation.offset;
    switch (operation.command) {
      case Nbd.CMD_TRIM -> piece.request.discard(offset, operation.length, toughness(operation));
      case Nbd.CMD_WRITE_ZEROES ->
          piece.request.writeZeroes(offset, operation.length, false, toughness(operation));
      default -> Invariant.check(false, "a command about space", operation.command);
    }
    submit(piece);
  }

  /** Whether there is a block that loses its place; a piece of one is read, changed and written. */
  private boolean hasWholeBlock(Operation operation) {
    long first = (operation.offset + BLOCK_BYTES - 1) & -BLOCK_BYTES;
    long end = operation.offset + operation.length;
    return first < (end == volume.sizeBytes() ? end : end & -BLOCK_BYTES);
  }

  /** Zeroes that keep their places: in pieces, as the volume takes only so many at once. */
  private Piece nextZeroes(Operation operation) {
    Piece piece = newPiece(operation);
    long bytes = Math.min(operation.length - operation.issued, VolumeRequest.MAX_KEPT_BYTES);
    piece.request.writeZeroes(
        operation.offset + operation.issued, bytes, true, toughness(operation));
    operation.issued += bytes;
    return piece;
  }

  /** Less than was asked for is as good an answer; the client asks on. */
  private static long statusRange(Operation operation) {
    return Math.min(operation.length, VolumeRequest.MAX_QUERY_BYTES);
  }

  /** Extents of an answer at most. */
  private static int mostExtents(Operation operation) {
    long blocks = statusRange(operation) / BLOCK_BYTES + 2;
    return operation.flag(Nbd.CMD_FLAG_REQ_ONE) ? 1 : (int) Math.min(blocks, MAX_EXTENTS);
  }

  /** Asks the volume, with a buffer at hand for the answer; false when there is none yet. */
  private boolean askStatus() {
    Operation operation = current;
    int bytes = Replies.statusBytes(mostExtents(operation));
    IoBuffer buffer = takeBuffer(0, bytes);
    if (buffer == null) {
      return false;
    }
    current = null;
    operation.allIssued = true;
    Piece piece = newPiece(operation);
    piece.buffer = buffer;
    piece.offset = operation.offset;
    piece.bytes = bytes;
    piece.allocation = shard.newMap();
    piece.request.queryAllocation(operation.offset, statusRange(operation), piece.allocation);
    submit(piece);
    return true;
  }

  private void answerStatus(Operation operation, Piece piece) {
    AllocationMap map = piece.allocation;
    int most = mostExtents(operation);
    long[] bytes = new long[most];
    int[] states = new int[most];
    int count = 0;
    for (long at = map.start(); at < map.end() && count < most; count++) {
      long end = map.runEnd(at);
      bytes[count] = end - at;
      states[count] = map.mapped(at) ? 0 : Nbd.STATE_HOLE | Nbd.STATE_ZERO;
      at = end;
    }
    replies.status(operation, piece, allocationContext, bytes, states, count);
  }

  // ---------------------------------------------------------------- pieces

  /** The next piece of an operation with its buffer, or null: later. */
  private Piece nextPiece(Operation operation) {
    int bytes = pieceBytes(operation);
    long offset = operation.offset + operation.issued;
    IoBuffer buffer = takeBuffer(offset, bytes);
    if (buffer == null) {
      return null;
    }
    Piece piece = newPiece(operation);
    piece.buffer = buffer;
    piece.offset = offset;
    piece.bytes = bytes;
    operation.issued += bytes;
    return piece;
  }

  /** A buffer, counted as this connection's, or null: later. */
  private IoBuffer takeBuffer(long offset, int bytes) {
    // One connection alone must not take what others need.
    if (heldBytes >= shard.buffers().connectionBytes()) {
      return null;
    }
    IoBuffer buffer = shard.buffers().take(connection, offset, bytes);
    if (buffer != null) {
      heldBytes += buffer.capacityBytes();
    }
    return buffer;
  }

  private Piece newPiece(Operation operation) {
    Piece piece = shard.newPiece();
    piece.operation = operation;
    piece.connection = connection;
    piece.filled = 0;
    piece.answered = false;
    piece.inOutput = false;
    piece.nextOfOperation = null;
    piecesOut++;
    return piece;
  }

  private void submit(Piece piece) {
    piece.inAppliance = true;
    piece.operation.unanswered++;
    volume.submit(piece.request);
  }

  /** The appliance has answered; {@code closing}: nobody wants to know any more. */
  void onAnswered(Piece piece, boolean closing) {
    Operation operation = piece.operation;
    piece.answered = true;
    operation.unanswered--;
    RequestResult result = piece.request.result();
    if (result != RequestResult.OK) {
      operation.fail(error(result, operation.command), text(result));
    }
    if (closing) {
      if (operation.streamed) {
        // Its pieces go back one by one from now on, and may be others' by the time it ends.
        dropStream(operation);
      }
      return;
    }
    if (operation.streamed) {
      onStreamed(operation, piece);
      return;
    }
    boolean last = operation.allIssued && operation.unanswered == 0;
    if (operation.command == Nbd.CMD_READ) {
      replies.read(operation, piece, result == RequestResult.OK, last);
    } else if (operation.command == Nbd.CMD_BLOCK_STATUS && operation.error == 0) {
      answerStatus(operation, piece);
    } else if (last) {
      replies.end(operation);
    }
  }

  private void onPieceQueued(int bytes) {
    readBytes += bytes;
  }

  private static int error(RequestResult result, int command) {
    return switch (result) {
      case OK -> 0;
      case IO_ERROR -> Nbd.EIO;
      case NO_SPACE -> Nbd.ENOSPC;
      // It was within the export when it came, and the volume has been shrunk since.
      case OUT_OF_RANGE -> beyondEnd(command);
      case READ_ONLY -> Nbd.EPERM;
      case DELETED -> Nbd.EIO;
    };
  }

  private static String text(RequestResult result) {
    return switch (result) {
      case OK -> "";
      case IO_ERROR -> "more is lost than the volume's protection makes up for";
      case NO_SPACE -> "the drives have no space left";
      case OUT_OF_RANGE -> "beyond the end of the volume";
      case READ_ONLY -> "the array is read-only for now";
      case DELETED -> "the volume was deleted";
    };
  }

  /** A piece has come back to the pool, with a buffer of so many bytes. */
  void onRecycled(int bufferBytes) {
    piecesOut--;
    heldBytes -= bufferBytes;
  }

  /** An operation's last reply is sent, or dropped. */
  void onEnded(Operation operation) {
    end(operation);
    connection.wake();
  }

  private void end(Operation operation) {
    if (current == operation) {
      current = null;
    }
    operations--;
    shard.recycle(operation);
  }

  // ---------------------------------------------------------------- end

  /** The connection is gone: what was not handed to the appliance is given back. */
  void abandon() {
    state = State.OVER;
    dropPartial();
    if (current != null) {
      dropStream(current);
    }
    if (piecesOut == 0) {
      // Replies that were owed are owed to nobody.
      operations = 0;
      current = null;
    }
  }

  /** Forgets a request that will not arrive whole. */
  void dropPartial() {
    if (filling != null) {
      Piece piece = filling;
      filling = null;
      shard.recycleIfFree(piece);
    }
    if (partial()) {
      state = State.OVER;
      shard.buffers().forget(connection);
      Operation operation = current;
      if (operation.unanswered == 0) {
        end(operation);
      } else {
        // Its last piece ends it; a client that still reads must not take it for done.
        operation.fail(Nbd.EINVAL, "its payload ended early");
        current = null;
        operation.allIssued = true;
      }
    }
  }

  /** Whether nothing is under way. */
  boolean idle() {
    return operations == 0 && piecesOut == 0;
  }

  /** Whether a request has begun to arrive and has not arrived whole. */
  boolean partial() {
    return state == State.PAYLOAD || state == State.SKIP;
  }

  /** Grows with each header and with each MiB of payload: what a time limit is for. */
  long steps() {
    return steps;
  }

  long requests() {
    return requests;
  }

  int underWay() {
    return operations;
  }

  long readBytes() {
    return readBytes;
  }

  long writtenBytes() {
    return writtenBytes;
  }
}
