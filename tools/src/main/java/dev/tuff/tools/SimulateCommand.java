package dev.tuff.tools;

import static java.util.stream.Collectors.joining;

import dev.tuff.iom.simulation.FaultKind;
import dev.tuff.iom.simulation.Shape;
import dev.tuff.iom.simulation.Simulator;
import dev.tuff.iom.simulation.Simulator.Failure;
import dev.tuff.iom.simulation.Simulator.Report;
import dev.tuff.iom.simulation.Simulator.Request;
import dev.tuff.iom.simulation.SmallWorlds;
import dev.tuff.iom.simulation.Statistics;
import dev.tuff.natives.Cpu;
import java.security.SecureRandom;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tuff simulate}. */
@Command(
    name = "simulate",
    description = {
      "Run whole arrays, clients included, in virtual time and on simulated drives: power cuts at any",
      "event, drives lost, stale, slow, rotten, and writes that go wrong; check every promise after each.",
      "Each run follows from its seed alone. Stops at the first run that fails, with exit code 1."
    })
final class SimulateCommand implements Callable<Integer> {
  private static final int DEFAULT_SEEDS = 100;

  @Option(
      names = "--seed",
      paramLabel = "NUMBER",
      description = "The first run's seed; the others follow it (default: by chance).")
  private Long seed;

  @Option(
      names = "--seeds",
      paramLabel = "COUNT",
      description = "How many runs (default: 100; 1 with --seed).")
  private Integer seeds;

  @Option(
      names = "--seconds",
      paramLabel = "TIME",
      description = "Run for so long instead of a number of runs.")
  private Integer seconds;

  @Option(
      names = "--operations",
      paramLabel = "COUNT",
      defaultValue = "120",
      description = "Requests of clients in each run (default: ${DEFAULT-VALUE}).")
  private int operations;

  @Option(
      names = "--drives",
      paramLabel = "COUNT",
      description = "Drives of every array (default: 1 to 9).")
  private Integer drives;

  @Option(
      names = "--protect",
      paramLabel = "N+K",
      description = "Protection of every array (default: any up to 4+3).")
  private Protection protection;

  @Option(
      names = "--without",
      paramLabel = "FAULT",
      split = ",",
      description = "Faults left out: ${COMPLETION-CANDIDATES}.")
  private Set<FaultKind> without;

  @Option(
      names = "--threads",
      paramLabel = "COUNT",
      description = "Runs at the same time (default: one for each processor).")
  private Integer threads;

  @Option(
      names = "--exhaustive",
      description =
          "Instead: every short workload on a tiny array, cut at every event, with each drive lost.")
  private boolean exhaustive;

  @Mixin private OutputOptions output;

  @Override
  public Integer call() {
    int workers = threads == null ? Cpu.allowed().cardinality() : Math.max(1, threads);
    if (exhaustive) {
      SmallWorlds.Report report = SmallWorlds.run(SmallWorlds.ALL, workers);
      output.print(json(report), () -> text(report));
      return report.failure() == null ? 0 : 1;
    }
    Report report = Simulator.run(request(workers));
    output.print(json(report), () -> text(report));
    return report.good() ? 0 : 1;
  }

  private Request request(int workers) {
    refuse(operations < 1, "--operations takes 1 or more");
    refuse(seeds != null && seeds < 1, "--seeds takes 1 or more");
    refuse(seconds != null && seconds < 1, "--seconds takes 1 or more");
    refuse(drives != null && (drives < 1 || drives > 32), "--drives takes 1 to 32 in a simulation");
    int data = protection == null ? 0 : protection.dataMembers();
    int parity = protection == null ? 0 : protection.parityMembers();
    refuse(
        drives != null && data + parity > drives,
        "protection %s needs %d drives".formatted(protection, data + parity));
    refuse(data + parity > 32, "a simulated array has at most 32 drives");
    Set<FaultKind> faults = EnumSet.allOf(FaultKind.class);
    if (without != null) {
      faults.removeAll(without);
    }
    long first = seed == null ? new SecureRandom().nextInt(Integer.MAX_VALUE) : seed;
    int usual = seed == null ? DEFAULT_SEEDS : 1;
    int count = seeds == null ? (seconds == null ? usual : 0) : seeds;
    return new Request(
        first,
        count,
        seconds == null ? 0 : seconds,
        operations,
        new Shape.Pin(drives == null ? 0 : drives, data, parity),
        faults,
        workers);
  }

  private static void refuse(boolean wrong, String sentence) {
    if (wrong) {
      throw new CommandException(sentence);
    }
  }

  /** The one command that does the same again. */
  private String replay(Failure failure) {
    StringBuilder command = new StringBuilder("./tuff simulate --seed " + failure.seed());
    command.append(" --operations ").append(failure.operations());
    if (drives != null) {
      command.append(" --drives ").append(drives);
    }
    if (protection != null) {
      command.append(" --protect ").append(protection);
    }
    Set<FaultKind> left = EnumSet.allOf(FaultKind.class);
    left.removeAll(failure.faults());
    if (!left.isEmpty()) {
      command
          .append(" --without ")
          .append(left.stream().map(FaultKind::name).collect(joining(",")));
    }
    return command.toString();
  }

  // ---- for programs

  private Map<String, Object> json(Report report) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("firstSeed", report.request().firstSeed());
    result.put("good", report.good());
    result.put("seconds", report.seconds());
    result.put("virtualSeconds", report.statistics().virtualSeconds());
    result.put("counts", report.statistics().counts());
    result.put("neverInjected", report.neverInjected());
    result.put("neverDone", report.neverDone());
    result.put("failure", report.failure() == null ? null : json(report.failure()));
    return result;
  }

  private Map<String, Object> json(Failure failure) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("seed", failure.seed());
    result.put("what", failure.what());
    result.put("array", failure.shape());
    result.put("operations", failure.operations());
    result.put("events", failure.events());
    result.put("replay", replay(failure));
    return result;
  }

  private static Map<String, Object> json(SmallWorlds.Report report) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("workloads", report.workloads());
    result.put("worlds", report.worlds());
    result.put("seconds", report.seconds());
    result.put("failure", report.failure());
    return result;
  }

  // ---- for people

  private String text(Report report) {
    Statistics statistics = report.statistics();
    StringBuilder text = new StringBuilder();
    Table table = new Table("", "COUNT");
    statistics.counts().forEach((name, count) -> table.row(words(name), count));
    text.append(table)
        .append(
            "%n%d runs from seed %d in %.1f s: %.0f virtual seconds, %.0f x real time; %.0f power cuts an hour%n"
                .formatted(
                    statistics.runs(),
                    report.request().firstSeed(),
                    report.seconds(),
                    statistics.virtualSeconds(),
                    statistics.virtualSeconds() / report.seconds(),
                    statistics.crashes() / report.seconds() * 3600));
    if (report.failure() != null) {
      text.append(text(report.failure()));
    } else if (!report.neverInjected().isEmpty()) {
      text.append("of these faults not one was injected, so the runs show nothing of them: ")
          .append(report.neverInjected().stream().map(FaultKind::plural).collect(joining(", ")))
          .append('\n');
    } else if (!report.neverDone().isEmpty()) {
      text.append("this never happened, so the runs show nothing of it: ")
          .append(report.neverDone().stream().map(SimulateCommand::words).collect(joining(", ")))
          .append('\n');
    } else {
      text.append("every promise was kept\n");
    }
    return text.toString();
  }

  private String text(Failure failure) {
    StringBuilder text = new StringBuilder();
    text.append("\nFAILED: ").append(failure.what()).append('\n');
    text.append("seed ").append(failure.seed()).append(": ").append(failure.shape()).append('\n');
    List<String> events = failure.events();
    events.forEach(event -> text.append("  ").append(event).append('\n'));
    return text.append("again with: ").append(replay(failure)).append('\n').toString();
  }

  private static String text(SmallWorlds.Report report) {
    String end =
        report.failure() == null
            ? "every promise was kept"
            : "%nFAILED: %s".formatted(report.failure());
    return "%d workloads, %d worlds in %.1f s%n%s%n"
        .formatted(report.workloads(), report.worlds(), report.seconds(), end);
  }

  private static String words(String name) {
    return name.replaceAll("([A-Z])", " $1").toLowerCase(Locale.ROOT);
  }
}
