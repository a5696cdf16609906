package dev.tuff.iom.proxy;

import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.runtime.Actor;

/** Who acts for a drive: its IOM, or its proxy. All methods on its shard. */
public interface Acting extends Actor {
  /**
   * Stops at once, whatever is under way. Calls {@code idle} when the drive, if there is one, has
   * let go of every buffer.
   */
  void halt(Runnable idle);

  /**
   * After {@link #halt}: has everything that clients asked of it done by those that act for the
   * drives by then, now and later.
   */
  void handOver(HandOver.Reserve reserve);

  /** True when no update, generation or reconstruction is under way here. */
  boolean quiet();

  /**
   * Makes an object known here, or its newer attributes if it is known already, and calls {@code
   * hardened} when that is for good.
   */
  void putObject(ObjectAttributes attributes, Runnable hardened);
}
