package dev.tuff.bench;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.DeviceOptions;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import dev.tuff.device.UringDevice;
import dev.tuff.device.UringLoop;
import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.ArrayException;
import dev.tuff.iom.array.AssembleOptions;
import dev.tuff.iom.array.FormatOptions;
import dev.tuff.iom.array.RebuildInfo;
import dev.tuff.iom.array.RebuildPolicy;
import dev.tuff.iom.array.Replacement;
import dev.tuff.iom.array.VolumeSpec;
import dev.tuff.iom.volume.Toughness;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Replaces a drive of an array again and again, the one that was taken out being the next to come
 * in, and measures how fast it is rebuilt: with nobody there, and beside a load of random 4 KiB
 * reads and writes by each policy, with the same load just before, while the array was whole and
 * while the drive was missing. The drive that is not in the array is what raw writes are measured
 * on.
 */
public final class RebuildBench {
  private static final int BLOCK = 4096;
  private static final long MIB = 1L << 20;
  private static final String VOLUME = "bench";
  private static final int PLACE = 1;
  private static final Workload RAW = new Workload(Pattern.SEQUENTIAL, Direction.WRITE, 1 << 20, 8);
  private static final AssembleOptions PLAIN = new AssembleOptions(0, false, false);

  /**
   * What to measure.
   *
   * @param directory where the image drives are, made once
   * @param drives N+K+1 drives to use instead, whose content is lost; empty: image drives
   * @param destructive whether it may be
   * @param driveBytes of each of the N+K+1 image drives; half of them is filled
   * @param depth of the load, half of it reads
   * @param seconds of every stretch of load
   * @param repeats of each kind, at least 1
   */
  public record Options(
      Path directory,
      List<Path> drives,
      boolean destructive,
      int dataMembers,
      int parityMembers,
      long driveBytes,
      int depth,
      double seconds,
      int repeats) {
    public Options {
      drives = List.copyOf(drives);
      if (!(seconds > 0) || repeats < 1 || depth < 2 || driveBytes < 64 * MIB) {
        throw new BenchException(
            "Seconds, repeats, depth and drive size are %s, %d, %d and %d; give more than 0, at least 1, 2 and 64 MiB."
                .formatted(seconds, repeats, depth, driveBytes));
      }
      if (parityMembers < 1) {
        throw new BenchException(
            "Without parity nothing is rebuilt; give N+K with K of 1 or more.");
      }
    }

    /** 4+1, drives of 1 GiB, depth 32, stretches of 2 s, five repeats. */
    public static Options defaults() {
      return new Options(Path.of("var/bench"), List.of(), false, 4, 1, 1024 * MIB, 32, 2, 5);
    }

    /** Small and once: for tests and a first look. */
    public Options quick() {
      return new Options(
          directory, drives, destructive, dataMembers, parityMembers, 128 * MIB, depth, 0.3, 1);
    }
  }

  private final Options options;
  private final List<Path> members;
  private Path spare;

  private RebuildBench(Options options, List<Path> drives) {
    this.options = options;
    this.members = new ArrayList<>(drives.subList(0, drives.size() - 1));
    this.spare = drives.getLast();
  }

  /**
   * Formats the drives, fills a volume and measures.
   *
   * @throws BenchException where it cannot be done as asked
   * @throws ArrayException where the array does not work as asked
   */
  public static RebuildReport run(Options options, BenchProgress progress) {
    int count = options.dataMembers + options.parityMembers + 1;
    if (options.drives.isEmpty()) {
      progress.onStep("making image drives", 0, steps(options));
      return run(options, BenchDrives.make(options.directory, count, options.driveBytes), progress);
    }
    try (GivenDrives given = new GivenDrives(options.drives, count, options.destructive)) {
      return run(options, given.paths(), progress);
    }
  }

  private static int steps(Options options) {
    return 2 + options.repeats * (1 + RebuildPolicy.values().length);
  }

  private static RebuildReport run(Options options, List<Path> drives, BenchProgress progress) {
    int steps = steps(options);
    RebuildBench bench = new RebuildBench(options, drives);
    Environment environment = Environment.of(drives.getFirst(), settings(options, drives));
    progress.onStep("filling a volume", 1, steps);
    bench.fill(BenchDrives.size(drives));
    int step = 2;
    List<RebuildRun> idle = new ArrayList<>();
    Map<RebuildPolicy, List<RebuildRun>> beside = new LinkedHashMap<>();
    for (int i = 0; i < options.repeats; i++) {
      progress.onStep("rebuilding, idle", step++, steps);
      idle.add(bench.idle());
      for (RebuildPolicy policy : RebuildPolicy.values()) {
        progress.onStep("rebuilding beside a load, " + name(policy), step++, steps);
        beside.computeIfAbsent(policy, p -> new ArrayList<>()).add(bench.beside(policy));
      }
    }
    progress.onStep("done", steps, steps);
    List<RebuildCase> cases = new ArrayList<>();
    cases.add(new RebuildCase("idle", idle));
    beside.forEach((policy, runs) -> cases.add(new RebuildCase(name(policy), runs)));
    return new RebuildReport("Rebuild of a replaced drive", environment, cases, notes(options));
  }

  private static String name(RebuildPolicy policy) {
    String name = policy.name().toLowerCase(Locale.ROOT);
    return "load, " + (policy == RebuildPolicy.BALANCED ? name : name + " first");
  }

  private static Map<String, String> settings(Options options, List<Path> drives) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("protection", options.dataMembers + "+" + options.parityMembers);
    settings.put("drives", BenchDrives.describe(drives));
    settings.put("load", "4 KiB random, half reads, half hardened writes, depth " + options.depth);
    settings.put("seconds", String.valueOf(options.seconds));
    settings.put("repeats", String.valueOf(options.repeats));
    return settings;
  }

  private static List<String> notes(Options options) {
    return List.of(
        "Medians of %d repeats. Goals: idle %.1f of what the drive can write, load kept %.1f when service goes first."
            .formatted(options.repeats, RebuildReport.IDLE_GOAL, RebuildReport.SERVICE_GOAL),
        "Raw: 1 MiB writes in order, depth 8, on the drive that is not in the array. Flushed: all of it on the medium when its time ends,"
            + " as what is rebuilt is.",
        "Raw rebuild: each mebibyte read from N members, then written to that drive, depth 8, nothing computed, hardened when its time ends. Drives that"
            + " share a disk share its speed: there it is what can be reached.",
        "What writes replace is rebuilt before them, and counts; unless service goes first the rest of their groups, too.",
        "Load kept: of what it had with all drives there, and of what it had with that drive missing, just before it was replaced.");
  }

  private void fill(long driveBytes) {
    Array.format(members, new FormatOptions(options.dataMembers, options.parityMembers, 0, true));
    long row = options.dataMembers * MIB;
    long volumeBytes = Math.max(row, driveBytes / 2 / MIB * row);
    try (Array array = Array.assemble(members, PLAIN)) {
      array.createVolume(VolumeSpec.of(VOLUME, volumeBytes));
      Workload work = new Workload(Pattern.SEQUENTIAL, Direction.WRITE, 1 << 20, 8);
      IoBuffer[] buffers = buffers(array, work);
      new VolumeLoad(array, array.volume(VOLUME), work, Toughness.HARDENED, buffers).runOnce();
      array.returnClientBuffers(buffers);
    }
  }

  private static IoBuffer[] buffers(Array array, Workload work) {
    IoBuffer[] buffers =
        array.clientBuffers(VolumeLoad.buffersFor(work, Toughness.HARDENED), work.blockBytes());
    for (int i = 0; i < buffers.length; i++) {
      ImageFile.fill(buffers[i].segment(), i + 1);
    }
    return buffers;
  }

  /** What the drive that is not in the array can write, in bytes a second. */
  private double raw(boolean flushed) {
    int bytes = RAW.depth() * RAW.blockBytes();
    try (IoMemory memory = IoMemory.open(bytes);
        UringLoop loop = UringLoop.open(memory, 1, RAW.depth())) {
      BlockDevice device = UringDevice.open(loop, spare, new DeviceOptions(RAW.depth()));
      try {
        IoBuffer buffer = memory.buffers(1, bytes)[0];
        ImageFile.fill(buffer.segment(), 1);
        long span = device.geometry().sizeBytes() / 2;
        return new DeviceLoad(loop, new BlockDevice[] {device}, buffer, span, RAW, flushed)
            .run(Math.min(1, options.seconds))
            .bytesPerSecond();
      } finally {
        device.close();
      }
    }
  }

  /**
   * What the drives allow for a rebuild: as much read from N members as is written, in bytes a
   * second of the one that is not in the array.
   */
  private double rawRebuild() {
    int n = options.dataMembers;
    int depth = RawRebuild.DEPTH;
    int bytes = RawRebuild.memoryBytes(n);
    try (IoMemory memory = IoMemory.open(bytes);
        UringLoop loop = UringLoop.open(memory, n + 1, (n + 1) * depth)) {
      List<BlockDevice> devices = new ArrayList<>();
      try {
        for (Path path : members.subList(0, n)) {
          devices.add(UringDevice.open(loop, path, new DeviceOptions(depth)));
        }
        BlockDevice target = UringDevice.open(loop, spare, new DeviceOptions(depth));
        devices.add(target);
        BlockDevice[] sources = devices.subList(0, n).toArray(new BlockDevice[0]);
        long span = target.geometry().sizeBytes() / 2;
        return new RawRebuild(loop, sources, target, memory.buffers(1, bytes)[0], span).run();
      } finally {
        devices.forEach(BlockDevice::close);
      }
    }
  }

  /** The members without the one that is to be replaced. */
  private List<Path> others() {
    List<Path> others = new ArrayList<>(members);
    others.remove(PLACE);
    return others;
  }

  private void replace() {
    Path out = members.get(PLACE);
    Array.replaceDrive(others(), new Replacement(PLACE, spare, true, true, true));
    members.set(PLACE, spare);
    spare = out;
  }

  private RebuildRun idle() {
    double raw = raw(false);
    double rawFlushed = raw(true);
    double rawRebuild = rawRebuild();
    replace();
    try (Array array = Array.assemble(members, PLAIN)) {
      long begun = System.nanoTime();
      await(array);
      double seconds = (System.nanoTime() - begun) / 1e9;
      return new RebuildRun(
          raw,
          rawFlushed,
          rawRebuild,
          rebuiltBytes(array) / seconds,
          LoadRate.NONE,
          LoadRate.NONE,
          LoadRate.NONE);
    }
  }

  private static void await(Array array) {
    while (array.anythingToRebuild()) {
      ArrayException failure = array.failure();
      if (failure != null) {
        throw failure;
      }
      try {
        Thread.sleep(1);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new BenchException("Interrupted while a drive was rebuilt.", e);
      }
    }
  }

  private static long rebuiltBytes(Array array) {
    return array.rebuilds().stream().mapToLong(RebuildInfo::rebuiltBytes).sum();
  }

  private RebuildRun beside(RebuildPolicy policy) {
    double raw = raw(false);
    double rawFlushed = raw(true);
    double rawRebuild = rawRebuild();
    LoadRate whole;
    try (Array array = Array.assemble(members, PLAIN)) {
      await(array);
      whole = load(array).rate;
    }
    LoadRate degraded;
    try (Array array = Array.assemble(others(), PLAIN)) {
      degraded = load(array).rate;
    }
    replace();
    try (Array array = Array.assemble(members, PLAIN)) {
      array.setRebuildPolicy(policy);
      Stretch beside = load(array);
      return new RebuildRun(
          raw,
          rawFlushed,
          rawRebuild,
          beside.rebuiltBytes / beside.seconds,
          whole,
          degraded,
          beside.rate);
    }
  }

  private record Stretch(double seconds, LoadRate rate, long rebuiltBytes) {}

  /** Reads and writes at the same time, each from a thread that waits for its own. */
  private Stretch load(Array array) {
    Workload reads = new Workload(Pattern.RANDOM, Direction.READ, BLOCK, options.depth / 2);
    Workload writes = new Workload(Pattern.RANDOM, Direction.WRITE, BLOCK, options.depth / 2);
    IoBuffer[] readBuffers = buffers(array, reads);
    IoBuffer[] writeBuffers = buffers(array, writes);
    VolumeLoad reading =
        new VolumeLoad(array, array.volume(VOLUME), reads, Toughness.HARDENED, readBuffers);
    VolumeLoad writing =
        new VolumeLoad(array, array.volume(VOLUME), writes, Toughness.HARDENED, writeBuffers);
    long before = rebuiltBytes(array);
    long begun = System.nanoTime();
    CompletableFuture<Measurement> read =
        CompletableFuture.supplyAsync(() -> reading.runBeside(options.seconds));
    Measurement written = writing.runBeside(options.seconds);
    try {
      Measurement wasRead = read.join();
      double seconds = (System.nanoTime() - begun) / 1e9;
      LoadRate rate =
          new LoadRate(
              wasRead.operationsPerSecond(),
              written.operationsPerSecond(),
              Math.max(written.latency().p99Nanos(), wasRead.latency().p99Nanos()));
      return new Stretch(seconds, rate, rebuiltBytes(array) - before);
    } catch (CompletionException e) {
      throw e.getCause() instanceof BenchException known
          ? known
          : new BenchException("The load failed: " + e.getCause() + ".", e);
    } finally {
      array.returnClientBuffers(readBuffers);
      array.returnClientBuffers(writeBuffers);
    }
  }
}
