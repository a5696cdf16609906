package dev.tuff.tools;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code tuff connections}. */
@Command(
    name = "connections",
    description = "List the clients of the running service: who, on which export, how busy.")
final class ConnectionsCommand implements Callable<Integer> {
  @Mixin private ArrayOptions array;
  @Mixin private OutputOptions output;

  @Override
  public Integer call() {
    Path socket = Control.socketOf(array.file());
    JsonNode connections = Control.ask(socket, "connections", Map.of());
    if (connections == null) {
      throw new CommandException("no service runs for this array; start one with tuff serve");
    }
    output.print(connections, () -> table(connections));
    return 0;
  }

  private static String table(JsonNode connections) {
    if (connections.isEmpty()) {
      return "no connections\n";
    }
    Table table =
        new Table(
            "NUMBER",
            "PEER",
            "EXPORT",
            "TLS",
            "STATE",
            "SECONDS",
            "REQUESTS",
            "UNDER WAY",
            "READ",
            "WRITTEN");
    for (JsonNode c : connections) {
      table.row(
          c.get("number").asLong(),
          c.get("peer").asText(),
          c.get("export").asText().isEmpty() ? "-" : c.get("export").asText(),
          c.get("tls").asBoolean() ? "yes" : "no",
          c.get("state").asText(),
          c.get("seconds").asLong(),
          c.get("requests").asLong(),
          c.get("underWay").asInt(),
          ByteSize.brief(c.get("readBytes").asLong()),
          ByteSize.brief(c.get("writtenBytes").asLong()));
    }
    return table.toString();
  }
}
