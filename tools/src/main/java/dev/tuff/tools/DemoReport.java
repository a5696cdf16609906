package dev.tuff.tools;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import javax.imageio.ImageIO;
import org.HdrHistogram.Histogram;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.HorizontalBarChart;
import org.knowm.xchart.HorizontalBarChartBuilder;
import org.knowm.xchart.style.Styler.LegendPosition;

/** What the demo did and measured, and its three forms: text, JSON, chart. */
final class DemoReport {
  /**
   * One measured piece of work. What was not measured is NaN.
   *
   * @param operationsPerSecond for small requests
   * @param ofRaw throughput, as a part of what the raw drives gave in this run for the same work
   * @param p50Micros from submission to completion, likewise the others
   * @param writtenPerByte bytes that went to the drives, by their own counters, per byte stored
   */
  record Figure(
      String work,
      double bytesPerSecond,
      double operationsPerSecond,
      double ofRaw,
      double p50Micros,
      double p99Micros,
      double p999Micros,
      double writtenPerByte) {
    static Figure of(String work, long bytes, double seconds) {
      double none = Double.NaN;
      return new Figure(work, bytes / seconds, none, none, none, none, none, none);
    }

    Figure withOperations(Histogram latencies, double seconds) {
      return new Figure(
          work,
          bytesPerSecond,
          latencies.getTotalCount() / seconds,
          ofRaw,
          latencies.getValueAtPercentile(50) / 1e3,
          latencies.getValueAtPercentile(99) / 1e3,
          latencies.getValueAtPercentile(99.9) / 1e3,
          writtenPerByte);
    }

    Figure withRaw(double part) {
      return new Figure(
          work,
          bytesPerSecond,
          operationsPerSecond,
          part,
          p50Micros,
          p99Micros,
          p999Micros,
          writtenPerByte);
    }

    Figure withWritten(double perByte) {
      return new Figure(
          work,
          bytesPerSecond,
          operationsPerSecond,
          ofRaw,
          p50Micros,
          p99Micros,
          p999Micros,
          perByte);
    }
  }

  /** Two contents that had to be the same. */
  record Comparison(String what, boolean matched, String detail) {}

  private final List<Figure> figures = new ArrayList<>();
  private final List<Comparison> comparisons = new ArrayList<>();
  private final Map<String, Object> facts = new LinkedHashMap<>();

  /** Adds what the run was made with. */
  void fact(String name, Object value) {
    facts.put(name, value);
  }

  void add(Figure figure) {
    figures.add(figure);
  }

  void add(Comparison comparison) {
    comparisons.add(comparison);
  }

  int comparisonCount() {
    return comparisons.size();
  }

  int mismatchCount() {
    return (int) comparisons.stream().filter(comparison -> !comparison.matched()).count();
  }

  String text() {
    Table made = new Table("COMPARED", "RESULT", "");
    comparisons.forEach(c -> made.row(c.what(), c.matched() ? "same" : "DIFFERENT", c.detail()));
    Table measured =
        new Table(
            "WORK", "MB/s", "OF RAW", "OPS/s", "p50 us", "p99 us", "p99.9 us", "WRITTEN/BYTE");
    for (Figure f : figures) {
      measured.row(
          f.work(),
          number("%.0f", f.bytesPerSecond() / 1e6),
          number("%.2f", f.ofRaw()),
          number("%.0f", f.operationsPerSecond()),
          number("%.0f", f.p50Micros()),
          number("%.0f", f.p99Micros()),
          number("%.0f", f.p999Micros()),
          number("%.2f", f.writtenPerByte()));
    }
    StringBuilder text = new StringBuilder();
    facts.forEach((name, value) -> text.append(name).append(": ").append(value).append('\n'));
    return text.append('\n').append(made).append('\n').append(measured).toString();
  }

  private static String number(String format, double value) {
    return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, format, value);
  }

  Map<String, Object> json() {
    Map<String, Object> result = new LinkedHashMap<>(facts);
    result.put("allMatched", mismatchCount() == 0);
    List<Object> made = new ArrayList<>();
    for (Comparison comparison : comparisons) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("what", comparison.what());
      entry.put("matched", comparison.matched());
      entry.put("detail", comparison.detail());
      made.add(entry);
    }
    result.put("comparisons", made);
    List<Object> measured = new ArrayList<>();
    for (Figure f : figures) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("work", f.work());
      entry.put("bytesPerSecond", known(f.bytesPerSecond()));
      entry.put("ofRaw", known(f.ofRaw()));
      entry.put("operationsPerSecond", known(f.operationsPerSecond()));
      entry.put("p50Micros", known(f.p50Micros()));
      entry.put("p99Micros", known(f.p99Micros()));
      entry.put("p999Micros", known(f.p999Micros()));
      entry.put("writtenPerByte", known(f.writtenPerByte()));
      measured.add(entry);
    }
    result.put("figures", measured);
    return result;
  }

  private static Double known(double value) {
    return Double.isNaN(value) ? null : value;
  }

  /** Draws throughputs, and latency percentiles where there are any, into one PNG each. */
  void writeCharts(Path throughputs, Path latencies) throws IOException {
    HorizontalBarChart rates = chart("Throughput", "MB/s");
    rates.getStyler().setLegendVisible(false);
    rates.addSeries("MB/s", values(figures, Figure::bytesPerSecond, 1e6), works(figures));
    write(rates, throughputs);
    List<Figure> timed = figures.stream().filter(f -> !Double.isNaN(f.p50Micros())).toList();
    HorizontalBarChart times = chart("Latency", "milliseconds");
    times.getStyler().setLegendPosition(LegendPosition.OutsideS);
    times.addSeries("p50", values(timed, Figure::p50Micros, 1e3), works(timed));
    times.addSeries("p99", values(timed, Figure::p99Micros, 1e3), works(timed));
    times.addSeries("p99.9", values(timed, Figure::p999Micros, 1e3), works(timed));
    write(times, latencies);
  }

  private static List<Double> values(
      List<Figure> figures, ToDoubleFunction<Figure> value, double unit) {
    return figures.stream().map(figure -> value.applyAsDouble(figure) / unit).toList();
  }

  private static List<String> works(List<Figure> figures) {
    return figures.stream().map(Figure::work).toList();
  }

  private static HorizontalBarChart chart(String title, String unit) {
    HorizontalBarChart chart =
        new HorizontalBarChartBuilder()
            .width(1100)
            .height(620)
            .title(title)
            .xAxisTitle(unit)
            .build();
    // Else it leaves out every other name.
    chart.getStyler().setYAxisTickMarkSpacingHint(20);
    return chart;
  }

  private static void write(HorizontalBarChart chart, Path file) throws IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      ImageIO.write(BitmapEncoder.getBufferedImage(chart), "png", out);
    }
  }
}
