package dev.tuff.iom.runtime;

/**
 * One message between actors, on the same shard or another. Pooled by shards; gone after the
 * receiver's handler returns.
 */
public final class Message {
  /** What is said. */
  public MessageType type;

  /** Who is to hear it, on the receiving shard. */
  public Actor to;

  /** What it is about. */
  public Object subject;

  /** A second reference, null in most. */
  public Object detail;

  /** A number that the type gives its meaning. */
  public long number;

  Message nextFree;
}
