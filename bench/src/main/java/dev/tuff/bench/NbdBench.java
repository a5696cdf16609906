package dev.tuff.bench;

import dev.tuff.bench.Comparison.Side;
import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.AssembleOptions;
import dev.tuff.iom.array.FormatOptions;
import dev.tuff.iom.array.VolumeClient;
import dev.tuff.iom.array.VolumeSpec;
import dev.tuff.iom.nbd.Export;
import dev.tuff.iom.nbd.Exports;
import dev.tuff.iom.nbd.NbdServer;
import dev.tuff.iom.nbd.ServerLimits;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.Volume;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;

/**
 * The NBD server against qemu-nbd: the same fio jobs over unix sockets, the two servers in turn,
 * ours on a volume behind parity, the other on a raw file of the same disk. CPU time is the
 * servers' own.
 */
public final class NbdBench {
  private static final int BLOCK = 4096;
  private static final int MIB = 1 << 20;
  private static final String NAME = "bench";
  private static final long SERVER_BYTES = 24L << 20;
  private static final double READ_GOAL = 1.0;

  /**
   * What to measure.
   *
   * @param directory where the image drives are, made once, and the raw file, which is written anew
   *     as the volume is
   * @param dataMembers N
   * @param parityMembers K
   * @param driveBytes size of each of the N+K image drives
   * @param volumeBytes size of the volume, and of the raw file
   * @param toughness of the volume
   * @param seconds of every stretch
   * @param repeats stretches of every load and side, at least 1
   */
  public record Options(
      Path directory,
      int dataMembers,
      int parityMembers,
      long driveBytes,
      long volumeBytes,
      Toughness toughness,
      double seconds,
      int repeats) {
    public Options {
      if (!(seconds > 0) || repeats < 1) {
        throw new BenchException(
            "Seconds and repeats are "
                + seconds
                + " and "
                + repeats
                + "; give more than 0 of each.");
      }
      if (volumeBytes < 64L * MIB || volumeBytes % MIB != 0) {
        throw new BenchException(
            "A volume of " + volumeBytes + " bytes was asked for; give whole MiB, at least 64.");
      }
    }

    /** 4+1 on five image drives of 1 GiB, a volume of 1 GiB, toughness 1. */
    public static Options defaults() {
      return new Options(Path.of("var/bench"), 4, 1, 1L << 30, 1L << 30, Toughness.TAKEN, 1, 5);
    }

    /** A small volume and short stretches: for tests and a first look. */
    public Options quick() {
      return new Options(
          directory, dataMembers, parityMembers, 256L * MIB, 128L * MIB, toughness, 0.5, 2);
    }
  }

  /** One fio job: the work of each connection, and how many connections. */
  private record Load(Workload work, int connections) {
    String label() {
      return work.label()
          + ", "
          + connections
          + (connections == 1 ? " connection" : " connections");
    }
  }

  private NbdBench() {}

  private static List<Load> loads() {
    List<Load> loads = new ArrayList<>();
    for (Direction direction : List.of(Direction.READ, Direction.WRITE)) {
      for (int connections : new int[] {1, 4}) {
        for (int depth : new int[] {1, 32}) {
          loads.add(new Load(new Workload(Pattern.RANDOM, direction, BLOCK, depth), connections));
        }
      }
      loads.add(new Load(new Workload(Pattern.SEQUENTIAL, direction, MIB, 8), 1));
    }
    return loads;
  }

  /**
   * Makes volume and file, starts both servers, measures, ends both.
   *
   * @throws BenchException where fio or qemu-nbd is missing, or something can't be done as asked
   */
  public static BenchReport run(Options options, BenchProgress progress) {
    String fio = FioPeer.version();
    String qemu = qemuVersion();
    int steps = 2 + 2 * options.repeats * loads().size();
    progress.onStep("making image drives", 0, steps);
    int members = options.dataMembers + options.parityMembers;
    List<Path> drives = BenchDrives.make(options.directory, members, options.driveBytes);
    Path raw = options.directory.resolve("nbd-raw-" + (options.volumeBytes >> 20) + "M.img");
    ImageFile.makeAnew(raw, options.volumeBytes);
    Array.format(drives, new FormatOptions(options.dataMembers, options.parityMembers, 0, true));
    // As a service runs it.
    AssembleOptions assemble = AssembleOptions.defaults().withServerBytes(SERVER_BYTES);
    try (Array array = Array.assemble(drives, assemble)) {
      array.createVolume(new VolumeSpec(NAME, options.volumeBytes, 0, -1, 0, options.toughness));
      Volume volume = array.volume(NAME);
      progress.onStep("filling the volume", 1, steps);
      fill(array, volume);
      Exports exports = new Exports();
      exports.add(new Export(NAME, "", volume, false, 0));
      try (NbdServer server =
          array.serve(exports, ServerLimits.defaults(array.shardCount()), null, line -> {})) {
        return measure(options, array, server, drives, raw, fio + ", " + qemu, progress, steps);
      }
    } catch (IOException e) {
      throw new BenchException("The servers could not be started: " + e.getMessage() + ".", e);
    }
  }

  private static void fill(Array array, Volume volume) {
    try (VolumeClient client = new VolumeClient(array, volume, 1, MIB);
        Arena arena = Arena.ofConfined()) {
      MemorySegment piece = arena.allocate(MIB);
      for (long at = 0; at < volume.sizeBytes(); at += MIB) {
        ImageFile.fill(piece, at + 1);
        client.writeFully(at, piece, Toughness.TAKEN);
      }
      client.flush();
    }
  }

  private static BenchReport measure(
      Options options,
      Array array,
      NbdServer server,
      List<Path> drives,
      Path raw,
      String peers,
      BenchProgress progress,
      int steps)
      throws IOException {
    // A short path: sockets have short ones only.
    Path folder = Files.createTempDirectory("tuff-nbd");
    Path ours = folder.resolve("tuff");
    Path theirs = folder.resolve("qemu");
    Process qemu = null;
    try {
      server.listen(ours);
      qemu = startQemu(raw, theirs);
      ProcessHandle handle = qemu.toHandle();
      ResourceMeter meter = new ResourceMeter();
      List<Comparison> comparisons = new ArrayList<>();
      int[] step = {2};
      // Else the first load would pay for what the JVM compiles.
      for (Direction direction : List.of(Direction.READ, Direction.WRITE)) {
        Workload work = new Workload(Pattern.RANDOM, direction, BLOCK, 32);
        fio(ours, options.volumeBytes, new Load(work, 4), 3 * options.seconds);
      }
      for (Load load : loads()) {
        List<Side> sides =
            List.of(
                new Side(
                    "tuff",
                    seconds -> {
                      meter.start();
                      Measurement taken = fio(ours, options.volumeBytes, load, seconds);
                      meter.stop();
                      return withServerCpu(taken, meter::cpuSeconds);
                    }),
                new Side(
                    "qemu-nbd",
                    seconds -> {
                      double before = cpuSeconds(handle);
                      Measurement taken = fio(theirs, options.volumeBytes, load, seconds);
                      return withServerCpu(taken, () -> cpuSeconds(handle) - before);
                    }));
        Goal goal = load.work.direction() == Direction.READ ? Goal.atLeast(READ_GOAL) : null;
        comparisons.add(
            Comparison.alternate(
                    load.label(),
                    sides,
                    options.repeats,
                    options.seconds,
                    options.seconds / 2,
                    () -> progress.onStep(load.label(), step[0]++, steps))
                .withRatio("IOPS, tuff / qemu-nbd", 0, 1, Measurement::operationsPerSecond, goal)
                .withRatio(
                    "server CPU per op, tuff / qemu-nbd",
                    0,
                    1,
                    Measurement::cpuMicrosPerOperation,
                    null));
      }
      progress.onStep("done", steps, steps);
      return new BenchReport(
          "NBD server against qemu-nbd",
          environment(options, array, drives),
          comparisons,
          notes(options, peers));
    } finally {
      if (qemu != null) {
        qemu.destroy();
        await(qemu);
      }
      Files.deleteIfExists(theirs);
      Files.deleteIfExists(ours);
      Files.deleteIfExists(folder);
    }
  }

  private static Environment environment(Options options, Array array, List<Path> drives) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("protection", options.dataMembers + "+" + options.parityMembers);
    settings.put("toughness", String.valueOf(options.toughness.level()));
    settings.put("drives", BenchDrives.describe(drives));
    settings.put("volume and raw file", Workload.size(options.volumeBytes));
    settings.put("shards", String.valueOf(array.shardCount()));
    settings.put("seconds", String.valueOf(options.seconds));
    settings.put("repeats", String.valueOf(options.repeats));
    return Environment.of(drives.getFirst(), settings);
  }

  private static List<String> notes(Options options, String peers) {
    return List.of(
        "Clients: fio's nbd engine over unix sockets, depth for each connection; " + peers + ".",
        "qemu-nbd serves a raw file of the same disk with --cache=none --aio=io_uring: like ours"
            + " it reads and writes the disk, not the page cache.",
        "A write of ours at toughness "
            + options.toughness.level()
            + " is a read of old data and parity, a write of both and of two journal entries; qemu-nbd"
            + " writes the block once and protects it from nothing.",
        "CPU is that of the servers, user and system; ours with all that the array does.");
  }

  // ---------------------------------------------------------------- peers

  private static String qemuVersion() {
    try {
      Process process =
          new ProcessBuilder("qemu-nbd", "--version").redirectErrorStream(true).start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      await(process);
      return said.lines().findFirst().orElse("qemu-nbd").strip();
    } catch (IOException e) {
      throw new BenchException(
          "qemu-nbd is not installed; install the package qemu-utils to measure against it.", e);
    }
  }

  private static Process startQemu(Path raw, Path socket) throws IOException {
    Process process =
        new ProcessBuilder(
                "qemu-nbd",
                "--format=raw",
                "--cache=none",
                "--aio=io_uring",
                "--persistent",
                "--shared=0",
                "--export-name=" + NAME,
                "--socket=" + socket.toAbsolutePath(),
                raw.toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!Files.exists(socket)) {
      if (!process.isAlive() || System.nanoTime() > deadline) {
        process.destroyForcibly();
        throw new BenchException("qemu-nbd does not start; run it by hand to see why.");
      }
      pause();
    }
    return process;
  }

  private static void pause() {
    try {
      Thread.sleep(20);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchException("Interrupted while qemu-nbd started.", e);
    }
  }

  private static void await(Process process) {
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchException("Interrupted while a peer ended.", e);
    }
  }

  private static double cpuSeconds(ProcessHandle handle) {
    return handle.info().totalCpuDuration().map(Duration::toNanos).orElse(0L) / 1e9;
  }

  private static Measurement withServerCpu(Measurement taken, DoubleSupplier cpu) {
    return new Measurement(
        taken.seconds(),
        taken.operations(),
        taken.bytes(),
        taken.latency(),
        cpu.getAsDouble(),
        0,
        0,
        0,
        0,
        -1,
        -1);
  }

  private static Measurement fio(Path socket, long bytes, Load load, double seconds) {
    String direction = load.work.direction() == Direction.READ ? "read" : "write";
    String pattern = load.work.pattern() == Pattern.RANDOM ? "rand" : "";
    List<String> command =
        List.of(
            "fio",
            "--name=tuff",
            "--ioengine=nbd",
            "--uri=nbd+unix:///" + NAME + "?socket=" + socket,
            "--size=" + bytes,
            "--rw=" + pattern + direction,
            "--bs=" + load.work.blockBytes(),
            "--iodepth=" + load.work.depth(),
            "--numjobs=" + load.connections,
            "--group_reporting=1",
            "--norandommap=1",
            "--randrepeat=0",
            "--time_based=1",
            "--runtime=" + Math.max(1, Math.round(seconds * 1000)) + "ms",
            "--output-format=json");
    try {
      Path errors = Files.createTempFile("tuff-fio", ".err");
      Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      await(process);
      String complaint = Files.readString(errors);
      Files.delete(errors);
      if (process.exitValue() != 0) {
        throw new BenchException(
            "fio failed: " + complaint.strip().lines().findFirst().orElse("no reason given") + ".");
      }
      return FioPeer.parse(said, load.work.direction() != Direction.READ);
    } catch (IOException e) {
      throw new BenchException("fio could not be run: " + e.getMessage() + ".", e);
    }
  }
}
