package dev.tuff.bench;

/**
 * What one measured stretch gave.
 *
 * @param seconds length of the stretch
 * @param operations finished in it
 * @param bytes moved by them, counted once (user bytes)
 * @param cpuSeconds user and system time of the whole process, kernel workers of its rings
 *     included; NaN where not known
 * @param deviceReadBytes read from devices, from their own counters
 * @param deviceWrittenBytes written to devices, likewise
 * @param deviceWrites write operations of the devices
 * @param flushes flush operations of the devices
 * @param allocatedBytes Java heap allocated by the loading threads; -1 where not known
 * @param peakResidentBytes the process's peak memory so far (VmHWM); -1 where not known
 */
public record Measurement(
    double seconds,
    long operations,
    long bytes,
    Latency latency,
    double cpuSeconds,
    long deviceReadBytes,
    long deviceWrittenBytes,
    long deviceWrites,
    long flushes,
    long allocatedBytes,
    long peakResidentBytes) {

  public double operationsPerSecond() {
    return operations / seconds;
  }

  public double bytesPerSecond() {
    return bytes / seconds;
  }

  public double cpuMicrosPerOperation() {
    return operations == 0 ? Double.NaN : cpuSeconds * 1e6 / operations;
  }

  /** Device bytes read per user byte. */
  public double readAmplification() {
    return bytes == 0 ? Double.NaN : (double) deviceReadBytes / bytes;
  }

  /** Device bytes written per user byte. */
  public double writeAmplification() {
    return bytes == 0 ? Double.NaN : (double) deviceWrittenBytes / bytes;
  }

  public double flushesPerOperation() {
    return operations == 0 ? Double.NaN : (double) flushes / operations;
  }

  public double allocatedBytesPerOperation() {
    return operations == 0 || allocatedBytes < 0
        ? Double.NaN
        : (double) allocatedBytes / operations;
  }
}
