package dev.tuff.bench;

import dev.tuff.bench.Comparison.Side;
import dev.tuff.device.BlockDevice;
import dev.tuff.device.DeviceOptions;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import dev.tuff.device.UringDevice;
import dev.tuff.device.UringLoop;
import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.AssembleOptions;
import dev.tuff.iom.array.FormatOptions;
import dev.tuff.iom.array.VolumeSpec;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.Volume;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Measures a whole array in turn with its raw drives, and says how near it comes to what the drives
 * allow ({@code docs/performance.md} has the limits).
 *
 * <p>The array's drives and the raw ones are image files of the same number and size on the same
 * file system, both written once: raw writes would destroy the array's.
 */
public final class ArrayBench {
  private static final double SEQUENTIAL_WRITE_GOAL = 0.75;
  private static final double RANDOM_WRITE_GOAL = 0.5;
  private static final double JAVA_BYTES_GOAL = 64;
  private static final int BLOCK = 4096;
  private static final int LARGE = 1 << 20;
  private static final long MIB = 1L << 20;
  static final String VOLUME = "bench";

  /** Of what the array has for its clients, the rest being for filling the volume. */
  private static final long LARGEST_BUFFERS = 48 * MIB;

  /**
   * What to measure.
   *
   * @param directory where the image drives are, made once
   * @param dataMembers N
   * @param parityMembers K
   * @param drives at least N+K; 0: N+K
   * @param driveBytes size of each image drive, at least 64 MiB; less where space is short
   * @param volumeBytes size of the volume; 0: half of what the drives can hold
   * @param chunkBytes 0: the array's default
   * @param shards 0: one for each core but one
   * @param pinned whether each shard stays on its core, if there are more cores than shards; the
   *     raw loads never do
   * @param workloads empty: {@link #defaultWorkloads()}
   * @param seconds of every stretch
   * @param repeats stretches per side, at least 1
   * @param warmUpSeconds of the unrecorded stretch before each load
   * @param degraded the array with a drive missing beside the whole one, instead of its raw drives
   */
  public record Options(
      Path directory,
      int dataMembers,
      int parityMembers,
      int drives,
      long driveBytes,
      long volumeBytes,
      int chunkBytes,
      int shards,
      boolean pinned,
      List<ArrayWorkload> workloads,
      double seconds,
      int repeats,
      double warmUpSeconds,
      boolean degraded) {
    public Options {
      if (degraded && parityMembers == 0) {
        throw new BenchException(
            "Without parity there is no degraded array; give a protection with one, like 4+1.");
      }
      drives = drives == 0 ? dataMembers + parityMembers : drives;
      workloads = workloads.isEmpty() ? defaultWorkloads() : List.copyOf(workloads);
      if (!(seconds > 0) || repeats < 1 || warmUpSeconds < 0) {
        throw new BenchException(
            "Seconds and repeats are "
                + seconds
                + " and "
                + repeats
                + "; give more than 0 of each.");
      }
      if (driveBytes < 64 * MIB || volumeBytes < 0) {
        throw new BenchException(
            "Drives of " + driveBytes + " bytes were asked for; give at least 64 MiB.");
      }
    }

    /** 4+1 on five image drives of 512 MiB, the default loads, five repeats of 2 s. */
    public static Options defaults() {
      return new Options(
          Path.of("var/bench"), 4, 1, 0, 512 * MIB, 0, 0, 0, false, List.of(), 2, 5, 2, false);
    }

    /**
     * The same loads on small drives in seconds, for tests and a first look: not for figures that
     * count.
     */
    public Options quick() {
      return new Options(
          directory,
          dataMembers,
          parityMembers,
          drives,
          96 * MIB,
          0,
          chunkBytes,
          shards,
          pinned,
          workloads,
          0.1,
          2,
          0.05,
          degraded);
    }
  }

  private ArrayBench() {}

  /**
   * 1 MiB sequential write and read at depth 16, 4 KiB random read at 64, 4 KiB random write at 64
   * with every toughness and at depth 1. In this order: random writes scatter what sequential reads
   * would read.
   */
  public static List<ArrayWorkload> defaultWorkloads() {
    return List.of(
        ArrayWorkload.write(Pattern.SEQUENTIAL, LARGE, 16, Toughness.HARDENED),
        ArrayWorkload.read(Pattern.SEQUENTIAL, LARGE, 16),
        ArrayWorkload.read(Pattern.RANDOM, BLOCK, 64),
        ArrayWorkload.write(
            Pattern.RANDOM, BLOCK, 64, Toughness.HARDENED, Toughness.TAKEN, Toughness.NONE),
        ArrayWorkload.write(Pattern.RANDOM, BLOCK, 1, Toughness.HARDENED));
  }

  /**
   * Formats the image drives, fills a volume once, measures, and stops the array. The raw loads run
   * on the calling thread.
   *
   * @throws BenchException where it cannot be done as asked
   * @throws dev.tuff.iom.array.ArrayException where the array does not work as asked
   */
  public static BenchReport run(Options options, BenchProgress progress) {
    if (options.degraded) {
      return DegradedBench.run(options, progress);
    }
    int steps = 2;
    for (ArrayWorkload work : options.workloads) {
      steps +=
          options.repeats * (rawLoads(work.load()).size() + Math.max(1, work.toughnesses().size()));
    }
    long driveBytes = driveBytes(options);
    Path directory = options.directory.resolve("array-" + driveBytes / MIB + "M");
    progress.onStep("making image drives", 0, steps);
    List<Path> drives = images(directory, "drive", options.drives, driveBytes);
    List<Path> raw = images(directory, "raw", options.drives, driveBytes);
    Array.format(drives, new FormatOptions(options.dataMembers, options.parityMembers, 0, true));
    try (Array array =
        Array.assemble(drives, new AssembleOptions(options.shards, false, options.pinned))) {
      return run(options, array, raw, volumeBytes(options, driveBytes), progress, steps);
    }
  }

  static long driveBytes(Options options) {
    long together =
        ImageFile.fittingBytes(options.directory, options.driveBytes * options.drives * 2);
    return Math.max(64 * MIB, together / (2L * options.drives) / MIB * MIB);
  }

  static long volumeBytes(Options options, long driveBytes) {
    if (options.volumeBytes > 0) {
      return options.volumeBytes;
    }
    long data =
        driveBytes
            * options.drives
            / (options.dataMembers + options.parityMembers)
            * options.dataMembers;
    return data / 2 / MIB * MIB;
  }

  static List<Path> images(Path directory, String name, int count, long bytes) {
    List<Path> files = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Path file = directory.resolve(name + "-" + i + ".img");
      ImageFile.make(file, bytes);
      files.add(file);
    }
    return files;
  }

  private static BenchReport run(
      Options options,
      Array array,
      List<Path> raw,
      long volumeBytes,
      BenchProgress progress,
      int steps) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("protection", options.dataMembers + "+" + options.parityMembers);
    settings.put("drives", options.drives + " image files");
    VolumeSpec spec =
        new VolumeSpec(
            VOLUME,
            volumeBytes,
            options.dataMembers,
            options.parityMembers,
            options.chunkBytes,
            Toughness.HARDENED);
    settings.put("chunk", Workload.size(array.createVolume(spec).chunkBytes()));
    settings.put("volume", Workload.size(volumeBytes));
    settings.put("shards", array.shardCount() + (array.pinned() ? " pinned" : ""));
    settings.put("seconds", String.valueOf(options.seconds));
    settings.put("repeats", String.valueOf(options.repeats));
    Environment environment = Environment.of(raw.getFirst(), settings);
    Volume volume = array.volume(VOLUME);
    progress.onStep("filling the volume", 1, steps);
    fill(array, volume);

    List<Comparison> comparisons = new ArrayList<>();
    List<String> notes = new ArrayList<>();
    // As much of each raw drive as the volume takes of each of its own.
    long span =
        volumeBytes
            / options.dataMembers
            * (options.dataMembers + options.parityMembers)
            / options.drives;
    try (RawDrives rawDrives = new RawDrives(raw, Math.max(span, 16 * MIB), options.workloads)) {
      int[] step = {2};
      for (ArrayWorkload work : options.workloads) {
        comparisons.add(
            measure(
                options,
                array,
                volume,
                rawDrives,
                work,
                notes,
                () -> progress.onStep(work.load().label(), step[0]++, steps)));
      }
    }
    progress.onStep("done", steps, steps);
    notes.add(
        "Raw: the same number of drives of the same size, one thread, the same depth in all; a pass"
            + " over the drives in turn.");
    notes.add(
        "Bytes and flushes of the array include the checkpoints after each stretch; peak memory of"
            + " the process: "
            + (ResourceMeter.peakResidentBytes() >> 20)
            + " MiB.");
    return new BenchReport(
        "Array " + options.dataMembers + "+" + options.parityMembers + " against its raw drives",
        environment,
        comparisons,
        notes);
  }

  static void fill(Array array, Volume volume) {
    Workload work = new Workload(Pattern.SEQUENTIAL, Direction.WRITE, LARGE, 8);
    IoBuffer[] buffers = buffers(array, work, List.of(Toughness.HARDENED));
    try {
      new VolumeLoad(array, volume, work, Toughness.HARDENED, buffers).runOnce();
    } finally {
      array.returnClientBuffers(buffers);
    }
  }

  /** One set for all levels, which run one after the other. */
  static IoBuffer[] buffers(Array array, Workload work, List<Toughness> levels) {
    int count =
        levels.stream().mapToInt(level -> VolumeLoad.buffersFor(work, level)).max().orElseThrow();
    if ((long) count * work.blockBytes() > LARGEST_BUFFERS) {
      throw new BenchException(
          "A "
              + work.label()
              + " needs "
              + count
              + " buffers, more than "
              + Workload.size(LARGEST_BUFFERS)
              + " of memory; give a smaller depth or block size.");
    }
    IoBuffer[] buffers = array.clientBuffers(count, work.blockBytes());
    for (int i = 0; i < count; i++) {
      ImageFile.fill(buffers[i].segment(), i + 1);
    }
    return buffers;
  }

  /**
   * A load on the raw drives.
   *
   * @param flushedPasses as in {@link DeviceLoad}
   */
  private record RawLoad(Workload work, boolean flushedPasses) {
    String name() {
      return "raw " + work.direction().label() + (flushedPasses ? ", flushed" : "");
    }
  }

  /** What the limit of a load is worked out from, at the same total depth. */
  private static List<RawLoad> rawLoads(Workload load) {
    if (load.direction() == Direction.READ) {
      return List.of(new RawLoad(load, false));
    }
    Workload durable =
        new Workload(load.pattern(), Direction.DURABLE_WRITE, load.blockBytes(), load.depth());
    if (load.pattern() == Pattern.SEQUENTIAL) {
      return List.of(
          new RawLoad(load, true), new RawLoad(durable, false), new RawLoad(load, false));
    }
    Workload read = new Workload(load.pattern(), Direction.READ, load.blockBytes(), load.depth());
    return List.of(new RawLoad(durable, false), new RawLoad(read, false));
  }

  private static Comparison measure(
      Options options,
      Array array,
      Volume volume,
      RawDrives rawDrives,
      ArrayWorkload work,
      List<String> notes,
      Runnable step) {
    List<Side> sides = new ArrayList<>();
    List<Toughness> levels =
        work.toughnesses().isEmpty() ? List.of(Toughness.HARDENED) : work.toughnesses();
    IoBuffer[] buffers = buffers(array, work.load(), levels);
    try {
      for (Toughness level : levels) {
        VolumeLoad load = new VolumeLoad(array, volume, work.load(), level, buffers);
        sides.add(
            new Side(work.toughnesses().isEmpty() ? "tuff" : "tuff T" + level.level(), load::run));
      }
      int firstRaw = sides.size();
      for (RawLoad raw : rawLoads(work.load())) {
        DeviceLoad load = rawDrives.load(raw);
        sides.add(new Side(raw.name(), seconds -> runAndFlush(load, seconds)));
      }
      String name = work.load().label();
      Comparison comparison =
          Comparison.alternate(
              name, sides, options.repeats, options.seconds, options.warmUpSeconds, step);
      return withRatios(options, work, comparison, firstRaw, notes);
    } finally {
      array.returnClientBuffers(buffers);
    }
  }

  private static Comparison withRatios(
      Options options,
      ArrayWorkload work,
      Comparison comparison,
      int firstRaw,
      List<String> notes) {
    int n = options.dataMembers;
    int k = options.parityMembers;
    boolean judged =
        !work.toughnesses().isEmpty() && work.toughnesses().getFirst() == Toughness.HARDENED;
    Comparison result = comparison;
    if (work.load().direction() == Direction.READ) {
      result = result.withRatio("throughput / raw", 0, firstRaw, Measurement::bytesPerSecond, null);
    } else if (work.load().pattern() == Pattern.SEQUENTIAL) {
      Goal goal = judged ? Goal.atLeast(SEQUENTIAL_WRITE_GOAL) : null;
      result =
          result
              .withRatio(
                  new Ratio(
                      "throughput / flushed limit",
                      ofStripeLimit(comparison, firstRaw, n, k),
                      goal))
              .withRatio(
                  new Ratio(
                      "throughput / durable limit",
                      ofStripeLimit(comparison, firstRaw + 1, n, k),
                      null))
              .withRatio(
                  new Ratio(
                      "throughput / plain limit",
                      ofStripeLimit(comparison, firstRaw + 2, n, k),
                      null));
      notes.add(
          work.load().label()
              + ": the limits are raw x "
              + n
              + "/"
              + (n + k)
              + ". Flushed: raw writes whose every byte is on the medium when the time ends, one"
              + " flush for a pass over the drives. Durable: each raw write is hardened before its"
              + " completion. Plain: what stays in a drive's cache counts as written.");
    } else if (work.load().depth() == 1) {
      List<Double> cached = new ArrayList<>();
      List<Double> readFirst = new ArrayList<>();
      for (int i = 0; i < options.repeats; i++) {
        double ours = at(comparison, 0, i).latency().p50Nanos();
        double write = at(comparison, firstRaw, i).latency().p50Nanos();
        double read = at(comparison, firstRaw + 1, i).latency().p50Nanos();
        cached.add(ours / write);
        readFirst.add(ours / (write + read));
      }
      result =
          result
              .withRatio(new Ratio("p50 latency / raw write", cached, null))
              .withRatio(new Ratio("p50 latency / raw read + write", readFirst, null));
    } else {
      result = withRandomWriteRatios(options, work, comparison, firstRaw, judged, notes);
    }
    List<Double> javaBytes = new ArrayList<>();
    for (Measurement m : comparison.series().getFirst().repeats()) {
      javaBytes.add(m.allocatedBytesPerOperation());
    }
    return result.withRatio(
        new Ratio("Java bytes per op", javaBytes, Goal.atMost(JAVA_BYTES_GOAL)));
  }

  /**
   * One stretch, and a flush of every drive that does not count as time: what a load leaves in the
   * drives' caches would otherwise be written by the next side's first flush, in that side's time.
   */
  private static Measurement runAndFlush(DeviceLoad load, double seconds) {
    Measurement measured = load.run(seconds);
    load.flush();
    return measured;
  }

  private static List<Double> ofStripeLimit(Comparison comparison, int raw, int n, int k) {
    List<Double> values = new ArrayList<>();
    for (int i = 0; i < comparison.series().getFirst().repeats().size(); i++) {
      double limit = Limits.fullStripeWrite(at(comparison, raw, i).bytesPerSecond(), n, k);
      values.add(at(comparison, 0, i).bytesPerSecond() / limit);
    }
    return values;
  }

  private static Comparison withRandomWriteRatios(
      Options options,
      ArrayWorkload work,
      Comparison comparison,
      int firstRaw,
      boolean judged,
      List<String> notes) {
    int k = options.parityMembers;
    List<Double> cached = new ArrayList<>();
    List<Double> readFirst = new ArrayList<>();
    double[] readShare = new double[options.repeats];
    for (int i = 0; i < options.repeats; i++) {
      Measurement ours = at(comparison, 0, i);
      double w = at(comparison, firstRaw, i).operationsPerSecond();
      double r = at(comparison, firstRaw + 1, i).operationsPerSecond();
      cached.add(ours.operationsPerSecond() / Limits.cachedOverwrite(w, k));
      readFirst.add(ours.operationsPerSecond() / Limits.readFirstOverwrite(w, r, k));
      readShare[i] = Math.min(1, ours.readAmplification() / (1 + k));
    }
    double share = Spread.of(readShare).median();
    boolean readsFirst = share > 0.5;
    Goal goal = judged ? Goal.atLeast(RANDOM_WRITE_GOAL) : null;
    notes.add(
        String.format(
            Locale.ROOT,
            "%s: %.0f %% of old data and parity came from the drives, so the limit that applies is"
                + " the one with %s.",
            work.load().label(),
            share * 100,
            readsFirst
                ? "both read first, 1 / ((1+K)/w + (1+K)/r)"
                : "both in the cache, w / (1+K)"));
    return comparison
        .withRatio(new Ratio("IOPS / limit, cached", cached, readsFirst ? null : goal))
        .withRatio(new Ratio("IOPS / limit, read first", readFirst, readsFirst ? goal : null));
  }

  private static Measurement at(Comparison comparison, int series, int repeat) {
    return comparison.series().get(series).repeats().get(repeat);
  }

  /** The drives by themselves, on one loop of the calling thread. */
  private static final class RawDrives implements AutoCloseable {
    private final UringLoop loop;
    private final BlockDevice[] devices;
    private final IoBuffer memory;
    private final long span;

    RawDrives(List<Path> paths, long span, List<ArrayWorkload> workloads) {
      this.span = span;
      long bytes = BLOCK;
      int depth = 1;
      for (ArrayWorkload work : workloads) {
        depth = Math.max(depth, work.load().depth());
        bytes =
            Math.max(
                bytes,
                (long) work.load().depth()
                    * (work.load().blockBytes() + BLOCK - 1)
                    / BLOCK
                    * BLOCK);
      }
      IoMemory ioMemory = IoMemory.open(bytes);
      this.memory = ioMemory.buffers(1, (int) bytes)[0];
      ImageFile.fill(memory.segment(), 1);
      this.loop = UringLoop.open(ioMemory, paths.size(), depth * paths.size());
      this.devices = new BlockDevice[paths.size()];
      boolean ready = false;
      try {
        for (int i = 0; i < devices.length; i++) {
          devices[i] = UringDevice.open(loop, paths.get(i), new DeviceOptions(depth));
        }
        ready = true;
      } finally {
        if (!ready) {
          close();
        }
      }
    }

    DeviceLoad load(RawLoad raw) {
      return new DeviceLoad(loop, devices, memory, span, raw.work, raw.flushedPasses);
    }

    @Override
    public void close() {
      for (BlockDevice device : devices) {
        if (device != null) {
          device.close();
        }
      }
      loop.close();
    }
  }
}
