package dev.tuff.iom.nbd;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;

/**
 * Fixed newstyle negotiation on the server's side: greeting, options, and how the connection ends
 * up with an export. Every option is answered; what a client may get wrong without harm is
 * survived. One connection's; its shard's thread only.
 */
final class Handshake {
  private enum State {
    CLIENT_FLAGS,
    OPTION,
    DATA,
    /** Option data that is too long to be looked at. */
    SKIP,
    /** Exports are listed; there may be more than are sent at once. */
    LIST,
    OVER
  }

  /** Longest option data that is looked at; names and queries have up to 4096 bytes each. */
  private static final int MAX_OPTION_BYTES = 64 << 10;

  /** Bytes of unsent replies after which nothing further is answered. */
  private static final int MAX_QUEUED_BYTES = 32 << 10;

  private static final int REPLY_HEADER_BYTES = 20;
  private static final String ALLOCATION = "base:allocation";
  private static final String NAMESPACE = "base:";
  private static final int ALLOCATION_ID = 1;

  private final Connection connection;
  private State state = State.CLIENT_FLAGS;
  private boolean fixedNewstyle;
  private boolean noZeroes;
  private int option;
  private long rest;
  private byte[] data;
  private Iterator<Export> toList;

  // What was negotiated; STARTTLS forgets it.
  private boolean structured;
  private boolean extended;

  /** The export for which base:allocation was chosen, or null. */
  private String allocationOf;

  Handshake(Connection connection) {
    this.connection = connection;
  }

  void greet() {
    ByteBuffer greeting = ByteBuffer.allocate(18);
    greeting.putLong(Nbd.MAGIC).putLong(Nbd.OPTION_MAGIC);
    greeting.putShort((short) (Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES));
    connection.reply(greeting.array());
  }

  /** Goes on with options over TLS, as if none had been sent before. */
  void restart() {
    state = State.OPTION;
    structured = false;
    extended = false;
    allocationOf = null;
  }

  /** Works on what has arrived; true when more is needed. */
  boolean consume() {
    Inbox inbox = connection.inbox();
    while (true) {
      switch (state) {
        case CLIENT_FLAGS -> {
          if (inbox.available() < 4) {
            return true;
          }
          onClientFlags(inbox.intAt(0));
          inbox.skip(4);
        }
        case OPTION -> {
          if (connection.startsTls() || connection.queuedBytes() > MAX_QUEUED_BYTES) {
            return false;
          }
          if (inbox.available() < Nbd.OPTION_HEADER_BYTES) {
            return true;
          }
          onOption(inbox);
        }
        case DATA -> {
          int now = (int) Math.min(rest, inbox.available());
          inbox.take(data, data.length - (int) rest, now);
          rest -= now;
          if (rest > 0) {
            return true;
          }
          state = State.OPTION;
          byte[] whole = data;
          data = null;
          onData(whole);
        }
        case SKIP -> {
          int now = (int) Math.min(rest, inbox.available());
          inbox.skip(now);
          rest -= now;
          if (rest > 0) {
            return true;
          }
          state = State.OPTION;
          if (wantsTls()) {
            refuseWithoutTls();
          } else {
            refuse(
                Nbd.REP_ERR_TOO_BIG,
                "an option has up to " + MAX_OPTION_BYTES + " bytes of data here");
          }
        }
        case LIST -> {
          if (connection.queuedBytes() > MAX_QUEUED_BYTES) {
            return false;
          }
          listNext();
        }
        case OVER -> {
          return false;
        }
      }
    }
  }

  private void onClientFlags(int flags) {
    if ((flags & ~(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES)) != 0) {
      leave("sent client flags that it was not offered: 0x" + Integer.toHexString(flags));
      return;
    }
    fixedNewstyle = (flags & Nbd.FLAG_FIXED_NEWSTYLE) != 0;
    noZeroes = (flags & Nbd.FLAG_NO_ZEROES) != 0;
    state = State.OPTION;
  }

  private void leave(String why) {
    state = State.OVER;
    connection.finish(why);
  }

  private void onOption(Inbox inbox) {
    if (inbox.longAt(0) != Nbd.OPTION_MAGIC) {
      leave("sent something that is no option");
      return;
    }
    option = inbox.intAt(8);
    rest = Integer.toUnsignedLong(inbox.intAt(12));
    inbox.skip(Nbd.OPTION_HEADER_BYTES);
    if (option != Nbd.OPT_EXPORT_NAME && !fixedNewstyle) {
      leave("sent option " + option + " without fixed newstyle negotiation");
    } else if (option == Nbd.OPT_EXPORT_NAME && rest > Nbd.MAX_STRING_BYTES) {
      // It has no reply by which it could be refused.
      leave("asked for an export by a name of " + rest + " bytes");
    } else if (rest > MAX_OPTION_BYTES) {
      state = State.SKIP;
    } else {
      data = new byte[(int) rest];
      state = State.DATA;
    }
  }

  private void onData(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    if (connection.stopping() && option != Nbd.OPT_EXPORT_NAME && option != Nbd.OPT_ABORT) {
      refuse(Nbd.REP_ERR_SHUTDOWN, "the server stops");
      return;
    }
    if (wantsTls()) {
      refuseWithoutTls();
      return;
    }
    switch (option) {
      case Nbd.OPT_EXPORT_NAME -> onExportName(in);
      case Nbd.OPT_ABORT -> {
        acknowledge();
        leave("disconnected while negotiating");
      }
      case Nbd.OPT_LIST -> onList(in);
      case Nbd.OPT_STARTTLS -> onStartTls(in);
      case Nbd.OPT_INFO, Nbd.OPT_GO -> onInfo(in);
      case Nbd.OPT_STRUCTURED_REPLY -> onStructuredReply(in);
      case Nbd.OPT_EXTENDED_HEADERS -> onExtendedHeaders(in);
      case Nbd.OPT_LIST_META_CONTEXT, Nbd.OPT_SET_META_CONTEXT -> onMetaContext(in);
      default -> refuse(Nbd.REP_ERR_UNSUP, "option " + option + " is not known here");
    }
  }

  /** Whether the option is not for clients without TLS. */
  private boolean wantsTls() {
    return connection.shard.tlsRequired()
        && !connection.secured()
        && option != Nbd.OPT_STARTTLS
        && option != Nbd.OPT_ABORT;
  }

  private void refuseWithoutTls() {
    if (option == Nbd.OPT_EXPORT_NAME) {
      leave("asked for an export without TLS");
    } else {
      refuse(Nbd.REP_ERR_TLS_REQD, "this server wants TLS first");
    }
  }

  // ---------------------------------------------------------------- options

  private void onExportName(ByteBuffer in) {
    if (extended) {
      leave("asked for an export by the old option after extended headers");
      return;
    }
    String name = string(in, in.remaining());
    Export export = name == null ? null : connection.shard.exports().find(name);
    if (export == null) {
      leave("asked for export '" + printable(name) + "', which is not there");
    } else if (connection.stopping()) {
      leave("the server stops");
    } else if (!export.enter()) {
      leave("asked for export " + export.name() + ", which has all clients that it may have");
    } else {
      ByteBuffer reply = ByteBuffer.allocate(noZeroes ? 10 : 134);
      long sizeBytes = export.volume().sizeBytes();
      reply.putLong(sizeBytes);
      reply.putShort((short) export.transmissionFlags(structured));
      connection.reply(reply.array());
      transmit(export, sizeBytes);
    }
  }

  private void onList(ByteBuffer in) {
    if (in.hasRemaining()) {
      refuse(Nbd.REP_ERR_INVALID, "LIST takes no data");
      return;
    }
    toList = connection.shard.exports().all().iterator();
    state = State.LIST;
  }

  private void listNext() {
    if (toList.hasNext()) {
      Export export = toList.next();
      byte[] name = export.name().getBytes(StandardCharsets.UTF_8);
      byte[] description = export.description().getBytes(StandardCharsets.UTF_8);
      ByteBuffer entry = ByteBuffer.allocate(4 + name.length + description.length);
      entry.putInt(name.length).put(name).put(description);
      answer(Nbd.REP_SERVER, entry.array());
    } else {
      toList = null;
      state = State.OPTION;
      acknowledge();
    }
  }

  private void onStartTls(ByteBuffer in) {
    if (connection.shard.tls() == null) {
      refuse(Nbd.REP_ERR_UNSUP, "this server has no TLS");
    } else if (in.hasRemaining()) {
      refuse(Nbd.REP_ERR_INVALID, "STARTTLS takes no data");
    } else if (connection.secured()) {
      refuse(Nbd.REP_ERR_INVALID, "this is TLS already");
    } else {
      acknowledge();
      connection.startTls();
    }
  }

  private void onInfo(ByteBuffer in) {
    String name = prefixed(in);
    int asked = name == null || in.remaining() < 2 ? -1 : Short.toUnsignedInt(in.getShort());
    if (asked < 0 || in.remaining() != asked * 2) {
      refuse(Nbd.REP_ERR_INVALID, "the lengths within the option do not fit together");
      return;
    }
    Export export = connection.shard.exports().find(name);
    if (export == null) {
      refuse(Nbd.REP_ERR_UNKNOWN, "export '" + printable(name) + "' is not there");
      return;
    }
    if (option == Nbd.OPT_GO && !export.enter()) {
      refuse(Nbd.REP_ERR_POLICY, "the export has all the clients that it may have");
      return;
    }
    ByteBuffer info = ByteBuffer.allocate(12);
    long sizeBytes = export.volume().sizeBytes();
    info.putShort((short) Nbd.INFO_EXPORT).putLong(sizeBytes);
    info.putShort((short) export.transmissionFlags(structured));
    answer(Nbd.REP_INFO, info.array());
    int seen = 0;
    while (in.hasRemaining()) {
      int kind = Short.toUnsignedInt(in.getShort());
      // Each once, whatever the client repeats.
      if (kind <= Nbd.INFO_BLOCK_SIZE && (seen & 1 << kind) == 0) {
        seen |= 1 << kind;
        inform(export, kind);
      }
    }
    acknowledge();
    if (option == Nbd.OPT_GO) {
      transmit(export, sizeBytes);
    }
  }

  private void inform(Export export, int kind) {
    switch (kind) {
      case Nbd.INFO_NAME -> informText(kind, export.name());
      case Nbd.INFO_DESCRIPTION -> {
        if (!export.description().isEmpty()) {
          informText(kind, export.description());
        }
      }
      case Nbd.INFO_BLOCK_SIZE -> {
        ByteBuffer sizes = ByteBuffer.allocate(14);
        sizes.putShort((short) kind).putInt(1).putInt(4096).putInt(Nbd.MAX_PAYLOAD_BYTES);
        answer(Nbd.REP_INFO, sizes.array());
      }
      default -> {
        // INFO_EXPORT is always sent.
      }
    }
  }

  private void informText(int kind, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    answer(
        Nbd.REP_INFO,
        ByteBuffer.allocate(2 + bytes.length).putShort((short) kind).put(bytes).array());
  }

  private void onStructuredReply(ByteBuffer in) {
    if (in.hasRemaining()) {
      refuse(Nbd.REP_ERR_INVALID, "STRUCTURED_REPLY takes no data");
    } else if (extended) {
      refuse(Nbd.REP_ERR_EXT_HEADER_REQD, "extended headers are in use already");
    } else {
      structured = true;
      acknowledge();
    }
  }

  private void onExtendedHeaders(ByteBuffer in) {
    if (in.hasRemaining()) {
      refuse(Nbd.REP_ERR_INVALID, "EXTENDED_HEADERS takes no data");
    } else if (extended) {
      refuse(Nbd.REP_ERR_INVALID, "extended headers are in use already");
    } else {
      structured = true;
      extended = true;
      acknowledge();
    }
  }

  private void onMetaContext(ByteBuffer in) {
    boolean set = option == Nbd.OPT_SET_META_CONTEXT;
    if (set) {
      // Also when it fails.
      allocationOf = null;
    }
    if (!structured) {
      refuse(Nbd.REP_ERR_INVALID, "metadata contexts need structured replies");
      return;
    }
    String name = prefixed(in);
    if (name == null || in.remaining() < 4) {
      refuse(Nbd.REP_ERR_INVALID, "the lengths within the option do not fit together");
      return;
    }
    int queries = in.getInt();
    boolean found = !set && queries == 0;
    for (long i = 0; i < Integer.toUnsignedLong(queries); i++) {
      String query = prefixed(in);
      if (query == null) {
        refuse(Nbd.REP_ERR_INVALID, "the lengths within the option do not fit together");
        return;
      }
      found |= query.equals(ALLOCATION) || (!set && query.equals(NAMESPACE));
    }
    if (in.hasRemaining()) {
      refuse(Nbd.REP_ERR_INVALID, "there is something behind the last query");
      return;
    }
    Export export = connection.shard.exports().find(name);
    if (export == null) {
      refuse(Nbd.REP_ERR_UNKNOWN, "export '" + printable(name) + "' is not there");
      return;
    }
    if (found) {
      byte[] context = ALLOCATION.getBytes(StandardCharsets.UTF_8);
      ByteBuffer entry = ByteBuffer.allocate(4 + context.length);
      entry.putInt(set ? ALLOCATION_ID : 0).put(context);
      answer(Nbd.REP_META_CONTEXT, entry.array());
      if (set) {
        allocationOf = export.name();
      }
    }
    acknowledge();
  }

  private void transmit(Export export, long sizeBytes) {
    state = State.OVER;
    Transmission.Style style =
        extended
            ? Transmission.Style.EXTENDED
            : structured ? Transmission.Style.STRUCTURED : Transmission.Style.SIMPLE;
    boolean allocation = export.name().equals(allocationOf);
    connection.transmit(
        export,
        new Transmission(connection, export, sizeBytes, style, allocation ? ALLOCATION_ID : 0));
  }

  // ---------------------------------------------------------------- words

  /** A string with its length before it, or null when the lengths do not fit. */
  private static String prefixed(ByteBuffer in) {
    if (in.remaining() < 4) {
      return null;
    }
    long bytes = Integer.toUnsignedLong(in.getInt());
    return bytes > in.remaining() || bytes > Nbd.MAX_STRING_BYTES ? null : string(in, (int) bytes);
  }

  /** A string as the protocol has it; null when it is none. */
  private static String string(ByteBuffer in, int bytes) {
    ByteBuffer slice = in.slice(in.position(), bytes);
    in.position(in.position() + bytes);
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(slice).toString();
      return text.indexOf('\0') < 0 ? text : null;
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  /** A client's text, fit for a log and for an error message. */
  private static String printable(String text) {
    if (text == null) {
      return "?";
    }
    String shown = text.length() > 64 ? text.substring(0, 64) + "..." : text;
    return shown.replaceAll("\\p{Cntrl}", "?");
  }

  private void acknowledge() {
    answer(Nbd.REP_ACK, new byte[0]);
  }

  private void refuse(int error, String why) {
    answer(error, why.getBytes(StandardCharsets.UTF_8));
  }

  private void answer(int type, byte[] payload) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(REPLY_HEADER_BYTES + payload.length);
    ByteBuffer header = ByteBuffer.allocate(REPLY_HEADER_BYTES);
    header.putLong(Nbd.OPTION_REPLY_MAGIC).putInt(option).putInt(type).putInt(payload.length);
    out.writeBytes(header.array());
    out.writeBytes(payload);
    connection.reply(out.toByteArray());
  }
}
