package dev.tuff.tools;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.AssembleOptions;
import dev.tuff.iom.array.VolumeSpec;
import dev.tuff.iom.volume.Volume;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The demo's accident: a process of its own writes a volume of the demo's array and is killed in
 * mid-write. Its acknowledgements say what must be there afterwards.
 */
final class DemoCrash {
  private static final String VOLUME = "crash";
  private static final long VOLUME_BYTES = 64L << 20;
  private static final int WRITING_MILLIS = 2000;

  /** Far more than it needs; if the demo itself is killed, what it started ends by then. */
  private static final int LIMIT_SECONDS = 30;

  private final Path folder;
  private final List<Path> drives;
  private final long seed;
  private final Path acks;
  private final Path complaints;
  private long togetherPeakBytes;
  private AckFile acknowledged;

  DemoCrash(Path folder, List<Path> drives, long seed) {
    this.folder = folder;
    this.drives = drives;
    this.seed = seed;
    this.acks = folder.resolve("acks.txt");
    this.complaints = folder.resolve("load.err");
  }

  /**
   * Makes the volume, starts the process and kills it. The array is not running before or after.
   */
  void happen() throws IOException {
    Files.deleteIfExists(acks);
    try (Array array = Array.assemble(drives, AssembleOptions.defaults())) {
      array.createVolume(VolumeSpec.of(VOLUME, VOLUME_BYTES));
    }
    // What this process does not need any more the other one can have.
    System.gc();
    Process writer =
        new ProcessBuilder(command())
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(complaints.toFile())
            .start();
    // Nothing may be left running when the demo is interrupted.
    Thread killer = new Thread(writer::destroyForcibly);
    Runtime.getRuntime().addShutdownHook(killer);
    try {
      awaitAcknowledgements(writer);
      Thread.sleep(WRITING_MILLIS);
      togetherPeakBytes =
          memory("VmHWM", writer.pid()) + memory("VmRSS", ProcessHandle.current().pid());
      if (!writer.isAlive()) {
        throw ended();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandException("the demo was interrupted", e);
    } finally {
      kill(writer);
      Runtime.getRuntime().removeShutdownHook(killer);
    }
    acknowledged = AckFile.read(acks);
  }

  private List<String> command() {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:+UseSerialGC",
        "-Xms16m",
        // Lean, as the demo's own process is there too.
        "-Xmx48m",
        "-XX:TieredStopAtLevel=1",
        "--enable-native-access=dev.tuff.natives",
        "-p",
        System.getProperty("jdk.module.path"),
        "-m",
        "dev.tuff.tools/dev.tuff.tools.Tuff",
        "load",
        VOLUME,
        "--array",
        folder.resolve("tuff.toml").toString(),
        "--acks",
        acks.toString(),
        "--seed",
        Long.toString(seed),
        "--seconds",
        Integer.toString(LIMIT_SECONDS));
  }

  private void awaitAcknowledgements(Process writer) throws IOException, InterruptedException {
    while (!Files.exists(acks) || Files.size(acks) == 0) {
      if (!writer.isAlive()) {
        throw ended();
      }
      Thread.sleep(10);
    }
  }

  private CommandException ended() throws IOException {
    return new CommandException(
        "the demo's writing process ended before it was killed: "
            + Files.readString(complaints).strip());
  }

  /** SIGKILL, and waits until its drives are free again. */
  private static void kill(Process writer) {
    writer.destroyForcibly();
    boolean interrupted = false;
    while (writer.isAlive()) {
      try {
        writer.waitFor();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Resident memory of a process, off-heap and Java's own included: "VmRSS" now, "VmHWM" at its
   * most.
   */
  static long memory(String which, long pid) throws IOException {
    try (var lines = Files.lines(Path.of("/proc/" + pid + "/status"))) {
      return lines
          .filter(line -> line.startsWith(which + ":"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
          .findFirst()
          .orElseThrow(() -> new IOException("/proc/" + pid + "/status does not tell memory"));
    }
  }

  /** Of both processes while the one that was killed was there. */
  long togetherPeakBytes() {
    return togetherPeakBytes;
  }

  /** Writes that it had handed over. */
  long writes() {
    return acknowledged.promises().writes();
  }

  /** Blocks of which some content was acknowledged as hardened or flushed. */
  int promisedBlocks() {
    return acknowledged.promises().promisedBlocks();
  }

  /** Null when everything acknowledged is there, else a sentence; on the array started again. */
  String wrong(Array array) {
    Volume volume = array.volume(VOLUME);
    return new LoadCheck(array, volume, acknowledged.header(), acknowledged.promises()).run();
  }

  /** What is of no use afterwards. */
  void deleteFiles() throws IOException {
    Files.delete(acks);
    Files.delete(complaints);
  }
}
