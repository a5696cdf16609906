package dev.tuff.iom.nbd;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * How a server does TLS: its certificate, whom it trusts, and whether it serves without. Versions
 * 1.2 and 1.3. Immutable.
 */
public final class TlsSettings {
  /** What is asked of clients beside the handshake. */
  public enum ClientCertificate {
    NONE,
    /** One that is shown must be trusted. */
    OPTIONAL,
    REQUIRED
  }

  static {
    // Nothing of this server needs a second handshake, and a client that begins one and does not go
    // on would hold up its replies. Read once by the JDK, with its first handshake as a server.
    System.setProperty("jdk.tls.rejectClientInitiatedRenegotiation", "true");
  }

  private static final Pattern PEM =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \\1-----");

  private final SSLContext context;
  private final boolean required;
  private final ClientCertificate clients;

  private TlsSettings(SSLContext context, boolean required, ClientCertificate clients) {
    this.context = context;
    this.required = required;
    this.clients = clients;
  }

  /**
   * Reads PEM files.
   *
   * @param certificate the server's certificate, with those that lead to its root behind it
   * @param key its private key, not encrypted
   * @param authorities whose signatures on clients' certificates are trusted; null when clients are
   *     not asked for one
   * @param required whether nothing is served without TLS
   * @throws IOException with one sentence that says which file is wrong and why
   */
  public static TlsSettings of(
      Path certificate, Path key, Path authorities, boolean required, ClientCertificate clients)
      throws IOException {
    if (clients != ClientCertificate.NONE && authorities == null) {
      throw new IllegalArgumentException("client certificates need someone to trust");
    }
    try {
      Certificate[] chain = certificates(certificate).toArray(new Certificate[0]);
      KeyStore own = KeyStore.getInstance("PKCS12");
      own.load(null, null);
      PrivateKey privateKey = privateKey(key, chain[0]);
      requireMatch(certificate, chain[0], key, privateKey);
      own.setKeyEntry("server", privateKey, new char[0], chain);
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(own, new char[0]);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys.getKeyManagers(), authorities == null ? null : trust(authorities), null);
      return new TlsSettings(context, required, clients);
    } catch (GeneralSecurityException e) {
      throw new IOException(
          "certificate " + certificate + " and key " + key + " can't be used: " + e.getMessage(),
          e);
    }
  }

  /** What the key signs the certificate's key must confirm. */
  private static void requireMatch(
      Path certificateFile, Certificate certificate, Path keyFile, PrivateKey key)
      throws IOException, GeneralSecurityException {
    String wanted = certificate.getPublicKey().getAlgorithm();
    boolean same = wanted.equals(key.getAlgorithm());
    if (same && (wanted.equals("RSA") || wanted.equals("EC"))) {
      String algorithm = wanted.equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA";
      byte[] anything = {1, 2, 3};
      Signature signing = Signature.getInstance(algorithm);
      signing.initSign(key);
      signing.update(anything);
      Signature verifying = Signature.getInstance(algorithm);
      verifying.initVerify(certificate);
      verifying.update(anything);
      same = verifying.verify(signing.sign());
    }
    if (!same) {
      throw new IOException(
          keyFile
              + " has an "
              + key.getAlgorithm()
              + " key that is not the one of the "
              + wanted
              + " certificate in "
              + certificateFile
              + "; give the key that the certificate was made for");
    }
  }

  private static TrustManager[] trust(Path authorities)
      throws IOException, GeneralSecurityException {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    int count = 0;
    for (Certificate authority : certificates(authorities)) {
      trusted.setCertificateEntry("authority-" + count++, authority);
    }
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(trusted);
    TrustManager[] managers = factory.getTrustManagers();
    for (int i = 0; i < managers.length; i++) {
      if (managers[i] instanceof X509ExtendedTrustManager trust) {
        managers[i] = new SilentTrust(trust);
      }
    }
    return managers;
  }

  private static Collection<? extends Certificate> certificates(Path file) throws IOException {
    try (var in = Files.newInputStream(file)) {
      Collection<? extends Certificate> found =
          CertificateFactory.getInstance("X.509").generateCertificates(in);
      if (found.isEmpty()) {
        throw new IOException(file + " has no certificate; give a PEM file with one");
      }
      return found;
    } catch (CertificateException e) {
      throw new IOException(file + " is no PEM file of certificates: " + e.getMessage(), e);
    }
  }

  private static PrivateKey privateKey(Path file, Certificate certificate)
      throws IOException, GeneralSecurityException {
    Matcher matcher =
        PEM.matcher(Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1));
    while (matcher.find()) {
      String kind = matcher.group(1);
      byte[] der;
      try {
        der = Base64.getMimeDecoder().decode(matcher.group(2));
      } catch (IllegalArgumentException e) {
        throw new IOException(file + " is no PEM file of a private key", e);
      }
      String algorithm = certificate.getPublicKey().getAlgorithm();
      try {
        if (kind.equals("PRIVATE KEY")) {
          return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
        }
        if (kind.equals("RSA PRIVATE KEY")) {
          return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(pkcs8(der)));
        }
      } catch (InvalidKeySpecException e) {
        throw new IOException(
            file + " has a private key that does not fit the certificate's, which is " + algorithm,
            e);
      }
      if (kind.endsWith("PRIVATE KEY")) {
        throw new IOException(
            file
                + " has a private key as '"
                + kind
                + "'; write it as an unencrypted PKCS #8 key with: openssl pkcs8 -topk8 -nocrypt");
      }
    }
    throw new IOException(file + " has no private key; give a PEM file with one");
  }

  /** The older form of an RSA key in the newer one's envelope. */
  private static byte[] pkcs8(byte[] rsa) {
    byte[] algorithm = {
      0x30, 0x0d, 0x06, 0x09, 0x2a, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xf7, 0x0d, 1, 1, 1, 5, 0
    };
    byte[] octets = tagged(0x04, rsa);
    byte[] version = {0x02, 0x01, 0x00};
    byte[] body = Arrays.copyOf(version, version.length + algorithm.length + octets.length);
    System.arraycopy(algorithm, 0, body, version.length, algorithm.length);
    System.arraycopy(octets, 0, body, version.length + algorithm.length, octets.length);
    return tagged(0x30, body);
  }

  private static byte[] tagged(int tag, byte[] content) {
    byte[] all = new byte[content.length + 4];
    all[0] = (byte) tag;
    all[1] = (byte) 0x82;
    all[2] = (byte) (content.length >> 8);
    all[3] = (byte) content.length;
    System.arraycopy(content, 0, all, 4, content.length);
    return all;
  }

  boolean required() {
    return required;
  }

  SSLEngine engine() {
    SSLEngine engine = context.createSSLEngine();
    engine.setUseClientMode(false);
    engine.setEnabledProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
    switch (clients) {
      case NONE -> {}
      case OPTIONAL -> engine.setWantClientAuth(true);
      case REQUIRED -> engine.setNeedClientAuth(true);
    }
    return engine;
  }
}
