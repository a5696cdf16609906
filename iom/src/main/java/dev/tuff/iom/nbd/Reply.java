package dev.tuff.iom.nbd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Something to be sent as a whole: a header, and perhaps bytes from elsewhere behind it. Pooled;
 * its shard's thread only.
 */
final class Reply {
  static final int HEADER_BYTES = 192;

  final MemorySegment header;
  int headerBytes;
  MemorySegment payload;
  long payloadOffset;
  int payloadBytes;

  /** Whose buffer the payload is in, or null. */
  Piece piece;

  /** What is over when this is sent, or null. */
  Operation ends;

  /** The payload's memory, if it is this reply's alone and ends with it, or null. */
  Arena own;

  Reply next;

  /** With {@link #HEADER_BYTES} of memory for its header. */
  Reply(MemorySegment header) {
    this.header = header;
  }

  int bytes() {
    return headerBytes + payloadBytes;
  }
}
