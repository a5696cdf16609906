package dev.tuff.bench;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import javax.imageio.ImageIO;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.style.Styler.LegendPosition;

/**
 * Draws a report: a group of bars per load, a bar per ratio, whiskers as long as half of what the
 * repeats spread.
 */
final class ReportChart {
  private ReportChart() {}

  static void write(BenchReport report, Path file) {
    // Without this a machine that has a DISPLAY variable and no display would fail here.
    System.setProperty("java.awt.headless", "true");
    boolean hasRatios = report.comparisons().stream().anyMatch(c -> !c.ratios().isEmpty());
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(Math.max(900, 220 * report.comparisons().size()))
            .height(600)
            .title(report.title())
            .xAxisTitle("")
            .yAxisTitle(hasRatios ? "ratio, median of repeats" : "MB/s, median of repeats")
            .build();
    chart.getStyler().setXAxisLabelRotation(30);
    chart.getStyler().setLegendPosition(LegendPosition.OutsideS);
    List<String> works = report.comparisons().stream().map(Comparison::name).toList();
    if (hasRatios) {
      addRatios(report, chart, works);
    } else {
      addThroughputs(report, chart, works);
    }
    save(chart, file);
  }

  /** A bar for each array: seconds to start. */
  static void write(RecoveryReport report, Path file) {
    System.setProperty("java.awt.headless", "true");
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(Math.max(900, 220 * report.cases().size()))
            .height(600)
            .title(report.title())
            .xAxisTitle("")
            .yAxisTitle("seconds, median of repeats")
            .build();
    chart.getStyler().setXAxisLabelRotation(30);
    chart.getStyler().setLegendVisible(false);
    addBars(
        chart,
        "seconds to start",
        report.cases().stream().map(RecoveryCase::label).toList(),
        report.cases().stream().map(one -> one.spread(RecoveryRun::seconds)).toList(),
        1);
    save(chart, file);
  }

  /** A bar for each kind of rebuild: its speed. */
  static void write(RebuildReport report, Path file) {
    System.setProperty("java.awt.headless", "true");
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(900)
            .height(600)
            .title(report.title())
            .xAxisTitle("")
            .yAxisTitle("MB/s, median of repeats")
            .build();
    chart.getStyler().setLegendVisible(false);
    addBars(
        chart,
        "MB/s",
        report.cases().stream().map(RebuildCase::label).toList(),
        report.cases().stream().map(one -> one.spread(RebuildRun::rebuildBytesPerSecond)).toList(),
        1e6);
    save(chart, file);
  }

  private static void save(CategoryChart chart, Path file) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      try (OutputStream out = Files.newOutputStream(file)) {
        ImageIO.write(BitmapEncoder.getBufferedImage(chart), "png", out);
      }
    } catch (IOException e) {
      throw new BenchException(
          "Cannot write the chart to " + file + ": " + e.getMessage() + ".", e);
    }
  }

  private static void addRatios(BenchReport report, CategoryChart chart, List<String> works) {
    Set<String> names = new LinkedHashSet<>();
    report.comparisons().forEach(c -> c.ratios().forEach(r -> names.add(r.name())));
    for (String name : names) {
      List<Spread> spreads = new ArrayList<>();
      for (Comparison comparison : report.comparisons()) {
        spreads.add(
            comparison.ratios().stream()
                .filter(r -> r.name().equals(name))
                .map(Ratio::spread)
                .findFirst()
                .orElse(null));
      }
      addBars(chart, name, works, spreads, 1);
    }
  }

  private static void addThroughputs(BenchReport report, CategoryChart chart, List<String> works) {
    Set<String> names = new LinkedHashSet<>();
    report.comparisons().forEach(c -> c.series().forEach(s -> names.add(s.name())));
    for (String name : names) {
      List<Spread> spreads = new ArrayList<>();
      for (Comparison comparison : report.comparisons()) {
        spreads.add(
            comparison.series().stream()
                .filter(s -> s.name().equals(name))
                .map(s -> s.spread(Measurement::bytesPerSecond))
                .findFirst()
                .orElse(null));
      }
      addBars(chart, name, works, spreads, 1e6);
    }
  }

  private static void addBars(
      CategoryChart chart, String name, List<String> works, List<Spread> spreads, double unit) {
    List<Double> heights = new ArrayList<>();
    List<Double> whiskers = new ArrayList<>();
    for (Spread spread : spreads) {
      boolean known = spread != null && Double.isFinite(spread.median());
      heights.add(known ? spread.median() / unit : 0.0);
      whiskers.add(known ? (spread.max() - spread.min()) / 2 / unit : 0.0);
    }
    chart.addSeries(name, works, heights, whiskers);
  }
}
