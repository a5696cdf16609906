package dev.tuff.bench;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** How long starts after a kill take, for arrays of several shapes. */
public record RecoveryReport(
    String title, Environment environment, List<RecoveryCase> cases, List<String> notes)
    implements Report {
  public RecoveryReport {
    cases = List.copyOf(cases);
    notes = List.copyOf(notes);
  }

  @Override
  public String table() {
    StringBuilder out = new StringBuilder();
    out.append(title).append("\n\n").append(BenchReport.text(environment)).append('\n');
    TextTable figures =
        new TextTable(
            "array",
            "s to start",
            "min..max",
            "records",
            "entries",
            "groups",
            "min..max ",
            "us/entry");
    for (RecoveryCase one : cases) {
      Spread seconds = one.spread(RecoveryRun::seconds);
      Spread groups = one.spread(RecoveryRun::groups);
      figures.row(
          one.label(),
          BenchReport.number(seconds.median()),
          range(seconds),
          BenchReport.number(one.spread(RecoveryRun::records).median()),
          BenchReport.number(one.spread(RecoveryRun::entries).median()),
          BenchReport.number(groups.median()),
          range(groups),
          BenchReport.number(one.spread(r -> r.seconds() * 1e6 / r.entries()).median()));
    }
    out.append(figures).append('\n');
    for (String note : notes) {
      out.append("- ").append(note).append('\n');
    }
    return out.toString();
  }

  private static String range(Spread spread) {
    return BenchReport.number(spread.min()) + ".." + BenchReport.number(spread.max());
  }

  @Override
  public String json() {
    ObjectNode root = BenchReport.JSON.createObjectNode();
    root.put("title", title);
    BenchReport.put(root.putObject("environment"), environment);
    ArrayNode list = root.putArray("cases");
    for (RecoveryCase one : cases) {
      ObjectNode node = list.addObject();
      node.put("driveBytes", one.driveBytes());
      node.put("volumeBytes", one.volumeBytes());
      node.put("journalBytes", one.journalBytes());
      ArrayNode runs = node.putArray("repeats");
      for (RecoveryRun run : one.runs()) {
        ObjectNode here = runs.addObject();
        here.put("records", run.records());
        here.put("entries", run.entries());
        here.put("groups", run.groups());
        BenchReport.put(here, "seconds", run.seconds());
        BenchReport.put(here, "loadSeconds", run.loadSeconds());
      }
    }
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
