package dev.tuff.bench;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.DeviceCountersSnapshot;
import dev.tuff.iom.volume.RequestHandler;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.Volume;
import dev.tuff.iom.volume.VolumeRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * Keeps a volume busy from the array's own shards: the depth is split over them, each submits again
 * from its completions. Everything is allocated before the first stretch. Owned by one ordinary
 * thread, which waits while the shards work.
 */
final class VolumeLoad {
  /** A request of which nothing is heard for so long will not end any more. */
  private static final long STUCK_SECONDS = 60;

  /** Drives are at rest when nothing went through them for so long. */
  private static final long REST_MILLIS = 60;

  private static final long LONGEST_REST_MILLIS = 10_000;

  private final Array array;
  private final Volume volume;
  private final Workload work;
  private final Toughness toughness;
  private final Scatter scatter;
  private final List<Generator> generators = new ArrayList<>();
  private final Histogram histogram = new Histogram(DeviceLoad.LONGEST_NANOS, 3);
  private final ResourceMeter meter = new ResourceMeter();

  /**
   * @param toughness of writes
   * @param buffers as many as {@link #buffersFor} says, of a block each; the load's while it runs
   */
  VolumeLoad(Array array, Volume volume, Workload work, Toughness toughness, IoBuffer[] buffers) {
    this(array, volume, work, toughness, buffers, null);
  }

  /**
   * @param scatter where a random load goes: writes to blocks that it draws, reads to blocks that
   *     were drawn; null: anywhere
   */
  VolumeLoad(
      Array array,
      Volume volume,
      Workload work,
      Toughness toughness,
      IoBuffer[] buffers,
      Scatter scatter) {
    this.scatter = scatter;
    this.array = array;
    this.volume = volume;
    this.work = work;
    this.toughness = toughness;
    int shards = Math.min(array.shardCount(), work.depth());
    int requests = buffersFor(work, toughness) / work.depth();
    int used = 0;
    for (int shard = 0; shard < shards; shard++) {
      int depth = work.depth() / shards + (shard < work.depth() % shards ? 1 : 0);
      generators.add(new Generator(shard, shards, depth, buffers, used, depth * requests));
      used += depth * requests;
    }
  }

  /**
   * Buffers that a load needs: one for each operation in flight, two where a write is replied to
   * before it is hardened and keeps its buffer for a while longer.
   */
  static int buffersFor(Workload work, Toughness toughness) {
    boolean kept = work.direction() != Direction.READ && toughness != Toughness.HARDENED;
    return work.depth() * (kept ? 2 : 1);
  }

  /**
   * One stretch; returns when all of it is done and the drives are at rest, which does not count as
   * time.
   */
  Measurement run(double seconds) {
    return run(seconds, Long.MAX_VALUE, true);
  }

  /** One stretch beside something else that keeps the drives busy, which is not waited for. */
  Measurement runBeside(double seconds) {
    return run(seconds, Long.MAX_VALUE, false);
  }

  /** Goes over the whole volume once, in order. */
  Measurement runOnce() {
    return run(Double.MAX_VALUE, volume.sizeBytes() / work.blockBytes(), true);
  }

  private Measurement run(double seconds, long operationLimit, boolean untilAtRest) {
    DeviceCountersSnapshot before = array.counters();
    CountDownLatch ended = new CountDownLatch(generators.size());
    meter.start();
    long length = seconds > 1e9 ? Long.MAX_VALUE / 2 : (long) (seconds * 1e9);
    long share =
        operationLimit == Long.MAX_VALUE ? operationLimit : operationLimit / generators.size();
    for (Generator generator : generators) {
      // What does not divide goes to the first, so that no block is left out.
      long own =
          generator.shard == 0 && share != operationLimit
              ? operationLimit - share * (generators.size() - 1)
              : share;
      array.execute(generator.shard, () -> generator.begin(length, own, ended));
    }
    await(ended);
    meter.stop();
    if (untilAtRest) {
      rest();
    }
    DeviceCountersSnapshot used = array.counters().since(before);
    histogram.reset();
    long operations = 0;
    long allocated = 0;
    long begin = generators.getFirst().startedNanos;
    long end = begin;
    for (Generator generator : generators) {
      if (generator.failed != null) {
        throw new BenchException(
            "A "
                + work.label()
                + " of the volume ended with "
                + generator.failed
                + " at byte "
                + generator.failedOffset
                + ".");
      }
      histogram.add(generator.latencies);
      operations += generator.operations;
      allocated += generator.allocated;
      // A shard's time begins when it does: waking it is not part of the load.
      begin = Math.min(begin, generator.startedNanos);
      end = Math.max(end, generator.lastDoneNanos);
    }
    return new Measurement(
        Math.max(end - begin, 1) / 1e9,
        operations,
        operations * work.blockBytes(),
        Latency.of(histogram),
        meter.cpuSeconds(),
        used.readBytes(),
        used.writtenBytes(),
        used.writes(),
        used.flushes(),
        allocated,
        ResourceMeter.peakResidentBytes());
  }

  private void await(CountDownLatch ended) {
    try {
      long before = -1;
      while (!ended.await(STUCK_SECONDS, TimeUnit.SECONDS)) {
        long now = array.counters().writes() + array.counters().reads();
        if (now == before) {
          throw new BenchException("The array does not answer any more in a " + work.label() + ".");
        }
        before = now;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchException("Interrupted in a " + work.label() + ".", e);
    }
  }

  /**
   * Waits until checkpoints and the like are over, so that they neither disturb the next side nor
   * go uncounted.
   */
  private void rest() {
    try {
      long waited = 0;
      DeviceCountersSnapshot last;
      do {
        last = array.counters();
        Thread.sleep(REST_MILLIS);
        waited += REST_MILLIS;
      } while (!array.counters().equals(last) && waited < LONGEST_REST_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchException("Interrupted while the drives came to rest.", e);
    }
  }

  /**
   * One shard's part: its fields belong to the shard's thread from {@link #begin} until the latch
   * says it has ended.
   */
  private final class Generator implements RequestHandler {
    private final int shard;
    private final int shards;
    private final int depth;
    private final VolumeRequest[] free;
    private final IoBuffer[] freeBuffers;
    private final int requests;
    private final Histogram latencies = new Histogram(DeviceLoad.LONGEST_NANOS, 3);
    private final long blocks = volume.sizeBytes() / work.blockBytes();

    private int freeCount;
    private int undone;
    private long random;
    private long sequence;
    private long deadlineNanos;
    private long left;
    private long operations;
    private long startedNanos;
    private long lastDoneNanos;
    private long allocated;
    private CountDownLatch ended;
    private RequestResult failed;
    private long failedOffset;

    /** A request's own start time: found as its owner, without a look-up. */
    private static final class Started {
      private long nanos;
    }

    Generator(int shard, int shards, int depth, IoBuffer[] buffers, int firstBuffer, int requests) {
      this.shard = shard;
      this.shards = shards;
      this.depth = depth;
      this.requests = requests;
      this.free = new VolumeRequest[requests];
      this.freeBuffers = new IoBuffer[requests];
      for (int i = 0; i < requests; i++) {
        free[i] = new VolumeRequest(shard, this, new Started());
        freeBuffers[i] = buffers[firstBuffer + i];
      }
      this.freeCount = requests;
      this.random = 0x9E3779B97F4A7C15L * (shard + 1);
      this.sequence = shard;
    }

    void begin(long lengthNanos, long operationLimit, CountDownLatch whenEnded) {
      latencies.reset();
      operations = 0;
      failed = null;
      left = operationLimit;
      ended = whenEnded;
      startedNanos = System.nanoTime();
      lastDoneNanos = startedNanos;
      deadlineNanos = startedNanos + lengthNanos;
      allocated = ResourceMeter.allocatedByThisThread();
      goOn(startedNanos);
      endIfOver();
    }

    private void goOn(long nowNanos) {
      while (undone < depth && freeCount > 0 && left > 0 && nowNanos - deadlineNanos < 0) {
        VolumeRequest request = free[--freeCount];
        IoBuffer buffer = freeBuffers[freeCount];
        long block;
        if (work.pattern() == Pattern.RANDOM) {
          block = randomBlock();
        } else {
          block = sequence % blocks;
          sequence += shards;
        }
        long offset = block * work.blockBytes();
        if (work.direction() == Direction.READ) {
          request.read(offset, work.blockBytes(), buffer);
        } else {
          request.write(offset, work.blockBytes(), buffer, toughness);
        }
        ((Started) request.owner()).nanos = nowNanos;
        undone++;
        left--;
        volume.submit(request);
      }
    }

    @Override
    public void onDone(VolumeRequest request) {
      long now = System.nanoTime();
      undone--;
      if (request.result() != RequestResult.OK) {
        failed = request.result();
        failedOffset = request.offset();
        left = 0;
        return;
      }
      latencies.recordValue(
          Math.min(now - ((Started) request.owner()).nanos, DeviceLoad.LONGEST_NANOS));
      operations++;
      lastDoneNanos = now;
      goOn(now);
    }

    @Override
    public void onReleased(VolumeRequest request) {
      free[freeCount] = request;
      freeBuffers[freeCount] = request.buffer();
      freeCount++;
      goOn(System.nanoTime());
      endIfOver();
    }

    private void endIfOver() {
      boolean over = left == 0 || System.nanoTime() - deadlineNanos >= 0;
      if (over && freeCount == requests && ended != null) {
        allocated = ResourceMeter.allocatedByThisThread() - allocated;
        CountDownLatch latch = ended;
        ended = null;
        latch.countDown();
      }
    }

    private long randomBlock() {
      if (scatter == null) {
        return Math.unsignedMultiplyHigh(nextRandom(), blocks);
      }
      return work.direction() == Direction.READ
          ? scatter.drawAgain(shard, nextRandom())
          : scatter.draw(shard);
    }

    private long nextRandom() {
      random ^= random << 13;
      random ^= random >>> 7;
      random ^= random << 17;
      return random;
    }
  }
}
