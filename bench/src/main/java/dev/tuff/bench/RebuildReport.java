package dev.tuff.bench;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

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
    TextTable figures =
        new TextTable(
            "rebuild",
            "MB/s",
            "/ raw",
            "/ raw, flushed",
            "min..max",
            "/ raw rebuild",
            "min..max  ",
            "load kept",
            "min..max ",
            "p99 ms alone",
            "beside");
    for (RebuildCase one : cases) {
      Spread flushed = one.spread(r -> r.rebuildBytesPerSecond() / r.rawFlushedBytesPerSecond());
      Spread copied = one.spread(r -> r.rebuildBytesPerSecond() / r.rawRebuildBytesPerSecond());
      Spread kept = one.spread(RebuildReport::kept);
      figures.row(
          one.label(),
          BenchReport.number(one.spread(r -> r.rebuildBytesPerSecond() / 1e6).median()),
          BenchReport.number(
              one.spread(r -> r.rebuildBytesPerSecond() / r.rawBytesPerSecond()).median()),
          BenchReport.number(flushed.median()),
          range(flushed),
          BenchReport.number(copied.median()),
          range(copied),
          BenchReport.number(kept.median()),
          range(kept),
          BenchReport.number(one.spread(r -> r.aloneP99Nanos() / 1e6).median()),
          BenchReport.number(one.spread(r -> r.besideP99Nanos() / 1e6).median()));
    }
    out.append(figures).append('\n');
    for (String note : notes) {
      out.append("- ").append(note).append('\n');
    }
    return out.toString();
  }

  private static double kept(RebuildRun run) {
    return run.aloneOperationsPerSecond() == 0
        ? Double.NaN
        : run.besideOperationsPerSecond() / run.aloneOperationsPerSecond();
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
        BenchReport.put(here, "aloneOperationsPerSecond", run.aloneOperationsPerSecond());
        BenchReport.put(here, "besideOperationsPerSecond", run.besideOperationsPerSecond());
        BenchReport.put(here, "aloneP99Nanos", run.aloneP99Nanos());
        BenchReport.put(here, "besideP99Nanos", run.besideP99Nanos());
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

  @Override
  public void writeChart(Path file) {
    ReportChart.write(this, file);
  }
}
