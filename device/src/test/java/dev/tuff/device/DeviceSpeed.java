package dev.tuff.device;

import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * Measures one pattern on one file, to be held against fio by hand: FILE read|write
 * random|sequential BLOCK_BYTES DEPTH SECONDS. Not a test.
 */
final class DeviceSpeed implements IoHandler {
  private final BlockDevice device;
  private final boolean write;
  private final boolean random;
  private final int block;
  private final long blocks;
  private final SplittableRandom offsets = new SplittableRandom(1);
  private boolean stop;
  private long next;
  private long done;

  private DeviceSpeed(BlockDevice device, boolean write, boolean random, int block) {
    this.device = device;
    this.write = write;
    this.random = random;
    this.block = block;
    this.blocks = device.geometry().sizeBytes() / block;
  }

  @SuppressWarnings("SystemOut") // A command.
  public static void main(String[] args) {
    boolean write = args[1].equals("write");
    boolean random = args[2].equals("random");
    int block = Integer.parseInt(args[3]);
    int depth = Integer.parseInt(args[4]);
    double seconds = Double.parseDouble(args[5]);
    try (IoMemory memory = IoMemory.open((long) depth * block);
        UringLoop loop = UringLoop.open(memory, 1, depth);
        UringDevice device = UringDevice.open(loop, Path.of(args[0]), new DeviceOptions(depth))) {
      DeviceSpeed speed = new DeviceSpeed(device, write, random, block);
      IoBuffer[] buffers = memory.buffers(depth, block);
      for (IoBuffer buffer : buffers) {
        IoRequest request = new IoRequest(speed, buffer);
        speed.submit(request);
      }
      speed.run(loop, Math.min(2, seconds));
      long operations = speed.done;
      long enters = loop.enters();
      long cpu = cpuNanos();
      long begin = System.nanoTime();
      speed.run(loop, seconds);
      double wall = (System.nanoTime() - begin) * 1e-9;
      operations = speed.done - operations;
      System.out.printf(
          Locale.ROOT,
          "tuff %.0f ops/s, %.2f us cpu/op, %.2f enters/op%n",
          operations / wall,
          (cpuNanos() - cpu) * 1e-3 / operations,
          (double) (loop.enters() - enters) / operations);
      speed.stop = true;
      while (device.pending() > 0) {
        loop.await(-1);
      }
    }
  }

  private static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean)
            java.lang.management.ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private void run(IoLoop loop, double seconds) {
    long end = System.nanoTime() + (long) (seconds * 1e9);
    while (System.nanoTime() < end) {
      loop.await(-1);
    }
  }

  private void submit(IoRequest request) {
    long offset = (random ? offsets.nextLong(blocks) : next++ % blocks) * block;
    IoBuffer buffer = (IoBuffer) request.owner;
    device.submit(
        write ? request.write(offset, block, buffer, 0) : request.read(offset, block, buffer, 0));
  }

  @Override
  public void onIo(IoRequest request) {
    if (request.result() != IoResult.OK) {
      throw new AssertionError(request + ", errno " + request.errno());
    }
    done++;
    if (!stop) {
      submit(request);
    }
  }
}
