package dev.tuff.iom.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.iom.nbd.TlsSettings.ClientCertificate;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Random;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** STARTTLS, byte by byte, with the JDK's TLS as the client. */
@Timeout(60)
class TlsTest {
  private static final byte[] NONE = {};

  private static Path pem(String name) {
    try {
      return Path.of(TlsTest.class.getResource(name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  static TlsSettings settings(boolean required, ClientCertificate clients) throws IOException {
    Path authorities = clients == ClientCertificate.NONE ? null : pem("ca.pem");
    return TlsSettings.of(pem("server.pem"), pem("server.key"), authorities, required, clients);
  }

  // ---------------------------------------------------------------- a client

  /** Plain at first, TLS after {@link #secure}. */
  private static final class Client implements AutoCloseable {
    private Socket socket;
    private DataInputStream in;
    private OutputStream out;

    Client(ServerRig rig) throws IOException {
      socket = new Socket(rig.tcp.getAddress(), rig.tcp.getPort());
      in = new DataInputStream(socket.getInputStream());
      out = socket.getOutputStream();
    }

    Client greet() throws IOException {
      in.readFully(new byte[18]);
      out.write(new byte[] {0, 0, 0, 3});
      return this;
    }

    int option(int option, byte[] data) throws IOException {
      out.write(WireClient.optionBytes(option, data));
      return answer();
    }

    /** The last reply's type. */
    int answer() throws IOException {
      while (true) {
        assertThat(in.readLong()).isEqualTo(Nbd.OPTION_REPLY_MAGIC);
        in.readInt();
        int type = in.readInt();
        in.readFully(new byte[in.readInt()]);
        if (type == Nbd.REP_ACK || type < 0) {
          return type;
        }
      }
    }

    Client secure(String version, String certificate) throws Exception {
      SSLSocket secured =
          (SSLSocket)
              context(certificate)
                  .getSocketFactory()
                  .createSocket(socket, "localhost", socket.getPort(), true);
      secured.setEnabledProtocols(new String[] {version});
      secured.startHandshake();
      socket = secured;
      in = new DataInputStream(secured.getInputStream());
      out = secured.getOutputStream();
      return this;
    }

    void write(long offset, byte[] data) throws IOException {
      ByteBuffer header = ByteBuffer.allocate(28 + data.length);
      header.putInt(Nbd.REQUEST_MAGIC).putShort((short) 0).putShort((short) Nbd.CMD_WRITE);
      header.putLong(1).putLong(offset).putInt(data.length).put(data);
      out.write(header.array());
      assertThat(in.readInt()).isEqualTo(Nbd.SIMPLE_REPLY_MAGIC);
      assertThat(in.readInt()).isZero();
      in.readLong();
    }

    byte[] read(long offset, int length) throws IOException {
      ByteBuffer header = ByteBuffer.allocate(28);
      header.putInt(Nbd.REQUEST_MAGIC).putShort((short) 0).putShort((short) Nbd.CMD_READ);
      out.write(header.putLong(2).putLong(offset).putInt(length).array());
      assertThat(in.readInt()).isEqualTo(Nbd.SIMPLE_REPLY_MAGIC);
      assertThat(in.readInt()).isZero();
      in.readLong();
      byte[] data = new byte[length];
      in.readFully(data);
      return data;
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  static SSLContext context(String certificate) throws Exception {
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    KeyStore trust = KeyStore.getInstance("PKCS12");
    trust.load(null, null);
    try (InputStream ca = Files.newInputStream(pem("ca.pem"))) {
      trust.setCertificateEntry("ca", factory.generateCertificate(ca));
    }
    TrustManagerFactory trusting = TrustManagerFactory.getInstance("PKIX");
    trusting.init(trust);
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    KeyStore own = KeyStore.getInstance("PKCS12");
    own.load(null, null);
    if (certificate != null) {
      String text = Files.readString(pem(certificate + ".key"));
      byte[] der = Base64.getMimeDecoder().decode(text.replaceAll("-----[^-]+-----", ""));
      Certificate shown =
          factory.generateCertificate(
              new ByteArrayInputStream(Files.readAllBytes(pem(certificate + ".pem"))));
      own.setKeyEntry(
          "own",
          KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(der)),
          new char[0],
          new Certificate[] {shown});
    }
    keys.init(own, new char[0]);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trusting.getTrustManagers(), null);
    return context;
  }

  // ---------------------------------------------------------------- serving

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void servesOverTls(String version) throws Exception {
    try (ServerRig rig = new ServerRig(ServerRig.LIMITS, settings(true, ClientCertificate.NONE));
        Client client = new Client(rig)) {
      client.greet();
      assertThat(client.option(Nbd.OPT_STARTTLS, NONE)).isEqualTo(Nbd.REP_ACK);
      client.secure(version, null);
      assertThat(client.option(Nbd.OPT_STARTTLS, NONE)).isEqualTo(Nbd.REP_ERR_INVALID);
      assertThat(client.option(Nbd.OPT_GO, WireClient.infoData("v"))).isEqualTo(Nbd.REP_ACK);
      byte[] data = new byte[5 << 20];
      new Random(1).nextBytes(data);
      client.write(77, data);
      assertThat(client.read(77, data.length)).isEqualTo(data);
      for (int i = 0; i < 100; i++) {
        assertThat(client.read(77 + i * 1000L, 1000))
            .isEqualTo(Arrays.copyOfRange(data, i * 1000, i * 1000 + 1000));
      }
      assertThat(rig.server.connections().getFirst().tls()).isTrue();
    }
  }

  @Test
  void requiredMeansThatNothingIsSaidBefore() throws Exception {
    try (ServerRig rig = new ServerRig(ServerRig.LIMITS, settings(true, ClientCertificate.NONE))) {
      try (Client client = new Client(rig)) {
        client.greet();
        for (int option : new int[] {3, 6, 7, 8, 9, 10, 11, 99}) {
          assertThat(client.option(option, NONE)).isEqualTo(Nbd.REP_ERR_TLS_REQD);
        }
        assertThat(client.option(99, new byte[70_000])).isEqualTo(Nbd.REP_ERR_TLS_REQD);
        assertThat(client.option(Nbd.OPT_STARTTLS, new byte[1])).isEqualTo(Nbd.REP_ERR_INVALID);
        client.out.write(
            WireClient.optionBytes(Nbd.OPT_EXPORT_NAME, "v".getBytes(StandardCharsets.US_ASCII)));
        assertThat(client.in.read()).isEqualTo(-1);
      }
      try (Client client = new Client(rig)) {
        client.greet();
        assertThat(client.option(Nbd.OPT_ABORT, NONE)).isEqualTo(Nbd.REP_ACK);
      }
    }
  }

  @Test
  void optionalMeansBoth() throws Exception {
    try (ServerRig rig = new ServerRig(ServerRig.LIMITS, settings(false, ClientCertificate.NONE));
        Client plain = new Client(rig);
        Client secured = new Client(rig)) {
      plain.greet();
      assertThat(plain.option(Nbd.OPT_GO, WireClient.infoData("v"))).isEqualTo(Nbd.REP_ACK);
      secured.greet();
      assertThat(secured.option(Nbd.OPT_STARTTLS, NONE)).isEqualTo(Nbd.REP_ACK);
      secured.secure("TLSv1.3", null);
      assertThat(secured.option(Nbd.OPT_GO, WireClient.infoData("v"))).isEqualTo(Nbd.REP_ACK);
      secured.write(0, new byte[] {1, 2, 3});
      assertThat(plain.read(0, 3)).isEqualTo(new byte[] {1, 2, 3});
    }
  }

  /** What was negotiated in the open, and what was pushed in behind STARTTLS, is forgotten. */
  @Test
  void nothingOfThePlainStageIsBelieved() throws Exception {
    try (ServerRig rig = new ServerRig(ServerRig.LIMITS, settings(false, ClientCertificate.NONE));
        Client client = new Client(rig)) {
      client.greet();
      assertThat(client.option(Nbd.OPT_STRUCTURED_REPLY, NONE)).isEqualTo(Nbd.REP_ACK);
      assertThat(
              client.option(Nbd.OPT_SET_META_CONTEXT, WireClient.metaData("v", "base:allocation")))
          .isEqualTo(Nbd.REP_ACK);
      ByteArrayOutputStream injected = new ByteArrayOutputStream();
      injected.writeBytes(WireClient.optionBytes(Nbd.OPT_STARTTLS, NONE));
      injected.writeBytes(WireClient.optionBytes(Nbd.OPT_STRUCTURED_REPLY, NONE));
      injected.writeBytes(WireClient.optionBytes(Nbd.OPT_GO, WireClient.infoData("v")));
      client.out.write(injected.toByteArray());
      assertThat(client.answer()).isEqualTo(Nbd.REP_ACK);
      client.secure("TLSv1.3", null);
      // Structured replies are needed for this, and are not there any more.
      assertThat(
              client.option(Nbd.OPT_SET_META_CONTEXT, WireClient.metaData("v", "base:allocation")))
          .isEqualTo(Nbd.REP_ERR_INVALID);
      assertThat(client.option(Nbd.OPT_GO, WireClient.infoData("v"))).isEqualTo(Nbd.REP_ACK);
      assertThat(client.read(0, 10)).hasSize(10);
    }
  }

  // ---------------------------------------------------------------- client certificates

  private static int goWith(ServerRig rig, String certificate) throws Exception {
    try (Client client = new Client(rig)) {
      client.greet();
      assertThat(client.option(Nbd.OPT_STARTTLS, NONE)).isEqualTo(Nbd.REP_ACK);
      client.secure("TLSv1.3", certificate);
      return client.option(Nbd.OPT_GO, WireClient.infoData("v"));
    }
  }

  @Test
  void clientCertificates() throws Exception {
    try (ServerRig rig =
        new ServerRig(ServerRig.LIMITS, settings(true, ClientCertificate.REQUIRED))) {
      assertThat(goWith(rig, "client")).isEqualTo(Nbd.REP_ACK);
      assertThatThrownBy(() -> goWith(rig, null)).isInstanceOf(IOException.class);
      assertThatThrownBy(() -> goWith(rig, "stranger")).isInstanceOf(IOException.class);
      rig.awaitNoConnections();
      assertThat(rig.log).filteredOn(line -> line.contains("TLS failed")).hasSize(2);
    }
    try (ServerRig rig =
        new ServerRig(ServerRig.LIMITS, settings(true, ClientCertificate.OPTIONAL))) {
      assertThat(goWith(rig, "client")).isEqualTo(Nbd.REP_ACK);
      assertThat(goWith(rig, null)).isEqualTo(Nbd.REP_ACK);
      // One that is shown must be trusted all the same.
      assertThatThrownBy(() -> goWith(rig, "stranger")).isInstanceOf(IOException.class);
    }
  }

  @Test
  void garbageInsteadOfAHandshakeEndsIt() throws Exception {
    try (ServerRig rig = new ServerRig(ServerRig.LIMITS, settings(true, ClientCertificate.NONE))) {
      Random random = new Random(7);
      for (int i = 0; i < 30; i++) {
        try (Client client = new Client(rig)) {
          client.greet();
          assertThat(client.option(Nbd.OPT_STARTTLS, NONE)).isEqualTo(Nbd.REP_ACK);
          byte[] garbage = new byte[1 + random.nextInt(40_000)];
          random.nextBytes(garbage);
          if (i % 2 == 0) {
            // Looks like a handshake record at first.
            System.arraycopy(new byte[] {22, 3, 1}, 0, garbage, 0, Math.min(3, garbage.length));
          }
          client.out.write(garbage);
        } catch (SSLException | java.net.SocketException e) {
          // Broken off while it still spoke.
          assertThat(e.getMessage()).containsAnyOf("reset", "Broken pipe", "closed", "aborted");
        }
      }
      rig.awaitNoConnections();
      assertThat(goWith(rig, null)).isEqualTo(Nbd.REP_ACK);
    }
  }

  // ---------------------------------------------------------------- files

  @Test
  void filesThatDoNotFitAreRefusedWithASentence(@TempDir Path folder) throws Exception {
    TlsSettings.of(pem("rsa.pem"), pem("rsa.key"), null, true, ClientCertificate.NONE);
    assertThatThrownBy(
            () ->
                TlsSettings.of(
                    pem("server.key"), pem("server.key"), null, true, ClientCertificate.NONE))
        .isInstanceOf(IOException.class);
    assertThatThrownBy(
            () ->
                TlsSettings.of(
                    pem("server.pem"), pem("server.pem"), null, true, ClientCertificate.NONE))
        .hasMessageContaining("has no private key");
    assertThatThrownBy(
            () ->
                TlsSettings.of(
                    pem("server.pem"), pem("rsa.key"), null, true, ClientCertificate.NONE))
        .hasMessageContaining("RSA key");
    Path sec1 = folder.resolve("ec.key");
    Files.writeString(sec1, "-----BEGIN EC PRIVATE KEY-----\nMA==\n-----END EC PRIVATE KEY-----\n");
    assertThatThrownBy(
            () -> TlsSettings.of(pem("server.pem"), sec1, null, true, ClientCertificate.NONE))
        .hasMessageContaining("openssl pkcs8 -topk8");
  }
}
