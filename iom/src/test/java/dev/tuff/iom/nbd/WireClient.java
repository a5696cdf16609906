package dev.tuff.iom.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A client that says exactly what a test wants said, right or wrong, and takes replies apart. */
final class WireClient implements AutoCloseable {
  /** A reply to an option. */
  @SuppressWarnings("ArrayRecordComponent") // never compared, only taken apart
  record OptionReply(int option, int type, byte[] data) {
    String text() {
      return new String(data, StandardCharsets.UTF_8);
    }

    ByteBuffer in() {
      return ByteBuffer.wrap(data);
    }
  }

  /** Any reply in transmission: simple (magic 0x67446698) or a chunk. */
  @SuppressWarnings("ArrayRecordComponent") // never compared, only taken apart
  record Chunk(int magic, int flags, int type, int error, long cookie, long offset, byte[] data) {
    boolean done() {
      return magic == Nbd.SIMPLE_REPLY_MAGIC || (flags & Nbd.REPLY_FLAG_DONE) != 0;
    }

    ByteBuffer in() {
      return ByteBuffer.wrap(data);
    }

    /** The error of a simple reply or an error chunk. */
    int errorCode() {
      if (magic == Nbd.SIMPLE_REPLY_MAGIC) {
        return error;
      }
      return (type & 1 << 15) == 0 ? 0 : in().getInt();
    }
  }

  static final List<Transmission.Style> STYLES = List.of(Transmission.Style.values());

  private final SocketChannel channel;
  private Transmission.Style style = Transmission.Style.SIMPLE;
  private long cookies = 0x1122334455667788L;
  long exportSize;
  int exportFlags;

  private WireClient(SocketChannel channel) {
    this.channel = channel;
  }

  static WireClient connect(Path socket) {
    try {
      SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
      channel.connect(UnixDomainSocketAddress.of(socket));
      return new WireClient(channel);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static WireClient connect(SocketAddress address) {
    try {
      return new WireClient(SocketChannel.open(address));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  SocketChannel channel() {
    return channel;
  }

  // ---------------------------------------------------------------- bytes

  WireClient send(byte[] bytes) {
    return send(ByteBuffer.wrap(bytes));
  }

  WireClient send(ByteBuffer bytes) {
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  ByteBuffer read(int count) {
    ByteBuffer in = ByteBuffer.allocate(count);
    try {
      while (in.hasRemaining()) {
        if (channel.read(in) < 0) {
          throw new AssertionError("the server closed after " + in.position() + " of " + count);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return in.flip();
  }

  /** Whatever comes until the end of the stream, or until the connection is reset. */
  byte[] readToEnd() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    ByteBuffer in = ByteBuffer.allocate(1 << 16);
    try {
      while (channel.read(in) >= 0) {
        all.write(in.array(), 0, in.position());
        in.clear();
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("reset");
    }
    return all.toByteArray();
  }

  /** Waits for the end of the stream; whatever comes before it fails the test. */
  void expectEnd() {
    try {
      ByteBuffer more = ByteBuffer.allocate(64);
      int count = channel.read(more);
      assertThat(count).as("bytes where the end was expected").isEqualTo(-1);
    } catch (IOException e) {
      // Reset: as much an end.
      assertThat(e).hasMessageContaining("reset");
    }
  }

  // ---------------------------------------------------------------- negotiation

  /** Reads the greeting, answers with flags. */
  WireClient greet(int clientFlags) {
    ByteBuffer greeting = read(18);
    assertThat(greeting.getLong()).isEqualTo(Nbd.MAGIC);
    assertThat(greeting.getLong()).isEqualTo(Nbd.OPTION_MAGIC);
    assertThat(greeting.getShort())
        .isEqualTo((short) (Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES));
    return send(ByteBuffer.allocate(4).putInt(clientFlags).array());
  }

  WireClient greet() {
    return greet(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES);
  }

  static byte[] optionBytes(int option, byte[] data) {
    return ByteBuffer.allocate(16 + data.length)
        .putLong(Nbd.OPTION_MAGIC)
        .putInt(option)
        .putInt(data.length)
        .put(data)
        .array();
  }

  WireClient sendOption(int option, byte[] data) {
    return send(optionBytes(option, data));
  }

  OptionReply optionReply() {
    ByteBuffer header = read(20);
    assertThat(header.getLong()).isEqualTo(Nbd.OPTION_REPLY_MAGIC);
    int option = header.getInt();
    int type = header.getInt();
    return new OptionReply(option, type, read(header.getInt()).array());
  }

  /** Sends an option and reads its replies up to the last. */
  List<OptionReply> option(int option, byte[] data) {
    sendOption(option, data);
    List<OptionReply> replies = new ArrayList<>();
    do {
      replies.add(optionReply());
      assertThat(replies.getLast().option()).isEqualTo(option);
    } while (replies.getLast().type() != Nbd.REP_ACK && replies.getLast().type() > 0);
    return replies;
  }

  /** Sends an option that has one reply, and returns its type. */
  int optionType(int option, byte[] data) {
    List<OptionReply> replies = option(option, data);
    return replies.getLast().type();
  }

  static byte[] infoData(String name, int... kinds) {
    byte[] text = name.getBytes(StandardCharsets.UTF_8);
    ByteBuffer data = ByteBuffer.allocate(4 + text.length + 2 + 2 * kinds.length);
    data.putInt(text.length).put(text).putShort((short) kinds.length);
    for (int kind : kinds) {
      data.putShort((short) kind);
    }
    return data.array();
  }

  static byte[] metaData(String name, String... queries) {
    int size = 8 + name.getBytes(StandardCharsets.UTF_8).length;
    for (String query : queries) {
      size += 4 + query.getBytes(StandardCharsets.UTF_8).length;
    }
    ByteBuffer data = ByteBuffer.allocate(size);
    data.putInt(name.getBytes(StandardCharsets.UTF_8).length);
    data.put(name.getBytes(StandardCharsets.UTF_8)).putInt(queries.length);
    for (String query : queries) {
      data.putInt(query.getBytes(StandardCharsets.UTF_8).length);
      data.put(query.getBytes(StandardCharsets.UTF_8));
    }
    return data.array();
  }

  /** Negotiates up to transmission; base:allocation is chosen where replies can carry it. */
  WireClient go(String name, Transmission.Style newStyle) {
    style = newStyle;
    greet();
    switch (style) {
      case SIMPLE -> {}
      case STRUCTURED ->
          assertThat(optionType(Nbd.OPT_STRUCTURED_REPLY, new byte[0])).isEqualTo(Nbd.REP_ACK);
      case EXTENDED ->
          assertThat(optionType(Nbd.OPT_EXTENDED_HEADERS, new byte[0])).isEqualTo(Nbd.REP_ACK);
    }
    if (style != Transmission.Style.SIMPLE) {
      assertThat(option(Nbd.OPT_SET_META_CONTEXT, metaData(name, "base:allocation"))).hasSize(2);
    }
    return enter(name);
  }

  /** GO, and its replies. */
  WireClient enter(String name) {
    List<OptionReply> replies = option(Nbd.OPT_GO, infoData(name));
    assertThat(replies.getLast().type()).isEqualTo(Nbd.REP_ACK);
    ByteBuffer info = replies.getFirst().in();
    assertThat(info.getShort()).isEqualTo((short) Nbd.INFO_EXPORT);
    exportSize = info.getLong();
    exportFlags = Short.toUnsignedInt(info.getShort());
    return this;
  }

  void style(Transmission.Style newStyle) {
    style = newStyle;
  }

  // ---------------------------------------------------------------- transmission

  ByteBuffer header(int flags, int command, long cookie, long offset, long length) {
    boolean extended = style == Transmission.Style.EXTENDED;
    ByteBuffer header = ByteBuffer.allocate(extended ? 32 : 28);
    header.putInt(extended ? Nbd.EXTENDED_REQUEST_MAGIC : Nbd.REQUEST_MAGIC);
    header.putShort((short) flags).putShort((short) command).putLong(cookie).putLong(offset);
    if (extended) {
      header.putLong(length);
    } else {
      header.putInt((int) length);
    }
    return header.flip();
  }

  byte[] headerBytes(int flags, int command, long cookie, long offset, long length) {
    ByteBuffer header = header(flags, command, cookie, offset, length);
    byte[] bytes = new byte[header.remaining()];
    header.get(bytes);
    return bytes;
  }

  /** Sends a request and returns its cookie. */
  long request(int flags, int command, long offset, long length) {
    long cookie = cookies++;
    send(header(flags, command, cookie, offset, length));
    return cookie;
  }

  long request(int flags, long offset, byte[] payload) {
    long cookie = cookies++;
    int extra = style == Transmission.Style.EXTENDED ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0;
    send(header(flags | extra, Nbd.CMD_WRITE, cookie, offset, payload.length));
    send(payload);
    return cookie;
  }

  /** Reads one reply; {@code readBytes} follow a simple reply without error. */
  Chunk chunk(int readBytes) {
    int magic = read(4).getInt();
    if (magic == Nbd.SIMPLE_REPLY_MAGIC) {
      assertThat(style).isNotEqualTo(Transmission.Style.EXTENDED);
      ByteBuffer rest = read(12);
      int error = rest.getInt();
      long cookie = rest.getLong();
      byte[] data = error == 0 ? read(readBytes).array() : new byte[0];
      return new Chunk(magic, 0, 0, error, cookie, 0, data);
    }
    boolean extended = style == Transmission.Style.EXTENDED;
    assertThat(magic).isEqualTo(extended ? Nbd.EXTENDED_REPLY_MAGIC : Nbd.STRUCTURED_REPLY_MAGIC);
    ByteBuffer rest = read(extended ? 28 : 16);
    int flags = Short.toUnsignedInt(rest.getShort());
    int type = Short.toUnsignedInt(rest.getShort());
    long cookie = rest.getLong();
    long offset = extended ? rest.getLong() : 0;
    long length = extended ? rest.getLong() : rest.getInt();
    return new Chunk(magic, flags, type, 0, cookie, offset, read((int) length).array());
  }

  /** Reads replies up to the end of the request with that cookie; no other may come. */
  List<Chunk> replies(long cookie, int readBytes) {
    List<Chunk> all = new ArrayList<>();
    do {
      Chunk next = chunk(readBytes);
      assertThat(next.cookie()).isEqualTo(cookie);
      all.add(next);
    } while (!all.getLast().done());
    return all;
  }

  /** Does a request without data and returns its error. */
  int call(int flags, int command, long offset, long length) {
    return replies(request(flags, command, offset, length), 0).getLast().errorCode();
  }

  int write(int flags, long offset, byte[] payload) {
    return replies(request(flags, offset, payload), 0).getLast().errorCode();
  }

  /** Reads; every byte must come exactly once. */
  byte[] readData(int flags, long offset, int length) {
    long cookie = request(flags, Nbd.CMD_READ, offset, length);
    byte[] data = new byte[length];
    boolean[] seen = new boolean[length];
    int left = length;
    for (Chunk chunk : replies(cookie, length)) {
      assertThat(chunk.errorCode()).isZero();
      if (chunk.magic() == Nbd.SIMPLE_REPLY_MAGIC) {
        return chunk.data();
      }
      if (chunk.type() == Nbd.REPLY_TYPE_NONE) {
        assertThat(chunk.data()).isEmpty();
        continue;
      }
      assertThat(chunk.type()).isEqualTo(Nbd.REPLY_TYPE_OFFSET_DATA);
      ByteBuffer in = chunk.in();
      int at = (int) (in.getLong() - offset);
      int count = in.remaining();
      in.get(data, at, count);
      for (int i = at; i < at + count; i++) {
        assertThat(seen[i]).isFalse();
        seen[i] = true;
      }
      left -= count;
    }
    assertThat(left).as("bytes that did not come").isZero();
    return data;
  }

  /** The error of a read. */
  int readError(int flags, long offset, long length) {
    return replies(request(flags, Nbd.CMD_READ, offset, length), 0).getLast().errorCode();
  }

  /** DISC, and the end. */
  void disconnect() {
    request(0, Nbd.CMD_DISC, 0, 0);
    expectEnd();
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
