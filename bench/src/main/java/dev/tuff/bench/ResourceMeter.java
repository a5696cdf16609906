package dev.tuff.bench;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a stretch costs this process. The CPU figure counts every thread: io_uring's kernel workers
 * are threads of ours.
 */
final class ResourceMeter {
  private static final OperatingSystemMXBean PROCESS =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private long cpuNanos;
  private double usedSeconds;

  void start() {
    cpuNanos = PROCESS.getProcessCpuTime();
  }

  void stop() {
    usedSeconds = (PROCESS.getProcessCpuTime() - cpuNanos) / 1e9;
  }

  /** CPU seconds between start and stop. */
  double cpuSeconds() {
    return usedSeconds;
  }

  /**
   * Java heap bytes that the calling thread has allocated since it began; -1 where the JVM does not
   * count.
   */
  static long allocatedByThisThread() {
    return THREADS.getCurrentThreadAllocatedBytes();
  }

  /** User and system time of the calling thread. */
  static long cpuNanosOfThisThread() {
    return THREADS.getCurrentThreadCpuTime();
  }

  /** Peak resident memory of this process in bytes. */
  static long peakResidentBytes() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("VmHWM:")) {
          return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
        }
      }
      return -1;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
