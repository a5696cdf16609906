package dev.tuff.iom.nbd;

import dev.tuff.device.IoBuffer;
import dev.tuff.device.UringLoop;
import dev.tuff.iom.runtime.Shard;
import dev.tuff.natives.Socket;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * An NBD server on the shards of an array: fixed newstyle negotiation, TLS, simple and structured
 * replies, extended headers. A connection goes to the shard that has the fewest, and stays there.
 *
 * <p>A flush covers every write of its volume that was replied to before, on whatever connection,
 * so clients may use several at a time. Any thread.
 */
public final class NbdServer implements AutoCloseable {
  /** Registered memory for requests; given back when the server has closed. */
  public interface Memory {
    /** Buffers of {@code bytesEach}, a multiple of 4 KiB. */
    IoBuffer[] take(int count, int bytesEach);

    void give(IoBuffer[] buffers);
  }

  /** Longest that a shard may take to answer before it counts as dead. */
  private static final long SHARD_SECONDS = 30;

  private final List<Shard> shards;
  private final List<UringLoop> loops;
  private final Memory memory;
  private final Exports exports;
  private final ServerLimits limits;
  private final TlsSettings tls;
  private final Consumer<String> log;
  private final List<NbdShard> nbdShards = new ArrayList<>();
  private final List<Listener> listeners = new ArrayList<>();
  private final List<Path> socketFiles = new ArrayList<>();
  private final AtomicInteger connections = new AtomicInteger();
  private final AtomicLong connectionNumbers = new AtomicLong();
  private final ExecutorService aside;
  private volatile boolean stopping;
  private boolean closed;

  private NbdServer(
      List<Shard> shards,
      List<UringLoop> loops,
      Memory memory,
      Exports exports,
      ServerLimits limits,
      TlsSettings tls,
      Consumer<String> log) {
    this.shards = List.copyOf(shards);
    this.loops = List.copyOf(loops);
    this.memory = memory;
    this.exports = exports;
    this.limits = limits;
    this.tls = tls;
    this.log = log;
    this.aside =
        Executors.newFixedThreadPool(
            1, Thread.ofPlatform().name("tuff-tls-", 0).daemon(true).factory());
  }

  /**
   * Takes its memory and is ready to listen.
   *
   * @param shards running, with their loops
   * @param tls null: none
   * @param log hears one line per event, on the shards' threads; must not block
   */
  public static NbdServer start(
      List<Shard> shards,
      List<UringLoop> loops,
      Memory memory,
      Exports exports,
      ServerLimits limits,
      TlsSettings tls,
      Consumer<String> log) {
    NbdServer server = new NbdServer(shards, loops, memory, exports, limits, tls, log);
    long each = Math.max(ServerLimits.LEAST_SHARD_BYTES, limits.bufferBytes() / shards.size());
    for (int i = 0; i < shards.size(); i++) {
      Shard shard = shards.get(i);
      NbdShard nbdShard =
          new NbdShard(server, shard, loops.get(i), new RequestBuffers(memory::take, each));
      server.nbdShards.add(nbdShard);
      server.<Boolean>onShard(
          i,
          done -> {
            shard.add(nbdShard);
            return true;
          });
    }
    return server;
  }

  /**
   * Listens on a TCP address; port 0 takes a free one. Returns the port.
   *
   * @throws dev.tuff.natives.PosixException when it is in use, or not one of this machine
   */
  public synchronized int listen(InetSocketAddress address) {
    Socket socket = Socket.listen(address);
    int port = socket.localPort();
    accept(socket, address.getAddress().getHostAddress() + ":" + port, true);
    return port;
  }

  /**
   * Listens on a unix socket, made at the path and removed in the end.
   *
   * @throws dev.tuff.natives.PosixException when there is something at the path
   */
  public synchronized void listen(Path path) {
    Socket socket = Socket.listen(path);
    socketFiles.add(path);
    accept(socket, path.toString(), false);
  }

  private void accept(Socket socket, String name, boolean tcp) {
    int shard = listeners.size() % shards.size();
    Listener listener = new Listener(this, loops.get(shard).sockets(), socket, name, tcp);
    listeners.add(listener);
    onShard(
        shard,
        done -> {
          listener.start();
          return true;
        });
    log("listens on " + name);
  }

  // ---------------------------------------------------------------- for its shards

  void onAccepted(Socket socket, boolean tcp) {
    long number = connectionNumbers.incrementAndGet();
    if (stopping || connections.get() >= limits.connections()) {
      log(
          socket.peer()
              + " (connection "
              + number
              + ") refused: "
              + (stopping ? "the server stops" : limits.connections() + " are open already"));
      socket.close();
      return;
    }
    connections.incrementAndGet();
    if (tcp) {
      socket.tuneTcp();
    }
    NbdShard target = leastLoaded();
    target.expect();
    if (!target.shard().offer(() -> target.adopt(socket, number))) {
      target.forget();
      connections.decrementAndGet();
      socket.close();
    }
  }

  /**
   * Not in turn: of clients that look first and come back to stay, all that stay would be on one
   * shard. Among equals the first, which has the most drives if one has more than others, and so
   * the fewest messages to other shards.
   */
  private NbdShard leastLoaded() {
    NbdShard least = nbdShards.getFirst();
    for (NbdShard shard : nbdShards) {
      least = shard.expected() < least.expected() ? shard : least;
    }
    return least;
  }

  boolean stopping() {
    return stopping;
  }

  void onClosed() {
    connections.decrementAndGet();
  }

  ServerLimits limits() {
    return limits;
  }

  Exports exports() {
    return exports;
  }

  TlsSettings tls() {
    return tls;
  }

  void log(String line) {
    log.accept(line);
  }

  void aside(Runnable task) {
    aside.execute(task);
  }

  // ---------------------------------------------------------------- looking, stopping

  private <T> CompletableFuture<T> later(int shard, Function<NbdShard, T> task) {
    CompletableFuture<T> future = new CompletableFuture<>();
    NbdShard nbdShard = nbdShards.get(shard);
    while (!shards.get(shard).offer(() -> future.complete(task.apply(nbdShard)))) {
      Thread.onSpinWait();
    }
    return future;
  }

  private <T> T onShard(int shard, Function<NbdShard, T> task) {
    try {
      return later(shard, task).get(SHARD_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new IllegalStateException("shard " + shard + " does not answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }

  /** What connections there are, in the order of their numbers. */
  public List<ConnectionInfo> connections() {
    List<ConnectionInfo> all = new ArrayList<>();
    for (int i = 0; i < shards.size(); i++) {
      all.addAll(onShard(i, NbdShard::infos));
    }
    all.sort(Comparator.comparingLong(ConnectionInfo::number));
    return all;
  }

  /** Breaks off the connections that use an export. */
  public void disconnect(Export export) {
    for (int i = 0; i < shards.size(); i++) {
      onShard(
          i,
          nbdShard -> {
            nbdShard.abortAll(export, "the export was removed");
            return true;
          });
    }
  }

  /**
   * Stops gracefully: no new connections, what is under way is answered, further requests get
   * ESHUTDOWN and further options ERR_SHUTDOWN. Connections are closed when they are through, a
   * second after the stop at the earliest. What is not through in time is broken off. The volumes'
   * data is hardened when the array is closed.
   */
  public synchronized void stop(double seconds) {
    if (closed) {
      return;
    }
    stopping = true;
    for (int i = 0; i < listeners.size(); i++) {
      Listener listener = listeners.get(i);
      onShard(
          i % shards.size(),
          nbdShard -> {
            listener.stop();
            return true;
          });
    }
    removeSocketFiles();
    forAll(
        nbdShard -> {
          nbdShard.stopAll();
          return true;
        });
    long deadline = System.nanoTime() + (long) (seconds * 1e9);
    while (busy() && System.nanoTime() < deadline) {
      pause();
    }
    forAll(
        nbdShard -> {
          nbdShard.abortAll(null, "the server has stopped");
          return true;
        });
    while (busy()) {
      pause();
    }
    for (int i = 0; i < shards.size(); i++) {
      IoBuffer[][] buffers =
          onShard(
              i,
              nbdShard -> {
                nbdShard.shard().remove(nbdShard);
                return nbdShard.close();
              });
      for (IoBuffer[] size : buffers) {
        memory.give(size);
      }
    }
    aside.shutdown();
    closed = true;
  }

  private void forAll(Function<NbdShard, Boolean> task) {
    for (int i = 0; i < shards.size(); i++) {
      onShard(i, task);
    }
  }

  private boolean busy() {
    for (int i = 0; i < listeners.size(); i++) {
      Listener listener = listeners.get(i);
      if (!onShard(i % shards.size(), nbdShard -> listener.closed())) {
        return true;
      }
    }
    return connections.get() > 0;
  }

  private static void pause() {
    try {
      Thread.sleep(5);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  private void removeSocketFiles() {
    for (Path file : socketFiles) {
      try {
        Files.deleteIfExists(file);
      } catch (java.io.IOException e) {
        log("cannot remove " + file + ": " + e.getMessage());
      }
    }
  }

  /** Stops within ten seconds. */
  @Override
  public void close() {
    stop(10);
  }
}
