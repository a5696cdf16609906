package dev.tuff.bench;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** How fast drives are rebuilt, and what a load beside it keeps. */
public record RebuildReport(
    String title, Environment environment, List<RebuildCase> cases, List<String> notes)
    implements Report {
  /** Of what one drive can write. */
  static final double IDLE_GOAL = 0.7;

  /** Of the load's throughput, when service goes first. */
  static final double SERVICE_GOAL = 0.8;

  public RebuildReport {
    cases = List.copyOf(cases);
    notes = List.copyOf(notes);
  }

  @Override
  public String table() {
    StringBuilder out = new StringBuilder();
    out.append(title).append("\n\n").append(BenchReport.text(environment)).append('\n');
    out.append(speeds()).append('\n');
    out.append(loads()).append('\n');
    for (String note : notes) {
      out.append("- ").append(note).append('\n');
    }
    return out.toString();
  }

  private TextTable speeds() {
    TextTable figures =
        new TextTable(
            "rebuild",
            "MB/s",
            "/ raw",
            "/ raw, flushed",
            "min..max",
            "/ raw rebuild",
            "min..max  ");
    for (RebuildCase one : cases) {
      Spread flushed = one.spread(r -> r.rebuildBytesPerSecond() / r.rawFlushedBytesPerSecond());
      Spread copied = one.spread(r -> r.rebuildBytesPerSecond() / r.rawRebuildBytesPerSecond());
      figures.row(
          one.label(),
          BenchReport.number(one.spread(r -> r.rebuildBytesPerSecond() / 1e6).median()),
          BenchReport.number(
              one.spread(r -> r.rebuildBytesPerSecond() / r.rawBytesPerSecond()).median()),
          BenchReport.number(flushed.median()),
          range(flushed),
          BenchReport.number(copied.median()),
          range(copied));
    }
    return figures;
  }

  private TextTable loads() {
    TextTable figures =
        new TextTable(
            "load kept",
            "of whole",
            "min..max",
            "reads",
            "writes",
            "of degraded",
            "min..max ",
            "reads ",
            "writes ",
            "p99 ms whole",
            "degraded",
            "beside");
    for (RebuildCase one : cases) {
      if (one.loaded()) {
        Spread ofWhole = kept(one, RebuildRun::whole, LoadRate::operationsPerSecond);
        Spread ofDegraded = kept(one, RebuildRun::degraded, LoadRate::operationsPerSecond);
        figures.row(
            one.label(),
            BenchReport.number(ofWhole.median()),
            range(ofWhole),
            BenchReport.number(kept(one, RebuildRun::whole, LoadRate::readsPerSecond).median()),
            BenchReport.number(kept(one, RebuildRun::whole, LoadRate::writesPerSecond).median()),
            BenchReport.number(ofDegraded.median()),
            range(ofDegraded),
            BenchReport.number(kept(one, RebuildRun::degraded, LoadRate::readsPerSecond).median()),
            BenchReport.number(kept(one, RebuildRun::degraded, LoadRate::writesPerSecond).median()),
            BenchReport.number(one.spread(r -> r.whole().p99Nanos() / 1e6).median()),
            BenchReport.number(one.spread(r -> r.degraded().p99Nanos() / 1e6).median()),
            BenchReport.number(one.spread(r -> r.beside().p99Nanos() / 1e6).median()));
      }
    }
    return figures;
  }

  private static Spread kept(
      RebuildCase one, Function<RebuildRun, LoadRate> before, ToDoubleFunction<LoadRate> of) {
    return one.spread(r -> of.applyAsDouble(r.beside()) / of.applyAsDouble(before.apply(r)));
  }

  private static String range(Spread spread) {
    return Double.isNaN(spread.median())
        ? "-"
        : BenchReport.number(spread.min()) + ".." + BenchReport.number(spread.max());
  }

  @Override
  public String json() {
    ObjectNode root = BenchReport.JSON.createObjectNode();
    root.put("title", title);
    BenchReport.put(root.putObject("environment"), environment);
    ArrayNode list = root.putArray("cases");
    for (RebuildCase one : cases) {
      ObjectNode node = list.addObject();
      node.put("rebuild", one.label());
      ArrayNode runs = node.putArray("repeats");
      for (RebuildRun run : one.runs()) {
        ObjectNode here = runs.addObject();
        BenchReport.put(here, "rawBytesPerSecond", run.rawBytesPerSecond());
        BenchReport.put(here, "rawFlushedBytesPerSecond", run.rawFlushedBytesPerSecond());
        BenchReport.put(here, "rawRebuildBytesPerSecond", run.rawRebuildBytesPerSecond());
        BenchReport.put(here, "rebuildBytesPerSecond", run.rebuildBytesPerSecond());
        put(here.putObject("loadWhole"), run.whole());
        put(here.putObject("loadDegraded"), run.degraded());
        put(here.putObject("loadBeside"), run.beside());
      }
    }
    ObjectNode goals = root.putObject("goals");
    goals.put("idleOfRaw", IDLE_GOAL);
    goals.put("serviceKeeps", SERVICE_GOAL);
    ArrayNode noteList = root.putArray("notes");
    notes.forEach(noteList::add);
    try {
      return BenchReport.JSON.writeValueAsString(root);
    } catch (IOException e) {
      throw new IllegalStateException("a tree of plain values could not be written", e);
    }
  }

  private static void put(ObjectNode node, LoadRate rate) {
    BenchReport.put(node, "readsPerSecond", rate.readsPerSecond());
    BenchReport.put(node, "writesPerSecond", rate.writesPerSecond());
    BenchReport.put(node, "p99Nanos", rate.p99Nanos());
  }

  @Override
  public void writeChart(Path file) {
    ReportChart.write(this, file);
  }
}
