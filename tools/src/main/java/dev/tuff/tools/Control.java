package dev.tuff.tools;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * The way from a command to the service that runs the array: a unix socket beside the array's file.
 * One request, one answer, each a line of JSON: {@code {"command": ..., ...}}, then {@code {"ok":
 * ...}} with what was asked for, or {@code {"error": ...}} with a sentence.
 */
final class Control {
  /** Longest request or answer. */
  static final int MAX_LINE_BYTES = 4 << 20;

  static final ObjectMapper JSON = new ObjectMapper();

  private Control() {}

  /** Where the service of an array file listens. */
  static Path socketOf(Path arrayFile) {
    return shorter(arrayFile.resolveSibling(ExportsFile.stem(arrayFile) + ".control"));
  }

  /** Unix sockets have short paths only: the one from here may be shorter. */
  private static Path shorter(Path path) {
    Path absolute = path.toAbsolutePath().normalize();
    Path here = Path.of("").toAbsolutePath();
    Path relative = absolute.startsWith(here) ? here.relativize(absolute) : absolute;
    return relative.toString().length() < absolute.toString().length() ? relative : absolute;
  }

  /** Whether something answers at a unix socket. */
  static boolean answers(Path socket) {
    if (!Files.exists(socket)) {
      return false;
    }
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      return channel.connect(UnixDomainSocketAddress.of(socket));
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Asks the service, if there is one.
   *
   * @return the answer, or null when no service runs
   * @throws CommandException with the service's sentence when it refuses
   */
  static JsonNode ask(Path socket, String command, Map<String, ?> arguments) {
    if (!Files.exists(socket)) {
      return null;
    }
    ObjectNode request = JSON.valueToTree(arguments);
    request.put("command", command);
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      try {
        channel.connect(UnixDomainSocketAddress.of(socket));
      } catch (ConnectException e) {
        // Left behind by a service that was killed.
        return null;
      }
      writeLine(channel, request);
      String line = readLine(channel);
      if (line == null) {
        throw new CommandException("the service at " + socket + " ended without an answer");
      }
      JsonNode answer = JSON.readTree(line);
      if (answer.has("error")) {
        throw new CommandException(answer.get("error").asText());
      }
      return answer.get("ok");
    } catch (JsonProcessingException e) {
      throw new CommandException("the service at " + socket + " answered what is no JSON", e);
    } catch (IOException e) {
      throw new CommandException("the service at " + socket + ": " + Failures.sentence(e), e);
    }
  }

  static void writeLine(SocketChannel channel, JsonNode line) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** A line without its end; null at the end of the stream. */
  static String readLine(SocketChannel channel) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    ByteBuffer buffer = ByteBuffer.allocate(4096);
    while (channel.read(buffer.clear()) >= 0) {
      buffer.flip();
      while (buffer.hasRemaining()) {
        byte next = buffer.get();
        if (next == '\n') {
          return line.toString(StandardCharsets.UTF_8);
        }
        if (line.size() == MAX_LINE_BYTES) {
          throw new IOException("a line of more than " + MAX_LINE_BYTES + " bytes");
        }
        line.write(next);
      }
    }
    return null;
  }
}
