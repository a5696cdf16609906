package dev.tuff.device;

/** What went through a device since it was opened. Written by the loop's thread; others may read, a little late. */
public final class DeviceCounters {
  public volatile long reads;
  public volatile long readBytes;
  public volatile long writes;
  public volatile long writtenBytes;
  public volatile long flushes;
  public volatile long discards;
  public volatile long errors;
}
