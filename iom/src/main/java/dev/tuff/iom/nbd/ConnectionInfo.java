package dev.tuff.iom.nbd;

/**
 * A connection as people see it.
 *
 * @param number of the server's connections since its start
 * @param peer address and port, or {@code unix}
 * @param export its name; empty while it negotiates
 * @param state {@code negotiates}, {@code serves} or {@code ends}
 * @param shard where it lives
 * @param requests since its beginning
 * @param underWay requests not answered yet
 */
public record ConnectionInfo(
    long number,
    String peer,
    String export,
    boolean tls,
    String state,
    int shard,
    long seconds,
    long requests,
    int underWay,
    long readBytes,
    long writtenBytes) {}
