package dev.tuff.bench;

import dev.tuff.bench.ArrayBench.Options;
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
 * Measures two arrays in turn that are alike but for a drive that one of them has lost: what a lost
 * drive costs. The drive is taken out of service after the volume was filled.
 */
final class DegradedBench {
  private static final long MIB = 1L << 20;

  private DegradedBench() {}

  static BenchReport run(Options options, BenchProgress progress) {
    int steps = 2;
    for (ArrayWorkload work : options.workloads()) {
      steps += options.repeats() * 2 * Math.max(1, work.toughnesses().size());
    }
    long driveBytes = ArrayBench.driveBytes(options);
    Path directory = options.directory().resolve("array-" + driveBytes / MIB + "M");
    progress.onStep("making image drives", 0, steps);
    // The second array takes the files that are raw drives otherwise.
    List<Path> whole = ArrayBench.images(directory, "drive", options.drives(), driveBytes);
    List<Path> degraded = ArrayBench.images(directory, "raw", options.drives(), driveBytes);
    FormatOptions format =
        new FormatOptions(options.dataMembers(), options.parityMembers(), 0, true);
    Array.format(whole, format);
    Array.format(degraded, format);
    AssembleOptions assemble = new AssembleOptions(options.shards(), false, options.pinned());
    long volumeBytes = ArrayBench.volumeBytes(options, driveBytes);
    try (Array first = Array.assemble(whole, assemble);
        Array second = Array.assemble(degraded, assemble)) {
      progress.onStep("filling the volumes", 1, steps);
      String chunk = fill(options, first, volumeBytes);
      fill(options, second, volumeBytes);
      second.failDrive(0);
      return measure(options, first, second, chunk, volumeBytes, progress, steps);
    }
  }

  private static String fill(Options options, Array array, long volumeBytes) {
    VolumeSpec spec =
        new VolumeSpec(
            ArrayBench.VOLUME,
            volumeBytes,
            options.dataMembers(),
            options.parityMembers(),
            options.chunkBytes(),
            Toughness.HARDENED);
    String chunk = Workload.size(array.createVolume(spec).chunkBytes());
    ArrayBench.fill(array, array.volume(ArrayBench.VOLUME));
    return chunk;
  }

  private static BenchReport measure(
      Options options,
      Array whole,
      Array degraded,
      String chunk,
      long volumeBytes,
      BenchProgress progress,
      int steps) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("protection", options.dataMembers() + "+" + options.parityMembers());
    settings.put("drives", options.drives() + " image files");
    settings.put("chunk", chunk);
    settings.put("volume", Workload.size(volumeBytes));
    settings.put("shards", String.valueOf(whole.shardCount()));
    settings.put("seconds", String.valueOf(options.seconds()));
    settings.put("repeats", String.valueOf(options.repeats()));
    Environment environment = Environment.of(options.directory(), settings);
    List<Comparison> comparisons = new ArrayList<>();
    int[] step = {2};
    for (ArrayWorkload work : options.workloads()) {
      comparisons.add(
          compare(
              options,
              whole,
              degraded,
              work,
              () -> progress.onStep(work.load().label(), step[0]++, steps)));
    }
    progress.onStep("done", steps, steps);
    return new BenchReport(
        "Array "
            + options.dataMembers()
            + "+"
            + options.parityMembers()
            + " without a drive against a whole one",
        environment,
        comparisons,
        List.of(
            "Degraded: drive 0 was taken out of service after the volume was filled.",
            "Peak memory of the process, both arrays included: "
                + (ResourceMeter.peakResidentBytes() >> 20)
                + " MiB."));
  }

  private static Comparison compare(
      Options options, Array whole, Array degraded, ArrayWorkload work, Runnable step) {
    List<Toughness> levels =
        work.toughnesses().isEmpty() ? List.of(Toughness.HARDENED) : work.toughnesses();
    IoBuffer[] ofWhole = ArrayBench.buffers(whole, work.load(), levels);
    IoBuffer[] ofDegraded = ArrayBench.buffers(degraded, work.load(), levels);
    try {
      List<Side> sides = new ArrayList<>();
      for (Toughness level : levels) {
        String at = work.toughnesses().isEmpty() ? "" : " T" + level.level();
        sides.add(new Side("degraded" + at, load(degraded, work, level, ofDegraded)::run));
        sides.add(new Side("whole" + at, load(whole, work, level, ofWhole)::run));
      }
      Comparison result =
          Comparison.alternate(
              work.load().label(),
              sides,
              options.repeats(),
              options.seconds(),
              options.warmUpSeconds(),
              step);
      for (int i = 0; i < levels.size(); i++) {
        String at = work.toughnesses().isEmpty() ? "" : " T" + levels.get(i).level();
        result =
            result.withRatio(
                "degraded / whole" + at, 2 * i, 2 * i + 1, Measurement::bytesPerSecond, null);
      }
      return result;
    } finally {
      whole.returnClientBuffers(ofWhole);
      degraded.returnClientBuffers(ofDegraded);
    }
  }

  private static VolumeLoad load(
      Array array, ArrayWorkload work, Toughness level, IoBuffer[] buffers) {
    Volume volume = array.volume(ArrayBench.VOLUME);
    return new VolumeLoad(array, volume, work.load(), level, buffers);
  }
}
