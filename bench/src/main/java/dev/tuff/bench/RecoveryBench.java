package dev.tuff.bench;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.AssembleOptions;
import dev.tuff.iom.array.FormatOptions;
import dev.tuff.iom.array.VolumeSpec;
import dev.tuff.iom.volume.Toughness;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * How long an array takes to start after a kill under full load: a process of its own writes random
 * 4 KiB blocks at full depth and is killed without warning, then this one assembles what is left.
 * What it takes should depend on the journals, and not on the sizes of drives and volumes.
 */
public final class RecoveryBench {
  private static final int BLOCK = 4096;
  private static final long MIB = 1L << 20;
  private static final String VOLUME = "bench";

  /** What the load says when it is under way. */
  private static final String UNDER_WAY = "under way";

  /** The kill is to meet the journal at different fillings. */
  private static final long KILL_LATER_MILLIS = 137;

  /**
   * What to measure: every combination of the sizes.
   *
   * @param directory where the image drives are, made once
   * @param child the command that, given the drives as its last arguments, calls {@link
   *     #loadUntilKilled}
   * @param dataMembers N
   * @param parityMembers K
   * @param driveBytes sizes of the N+K image drives
   * @param volumeBytes sizes of the thin volume
   * @param journalBytes sizes of each drive's journal; 0: by the drive's size
   * @param seconds of load before each kill
   * @param repeats kills of every array, at least 1
   */
  public record Options(
      Path directory,
      List<String> child,
      int dataMembers,
      int parityMembers,
      List<Long> driveBytes,
      List<Long> volumeBytes,
      List<Long> journalBytes,
      double seconds,
      int repeats) {
    public Options {
      child = List.copyOf(child);
      driveBytes = List.copyOf(driveBytes);
      volumeBytes = List.copyOf(volumeBytes);
      journalBytes = List.copyOf(journalBytes);
      if (!(seconds > 0) || repeats < 1) {
        throw new BenchException(
            "Seconds and repeats are "
                + seconds
                + " and "
                + repeats
                + "; give more than 0 of each.");
      }
      if (driveBytes.isEmpty() || volumeBytes.isEmpty() || journalBytes.isEmpty()) {
        throw new BenchException("Sizes of drives, volumes and journals are needed; name them.");
      }
      if (driveBytes.stream().anyMatch(bytes -> bytes < 64 * MIB)) {
        throw new BenchException("Drives have at least 64 MiB; give larger ones.");
      }
    }

    /**
     * 4+1 on drives of 512 MiB and 2 GiB, thin volumes of 1 GiB and 16 GiB, journals of 16 MiB and
     * 32 MiB; five kills after 2 s each.
     */
    public static Options defaults(List<String> child) {
      return new Options(
          Path.of("var/bench"),
          child,
          4,
          1,
          List.of(512 * MIB, 2048 * MIB),
          List.of(1L << 30, 16L << 30),
          List.of(16 * MIB, 32 * MIB),
          2,
          5);
    }

    /** One small array, killed twice: for tests and a first look. */
    public Options quick() {
      return new Options(
          directory,
          child,
          dataMembers,
          parityMembers,
          List.of(96 * MIB),
          List.of(1L << 30),
          List.of(4 * MIB),
          0.3,
          2);
    }
  }

  private RecoveryBench() {}

  /**
   * Formats the image drives, and kills and starts each array as often as asked for.
   *
   * @throws BenchException where it cannot be done as asked
   * @throws dev.tuff.iom.array.ArrayException where the array does not work as asked
   */
  public static RecoveryReport run(Options options, BenchProgress progress) {
    int cases =
        options.driveBytes.size() * options.volumeBytes.size() * options.journalBytes.size();
    int steps = 1 + cases * options.repeats;
    int step = 0;
    int drivesPerArray = options.dataMembers + options.parityMembers;
    Environment environment = null;
    List<RecoveryCase> done = new ArrayList<>();
    for (long driveBytes : options.driveBytes) {
      progress.onStep("making image drives", step, steps);
      List<Path> drives = BenchDrives.make(options.directory, drivesPerArray, driveBytes);
      if (environment == null) {
        environment = Environment.of(drives.getFirst(), settings(options));
      }
      for (long volumeBytes : options.volumeBytes) {
        for (long journalBytes : options.journalBytes) {
          format(options, drives, volumeBytes, journalBytes);
          List<RecoveryRun> runs = new ArrayList<>();
          for (int i = 0; i < options.repeats; i++) {
            progress.onStep("killing and starting", ++step, steps);
            double loaded = loadAndKill(options, drives, i);
            runs.add(start(drives, loaded));
          }
          done.add(
              new RecoveryCase(BenchDrives.size(drives), volumeBytes, journalBytes(drives), runs));
        }
      }
    }
    progress.onStep("done", steps, steps);
    return new RecoveryReport(
        "Start after a kill under full load", environment, done, notes(options));
  }

  private static Map<String, String> settings(Options options) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("protection", options.dataMembers + "+" + options.parityMembers);
    settings.put("load", "4 KiB random write, depth " + DEPTH);
    settings.put("seconds", String.valueOf(options.seconds));
    settings.put("repeats", String.valueOf(options.repeats));
    return settings;
  }

  private static List<String> notes(Options options) {
    return List.of(
        "Each start follows a SIGKILL of the process that wrote; seconds are from the start of the"
            + " array's threads until its volumes can be used, journals of all drives read beside each other.",
        "Median, and smallest and largest, of " + options.repeats + " kills.");
  }

  private static void format(
      Options options, List<Path> drives, long volumeBytes, long journalBytes) {
    Array.format(
        drives, new FormatOptions(options.dataMembers, options.parityMembers, journalBytes, true));
    try (Array array = Array.assemble(drives, new AssembleOptions(0, false, false))) {
      array.createVolume(VolumeSpec.of(VOLUME, volumeBytes));
    }
  }

  private static long journalBytes(List<Path> drives) {
    try (Array array = Array.assemble(drives, new AssembleOptions(0, true, false))) {
      return array.status().drives().getFirst().journalBytes();
    }
  }

  /** Returns how many seconds the load had run. */
  private static double loadAndKill(Options options, List<Path> drives, int repeat) {
    List<String> command = new ArrayList<>(options.child);
    drives.forEach(drive -> command.add(drive.toString()));
    Process process = null;
    try {
      process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      BufferedReader said = process.inputReader(StandardCharsets.UTF_8);
      String line = said.readLine();
      if (!UNDER_WAY.equals(line)) {
        throw new BenchException(
            "The load that was to be killed did not start; it said: " + line + ".");
      }
      long begun = System.nanoTime();
      long millis = (long) (options.seconds * 1e3) + repeat * KILL_LATER_MILLIS;
      if (process.waitFor(millis, TimeUnit.MILLISECONDS)) {
        throw new BenchException(
            "The load ended by itself, with exit code "
                + process.exitValue()
                + ", before it was killed.");
      }
      return (System.nanoTime() - begun) / 1e9;
    } catch (IOException e) {
      throw new BenchException("Cannot start the load: " + e.getMessage() + ".", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BenchException("Interrupted while the load ran.", e);
    } finally {
      if (process != null) {
        // SIGKILL, and the drives are free again when the process is gone.
        process.destroyForcibly().onExit().join();
      }
    }
  }

  private static RecoveryRun start(List<Path> drives, double loadSeconds) {
    try (Array array = Array.assemble(drives, new AssembleOptions(0, false, false))) {
      dev.tuff.iom.recovery.RecoveryReport found = array.recovery();
      if (!found.needed()) {
        throw new BenchException("The kill left nothing to recover; let the load run for longer.");
      }
      return new RecoveryRun(
          found.records(),
          found.entries(),
          found.groups(),
          array.recoveryNanos() / 1e9,
          loadSeconds);
    }
  }

  // ---- the process that is killed

  private static final int DEPTH = 64;

  /** Assembles the drives and writes until the process is killed, or for {@code seconds}. */
  public static void loadUntilKilled(List<Path> drives, double seconds, PrintStream out) {
    try (Array array = Array.assemble(drives, new AssembleOptions(0, false, false))) {
      Workload work = new Workload(Pattern.RANDOM, Direction.WRITE, BLOCK, DEPTH);
      IoBuffer[] buffers =
          array.clientBuffers(VolumeLoad.buffersFor(work, Toughness.HARDENED), BLOCK);
      for (int i = 0; i < buffers.length; i++) {
        ImageFile.fill(buffers[i].segment(), i + 1);
      }
      VolumeLoad load =
          new VolumeLoad(array, array.volume(VOLUME), work, Toughness.HARDENED, buffers);
      out.println(UNDER_WAY);
      out.flush();
      load.run(seconds);
    }
  }
}
