package dev.tuff.iom.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.nbd.TlsSettings.ClientCertificate;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** TLS that ends or changes at a bad moment: nothing may stay behind, and nobody else may wait. */
@Timeout(60)
class TlsEndsTest {
  private static final int MIB = 1 << 20;
  private ServerRig rig;

  @BeforeEach
  void start() throws IOException {
    rig = new ServerRig(ServerRig.LIMITS, TlsTest.settings(true, ClientCertificate.NONE));
  }

  @AfterEach
  void stop() {
    rig.close();
  }

  /** A client that has each record in its hand. */
  private static final class Client implements AutoCloseable {
    private final WireClient wire;
    private final SSLEngine engine;
    private final ByteBuffer in = ByteBuffer.allocate(1 << 17);
    private final ByteBuffer out = ByteBuffer.allocate(1 << 17);
    private ByteBuffer content = ByteBuffer.allocate(1 << 17).flip();

    private Client(ServerRig rig, String version) throws Exception {
      wire = rig.connect().greet();
      assertThat(wire.optionType(Nbd.OPT_STARTTLS, new byte[0])).isEqualTo(Nbd.REP_ACK);
      engine = TlsTest.context(null).createSSLEngine();
      engine.setUseClientMode(true);
      engine.setEnabledProtocols(new String[] {version});
      engine.beginHandshake();
      while (engine.getHandshakeStatus() != HandshakeStatus.NOT_HANDSHAKING) {
        step();
      }
      send(WireClient.optionBytes(Nbd.OPT_GO, WireClient.infoData("v")));
      // Information about the export, and the acknowledgement.
      read(20 + 12 + 20);
    }

    private void step() throws IOException {
      switch (engine.getHandshakeStatus()) {
        case NEED_TASK -> engine.getDelegatedTask().run();
        case NEED_WRAP -> send(new byte[0]);
        default -> receive();
      }
    }

    private void receive() throws IOException {
      in.flip();
      ByteBuffer target = ByteBuffer.allocate(1 << 17);
      SSLEngineResult result = engine.unwrap(in, target);
      in.compact();
      if (result.getStatus() == SSLEngineResult.Status.BUFFER_UNDERFLOW) {
        if (wire.channel().read(in) < 0) {
          throw new SSLException("the server closed");
        }
      } else if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
        throw new SSLException("the server ended TLS");
      }
      content =
          ByteBuffer.allocate(content.remaining() + target.position())
              .put(content)
              .put(target.flip())
              .flip();
    }

    byte[] read(int count) throws IOException {
      while (content.remaining() < count) {
        if (engine.getHandshakeStatus() == HandshakeStatus.NOT_HANDSHAKING) {
          receive();
        } else {
          step();
        }
      }
      byte[] bytes = new byte[count];
      content.get(bytes);
      return bytes;
    }

    /** In records, or, of no bytes, whatever TLS has to say. */
    void send(byte[] bytes) throws SSLException {
      wire.send(records(bytes));
    }

    byte[] records(byte[] bytes) throws SSLException {
      ByteBuffer from = ByteBuffer.wrap(bytes);
      ByteBuffer all = ByteBuffer.allocate(bytes.length + bytes.length / 64 + 1024);
      do {
        engine.wrap(from, out);
        all.put(out.flip());
        out.clear();
      } while (from.hasRemaining());
      return Arrays.copyOf(all.array(), all.position());
    }

    /**
     * Several requests, hardened writes at the end, that are under way when the next byte comes.
     */
    byte[] writes() throws SSLException {
      ByteBuffer all = ByteBuffer.allocate(8 * (28 + 50_000));
      for (int i = 0; i < 8; i++) {
        all.put(wire.header(Nbd.CMD_FLAG_FUA, Nbd.CMD_WRITE, i, i * 70_000L, 50_000));
        all.position(all.position() + 50_000);
      }
      return records(all.array());
    }

    @Override
    public void close() {
      wire.close();
    }
  }

  private Client connect(String version) throws Exception {
    return new Client(rig, version);
  }

  private static byte[] together(byte[] one, byte[] two) {
    byte[] all = Arrays.copyOf(one, one.length + two.length);
    System.arraycopy(two, 0, all, one.length, two.length);
    return all;
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void aBadRecordBehindRequestsEndsIt(String version) throws Exception {
    try (Client client = connect(version)) {
      byte[] bad = new byte[5 + 200];
      System.arraycopy(new byte[] {23, 3, 3, 0, (byte) 200}, 0, bad, 0, 5);
      client.wire.send(together(client.writes(), bad));
      rig.awaitNoConnections();
    }
    assertThat(rig.log).anyMatch(line -> line.contains("TLS failed"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void anEndBehindRequestsEndsIt(String version) throws Exception {
    try (Client client = connect(version)) {
      byte[] writes = client.writes();
      client.engine.closeOutbound();
      client.wire.send(together(writes, client.records(new byte[0])));
      rig.awaitNoConnections();
    }
  }

  /**
   * Keys are changed while the output is full of replies that the client does not take yet: what
   * comes behind that waits, and is not lost.
   */
  @Test
  void aKeyUpdateWhileRepliesAreUnreadLosesNothing() throws Exception {
    byte[] data = new byte[MIB];
    new Random(9).nextBytes(data);
    try (Client client = connect("TLSv1.3");
        Client other = connect("TLSv1.3");
        Client third = connect("TLSv1.3")) {
      client.send(together(bytes(client.wire.header(0, Nbd.CMD_WRITE, 1, 0, data.length)), data));
      client.read(16);
      // More than the socket takes, and few enough that the server still listens.
      int reads = 2;
      for (int i = 0; i < reads; i++) {
        client.send(bytes(client.wire.header(0, Nbd.CMD_READ, i, 0, data.length)));
      }
      TimeUnit.MILLISECONDS.sleep(300);
      client.engine.beginHandshake();
      client.send(new byte[0]);
      // More than the server has room for before it decrypts it.
      byte[] more = new byte[100_000];
      client.send(
          together(bytes(client.wire.header(0, Nbd.CMD_WRITE, 7, 2 * MIB, more.length)), more));
      TimeUnit.MILLISECONDS.sleep(300);
      for (Client served : new Client[] {other, third}) {
        served.send(bytes(served.wire.header(0, Nbd.CMD_READ, 1, 0, 100)));
        assertThat(served.read(116)).endsWith(Arrays.copyOf(data, 100));
      }
      for (int i = 0; i < reads; i++) {
        byte[] reply = client.read(16 + data.length);
        assertThat(Arrays.equals(reply, 16, reply.length, data, 0, data.length)).isTrue();
      }
      ByteBuffer written = ByteBuffer.wrap(client.read(16));
      assertThat(written.getInt()).isEqualTo(Nbd.SIMPLE_REPLY_MAGIC);
      assertThat(written.getInt()).isZero();
      assertThat(written.getLong()).isEqualTo(7);
    }
  }

  /** A second handshake is refused at once: half done it would hold up the replies for good. */
  @Test
  void renegotiationIsRefused() throws Exception {
    try (Client client = connect("TLSv1.2")) {
      client.engine.beginHandshake();
      client.send(new byte[0]);
      client.send(bytes(client.wire.header(0, Nbd.CMD_FLUSH, 1, 0, 0)));
      rig.awaitNoConnections();
    }
    assertThat(rig.log).anyMatch(line -> line.contains("renegotiation is not allowed"));
    try (WireClient plain = rig.connect()) {
      plain.greet();
      assertThat(plain.optionType(Nbd.OPT_LIST, new byte[0])).isEqualTo(Nbd.REP_ERR_TLS_REQD);
    }
  }

  /**
   * Records that are spoilt or cut, for a bounded time; a client who was there before is served.
   */
  @Test
  void spoiltRecordsHarmNobody() throws Exception {
    long first = Long.getLong("dev.tuff.seed", System.nanoTime());
    System.out.println("TlsEndsTest: again with -Ddev.tuff.seed=" + first);
    try (Client witness = connect("TLSv1.3")) {
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(4);
      for (long seed = first; System.nanoTime() < end; seed++) {
        Random random = new Random(seed);
        try (Client client = connect(random.nextBoolean() ? "TLSv1.2" : "TLSv1.3")) {
          spoil(client, random);
        } catch (UncheckedIOException e) {
          assertThat(e.getMessage()).containsAnyOf("reset", "Broken pipe");
        } catch (AssertionError e) {
          throw new AssertionError("again with -Ddev.tuff.seed=" + seed, e);
        }
        witness.send(bytes(witness.wire.header(0, Nbd.CMD_READ, 1, 0, 100)));
        assertThat(witness.read(116)).hasSize(116);
      }
      rig.awaitConnections(1);
    }
    rig.awaitNoConnections();
  }

  private static void spoil(Client client, Random random) throws IOException {
    byte[] records = client.writes();
    if (random.nextBoolean()) {
      client.engine.closeOutbound();
      records = together(records, client.records(new byte[0]));
    }
    for (int i = random.nextInt(3); i > 0; i--) {
      records[random.nextInt(records.length)] ^= (byte) (1 << random.nextInt(8));
    }
    int length = random.nextBoolean() ? records.length : random.nextInt(records.length);
    client.wire.send(Arrays.copyOf(records, length));
    if (random.nextBoolean()) {
      client.wire.channel().shutdownOutput();
      client.wire.readToEnd();
    }
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }
}
