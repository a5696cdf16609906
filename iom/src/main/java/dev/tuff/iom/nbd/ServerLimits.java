package dev.tuff.iom.nbd;

/**
 * What a server takes on at most.
 *
 * @param connections at a time; one more is closed at once
 * @param bufferBytes memory for requests under way, of all connections together
 * @param handshakeSeconds from the connection to the end of negotiation, TLS included
 * @param stallSeconds that a client may leave a request half sent, or a reply unread
 * @param lingerSeconds that a client is given to take its last replies and to close
 */
public record ServerLimits(
    int connections,
    long bufferBytes,
    double handshakeSeconds,
    double stallSeconds,
    double lingerSeconds) {
  /** Connections at most, whatever is asked for: each has two operations in its ring. */
  public static final int MAX_CONNECTIONS = 1500;

  /** Least memory of one shard: so much that the largest request and some small ones fit. */
  public static final long LEAST_SHARD_BYTES = 8L << 20;

  public ServerLimits {
    if (connections < 1 || connections > MAX_CONNECTIONS) {
      throw new IllegalArgumentException(
          connections + " connections are not possible; give 1 to " + MAX_CONNECTIONS + ".");
    }
    if (!(handshakeSeconds > 0) || !(stallSeconds > 0) || !(lingerSeconds >= 0)) {
      throw new IllegalArgumentException("A time limit must be longer than no time.");
    }
  }

  /** What fits most machines: 256 connections, 24 MiB a shard, 10 s, 60 s. */
  public static ServerLimits defaults(int shards) {
    return new ServerLimits(256, shards * (24L << 20), 10, 60, 2);
  }
}
