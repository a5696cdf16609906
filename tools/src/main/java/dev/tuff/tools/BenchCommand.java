package dev.tuff.tools;

import dev.tuff.bench.ArrayBench;
import dev.tuff.bench.ArrayWorkload;
import dev.tuff.bench.BenchProgress;
import dev.tuff.bench.DeviceBench;
import dev.tuff.bench.Direction;
import dev.tuff.bench.NbdBench;
import dev.tuff.bench.ParityBench;
import dev.tuff.bench.Pattern;
import dev.tuff.bench.RebuildBench;
import dev.tuff.bench.RecoveryBench;
import dev.tuff.bench.Report;
import dev.tuff.bench.ThinBench;
import dev.tuff.bench.Workload;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.natives.Preflight;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tuff bench}. */
@Command(
    name = "bench",
    synopsisSubcommandLabel = "COMMAND",
    description =
        "Measure a layer, alone or in turn with its peer. Figures do not travel between machines; ratios do, mostly.",
    subcommands = {
      BenchCommand.Device.class,
      BenchCommand.Parity.class,
      BenchCommand.WholeArray.class,
      BenchCommand.Thin.class,
      BenchCommand.Recovery.class,
      BenchCommand.Rebuild.class,
      BenchCommand.Nbd.class
    })
final class BenchCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "which command? device, parity, array, thin, recovery, rebuild or nbd");
  }

  /** What every bench command takes. */
  static final class Common {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(
        names = "--seconds",
        paramLabel = "S",
        description = "Length of every measured stretch (default: the layer's).")
    private Double seconds;

    @Option(names = "--repeats", paramLabel = "N", description = "Stretches per side (default: 5).")
    private Integer repeats;

    @Option(
        names = "--quick",
        description = "A first look in a few seconds; not for figures that count.")
    private boolean quick;

    @Option(
        names = "--dir",
        paramLabel = "FOLDER",
        defaultValue = "var",
        description = "Files, JSON and chart go to its folder bench (default: ./var).")
    private Path folder;

    @Mixin private OutputOptions output;

    Path folder() {
      return folder.resolve("bench");
    }

    BenchProgress progress() {
      PrintWriter err = command.commandLine().getErr();
      return (what, done, total) -> {
        err.printf("%3d of %d  %s%n", done, total, what);
        err.flush();
      };
    }

    void print(Report report, String name) {
      Path json = folder().resolve(name + ".json");
      Path chart = folder().resolve(name + ".png");
      report.writeJson(json);
      report.writeChart(chart);
      output.printRaw(
          report.json(), () -> report.table() + "%nJSON: %s%nchart: %s%n".formatted(json, chart));
    }
  }

  /** Which loads: every combination of what was given. */
  static final class Loads {
    @Option(
        names = "--pattern",
        paramLabel = "PATTERN",
        description = "${COMPLETION-CANDIDATES}; repeat for several.")
    private List<Pattern> patterns = List.of();

    @Option(
        names = "--direction",
        paramLabel = "DIRECTION",
        description = "${COMPLETION-CANDIDATES}; repeat for several.")
    private List<Direction> directions = List.of();

    @Option(
        names = "--block",
        paramLabel = "SIZE",
        description = "Bytes of every operation, like 4K; repeat for several.")
    private List<ByteSize> blocks = List.of();

    @Option(
        names = "--depth",
        paramLabel = "N",
        description = "Operations in flight; repeat for several.")
    private List<Integer> depths = List.of();

    /** Every combination of what was given; the bench's own list where nothing was. */
    List<Workload> workloads() {
      List<Workload> workloads = new ArrayList<>();
      if (patterns.isEmpty() && directions.isEmpty() && blocks.isEmpty() && depths.isEmpty()) {
        return workloads;
      }
      for (ByteSize block : blocks.isEmpty() ? List.of(new ByteSize(4096)) : blocks) {
        int blockBytes = (int) Math.min(block.bytes(), Integer.MAX_VALUE);
        for (Pattern pattern : patterns.isEmpty() ? List.of(Pattern.RANDOM) : patterns) {
          for (Direction direction : directions.isEmpty() ? List.of(Direction.READ) : directions) {
            for (int depth : depths.isEmpty() ? List.of(1) : depths) {
              workloads.add(new Workload(pattern, direction, blockBytes, depth));
            }
          }
        }
      }
      return workloads;
    }
  }

  /** {@code tuff bench device}. */
  @Command(name = "device", description = "Measure a drive through the device layer.")
  static final class Device implements Callable<Integer> {
    /** What it can be measured against. */
    enum DevicePeer {
      FIO
    }

    @Parameters(
        arity = "0..1",
        paramLabel = "DRIVE",
        description = "Block device or image file (default: a file of its own, made once).")
    private Path drive;

    @Option(
        names = "--file-size",
        paramLabel = "SIZE",
        description = "Size of its own file, or how much of DRIVE to use.")
    private ByteSize fileSize;

    @Option(
        names = "--destructive",
        description = "Allows writing to DRIVE, whose content is lost.")
    private boolean destructive;

    @Option(
        names = "--against",
        paramLabel = "PEER",
        description = "fio: the same load by fio, in turn.")
    private DevicePeer peer;

    @Mixin private Loads loads;
    @Mixin private Common common;

    @Override
    public Integer call() {
      Preflight.require(0);
      DeviceBench.Options defaults = DeviceBench.Options.defaults();
      long bytes = fileSize != null ? fileSize.bytes() : drive == null ? defaults.fileBytes() : 0;
      DeviceBench.Options options =
          new DeviceBench.Options(
              drive,
              common.folder(),
              bytes,
              loads.workloads(),
              common.seconds != null ? common.seconds : defaults.seconds(),
              common.repeats != null ? common.repeats : defaults.repeats(),
              defaults.warmUpSeconds(),
              destructive,
              peer == DevicePeer.FIO);
      common.print(
          DeviceBench.run(common.quick ? options.quick() : options, common.progress()), "device");
      return 0;
    }
  }

  /** {@code tuff bench parity}. */
  @Command(name = "parity", description = "Measure parity arithmetic on one core.")
  static final class Parity implements Callable<Integer> {
    /** What it can be measured against. */
    enum ParityPeer {
      C
    }

    @Option(
        names = "--buffer",
        paramLabel = "SIZE",
        description = "Length of the buffers (default: 64K and 4K); repeat for several.")
    private List<ByteSize> buffers = List.of();

    @Option(
        names = "--against",
        paramLabel = "PEER",
        description = "c: the same ISA-L calls from C, in turn.")
    private ParityPeer peer;

    @Option(names = "--scalar", description = "Also the plain-Java twin.")
    private boolean scalar;

    @Mixin private Common common;

    @Override
    public Integer call() {
      Preflight.require(0);
      ParityBench.Options defaults = ParityBench.Options.defaults();
      ParityBench.Options options =
          new ParityBench.Options(
              buffers.stream()
                  .map(size -> (int) Math.min(size.bytes(), Integer.MAX_VALUE))
                  .toList(),
              common.seconds != null ? common.seconds : defaults.seconds(),
              common.repeats != null ? common.repeats : defaults.repeats(),
              scalar,
              peer == ParityPeer.C);
      common.print(
          ParityBench.run(common.quick ? options.quick() : options, common.progress()), "parity");
      return 0;
    }
  }

  /** {@code tuff bench array}. */
  @Command(
      name = "array",
      description = {
        "Measure a whole array in turn with its raw drives.",
        "Makes image drives of its own, once, and says how near the array comes to what they allow."
      })
  static final class WholeArray implements Callable<Integer> {
    @Option(
        names = "--protect",
        paramLabel = "N+K",
        defaultValue = "4+1",
        description = "Protection (default: 4+1).")
    private Protection protection;

    @Option(
        names = "--drives",
        paramLabel = "COUNT",
        defaultValue = "0",
        description = "Image drives (default: N+K).")
    private int drives;

    @Option(
        names = "--drive-size",
        paramLabel = "SIZE",
        description = "Size of each (default: 512M).")
    private ByteSize driveSize;

    @Option(
        names = "--size",
        paramLabel = "SIZE",
        description = "Size of the volume (default: half of what fits).")
    private ByteSize size;

    @Option(
        names = "--chunk",
        paramLabel = "SIZE",
        description = "Bytes in a row on one drive (default: 64K).")
    private ByteSize chunk;

    @Option(
        names = "--shards",
        paramLabel = "COUNT",
        defaultValue = "0",
        description = "Shards (default: one for each core but one).")
    private int shards;

    @Option(
        names = "--pinned",
        description =
            "Pin each shard to a core, if there are more than two cores, and more than shards.")
    private boolean pinned;

    @Option(
        names = "--degraded",
        description = "An array that has lost a drive in turn with a whole one: what that costs.")
    private boolean degraded;

    @Option(
        names = "--toughness",
        paramLabel = "LEVEL",
        description = "0, 1 or 2, of writes; repeat for several, the first is judged (default: 2).")
    private List<Toughness> toughnesses = List.of(Toughness.HARDENED);

    @Mixin private Loads loads;
    @Mixin private Common common;

    @Override
    public Integer call() {
      Preflight.require(0);
      ArrayBench.Options defaults = ArrayBench.Options.defaults();
      ArrayBench.Options options =
          new ArrayBench.Options(
              common.folder(),
              protection.dataMembers(),
              protection.parityMembers(),
              drives,
              driveSize != null ? driveSize.bytes() : defaults.driveBytes(),
              size != null ? size.bytes() : 0,
              chunk != null ? (int) Math.min(chunk.bytes(), Integer.MAX_VALUE) : 0,
              shards,
              pinned,
              loads.workloads().stream().map(this::onVolume).toList(),
              common.seconds != null ? common.seconds : defaults.seconds(),
              common.repeats != null ? common.repeats : defaults.repeats(),
              defaults.warmUpSeconds(),
              degraded);
      common.print(
          ArrayBench.run(common.quick ? options.quick() : options, common.progress()),
          degraded ? "array-degraded" : "array");
      return 0;
    }

    private ArrayWorkload onVolume(Workload load) {
      return new ArrayWorkload(load, load.direction() == Direction.READ ? List.of() : toughnesses);
    }
  }

  /** {@code tuff bench thin}. */
  @Command(
      name = "thin",
      description = {
        "Measure random 4 KiB writes and reads on thin volumes of different sizes, in turn.",
        "Shows what an operation costs when the maps do not fit the memory there is for them."
      })
  static final class Thin implements Callable<Integer> {
    @Option(
        names = "--protect",
        paramLabel = "N+K",
        defaultValue = "4+1",
        description = "Protection, on N+K image drives (default: 4+1).")
    private Protection protection;

    @Option(
        names = "--drive-size",
        paramLabel = "SIZE",
        description = "Size of each image drive (default: 3G).")
    private ByteSize driveSize;

    @Option(
        names = "--volumes",
        paramLabel = "SIZE",
        split = ",",
        description =
            "Sizes of the volumes, the first being what the others are compared with (default: 1G,32G,1T).")
    private List<ByteSize> volumes = List.of();

    @Option(names = "--depth", paramLabel = "N", description = "Requests in flight (default: 64).")
    private Integer depth;

    @Option(
        names = "--shards",
        paramLabel = "COUNT",
        defaultValue = "0",
        description = "Shards (default: one for each core but one).")
    private int shards;

    @Mixin private Common common;

    @Override
    public Integer call() {
      Preflight.require(0);
      ThinBench.Options defaults = ThinBench.Options.defaults();
      ThinBench.Options options =
          new ThinBench.Options(
              common.folder(),
              protection.dataMembers(),
              protection.parityMembers(),
              driveSize != null ? driveSize.bytes() : defaults.driveBytes(),
              bytes(volumes, defaults.volumeBytes()),
              depth != null ? depth : defaults.depth(),
              shards,
              common.seconds != null ? common.seconds : defaults.seconds(),
              common.repeats != null ? common.repeats : defaults.repeats(),
              defaults.warmUpSeconds());
      common.print(
          ThinBench.run(common.quick ? options.quick() : options, common.progress()), "thin");
      return 0;
    }
  }

  /** {@code tuff bench nbd}. */
  @Command(
      name = "nbd",
      description = {
        "Measure the NBD server in turn with qemu-nbd, which serves a raw file on the same disk.",
        "Random reads and writes of 4 KiB at depth 1 and 32 over 1 and 4 connections, 1 MiB in sequence; fio is the client."
      })
  static final class Nbd implements Callable<Integer> {
    @Option(
        names = "--protect",
        paramLabel = "N+K",
        defaultValue = "4+1",
        description = "Protection, on N+K image drives (default: 4+1).")
    private Protection protection;

    @Option(
        names = "--drive-size",
        paramLabel = "SIZE",
        description = "Size of each image drive (default: 1G).")
    private ByteSize driveSize;

    @Option(
        names = "--volume",
        paramLabel = "SIZE",
        description = "Size of the volume and of the raw file (default: 1G).")
    private ByteSize volume;

    @Option(
        names = "--toughness",
        paramLabel = "LEVEL",
        description = "Of the volume: 0, 1 (default) or 2.")
    private Toughness toughness;

    @Mixin private Common common;

    @Override
    public Integer call() {
      Preflight.require(0);
      NbdBench.Options defaults = NbdBench.Options.defaults();
      NbdBench.Options options =
          new NbdBench.Options(
              common.folder(),
              protection.dataMembers(),
              protection.parityMembers(),
              driveSize != null ? driveSize.bytes() : defaults.driveBytes(),
              volume != null ? volume.bytes() : defaults.volumeBytes(),
              toughness != null ? toughness : defaults.toughness(),
              common.seconds != null ? common.seconds : defaults.seconds(),
              common.repeats != null ? common.repeats : defaults.repeats());
      common.print(
          NbdBench.run(common.quick ? options.quick() : options, common.progress()), "nbd");
      return 0;
    }
  }

  /** {@code tuff bench recovery}. */
  @Command(
      name = "recovery",
      description = {
        "Measure how long an array takes to start after a kill under full load.",
        "A process of its own writes and is killed; every combination of the sizes is measured."
      })
  static final class Recovery implements Callable<Integer> {
    private static final String LOAD_OPTION = "--load-until-killed";

    /** Nothing is left running when whoever was to kill it is gone. */
    private static final double LONGEST_LOAD_SECONDS = 600;

    @Option(
        names = LOAD_OPTION,
        paramLabel = "DRIVE",
        arity = "1..*",
        hidden = true,
        description = "Be the process that is killed.")
    private List<Path> loadedDrives = List.of();

    @Option(
        names = "--protect",
        paramLabel = "N+K",
        defaultValue = "4+1",
        description = "Protection, on N+K image drives (default: 4+1).")
    private Protection protection;

    @Option(
        names = "--drive-sizes",
        paramLabel = "SIZE",
        split = ",",
        description = "Sizes of the image drives (default: 512M,2G).")
    private List<ByteSize> driveSizes = List.of();

    @Option(
        names = "--volumes",
        paramLabel = "SIZE",
        split = ",",
        description = "Sizes of the thin volume (default: 1G,16G).")
    private List<ByteSize> volumes = List.of();

    @Option(
        names = "--journals",
        paramLabel = "SIZE",
        split = ",",
        description = "Sizes of each drive's journal (default: 16M,32M).")
    private List<ByteSize> journals = List.of();

    @Mixin private Common common;

    @Override
    public Integer call() {
      Preflight.require(0);
      if (!loadedDrives.isEmpty()) {
        RecoveryBench.loadUntilKilled(loadedDrives, LONGEST_LOAD_SECONDS, System.out);
        return 0;
      }
      RecoveryBench.Options defaults = RecoveryBench.Options.defaults(thisCommand());
      RecoveryBench.Options options =
          new RecoveryBench.Options(
              common.folder(),
              thisCommand(),
              protection.dataMembers(),
              protection.parityMembers(),
              bytes(driveSizes, defaults.driveBytes()),
              bytes(volumes, defaults.volumeBytes()),
              bytes(journals, defaults.journalBytes()),
              common.seconds != null ? common.seconds : defaults.seconds(),
              common.repeats != null ? common.repeats : defaults.repeats());
      common.print(
          RecoveryBench.run(common.quick ? options.quick() : options, common.progress()),
          "recovery");
      return 0;
    }

    /** This JVM's own command line, up to the drives. */
    private static List<String> thisCommand() {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
      command.add("-p");
      command.add(System.getProperty("jdk.module.path"));
      command.add("-m");
      command.add("dev.tuff.tools/" + Tuff.class.getName());
      command.addAll(List.of("bench", "recovery", LOAD_OPTION));
      return command;
    }
  }

  /** {@code tuff bench rebuild}. */
  @Command(
      name = "rebuild",
      description = {
        "How fast a replaced drive is rebuilt: idle, and beside a load of random 4 KiB reads and writes",
        "by each policy, with what the load keeps of its throughput and its p99. In the same run: what",
        "the drive can write by itself."
      })
  static final class Rebuild implements Callable<Integer> {
    @Parameters(
        arity = "0..*",
        paramLabel = "DRIVE",
        description = "N+K+1 block devices or image files (default: image files, made once).")
    private List<Path> drives = List.of();

    @Option(
        names = "--destructive",
        description = "Allows writing to the drives, whose content is lost.")
    private boolean destructive;

    @Option(
        names = "--protect",
        paramLabel = "N+K",
        defaultValue = "4+1",
        description = "Protection, on N+K image drives and one more (default: 4+1).")
    private Protection protection;

    @Option(
        names = "--drive-size",
        paramLabel = "SIZE",
        description = "Size of each image drive; half of it is filled (default: 1G).")
    private ByteSize driveSize;

    @Option(
        names = "--depth",
        paramLabel = "N",
        description = "Operations of the load in flight (default: 32).")
    private Integer depth;

    @Mixin private Common common;

    @Override
    public Integer call() {
      Preflight.require(0);
      RebuildBench.Options defaults = RebuildBench.Options.defaults();
      RebuildBench.Options options =
          new RebuildBench.Options(
              common.folder(),
              drives,
              destructive,
              protection.dataMembers(),
              protection.parityMembers(),
              driveSize == null ? defaults.driveBytes() : driveSize.bytes(),
              depth == null ? defaults.depth() : depth,
              common.seconds != null ? common.seconds : defaults.seconds(),
              common.repeats != null ? common.repeats : defaults.repeats());
      common.print(
          RebuildBench.run(common.quick ? options.quick() : options, common.progress()), "rebuild");
      return 0;
    }
  }

  private static List<Long> bytes(List<ByteSize> sizes, List<Long> defaults) {
    return sizes.isEmpty() ? defaults : sizes.stream().map(ByteSize::bytes).toList();
  }
}
