package dev.tuff.iom.runtime;

/**
 * Checks that are always on: a broken one is a bug, and a bug stops the actor in whose code it is,
 * or the whole array, before another write is acknowledged there.
 */
public final class Invariant {
  private Invariant() {}

  /** A broken invariant. Caught only where an actor's code is called, which then stops. */
  public static final class Broken extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    Broken(String message) {
      super(message);
    }
  }

  /** Throws {@link Broken} unless {@code holds}; {@code what} says what must hold. */
  public static void check(boolean holds, String what) {
    if (!holds) {
      throw new Broken(what);
    }
  }

  /** As {@link #check(boolean, String)} with one number that helps to see why. */
  public static void check(boolean holds, String what, long number) {
    if (!holds) {
      throw new Broken(what + ": " + number);
    }
  }
}
