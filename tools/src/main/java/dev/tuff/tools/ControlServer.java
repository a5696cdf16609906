package dev.tuff.tools;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tuff.iom.array.ArrayException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * The service's end of {@link Control}: commands by name, each answered by its own function. Only
 * the service's user gets in. Bounded: some requests at a time, a time limit for each.
 */
final class ControlServer implements AutoCloseable {
  /** Does one command. */
  @FunctionalInterface
  interface Answer {
    /** What becomes {@code ok}; {@link CommandException} or {@link ArrayException} an error. */
    Object to(JsonNode request);
  }

  private static final int AT_A_TIME = 8;

  private final Path path;
  private final Map<String, Answer> answers;
  private final ServerSocketChannel listening;
  private final Semaphore free = new Semaphore(AT_A_TIME);
  private final ScheduledExecutorService clock;
  private final long limitSeconds;

  /**
   * Listens from now on. What a killed service left at the path is replaced.
   *
   * @param limitSeconds that one connection may last
   */
  ControlServer(Path path, Map<String, Answer> answers, long limitSeconds) {
    this.path = path;
    this.answers = Map.copyOf(answers);
    this.limitSeconds = limitSeconds;
    this.clock =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("tuff-control-clock").daemon(true).factory());
    try {
      if (Control.answers(path)) {
        throw new CommandException("another service answers at " + path);
      }
      Files.deleteIfExists(path);
      listening = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      listening.bind(UnixDomainSocketAddress.of(path));
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
    } catch (IOException e) {
      throw new CommandException("control socket " + path + ": " + Failures.sentence(e), e);
    }
    Thread.ofPlatform().name("tuff-control").daemon(true).start(this::acceptAll);
  }

  private void acceptAll() {
    try {
      while (true) {
        SocketChannel channel = listening.accept();
        free.acquireUninterruptibly();
        Thread.ofPlatform().name("tuff-control-request").daemon(true).start(() -> serve(channel));
      }
    } catch (ClosedChannelException e) {
      return;
    } catch (IOException e) {
      // Out of descriptors, most likely. The volumes are served all the same.
      close();
    }
  }

  private void serve(SocketChannel channel) {
    var limit = clock.schedule(() -> closeQuietly(channel), limitSeconds, TimeUnit.SECONDS);
    try (channel) {
      for (String line = Control.readLine(channel);
          line != null;
          line = Control.readLine(channel)) {
        Control.writeLine(channel, answer(line));
      }
    } catch (IOException e) {
      // The asker has gone, or asked for too much: nobody is there to be told.
      return;
    } finally {
      limit.cancel(false);
      free.release();
    }
  }

  private static void closeQuietly(SocketChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      // It is of no use any more either way.
      return;
    }
  }

  private ObjectNode answer(String line) {
    ObjectNode result = Control.JSON.createObjectNode();
    try {
      JsonNode request = Control.JSON.readTree(line);
      String command = request.path("command").asText();
      Answer answer = answers.get(command);
      if (answer == null) {
        return result.put(
            "error",
            "the service knows no command '"
                + command
                + "'; it knows "
                + String.join(", ", new TreeSet<>(answers.keySet())));
      }
      return result.set("ok", Control.JSON.valueToTree(answer.to(request)));
    } catch (JsonProcessingException e) {
      return result.put("error", "the request is no JSON");
    } catch (CommandException | ArrayException e) {
      return result.put("error", e.getMessage());
    }
  }

  @Override
  public void close() {
    clock.shutdownNow();
    try {
      listening.close();
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw new CommandException("control socket " + path + ": " + Failures.sentence(e), e);
    }
  }
}
