package dev.tuff.bench;

import dev.tuff.bench.Comparison.Side;
import dev.tuff.device.IoBuffer;
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
import java.util.Map;

/**
 * What an operation costs on thin volumes of different sizes: random 4 KiB writes and reads, the
 * volumes in turn on one array. Of the large ones next to nothing is ever written; what their size
 * costs is metadata that does not fit the memory there is for it.
 */
public final class ThinBench {
  private static final double CPU_GOAL = 1.5;
  private static final int BLOCK = 4096;
  private static final long MIB = 1L << 20;

  /**
   * What to measure.
   *
   * @param directory where the image drives are, made once
   * @param dataMembers N
   * @param parityMembers K
   * @param driveBytes size of each of the N+K image drives; less where space is short
   * @param volumeBytes sizes of the volumes, the first being what the others are compared with
   * @param depth requests in flight
   * @param shards 0: one for each core but one
   * @param seconds of every stretch
   * @param repeats stretches of every volume, at least 1
   * @param warmUpSeconds of the unrecorded stretch before each load
   */
  public record Options(
      Path directory,
      int dataMembers,
      int parityMembers,
      long driveBytes,
      List<Long> volumeBytes,
      int depth,
      int shards,
      double seconds,
      int repeats,
      double warmUpSeconds) {
    public Options {
      volumeBytes = List.copyOf(volumeBytes);
      if (!(seconds > 0) || repeats < 1 || warmUpSeconds < 0) {
        throw new BenchException(
            "Seconds and repeats are "
                + seconds
                + " and "
                + repeats
                + "; give more than 0 of each.");
      }
      if (volumeBytes.size() < 2) {
        throw new BenchException("Volumes of two or more sizes are compared; name them.");
      }
      if (driveBytes < 64 * MIB) {
        throw new BenchException(
            "Drives of " + driveBytes + " bytes were asked for; give at least 64 MiB.");
      }
    }

    int drives() {
      return dataMembers + parityMembers;
    }

    /** 4+1 on five image drives of 3 GiB; volumes of 1 GiB, 32 GiB and 1 TiB at depth 64. */
    public static Options defaults() {
      return new Options(
          Path.of("var/bench"),
          4,
          1,
          3L << 30,
          List.of(1L << 30, 32L << 30, 1L << 40),
          64,
          0,
          1,
          5,
          2);
    }

    /** Small drives and short stretches: for tests and a first look. */
    public Options quick() {
      return new Options(
          directory,
          dataMembers,
          parityMembers,
          256 * MIB,
          volumeBytes,
          depth,
          shards,
          0.1,
          2,
          0.05);
    }
  }

  private ThinBench() {}

  /**
   * Formats the image drives, makes the volumes, measures, and stops the array.
   *
   * @throws BenchException where it cannot be done as asked
   * @throws dev.tuff.iom.array.ArrayException where the array does not work as asked
   */
  public static BenchReport run(Options options, BenchProgress progress) {
    int steps = 1 + 2 * options.repeats * options.volumeBytes.size();
    progress.onStep("making image drives", 0, steps);
    List<Path> drives = BenchDrives.make(options.directory, options.drives(), options.driveBytes);
    Array.format(drives, new FormatOptions(options.dataMembers, options.parityMembers, 0, true));
    try (Array array = Array.assemble(drives, new AssembleOptions(options.shards, false, false))) {
      return run(options, array, drives, progress, steps);
    }
  }

  private static BenchReport run(
      Options options, Array array, List<Path> drives, BenchProgress progress, int steps) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("protection", options.dataMembers + "+" + options.parityMembers);
    settings.put("drives", BenchDrives.describe(drives));
    settings.put("shards", String.valueOf(array.shardCount()));
    settings.put("seconds", String.valueOf(options.seconds));
    settings.put("repeats", String.valueOf(options.repeats));
    Environment environment = Environment.of(drives.getFirst(), settings);
    List<Volume> volumes = new ArrayList<>();
    List<Scatter> scatters = new ArrayList<>();
    for (long bytes : options.volumeBytes) {
      String name = "thin-" + volumes.size();
      array.createVolume(VolumeSpec.of(name, bytes));
      volumes.add(array.volume(name));
      scatters.add(new Scatter(bytes / BLOCK, array.shardCount()));
    }
    int[] step = {1};
    List<Comparison> comparisons = new ArrayList<>();
    for (Direction direction : List.of(Direction.WRITE, Direction.READ)) {
      Workload work = new Workload(Pattern.RANDOM, direction, BLOCK, options.depth);
      IoBuffer[] buffers =
          array.clientBuffers(VolumeLoad.buffersFor(work, Toughness.HARDENED), BLOCK);
      try {
        for (int i = 0; i < buffers.length; i++) {
          ImageFile.fill(buffers[i].segment(), i + 1);
        }
        List<Side> sides = new ArrayList<>();
        for (int i = 0; i < volumes.size(); i++) {
          VolumeLoad load =
              new VolumeLoad(
                  array, volumes.get(i), work, Toughness.HARDENED, buffers, scatters.get(i));
          sides.add(new Side(Workload.size(options.volumeBytes.get(i)), load::run));
        }
        Comparison comparison =
            Comparison.alternate(
                work.label(),
                sides,
                options.repeats,
                options.seconds,
                options.warmUpSeconds,
                () -> progress.onStep(work.label(), step[0]++, steps));
        comparisons.add(withRatios(comparison));
      } finally {
        array.returnClientBuffers(buffers);
      }
    }
    progress.onStep("done", steps, steps);
    return new BenchReport(
        "Thin volumes of different sizes", environment, comparisons, notes(options, scatters));
  }

  private static Comparison withRatios(Comparison comparison) {
    Comparison result = comparison;
    int last = comparison.series().size() - 1;
    for (int i = 1; i <= last; i++) {
      String pair =
          comparison.series().get(i).name() + " / " + comparison.series().getFirst().name();
      result =
          result
              .withRatio(
                  "CPU per op, " + pair,
                  i,
                  0,
                  Measurement::cpuMicrosPerOperation,
                  i == last ? Goal.atMost(CPU_GOAL) : null)
              .withRatio("IOPS, " + pair, i, 0, Measurement::operationsPerSecond, null);
    }
    return result;
  }

  private static List<String> notes(Options options, List<Scatter> scatters) {
    List<String> notes = new ArrayList<>();
    for (int i = 0; i < scatters.size(); i++) {
      long blocks = scatters.get(i).drawn();
      notes.add(
          "%s: %,d blocks were written, %.2g of it."
              .formatted(
                  Workload.size(options.volumeBytes.get(i)),
                  blocks,
                  (double) blocks * BLOCK / options.volumeBytes.get(i)));
    }
    notes.add("Reads find what was written before; of a hole nothing would be read.");
    notes.add(
        "Bytes and flushes include the checkpoints after each stretch; peak memory of the process: "
            + (ResourceMeter.peakResidentBytes() >> 20)
            + " MiB.");
    return notes;
  }
}
