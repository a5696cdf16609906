package dev.tuff.iom.nbd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.function.IntConsumer;

/**
 * Writes replies as a connection has negotiated them, and queues them. One connection's; its
 * shard's thread only.
 */
final class Replies {
  /** What fits a reply's own header beside the largest fixed part. */
  private static final int MAX_TEXT_BYTES = 128;

  private final Connection connection;
  private final Transmission.Style style;
  private final IntConsumer onRead;

  Replies(Connection connection, Transmission.Style style, IntConsumer onRead) {
    this.connection = connection;
    this.style = style;
    this.onRead = onRead;
  }

  /** The one reply of an operation without data, or the end of one that failed. */
  void end(Operation operation) {
    Reply reply = connection.shard.newReply();
    reply.ends = operation;
    boolean tellsError = operation.error != 0 && !operation.errorSent;
    if (tellsError && style != Transmission.Style.SIMPLE) {
      error(reply, operation, Nbd.REPLY_TYPE_ERROR, Nbd.REPLY_FLAG_DONE, 0);
    } else if (style == Transmission.Style.EXTENDED
        || (style == Transmission.Style.STRUCTURED && operation.command == Nbd.CMD_READ)) {
      chunk(reply, operation, Nbd.REPLY_TYPE_NONE, Nbd.REPLY_FLAG_DONE, 0);
    } else {
      simple(reply, operation, operation.error);
    }
    connection.reply(reply);
  }

  /** A piece of a read, whole or failed; {@code last}: there is no other. */
  void read(Operation operation, Piece piece, boolean whole, boolean last) {
    if (style == Transmission.Style.SIMPLE) {
      // Reads of several pieces are streamed: this is all of it.
      if (!whole) {
        end(operation);
        return;
      }
      Reply reply = connection.shard.newReply();
      simple(reply, operation, 0);
      reply.ends = operation;
      queueData(reply, piece);
      return;
    }
    Reply reply = connection.shard.newReply();
    int flags = last ? Nbd.REPLY_FLAG_DONE : 0;
    reply.ends = last ? operation : null;
    if (whole) {
      chunk(reply, operation, Nbd.REPLY_TYPE_OFFSET_DATA, flags, 8L + piece.bytes);
      reply.header.set(Nbd.LONG, reply.headerBytes, piece.offset);
      reply.headerBytes += 8;
      queueData(reply, piece);
    } else {
      operation.errorSent = true;
      error(reply, operation, Nbd.REPLY_TYPE_ERROR_OFFSET, flags, piece.offset);
      connection.reply(reply);
    }
  }

  /** A piece of a read whose header is sent with the first. */
  void streamed(Operation operation, Piece piece, boolean last) {
    Reply reply = connection.shard.newReply();
    if (!operation.headerSent) {
      operation.headerSent = true;
      simple(reply, operation, 0);
    }
    reply.ends = last ? operation : null;
    queueData(reply, piece);
  }

  private void queueData(Reply reply, Piece piece) {
    reply.piece = piece;
    reply.payload = piece.buffer.segment();
    reply.payloadOffset = piece.start();
    reply.payloadBytes = piece.bytes;
    piece.inOutput = true;
    onRead.accept(piece.bytes);
    connection.reply(reply);
  }

  /** Room that {@code count} extents need. */
  static int statusBytes(int count) {
    return 8 + 16 * count;
  }

  /** Extents from the operation's offset on, written to the piece's buffer. */
  void status(
      Operation operation, Piece piece, int context, long[] bytes, int[] states, int count) {
    boolean wide = style == Transmission.Style.EXTENDED;
    int each = wide ? 16 : 8;
    int fixed = wide ? 8 : 4;
    MemorySegment payload = piece.buffer.segment();
    int payloadBytes = fixed + each * count;
    payload.set(Nbd.INT, 0, context);
    if (wide) {
      payload.set(Nbd.INT, 4, count);
    }
    for (int i = 0; i < count; i++) {
      long at = fixed + (long) each * i;
      if (wide) {
        payload.set(Nbd.LONG, at, bytes[i]);
        payload.set(Nbd.LONG, at + 8, states[i]);
      } else {
        payload.set(Nbd.INT, at, (int) bytes[i]);
        payload.set(Nbd.INT, at + 4, states[i]);
      }
    }
    Reply reply = connection.shard.newReply();
    int type = wide ? Nbd.REPLY_TYPE_BLOCK_STATUS_EXT : Nbd.REPLY_TYPE_BLOCK_STATUS;
    chunk(reply, operation, type, Nbd.REPLY_FLAG_DONE, payloadBytes);
    reply.ends = operation;
    reply.piece = piece;
    reply.payload = payload;
    reply.payloadBytes = payloadBytes;
    piece.inOutput = true;
    connection.reply(reply);
  }

  private static void simple(Reply reply, Operation operation, int error) {
    MemorySegment header = reply.header;
    header.set(Nbd.INT, 0, Nbd.SIMPLE_REPLY_MAGIC);
    header.set(Nbd.INT, 4, error);
    header.set(Nbd.LONG, 8, operation.cookie);
    reply.headerBytes = Nbd.SIMPLE_REPLY_BYTES;
  }

  private void chunk(Reply reply, Operation operation, int type, int flags, long payloadBytes) {
    MemorySegment header = reply.header;
    header.set(Nbd.SHORT, 4, (short) flags);
    header.set(Nbd.SHORT, 6, (short) type);
    header.set(Nbd.LONG, 8, operation.cookie);
    if (style == Transmission.Style.EXTENDED) {
      header.set(Nbd.INT, 0, Nbd.EXTENDED_REPLY_MAGIC);
      header.set(Nbd.LONG, 16, operation.offset);
      header.set(Nbd.LONG, 24, payloadBytes);
      reply.headerBytes = Nbd.EXTENDED_REPLY_BYTES;
    } else {
      header.set(Nbd.INT, 0, Nbd.STRUCTURED_REPLY_MAGIC);
      header.set(Nbd.INT, 16, (int) payloadBytes);
      reply.headerBytes = Nbd.STRUCTURED_REPLY_BYTES;
    }
  }

  private void error(Reply reply, Operation operation, int type, int flags, long offset) {
    byte[] text = operation.errorText.getBytes(StandardCharsets.US_ASCII);
    int textBytes = Math.min(text.length, MAX_TEXT_BYTES);
    boolean withOffset = type == Nbd.REPLY_TYPE_ERROR_OFFSET;
    chunk(reply, operation, type, flags, 6L + textBytes + (withOffset ? 8 : 0));
    int at = reply.headerBytes;
    reply.header.set(Nbd.INT, at, operation.error);
    reply.header.set(Nbd.SHORT, at + 4, (short) textBytes);
    MemorySegment.copy(text, 0, reply.header, ValueLayout.JAVA_BYTE, at + 6, textBytes);
    at += 6 + textBytes;
    if (withOffset) {
      reply.header.set(Nbd.LONG, at, offset);
      at += 8;
    }
    reply.headerBytes = at;
  }
}
