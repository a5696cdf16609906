package dev.tuff.device;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What went through a device since it was opened; only operations that ended well, but for {@link
 * #errors}. Written by the loop's thread; others may read, a little late.
 */
public final class DeviceCounters {
  private static final VarHandle READS = field("reads");
  private static final VarHandle READ_BYTES = field("readBytes");
  private static final VarHandle WRITES = field("writes");
  private static final VarHandle WRITTEN_BYTES = field("writtenBytes");
  private static final VarHandle FLUSHES = field("flushes");
  private static final VarHandle DISCARDS = field("discards");
  private static final VarHandle ERRORS = field("errors");

  public volatile long reads;
  public volatile long readBytes;
  public volatile long writes;
  public volatile long writtenBytes;
  public volatile long flushes;
  public volatile long discards;

  /** Operations of any kind that ended with another result than {@link IoResult#OK}. */
  public volatile long errors;

  DeviceCounters() {}

  void count(IoRequest request) {
    if (request.result != IoResult.OK) {
      add(ERRORS, 1);
      return;
    }
    switch (request.operation) {
      case READ -> {
        add(READS, 1);
        add(READ_BYTES, request.lengthBytes);
      }
      case WRITE, WRITE_DURABLE -> {
        add(WRITES, 1);
        add(WRITTEN_BYTES, request.lengthBytes);
      }
      case FLUSH -> add(FLUSHES, 1);
      case DISCARD -> add(DISCARDS, 1);
    }
  }

  // One writer, so no atomic add; opaque, so that a counter costs no memory barrier per operation.
  private void add(VarHandle field, long amount) {
    field.setOpaque(this, (long) field.get(this) + amount);
  }

  private static VarHandle field(String name) {
    try {
      return MethodHandles.lookup().findVarHandle(DeviceCounters.class, name, long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }
}
