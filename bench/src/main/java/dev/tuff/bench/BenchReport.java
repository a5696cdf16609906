package dev.tuff.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Everything one benchmark run found, and its three forms: text, JSON, chart.
 *
 * @param notes what a reader must know beside the figures: peers' options, which limit applies and
 *     why
 */
public record BenchReport(
    String title, Environment environment, List<Comparison> comparisons, List<String> notes)
    implements Report {
  static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  public BenchReport {
    comparisons = List.copyOf(comparisons);
    notes = List.copyOf(notes);
  }

  /** Whether every ratio with a goal reaches it. */
  public boolean goalsMet() {
    return comparisons.stream().flatMap(c -> c.ratios().stream()).allMatch(Ratio::met);
  }

  /**
   * Environment, figures, ratios and notes as plain text, lines of any length ended by newlines.
   */
  @Override
  public String table() {
    StringBuilder out = new StringBuilder();
    out.append(title).append("\n\n");
    out.append(text(environment)).append('\n');
    TextTable figures =
        new TextTable(
            "work",
            "side",
            "MB/s",
            "IOPS",
            "min..max",
            "p50 us",
            "p99 us",
            "p99.9 us",
            "CPU us/op",
            "dev wr/B",
            "dev rd/B",
            "flush/op",
            "Java B/op");
    for (Comparison comparison : comparisons) {
      String work = comparison.name();
      for (Series series : comparison.series()) {
        Spread rate = series.spread(Measurement::operationsPerSecond);
        figures.row(
            work,
            series.name(),
            number(series.spread(Measurement::bytesPerSecond).median() / 1e6),
            number(rate.median()),
            number(rate.min()) + ".." + number(rate.max()),
            number(series.spread(m -> m.latency().p50Nanos()).median() / 1e3),
            number(series.spread(m -> m.latency().p99Nanos()).median() / 1e3),
            number(series.spread(m -> m.latency().p999Nanos()).median() / 1e3),
            number(series.spread(Measurement::cpuMicrosPerOperation).median()),
            number(series.spread(Measurement::writeAmplification).median()),
            number(series.spread(Measurement::readAmplification).median()),
            number(series.spread(Measurement::flushesPerOperation).median()),
            number(series.spread(Measurement::allocatedBytesPerOperation).median()));
        work = "";
      }
    }
    out.append(figures).append('\n');
    TextTable ratios = new TextTable("work", "ratio", "median", "min..max", "goal", "");
    for (Comparison comparison : comparisons) {
      String work = comparison.name();
      for (Ratio ratio : comparison.ratios()) {
        Spread spread = ratio.spread();
        ratios.row(
            work,
            ratio.name(),
            ratioNumber(spread.median()),
            ratioNumber(spread.min()) + ".." + ratioNumber(spread.max()),
            ratio.goal() == null ? "" : ratio.goal().toString(),
            ratio.goal() == null ? "" : ratio.met() ? "reached" : "missed");
        work = "";
      }
    }
    if (ratios.rows() > 0) {
      out.append(ratios).append('\n');
    }
    for (String note : notes) {
      out.append("- ").append(note).append('\n');
    }
    return out.toString();
  }

  static String text(Environment e) {
    StringBuilder out = new StringBuilder();
    out.append(e.when())
        .append(", kernel ")
        .append(e.kernel())
        .append(", ")
        .append(e.cpus())
        .append(" x ");
    out.append(e.cpu())
        .append(", ")
        .append(e.memoryBytes() >> 20)
        .append(" MiB, Java ")
        .append(e.java())
        .append('\n');
    out.append("drive: ").append(e.drive()).append("; file system: ").append(e.fileSystem());
    out.append("; load average at start: ").append(number(e.loadAverage())).append('\n');
    List<String> settings = new ArrayList<>();
    for (Map.Entry<String, String> setting : e.settings().entrySet()) {
      settings.add(setting.getKey() + " " + setting.getValue());
    }
    return out.append(String.join(", ", settings)).append('\n').toString();
  }

  /** The whole run, every repeat of it, as JSON. */
  @Override
  public String json() {
    try {
      return JSON.writeValueAsString(tree());
    } catch (IOException e) {
      throw new IllegalStateException("a tree of plain values could not be written", e);
    }
  }

  /**
   * Draws the ratios (or, where there are none, the throughputs) as a PNG, making its directory;
   * throws {@link BenchException} where it cannot be written.
   */
  @Override
  public void writeChart(Path file) {
    ReportChart.write(this, file);
  }

  private ObjectNode tree() {
    ObjectNode root = JSON.createObjectNode();
    root.put("title", title);
    put(root.putObject("environment"), environment);
    ArrayNode works = root.putArray("comparisons");
    for (Comparison comparison : comparisons) {
      ObjectNode work = works.addObject();
      work.put("name", comparison.name());
      ArrayNode series = work.putArray("series");
      for (Series side : comparison.series()) {
        ObjectNode node = series.addObject();
        node.put("name", side.name());
        ArrayNode repeats = node.putArray("repeats");
        side.repeats().forEach(m -> put(repeats.addObject(), m));
      }
      ArrayNode ratios = work.putArray("ratios");
      for (Ratio ratio : comparison.ratios()) {
        ObjectNode node = ratios.addObject();
        node.put("name", ratio.name());
        Spread spread = ratio.spread();
        put(node, "median", spread.median());
        put(node, "min", spread.min());
        put(node, "max", spread.max());
        if (ratio.goal() != null) {
          node.put("goal", ratio.goal().toString());
          node.put("met", ratio.met());
        }
        ArrayNode values = node.putArray("values");
        ratio.values().forEach(values::add);
      }
    }
    ArrayNode noteList = root.putArray("notes");
    notes.forEach(noteList::add);
    root.put("goalsMet", goalsMet());
    return root;
  }

  static void put(ObjectNode env, Environment environment) {
    env.put("when", environment.when());
    env.put("kernel", environment.kernel());
    env.put("cpu", environment.cpu());
    env.put("cpus", environment.cpus());
    env.put("memoryBytes", environment.memoryBytes());
    env.put("java", environment.java());
    env.put("drive", environment.drive());
    env.put("fileSystem", environment.fileSystem());
    put(env, "loadAverage", environment.loadAverage());
    ObjectNode settings = env.putObject("settings");
    environment.settings().forEach(settings::put);
  }

  private static void put(ObjectNode node, Measurement m) {
    put(node, "seconds", m.seconds());
    node.put("operations", m.operations());
    node.put("bytes", m.bytes());
    put(node, "operationsPerSecond", m.operationsPerSecond());
    put(node, "bytesPerSecond", m.bytesPerSecond());
    put(node, "latencyMeanNanos", m.latency().meanNanos());
    put(node, "latencyP50Nanos", m.latency().p50Nanos());
    put(node, "latencyP99Nanos", m.latency().p99Nanos());
    put(node, "latencyP999Nanos", m.latency().p999Nanos());
    put(node, "latencyMaxNanos", m.latency().maxNanos());
    put(node, "cpuSeconds", m.cpuSeconds());
    put(node, "cpuMicrosPerOperation", m.cpuMicrosPerOperation());
    node.put("deviceReadBytes", m.deviceReadBytes());
    node.put("deviceWrittenBytes", m.deviceWrittenBytes());
    node.put("deviceWrites", m.deviceWrites());
    node.put("flushes", m.flushes());
    put(node, "allocatedBytesPerOperation", m.allocatedBytesPerOperation());
    node.put("peakResidentBytes", m.peakResidentBytes());
  }

  /** JSON has no NaN: an unknown figure is null. */
  static void put(ObjectNode node, String name, double value) {
    if (Double.isFinite(value)) {
      node.put(name, value);
    } else {
      node.putNull(name);
    }
  }

  static String number(double value) {
    if (Double.isNaN(value)) {
      return "-";
    }
    if (value == 0) {
      return "0";
    }
    double size = Math.abs(value);
    return String.format(
        Locale.ROOT,
        size >= 100 ? "%,.0f" : size >= 10 ? "%.1f" : size >= 0.1 ? "%.2f" : "%.4f",
        value);
  }

  private static String ratioNumber(double value) {
    return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%.3f", value);
  }
}
