package dev.tuff.bench;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.DeviceCounters;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoHandler;
import dev.tuff.device.IoLoop;
import dev.tuff.device.IoRequest;
import dev.tuff.device.IoResult;
import org.HdrHistogram.Histogram;

/**
 * Keeps devices busy from their loop's own thread: {@code depth} requests in flight in all, dealt
 * to the devices in turn, each submitted again from its completion. Everything is allocated before
 * the first stretch.
 */
final class DeviceLoad implements IoHandler {
  /** Longer latencies count as this. */
  static final long LONGEST_NANOS = 60_000_000_000L;

  private final IoLoop loop;
  private final BlockDevice[] devices;
  private final Workload work;
  private final long blocksPerDevice;
  private final int placeBytes;
  private final boolean flushedPasses;
  private final IoRequest[] requests;
  private final IoRequest[] flushes;
  private final IoBuffer memory;
  private final long[] startedNanos;
  private final Histogram histogram = new Histogram(LONGEST_NANOS, 3);
  private final ResourceMeter meter = new ResourceMeter();

  private long random = 0x9E3779B97F4A7C15L;
  private long sequence;
  private long passEnd;
  private long deadlineNanos;
  private long operations;
  private int inFlight;
  private IoRequest failed;

  /**
   * @param memory room for {@code work.depth()} blocks, each rounded up to 4 KiB; filled by the
   *     caller; the load's while it runs
   * @param bytesPerDevice of each device, from its start, are used
   */
  DeviceLoad(
      IoLoop loop, BlockDevice[] devices, IoBuffer memory, long bytesPerDevice, Workload work) {
    this(loop, devices, memory, bytesPerDevice, work, false);
  }

  /**
   * @param flushedPasses whether every device is flushed, within the stretch's time, after each
   *     pass over the bytes that are used and at the end: no write then replaces another one in a
   *     drive's cache, and all of them are hardened when the stretch ends
   */
  DeviceLoad(
      IoLoop loop,
      BlockDevice[] devices,
      IoBuffer memory,
      long bytesPerDevice,
      Workload work,
      boolean flushedPasses) {
    this.loop = loop;
    this.flushedPasses = flushedPasses;
    this.devices = devices;
    this.memory = memory;
    this.work = work;
    this.blocksPerDevice = bytesPerDevice / work.blockBytes();
    if (blocksPerDevice < 1) {
      throw new BenchException(
          "There is no room for a block of "
              + work.blockBytes()
              + " bytes in "
              + bytesPerDevice
              + " bytes.");
    }
    this.placeBytes = (work.blockBytes() + 4095) & -4096;
    this.requests = new IoRequest[work.depth()];
    this.startedNanos = new long[work.depth()];
    for (int i = 0; i < requests.length; i++) {
      requests[i] = new IoRequest(this, this);
      requests[i].tag = i;
    }
    this.flushes = new IoRequest[devices.length];
    for (int i = 0; i < flushes.length; i++) {
      flushes[i] = new IoRequest(this::onFlushed, this);
    }
  }

  /**
   * One stretch, on the loop's thread. Ends when everything in flight has completed, with flushed
   * passes when all of it is hardened.
   */
  Measurement run(double seconds) {
    histogram.reset();
    operations = 0;
    failed = null;
    long reads = total(Count.READ_BYTES);
    long written = total(Count.WRITTEN_BYTES);
    long writes = total(Count.WRITES);
    long flushes = total(Count.FLUSHES);
    long allocated = ResourceMeter.allocatedByThisThread();
    meter.start();
    long begin = loop.nanoTime();
    deadlineNanos = begin + (long) (seconds * 1e9);
    do {
      runPass();
    } while (flushedPasses && loop.nanoTime() - deadlineNanos < 0);
    long end = loop.nanoTime();
    meter.stop();
    allocated = ResourceMeter.allocatedByThisThread() - allocated;
    return new Measurement(
        (end - begin) / 1e9,
        operations,
        operations * work.blockBytes(),
        Latency.of(histogram),
        meter.cpuSeconds(),
        total(Count.READ_BYTES) - reads,
        total(Count.WRITTEN_BYTES) - written,
        total(Count.WRITES) - writes,
        total(Count.FLUSHES) - flushes,
        allocated,
        ResourceMeter.peakResidentBytes());
  }

  private void runPass() {
    passEnd = flushedPasses ? sequence + blocksPerDevice * devices.length : Long.MAX_VALUE;
    long now = loop.nanoTime();
    for (IoRequest request : requests) {
      goOn(request, now);
    }
    awaitAll();
    if (flushedPasses) {
      flush();
    }
  }

  /** Flushes every device and waits for it, on the loop's thread, between stretches. */
  void flush() {
    for (int i = 0; i < devices.length; i++) {
      inFlight++;
      devices[i].submit(flushes[i].flush());
    }
    awaitAll();
  }

  private void awaitAll() {
    while (inFlight > 0) {
      loop.await(-1);
    }
    if (failed != null) {
      throw new BenchException(
          "A "
              + work.label()
              + " failed: "
              + failed
              + ", error number "
              + failed.errno()
              + "; check the drive and the file system's free space.");
    }
  }

  private void goOn(IoRequest request, long nowNanos) {
    if (nowNanos - deadlineNanos < 0 && sequence < passEnd) {
      submit(request, nowNanos);
    }
  }

  private void submit(IoRequest request, long nowNanos) {
    long number = sequence++;
    BlockDevice device = devices[(int) (number % devices.length)];
    long block =
        work.pattern() == Pattern.RANDOM
            ? Math.unsignedMultiplyHigh(nextRandom(), blocksPerDevice)
            : number / devices.length % blocksPerDevice;
    long offset = block * work.blockBytes();
    int place = request.tag * placeBytes;
    switch (work.direction()) {
      case READ -> request.read(offset, work.blockBytes(), memory, place);
      case WRITE -> request.write(offset, work.blockBytes(), memory, place);
      case DURABLE_WRITE -> request.writeDurable(offset, work.blockBytes(), memory, place);
    }
    startedNanos[request.tag] = nowNanos;
    inFlight++;
    device.submit(request);
  }

  @Override
  public void onIo(IoRequest request) {
    long now = loop.nanoTime();
    inFlight--;
    if (request.result() != IoResult.OK) {
      failed = request;
      deadlineNanos = now;
      return;
    }
    histogram.recordValue(Math.min(now - startedNanos[request.tag], LONGEST_NANOS));
    operations++;
    goOn(request, now);
  }

  private void onFlushed(IoRequest request) {
    inFlight--;
    if (request.result() != IoResult.OK) {
      failed = request;
    }
  }

  /** Marsaglia's xorshift64: a few cycles, no state shared, no allocation. */
  private long nextRandom() {
    random ^= random << 13;
    random ^= random >>> 7;
    random ^= random << 17;
    return random;
  }

  private enum Count {
    READ_BYTES,
    WRITES,
    WRITTEN_BYTES,
    FLUSHES
  }

  private long total(Count count) {
    long sum = 0;
    for (BlockDevice device : devices) {
      DeviceCounters counters = device.counters();
      sum +=
          switch (count) {
            case READ_BYTES -> counters.readBytes;
            case WRITES -> counters.writes;
            case WRITTEN_BYTES -> counters.writtenBytes;
            case FLUSHES -> counters.flushes;
          };
    }
    return sum;
  }
}
