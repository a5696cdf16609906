package dev.tuff.iom.array;

/** What went through all drives since the array was assembled. */
public record DeviceCountersSnapshot(
    long reads, long readBytes, long writes, long writtenBytes, long flushes) {
  /** What went through since {@code earlier}. */
  public DeviceCountersSnapshot since(DeviceCountersSnapshot earlier) {
    return new DeviceCountersSnapshot(
        reads - earlier.reads,
        readBytes - earlier.readBytes,
        writes - earlier.writes,
        writtenBytes - earlier.writtenBytes,
        flushes - earlier.flushes);
  }
}
