package dev.tuff.iom.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.AssembleOptions;
import dev.tuff.iom.array.FormatOptions;
import dev.tuff.iom.array.VolumeSpec;
import dev.tuff.iom.volume.Toughness;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * A real server on a real array of image files, 2+1, two shards: exports {@code v} (24 MiB), {@code
 * ro} (the same volume, read-only), {@code one} (1 MiB, one client), and {@code odd}, whose size is
 * no multiple of a block.
 */
final class ServerRig implements AutoCloseable {
  static final long V_BYTES = 24 << 20;
  static final long ODD_BYTES = (1 << 20) + 512;
  static final int MAX_CONNECTIONS = 20;

  /** Short, so that tests of time limits are short. */
  static final ServerLimits LIMITS = new ServerLimits(MAX_CONNECTIONS, 16L << 20, 3, 3, 1);

  private final Path folder;
  final Array array;
  final Exports exports = new Exports();
  final NbdServer server;
  final Path socket;
  final InetSocketAddress tcp;
  final List<String> log = new CopyOnWriteArrayList<>();

  ServerRig() {
    this(LIMITS, null);
  }

  ServerRig(ServerLimits limits, TlsSettings tls) {
    try {
      Files.createDirectories(Path.of("target"));
      folder = Files.createTempDirectory(Path.of("target"), "nbd");
      List<Path> drives = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        Path drive = folder.resolve("d" + i);
        try (RandomAccessFile file = new RandomAccessFile(drive.toFile(), "rw")) {
          file.setLength(64 << 20);
        }
        drives.add(drive.toAbsolutePath());
      }
      Array.format(drives, new FormatOptions(2, 1, 0, false));
      array =
          Array.assemble(drives, new AssembleOptions(2, false, false).withServerBytes(16L << 20));
      array.createVolume(new VolumeSpec("v", V_BYTES, 2, 1, 65536, Toughness.TAKEN));
      array.createVolume(new VolumeSpec("one", 1 << 20, 2, 1, 65536, Toughness.HARDENED));
      array.createVolume(new VolumeSpec("odd", ODD_BYTES, 2, 1, 65536, Toughness.NONE));
      exports.add(new Export("v", "a volume", array.volume("v"), false, 0));
      exports.add(new Export("ro", "", array.volume("v"), true, 0));
      exports.add(new Export("one", "", array.volume("one"), false, 1));
      exports.add(new Export("odd", "", array.volume("odd"), false, 0));
      server = array.serve(exports, limits, tls, log::add);
      socket = folder.resolve("s");
      server.listen(socket);
      InetAddress here = InetAddress.ofLiteral("127.0.0.1");
      tcp = new InetSocketAddress(here, server.listen(new InetSocketAddress(here, 0)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  WireClient connect() {
    return WireClient.connect(socket);
  }

  WireClient go(String export, Transmission.Style style) {
    return connect().go(export, style);
  }

  /** A client whose connection lives on that shard. */
  WireClient goOn(int shard, String export, Transmission.Style style) {
    List<WireClient> elsewhere = new ArrayList<>();
    WireClient client = go(export, style);
    while (server.connections().getLast().shard() != shard) {
      // It stays until the other shard has fewer.
      elsewhere.add(client);
      client = go(export, style);
    }
    for (WireClient other : elsewhere) {
      other.disconnect();
      other.close();
    }
    return client;
  }

  /** Waits until the clients that are connected have written so many bytes. */
  void awaitWritten(long bytes) {
    await(
        () -> server.connections().stream().mapToLong(ConnectionInfo::writtenBytes).sum() >= bytes,
        bytes + " bytes are not written");
  }

  private static void await(BooleanSupplier condition, String otherwise) {
    long deadline = System.nanoTime() + 10_000_000_000L;
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(otherwise).isLessThan(deadline);
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** Spoils every block on the drives that has this content. */
  void damage(byte[] block) {
    int found = 0;
    try {
      for (int i = 0; i < 3; i++) {
        try (RandomAccessFile file = new RandomAccessFile(folder.resolve("d" + i).toFile(), "rw")) {
          byte[] all = new byte[(int) file.length()];
          file.readFully(all);
          for (int at = 0; at < all.length; at += block.length) {
            if (Arrays.equals(all, at, at + block.length, block, 0, block.length)) {
              file.seek(at + 1000);
              file.write(block[1000] ^ 1);
              found++;
            }
          }
          file.getFD().sync();
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    assertThat(found).as("blocks with that content").isPositive();
  }

  /** Waits until nobody is connected, so that the next test begins with all buffers back. */
  void awaitNoConnections() {
    awaitConnections(0);
  }

  /** Waits until no more than so many are connected. */
  void awaitConnections(int count) {
    await(() -> server.connections().size() <= count, "connections stay");
  }

  @Override
  public void close() {
    // Also says that no buffer is missing.
    server.close();
    array.close();
    assertThat(array.failure()).isNull();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path path : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
