package dev.tuff.tools;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.ArrayException;
import dev.tuff.iom.array.AssembleOptions;
import dev.tuff.iom.nbd.Exports;
import dev.tuff.iom.nbd.NbdServer;
import dev.tuff.iom.nbd.ServerLimits;
import dev.tuff.iom.nbd.TlsSettings;
import dev.tuff.iom.volume.VolumeInfo;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code tuff serve}. */
@Command(
    name = "serve",
    description = {
      "Serve volumes over NBD until SIGTERM or SIGINT: to nbd-client, QEMU, libnbd and whoever speaks the protocol.",
      "Runs in the foreground and logs a line per event on standard output. What it serves is said by 'tuff export add';"
          + " exports may be added and removed while it runs. It stops gracefully: what is under way is answered, the rest"
          + " refused, everything hardened.",
      "With a table [scrub] in the array file it scrubs by itself: every = \"7d\", and if wanted rate = \"100M\" and minutes = 240"
          + " at a time.",
      "Without --listen and --unix it listens on 127.0.0.1:10809. Whoever reaches it without TLS gets in: listen on other"
          + " addresses only in networks that are yours, or with --tls-key."
    })
final class ServeCommand implements Callable<Integer> {
  private static final int PORT = 10809;

  /** Longest that a stop waits for clients. */
  private static final double STOP_SECONDS = 15;

  /** Beyond that a stop is no graceful one any more. */
  private static final long EXIT_SECONDS = 90;

  private static final long CONTROL_SECONDS = 600;
  private static final int MAX_DRIVE_SECONDS = 3600;
  private static final int MAX_SHARDS = 64;
  private static final long SERVER_BYTES_PER_SHARD = 24L << 20;

  @Spec private CommandSpec command;

  @Option(
      names = "--listen",
      paramLabel = "ADDRESS",
      description =
          "A TCP address: HOST:PORT, [IPv6]:PORT, or one of them without port for 10809; repeat for more.")
  private List<String> addresses = List.of();

  @Option(
      names = "--unix",
      paramLabel = "PATH",
      description = "A unix socket, made at PATH; repeat for more.")
  private List<Path> sockets = List.of();

  @Option(
      names = "--all",
      description = "Also export every volume that has no export yet, under its own name.")
  private boolean all;

  @Option(
      names = "--max-connections",
      paramLabel = "NUMBER",
      defaultValue = "256",
      description = "Connections at a time (default: 256).")
  private int maxConnections;

  @Option(
      names = "--handshake-timeout",
      paramLabel = "SECONDS",
      defaultValue = "10",
      description = "Seconds that a client may take to negotiate (default: 10).")
  private double handshakeSeconds;

  @Option(
      names = "--stall-timeout",
      paramLabel = "SECONDS",
      defaultValue = "60",
      description =
          "Seconds that a client may leave a request half sent or a reply unread (default: 60).")
  private double stallSeconds;

  @Option(
      names = "--drive-timeout",
      paramLabel = "SECONDS",
      defaultValue = "" + AssembleOptions.DRIVE_TIMEOUT_SECONDS,
      description =
          "Seconds that a drive may take for a request; one that takes longer has failed, and the array goes on without it"
              + " (default: "
              + AssembleOptions.DRIVE_TIMEOUT_SECONDS
              + ").")
  private double driveSeconds;

  @Option(
      names = "--shards",
      paramLabel = "COUNT",
      description =
          "Threads that serve (default: one for each core but one, which is left to the kernel and to clients; at most one"
              + " for each drive).")
  private Integer shards;

  @Option(
      names = "--no-take-over",
      description =
          "When a drive is missing and no spare can take its place, the others do not take over what it had: the array"
              + " stays degraded until another drive has the place.")
  private boolean noTakeOver;

  @Option(
      names = "--tls-cert",
      paramLabel = "FILE",
      description = "The server's certificate, PEM, with those that lead to its root.")
  private Path certificate;

  @Option(
      names = "--tls-key",
      paramLabel = "FILE",
      description = "Its private key, PEM, not encrypted.")
  private Path key;

  @Option(
      names = "--tls-ca",
      paramLabel = "FILE",
      description = "Whose signatures on client certificates are trusted, PEM.")
  private Path authorities;

  @Option(
      names = "--tls",
      paramLabel = "MODE",
      defaultValue = "required",
      description =
          "With a certificate: required (default; nothing is served without TLS) or optional.")
  private TlsMode tlsMode;

  @Option(
      names = "--tls-clients",
      paramLabel = "MODE",
      description =
          "Client certificates: none, optional, or required (default: required with --tls-ca, else none).")
  private TlsSettings.ClientCertificate clientCertificates;

  @Mixin private ArrayOptions array;

  /** Whether plain connections are served too. */
  enum TlsMode {
    OPTIONAL,
    REQUIRED
  }

  private final CountDownLatch stopAsked = new CountDownLatch(1);
  private final CountDownLatch done = new CountDownLatch(1);
  private volatile boolean stoppedWell;

  @Override
  public Integer call() throws IOException {
    List<InetSocketAddress> tcp = new ArrayList<>();
    for (String address : addresses) {
      tcp.addAll(addresses(address));
    }
    if (addresses.isEmpty() && sockets.isEmpty()) {
      tcp.add(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), PORT));
    }
    TlsSettings tls = tls();
    Path file = array.fileOrNull();
    // Refused before anything is started.
    limits(1);
    long driveTimeoutNanos = driveTimeoutNanos();
    int shardCount = shardCount();
    ScrubSchedule scrubs = file == null ? ScrubSchedule.NONE : ArrayFile.read(file).scrub();
    Thread hook = new Thread(this::onSignal, "tuff-stop");
    Runtime.getRuntime().addShutdownHook(hook);
    try (ServiceLog log = new ServiceLog(command.commandLine().getOut())) {
      try (Array assembled =
          array.assembleToServe(
              options ->
                  options
                      .withShards(shardCount)
                      .withServerBytes(SERVER_BYTES_PER_SHARD)
                      .withDriveTimeout(driveTimeoutNanos)
                      .withTakeOver(!noTakeOver),
              new DriveLog(log, file))) {
        serve(assembled, tls, tcp, file, scrubs, limits(assembled.shardCount()), log);
      }
      log.line("stopped");
      stoppedWell = true;
    } finally {
      done.countDown();
    }
    return 0;
  }

  private void serve(
      Array assembled,
      TlsSettings tls,
      List<InetSocketAddress> tcp,
      Path file,
      ScrubSchedule scrubs,
      ServerLimits limits,
      ServiceLog log)
      throws IOException {
    Exports exports = exports(assembled, file);
    NbdServer server = assembled.serve(exports, limits, tls, log::line);
    ControlServer control = null;
    ServiceScrub scrub = null;
    try {
      for (InetSocketAddress address : tcp) {
        server.listen(address);
      }
      for (Path socket : sockets) {
        server.listen(free(socket));
      }
      if (file != null) {
        scrub =
            new ServiceScrub(
                assembled, scrubs, ScrubState.beside(file), log::line, InstantSource.system());
        Service service =
            new Service(assembled, server, exports, ExportsFile.beside(file), file, scrub);
        control = new ControlServer(Control.socketOf(file), service.answers(), CONTROL_SECONDS);
      }
      log.line(
          exports.all().isEmpty()
              ? "ready, with nothing to serve yet: say what with tuff export add, or --all"
              : "ready, serves "
                  + String.join(", ", exports.all().stream().map(e -> e.name()).toList()));
      awaitStop(assembled, log);
    } finally {
      if (control != null) {
        control.close();
      }
      if (scrub != null) {
        scrub.close();
      }
      // The shards of a failed array do not answer; its sockets end with the process.
      if (assembled.failure() == null) {
        server.stop(STOP_SECONDS);
      }
    }
  }

  private void awaitStop(Array assembled, ServiceLog log) {
    try {
      while (!stopAsked.await(500, TimeUnit.MILLISECONDS)) {
        ArrayException failure = assembled.failure();
        if (failure != null) {
          log.line("failed: " + failure.getMessage());
          throw new CommandException(failure.getMessage(), failure);
        }
      }
      log.line("stops: answers what is under way");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** In the JVM's shutdown: asks for the stop, waits for it, and makes it a clean exit. */
  private void onSignal() {
    if (done.getCount() == 0) {
      return;
    }
    stopAsked.countDown();
    try {
      if (done.await(EXIT_SECONDS, TimeUnit.SECONDS) && stoppedWell) {
        // Not the signal's number: a service that was told to stop and has stopped did well.
        Runtime.getRuntime().halt(0);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private long driveTimeoutNanos() {
    if (!(driveSeconds >= 1 && driveSeconds <= MAX_DRIVE_SECONDS)) {
      throw new ParameterException(
          command.commandLine(),
          "a drive may take 1 to " + MAX_DRIVE_SECONDS + " s for a request, not " + driveSeconds);
    }
    return (long) (driveSeconds * 1e9);
  }

  /** As asked, or 0 for as many as suit the machine. */
  private int shardCount() {
    if (shards == null) {
      return 0;
    }
    if (shards < 1 || shards > MAX_SHARDS) {
      throw new ParameterException(
          command.commandLine(), "1 to " + MAX_SHARDS + " shards can serve, not " + shards);
    }
    return shards;
  }

  private ServerLimits limits(int count) {
    try {
      return new ServerLimits(
          maxConnections,
          count * SERVER_BYTES_PER_SHARD,
          handshakeSeconds,
          stallSeconds,
          ServerLimits.defaults(count).lingerSeconds());
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command.commandLine(), e.getMessage());
    }
  }

  /** A name may stand for several. */
  private List<InetSocketAddress> addresses(String text) {
    String host = text;
    int port = PORT;
    int colon = text.lastIndexOf(':');
    if (colon >= 0
        && text.indexOf(']', colon) < 0
        && (text.startsWith("[") || text.indexOf(':') == colon)) {
      host = text.substring(0, colon);
      try {
        port = Integer.parseInt(text.substring(colon + 1));
      } catch (NumberFormatException e) {
        port = -1;
      }
    }
    if (port < 0 || port > 65_535 || host.isEmpty()) {
      throw new ParameterException(
          command.commandLine(),
          "'" + text + "' is no address; give HOST:PORT, like 0.0.0.0:10809 or [::]:10809");
    }
    try {
      boolean inBrackets = host.startsWith("[") && host.endsWith("]");
      String bare = inBrackets ? host.substring(1, host.length() - 1) : host;
      List<InetSocketAddress> found = new ArrayList<>();
      for (InetAddress each : InetAddress.getAllByName(bare)) {
        found.add(new InetSocketAddress(each, port));
      }
      return found;
    } catch (UnknownHostException e) {
      throw new CommandException("'" + host + "' is no address of this machine", e);
    }
  }

  private TlsSettings tls() throws IOException {
    if (certificate == null && key == null) {
      if (authorities != null || clientCertificates != null) {
        throw new ParameterException(command.commandLine(), "TLS needs --tls-cert and --tls-key");
      }
      return null;
    }
    if (certificate == null || key == null) {
      throw new ParameterException(
          command.commandLine(), "--tls-cert and --tls-key belong together");
    }
    TlsSettings.ClientCertificate asked =
        clientCertificates != null
            ? clientCertificates
            : authorities == null
                ? TlsSettings.ClientCertificate.NONE
                : TlsSettings.ClientCertificate.REQUIRED;
    if (asked != TlsSettings.ClientCertificate.NONE && authorities == null) {
      throw new ParameterException(
          command.commandLine(), "client certificates need --tls-ca: whom to trust");
    }
    return TlsSettings.of(certificate, key, authorities, tlsMode == TlsMode.REQUIRED, asked);
  }

  private Exports exports(Array assembled, Path file) {
    Exports exports = new Exports();
    if (file != null) {
      for (ExportsFile.Entry entry : ExportsFile.read(ExportsFile.beside(file)).entries()) {
        exports.add(entry.export(assembled.volume(entry.volume())));
      }
    }
    if (all) {
      for (VolumeInfo volume : assembled.status().volumes()) {
        exports.add(
            new ExportsFile.Entry(volume.name(), volume.name(), "", false, 0)
                .export(assembled.volume(volume.name())));
      }
    }
    return exports;
  }

  /** A path for a unix socket: what a killed service left there is taken away. */
  private static Path free(Path socket) throws IOException {
    if (socket.toString().length() > dev.tuff.natives.Socket.MAX_PATH_BYTES) {
      throw new CommandException(
          "--unix "
              + socket
              + ": a unix socket's path has up to "
              + dev.tuff.natives.Socket.MAX_PATH_BYTES
              + " bytes; give a shorter one");
    }
    if (Files.exists(socket)) {
      if (!Files.readAttributes(socket, java.nio.file.attribute.BasicFileAttributes.class)
          .isOther()) {
        throw new CommandException("--unix " + socket + ": there is a file already");
      }
      if (Control.answers(socket)) {
        throw new CommandException("--unix " + socket + ": another process listens there");
      }
      Files.delete(socket);
    }
    return socket;
  }
}
