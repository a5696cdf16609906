package dev.tuff.bench;

import dev.tuff.bench.Comparison.Side;
import dev.tuff.device.BlockDevice;
import dev.tuff.device.DeviceOptions;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import dev.tuff.device.UringDevice;
import dev.tuff.device.UringLoop;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Measures the device layer, alone or in turn with fio. */
public final class DeviceBench {
  private static final double THROUGHPUT_GOAL = 0.95;
  private static final double CPU_GOAL = 1.5;
  private static final int BLOCK = 4096;

  /**
   * What to measure.
   *
   * @param target file or block device; null: a file of its own in {@code directory}, made once
   * @param directory where its own file goes
   * @param fileBytes size of its own file, less where space is short; with a target, how much of it
   *     to use (0: all)
   * @param workloads empty: {@link #defaultWorkloads()}
   * @param seconds of every stretch
   * @param repeats stretches per side, at least 1
   * @param warmUpSeconds of the unrecorded stretch before each load
   * @param destructive allows writing to {@code target}, whose content is lost
   * @param againstFio whether fio is measured in turn
   */
  public record Options(
      Path target,
      Path directory,
      long fileBytes,
      List<Workload> workloads,
      double seconds,
      int repeats,
      double warmUpSeconds,
      boolean destructive,
      boolean againstFio) {
    public Options {
      workloads = workloads.isEmpty() ? defaultWorkloads() : List.copyOf(workloads);
      if (!(seconds > 0) || repeats < 1 || warmUpSeconds < 0 || fileBytes < 0) {
        throw new BenchException(
            "Seconds and repeats are "
                + seconds
                + " and "
                + repeats
                + "; give more than 0 of each.");
      }
    }

    /** Its own file of 1 GiB under {@code var/bench}, the default loads, five repeats of 2 s. */
    public static Options defaults() {
      return new Options(null, Path.of("var/bench"), 1L << 30, List.of(), 2, 5, 1, false, false);
    }

    /** The same loads in a few seconds, for tests and a first look: not for figures that count. */
    public Options quick() {
      return new Options(
          target,
          directory,
          Math.min(fileBytes, 64L << 20),
          workloads,
          0.1,
          2,
          0.05,
          destructive,
          againstFio);
    }
  }

  private DeviceBench() {}

  /** 4 KiB random read and write at depth 1 and 32, 1 MiB sequential read and write at depth 8. */
  public static List<Workload> defaultWorkloads() {
    List<Workload> workloads = new ArrayList<>();
    for (int depth : new int[] {1, 32}) {
      workloads.add(new Workload(Pattern.RANDOM, Direction.READ, BLOCK, depth));
      workloads.add(new Workload(Pattern.RANDOM, Direction.WRITE, BLOCK, depth));
    }
    workloads.add(new Workload(Pattern.SEQUENTIAL, Direction.READ, 1 << 20, 8));
    workloads.add(new Workload(Pattern.SEQUENTIAL, Direction.WRITE, 1 << 20, 8));
    return List.copyOf(workloads);
  }

  /**
   * Measures; the calling thread runs the loop.
   *
   * @throws BenchException where it cannot be done as asked, before anything is written
   * @throws dev.tuff.device.DriveUnusableException where the target is no usable drive
   */
  public static BenchReport run(Options options, BenchProgress progress) {
    String fio = options.againstFio ? FioPeer.version() : null;
    int sides = options.againstFio ? 2 : 1;
    int steps = 1 + options.workloads.size() * options.repeats * sides;
    Path path = target(options, progress, steps);
    int depth = options.workloads.stream().mapToInt(Workload::depth).max().orElseThrow();
    int largest = options.workloads.stream().mapToInt(Workload::blockBytes).max().orElseThrow();
    int bufferBytes = (largest + BLOCK - 1) / BLOCK * BLOCK;
    long memoryBytes = 0;
    for (Workload work : options.workloads) {
      memoryBytes = Math.max(memoryBytes, (long) work.depth() * roundUp(work.blockBytes()));
    }
    IoMemory memory = IoMemory.open(Math.max(memoryBytes, bufferBytes));
    List<Comparison> comparisons = new ArrayList<>();
    Environment environment = environment(options, path, fio);
    int[] step = {1};
    try (UringLoop loop = UringLoop.open(memory, 1, depth);
        BlockDevice device = UringDevice.open(loop, path, new DeviceOptions(depth))) {
      long bytes = device.geometry().sizeBytes();
      if (options.target != null && options.fileBytes > 0) {
        bytes = Math.min(bytes, options.fileBytes);
      }
      IoBuffer whole = memory.buffers(1, (int) memory.bytes())[0];
      ImageFile.fill(whole.segment(), bytes);
      FioPeer peer = new FioPeer(path, bytes / BLOCK * BLOCK);
      for (Workload work : options.workloads) {
        DeviceLoad load = new DeviceLoad(loop, new BlockDevice[] {device}, whole, bytes, work);
        List<Side> both = new ArrayList<>();
        both.add(new Side("tuff", load::run));
        if (options.againstFio) {
          both.add(new Side("fio", seconds -> peer.run(work, seconds)));
        }
        Comparison comparison =
            Comparison.alternate(
                work.label(),
                both,
                options.repeats,
                options.seconds,
                options.warmUpSeconds,
                () -> progress.onStep(work.label(), step[0]++, steps));
        if (options.againstFio) {
          comparison =
              comparison
                  .withRatio(
                      "throughput / fio",
                      0,
                      1,
                      Measurement::bytesPerSecond,
                      Goal.atLeast(THROUGHPUT_GOAL))
                  .withRatio(
                      "CPU per op / fio",
                      0,
                      1,
                      Measurement::cpuMicrosPerOperation,
                      Goal.atMost(CPU_GOAL));
        }
        comparisons.add(comparison);
      }
    }
    progress.onStep("done", steps, steps);
    return new BenchReport(
        "Device layer" + (fio == null ? "" : " against fio"),
        environment,
        comparisons,
        notes(options));
  }

  private static long roundUp(long bytes) {
    return (bytes + BLOCK - 1) / BLOCK * BLOCK;
  }

  private static Path target(Options options, BenchProgress progress, int steps) {
    if (options.target == null) {
      long bytes = ImageFile.fittingBytes(options.directory, options.fileBytes);
      Path own = options.directory.resolve("device-" + (bytes >> 20) + "M.img");
      progress.onStep("making " + own, 0, steps);
      ImageFile.make(own, bytes);
      return own;
    }
    Path target = options.target;
    if (!Files.exists(target)) {
      throw new BenchException(
          "There is no "
              + target
              + "; name an existing file or block device, or none to have one made.");
    }
    boolean writes = options.workloads.stream().anyMatch(w -> w.direction().writes());
    if (writes && !options.destructive) {
      throw new BenchException(
          "Writing to "
              + target
              + " destroys what it holds; measure reads only, or allow it with --destructive.");
    }
    if (writes) {
      GivenDrives.refuseContent(target);
    }
    return target;
  }

  private static Environment environment(Options options, Path path, String fio) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("target", path.getFileName().toString());
    settings.put("seconds", String.valueOf(options.seconds));
    settings.put("repeats", String.valueOf(options.repeats));
    if (fio != null) {
      settings.put("peer", fio);
    }
    return Environment.of(path, settings);
  }

  private static List<String> notes(Options options) {
    List<String> notes = new ArrayList<>();
    notes.add(
        "One thread on each side; ours: O_DIRECT, registered file and buffers, CPU time of the whole JVM.");
    if (options.againstFio) {
      notes.add(
          "fio plain, without fixedbufs or registerfiles: "
              + String.join(" ", FioPeer.options(options.workloads.getFirst()))
              + " (and so on); its CPU time is its job's usr_cpu + sys_cpu, its percentiles are of completion latency.");
    }
    return notes;
  }
}
