package dev.tuff.tools;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.ArrayScrub;
import dev.tuff.iom.array.ScrubReport;
import dev.tuff.iom.array.ScrubReport.ScrubbedDrive;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tuff scrub}. */
@Command(
    name = "scrub",
    description = {
      "Read everything that the array's drives hold, data and parity, and compare it with its",
      "checksums. What is damaged is made from its group and written to a new place.",
      "Exit code 0 when nothing is lost, 1 otherwise."
    })
final class ScrubCommand implements Callable<Integer> {
  private static final long BLOCK_BYTES = 4096;

  @Mixin private ArrayOptions array;
  @Mixin private OutputOptions output;

  @Option(
      names = "--rate",
      paramLabel = "BYTES",
      description = "Read at most so much in a second, e.g. 100M (default: as fast as it goes).")
  private ByteSize rate;

  @Override
  public Integer call() {
    ScrubReport report;
    try (Array assembled = array.assemble()) {
      long used =
          assembled.status().drives().stream().mapToLong(d -> Math.max(0, d.usedBytes())).sum();
      try (Progress progress = Progress.of("scrub", used)) {
        long[] before = {0};
        report =
            new ArrayScrub(
                    assembled,
                    rate == null ? 0 : rate.bytes(),
                    bytes -> {
                      progress.advance(bytes - before[0]);
                      before[0] = bytes;
                    })
                .run();
      }
    }
    output.print(json(report), () -> text(report));
    return report.lost() == 0 ? 0 : 1;
  }

  private static Map<String, Object> json(ScrubReport report) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("blocks", report.blocks());
    result.put("damaged", report.damaged());
    result.put("repaired", report.repaired());
    result.put("lost", report.lost());
    result.put("drives", report.drives().stream().map(ScrubCommand::json).toList());
    return result;
  }

  private static Map<String, Object> json(ScrubbedDrive drive) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("index", drive.index());
    result.put("path", drive.path());
    result.put("blocks", drive.blocks());
    result.put("damaged", drive.damaged());
    result.put("repaired", drive.repaired());
    result.put("lost", drive.lost());
    return result;
  }

  private static String text(ScrubReport report) {
    Table table = new Table("DRIVE", "READ", "DAMAGED", "REPAIRED", "LOST", "PATH");
    for (ScrubbedDrive drive : report.drives()) {
      table.row(
          drive.index(),
          ByteSize.brief(drive.blocks() * BLOCK_BYTES),
          drive.damaged(),
          drive.repaired(),
          drive.lost(),
          drive.path());
    }
    return table + "\n" + verdict(report);
  }

  private static String verdict(ScrubReport report) {
    if (report.damaged() == 0) {
      return "Nothing was damaged.";
    }
    if (report.lost() > 0) {
      return "%d blocks are lost: more of their groups is damaged than the protection makes up for."
          .formatted(report.lost());
    }
    long left = report.damaged() - report.repaired();
    return left == 0
        ? "All that was damaged is repaired."
        : "%d blocks are made from their groups when they are read, and not repaired yet: scrub again when the array can be written."
            .formatted(left);
  }
}
