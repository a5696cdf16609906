package dev.tuff.natives;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.tuff.natives.generated.net.Net;
import dev.tuff.natives.generated.net.in6_addr;
import dev.tuff.natives.generated.net.in_addr;
import dev.tuff.natives.generated.net.sockaddr_in;
import dev.tuff.natives.generated.net.sockaddr_in6;
import dev.tuff.natives.generated.net.sockaddr_storage;
import dev.tuff.natives.generated.net.sockaddr_un;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A stream socket that owns its descriptor: one that listens, or one that was accepted from it.
 * Data goes through the ring. Any thread may use it; {@link #close} must come after every other
 * use, operations in a ring on {@link #fd} included ({@link #shutdown} ends those). Failures of the
 * system throw {@link PosixException}. Sources: socket(7), tcp(7), unix(7).
 */
public final class Socket implements AutoCloseable {
  /** Longest path of a unix socket in bytes, the zero at its end not counted. */
  public static final int MAX_PATH_BYTES = 107;

  private static final int KEEP_ALIVE_IDLE_SECONDS = 60;
  private static final int KEEP_ALIVE_INTERVAL_SECONDS = 15;
  private static final int KEEP_ALIVE_PROBES = 4;

  private static final MethodHandle SOCKET =
      Posix.bind("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle BIND =
      Posix.bind("bind", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle LISTEN =
      Posix.bind("listen", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle SHUTDOWN =
      Posix.bind("shutdown", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle SETSOCKOPT =
      Posix.bind(
          "setsockopt",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle GETSOCKNAME =
      Posix.bind("getsockname", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle GETPEERNAME =
      Posix.bind("getpeername", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));

  private final int fd;
  private boolean closed;

  private Socket(int fd) {
    this.fd = fd;
  }

  /** Takes over a descriptor that an accept in a ring has given. */
  public static Socket accepted(int fd) {
    return new Socket(fd);
  }

  /**
   * Listens on a TCP port of one address; port 0 takes a free one. An IPv6 address stands for IPv6
   * only, so that both wildcard addresses may be listened on.
   *
   * @throws PosixException {@link Errno#EADDRINUSE} when another process listens there
   */
  public static Socket listen(InetSocketAddress address) {
    InetAddress host = address.getAddress();
    if (host == null) {
      throw new IllegalArgumentException("unresolved address " + address);
    }
    boolean six = host instanceof Inet6Address;
    Socket socket = open(six ? Net.AF_INET6() : Net.AF_INET());
    boolean ready = false;
    try (Arena arena = Arena.ofConfined()) {
      socket.set(Net.SOL_SOCKET(), Net.SO_REUSEADDR(), 1);
      MemorySegment name;
      if (six) {
        socket.set(Net.IPPROTO_IPV6(), Net.IPV6_V6ONLY(), 1);
        name = arena.allocate(sockaddr_in6.layout());
        sockaddr_in6.sin6_family(name, (short) Net.AF_INET6());
        sockaddr_in6.sin6_port(name, networkOrder(address.getPort()));
        sockaddr_in6.sin6_scope_id(name, ((Inet6Address) host).getScopeId());
        MemorySegment.copy(host.getAddress(), 0, sockaddr_in6.sin6_addr(name), JAVA_BYTE, 0, 16);
      } else {
        name = arena.allocate(sockaddr_in.layout());
        sockaddr_in.sin_family(name, (short) Net.AF_INET());
        sockaddr_in.sin_port(name, networkOrder(address.getPort()));
        MemorySegment.copy(host.getAddress(), 0, sockaddr_in.sin_addr(name), JAVA_BYTE, 0, 4);
      }
      socket.bindAndListen(name, (int) name.byteSize(), text(address));
      ready = true;
      return socket;
    } finally {
      if (!ready) {
        socket.close();
      }
    }
  }

  /**
   * Listens on a unix socket, which bind makes at the path. What is there already is in the way:
   * {@link Errno#EADDRINUSE}.
   */
  public static Socket listen(Path path) {
    byte[] bytes = path.toString().getBytes(StandardCharsets.UTF_8);
    if (bytes.length > MAX_PATH_BYTES) {
      throw new IllegalArgumentException(
          "the path of a unix socket has up to " + MAX_PATH_BYTES + " bytes: " + path);
    }
    Socket socket = open(Net.AF_UNIX());
    boolean ready = false;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocate(sockaddr_un.layout());
      sockaddr_un.sun_family(name, (short) Net.AF_UNIX());
      MemorySegment.copy(bytes, 0, sockaddr_un.sun_path(name), JAVA_BYTE, 0, bytes.length);
      socket.bindAndListen(name, (int) name.byteSize(), path.toString());
      ready = true;
      return socket;
    } finally {
      if (!ready) {
        socket.close();
      }
    }
  }

  private static Socket open(int family) {
    MemorySegment state = Posix.callState();
    try {
      int fd = (int) SOCKET.invokeExact(state, family, Net.SOCK_STREAM() | Net.SOCK_CLOEXEC(), 0);
      if (fd < 0) {
        throw new PosixException("socket", "family " + family, Posix.errno(state));
      }
      return new Socket(fd);
    } catch (Throwable failure) {
      throw Posix.unexpected(failure);
    }
  }

  private void bindAndListen(MemorySegment name, int bytes, String subject) {
    MemorySegment state = Posix.callState();
    try {
      if ((int) BIND.invokeExact(state, fd, name, bytes) != 0) {
        throw new PosixException("bind", subject, Posix.errno(state));
      }
      if ((int) LISTEN.invokeExact(state, fd, Net.SOMAXCONN()) != 0) {
        throw new PosixException("listen", subject, Posix.errno(state));
      }
    } catch (Throwable failure) {
      throw Posix.unexpected(failure);
    }
  }

  private void set(int level, int option, int value) {
    MemorySegment state = Posix.callState();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocateFrom(JAVA_INT, value);
      if ((int) SETSOCKOPT.invokeExact(state, fd, level, option, number, 4) != 0) {
        throw new PosixException("setsockopt", level + "/" + option, Posix.errno(state));
      }
    } catch (Throwable failure) {
      throw Posix.unexpected(failure);
    }
  }

  /**
   * Makes an accepted TCP connection fit for requests and replies: small messages leave at once,
   * and a peer that is gone without a word is noticed within two minutes.
   */
  public void tuneTcp() {
    set(Net.IPPROTO_TCP(), Net.TCP_NODELAY(), 1);
    set(Net.SOL_SOCKET(), Net.SO_KEEPALIVE(), 1);
    set(Net.IPPROTO_TCP(), Net.TCP_KEEPIDLE(), KEEP_ALIVE_IDLE_SECONDS);
    set(Net.IPPROTO_TCP(), Net.TCP_KEEPINTVL(), KEEP_ALIVE_INTERVAL_SECONDS);
    set(Net.IPPROTO_TCP(), Net.TCP_KEEPCNT(), KEEP_ALIVE_PROBES);
  }

  /** Bytes that the kernel keeps for sending; it takes twice as much for its own book-keeping. */
  public void sendBufferBytes(int bytes) {
    set(Net.SOL_SOCKET(), Net.SO_SNDBUF(), bytes);
  }

  /** The descriptor, for the ring. */
  public int fd() {
    return fd;
  }

  /** The TCP port it is bound to. */
  public int localPort() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = name(arena, GETSOCKNAME, "getsockname");
      return Short.toUnsignedInt(Short.reverseBytes(sockaddr_in.sin_port(name)));
    }
  }

  /**
   * Who is at the other end, for people: {@code 192.0.2.7:45678}, {@code [::1]:45678}, {@code unix}
   * or, when that is not known any more, {@code gone}.
   */
  public String peer() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = name(arena, GETPEERNAME, "getpeername");
      int family = Short.toUnsignedInt(sockaddr_in.sin_family(name));
      if (family == Net.AF_INET()) {
        byte[] address = sockaddr_in.sin_addr(name).asSlice(0, in_addr.layout()).toArray(JAVA_BYTE);
        return text(address, sockaddr_in.sin_port(name));
      }
      if (family == Net.AF_INET6()) {
        byte[] address =
            sockaddr_in6.sin6_addr(name).asSlice(0, in6_addr.layout()).toArray(JAVA_BYTE);
        return text(address, sockaddr_in6.sin6_port(name));
      }
      return "unix";
    } catch (PosixException e) {
      return "gone";
    }
  }

  private MemorySegment name(Arena arena, MethodHandle call, String callName) {
    MemorySegment state = Posix.callState();
    try {
      MemorySegment name = arena.allocate(sockaddr_storage.layout());
      MemorySegment bytes = arena.allocateFrom(JAVA_INT, (int) name.byteSize());
      if ((int) call.invokeExact(state, fd, name, bytes) != 0) {
        throw new PosixException(callName, "socket " + fd, Posix.errno(state));
      }
      return name;
    } catch (Throwable failure) {
      throw Posix.unexpected(failure);
    }
  }

  private static String text(byte[] address, short port) {
    try {
      return text(
          new InetSocketAddress(
              InetAddress.getByAddress(address), Short.toUnsignedInt(Short.reverseBytes(port))));
    } catch (UnknownHostException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String text(InetSocketAddress address) {
    String host = address.getAddress().getHostAddress();
    return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + address.getPort();
  }

  private static short networkOrder(int port) {
    return Short.reverseBytes((short) port);
  }

  /**
   * Ends both directions: operations under way complete, the peer reads the end. One that is not
   * connected any more is left as it is.
   */
  public void shutdown() {
    shutdown(Net.SHUT_RDWR());
  }

  /** Ends sending: the peer reads the end after what was sent. */
  public void shutdownOutput() {
    shutdown(Net.SHUT_WR());
  }

  private void shutdown(int how) {
    MemorySegment state = Posix.callState();
    try {
      // ENOTCONN is the only error that an open socket gives: the peer was quicker.
      int ignored = (int) SHUTDOWN.invokeExact(state, fd, how);
    } catch (Throwable failure) {
      throw Posix.unexpected(failure);
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      Posix.close(fd);
    }
  }
}
