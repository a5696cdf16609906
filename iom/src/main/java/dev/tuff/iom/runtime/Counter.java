package dev.tuff.iom.runtime;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** A number that one thread changes and others may read, a little late. */
public final class Counter {
  private static final VarHandle VALUE;

  static {
    try {
      VALUE = MethodHandles.lookup().findVarHandle(Counter.class, "value", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private long value;

  /** Changes it by {@code difference}; the one thread. */
  public void add(long difference) {
    VALUE.setOpaque(this, value + difference);
  }

  /** The number now. */
  public long get() {
    return (long) VALUE.getOpaque(this);
  }
}
