package dev.tuff.iom.nbd;

/** One request of a client, from its header to its last reply. Pooled; its shard's thread only. */
final class Operation {
  Connection connection;
  int command;
  int flags;
  long cookie;
  long offset;

  /** Bytes of the export that it is about; the effect's length. */
  long length;

  /** Bytes from {@link #offset} on that pieces were made for. */
  long issued;

  /** Pieces that the appliance has not answered yet. */
  int unanswered;

  boolean allIssued;

  /** The first error, as the protocol names it; 0 while all is well. */
  int error;

  String errorText;

  /** The client has been told of the error already, by a chunk that was not the last. */
  boolean errorSent;

  /** A read that is sent piece after piece under one header: its pieces in order. */
  boolean streamed;

  boolean headerSent;
  Piece firstPiece;
  Piece lastPiece;
  Operation next;

  void begin(Connection newConnection) {
    connection = newConnection;
    issued = 0;
    unanswered = 0;
    allIssued = false;
    error = 0;
    errorText = null;
    errorSent = false;
    streamed = false;
    headerSent = false;
    firstPiece = null;
    lastPiece = null;
  }

  void fail(int newError, String text) {
    if (error == 0) {
      error = newError;
      errorText = text;
    }
  }

  boolean flag(int flag) {
    return (flags & flag) != 0;
  }
}
