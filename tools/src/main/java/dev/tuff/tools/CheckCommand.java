package dev.tuff.tools;

import dev.tuff.iom.check.ArrayCheck;
import dev.tuff.iom.check.CheckProgress;
import dev.tuff.iom.check.CheckReport;
import dev.tuff.iom.check.CheckReport.DriveReport;
import dev.tuff.iom.check.CheckReport.DriveState;
import dev.tuff.iom.check.CheckReport.Totals;
import dev.tuff.natives.Preflight;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code tuff check}. */
@Command(
    name = "check",
    description = {
      "Read an array that does not run as a whole, and say what does not hold: superblocks, roots,",
      "journals, maps, bitmaps, every block's checksum, every group's parity. Changes nothing.",
      "Exit code 0 when all is sound and there, 1 otherwise."
    })
final class CheckCommand implements Callable<Integer> {
  private static final long BLOCK_BYTES = 4096;

  @Mixin private ArrayOptions array;
  @Mixin private OutputOptions output;

  @Override
  public Integer call() {
    List<Path> drives = array.drives();
    Preflight.require(0);
    CheckReport report;
    try (Bar bar = new Bar()) {
      report = ArrayCheck.run(drives, bar);
    }
    output.print(json(report), () -> text(report));
    return report.sound() ? 0 : 1;
  }

  /** A bar from when it is known how much there is to read. */
  private static final class Bar implements CheckProgress, AutoCloseable {
    private Progress progress = Progress.none();

    @Override
    public void begin(long bytes) {
      progress = Progress.of("check", bytes);
    }

    @Override
    public void advance(long bytes) {
      progress.advance(bytes);
    }

    @Override
    public void close() {
      progress.close();
    }
  }

  // ---- for programs

  private static Map<String, Object> json(CheckReport report) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("array", report.array().toString());
    result.put("protection", report.dataMembers() + "+" + report.parityMembers());
    result.put("sound", report.sound());
    result.put("stoppedCleanly", report.stoppedCleanly());
    result.put("verdict", report.verdict());
    result.put("drives", report.drives().stream().map(CheckCommand::json).toList());
    Totals totals = report.totals();
    result.put("volumes", totals.objects());
    result.put("groups", totals.groups());
    result.put("blocksRead", totals.blocksRead());
    result.put("damagedBlocks", totals.damagedBlocks());
    result.put("repairableBlocks", totals.repairableBlocks());
    result.put("damagedPages", totals.damagedPages());
    result.put("madeBlocks", totals.madeBlocks());
    result.put("lostBlocks", totals.lostBlocks());
    result.put("openBlocks", totals.openBlocks());
    result.put("openParities", totals.openParities());
    result.put("findingCount", report.findingCount());
    result.put("findings", report.findings());
    result.put("notes", report.notes());
    return result;
  }

  private static Map<String, Object> json(DriveReport drive) {
    boolean read = wasRead(drive);
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("index", drive.index());
    result.put("path", drive.path());
    result.put("state", word(drive.state()));
    result.put("usedBlocks", read ? drive.usedBlocks() : null);
    result.put("blocks", read ? drive.blocks() : null);
    result.put("journalRecords", read ? drive.journalRecords() : null);
    result.put("openUpdates", read ? drive.openUpdates() : null);
    result.put("damagedBlocks", read ? drive.damagedBlocks() : null);
    return result;
  }

  private static boolean wasRead(DriveReport drive) {
    return switch (drive.state()) {
      case SOUND, REBUILDING, DAMAGED -> true;
      case MISSING, STALE, UNUSABLE -> false;
    };
  }

  private static String word(DriveState state) {
    return state.name().toLowerCase(Locale.ROOT);
  }

  // ---- for people

  private static String text(CheckReport report) {
    StringBuilder text = new StringBuilder();
    text.append(
        "array %s, protection %d+%d, %s%n%n"
            .formatted(
                report.array(),
                report.dataMembers(),
                report.parityMembers(),
                report.stoppedCleanly() ? "stopped cleanly" : "not stopped cleanly"));
    text.append(driveTable(report)).append('\n').append(totals(report.totals()));
    list(text, "findings", report.findings());
    if (report.findingCount() > report.findings().size()) {
      text.append("  and %d more%n".formatted(report.findingCount() - report.findings().size()));
    }
    list(text, "notes", report.notes());
    return text.append('\n').append(report.verdict()).append('\n').toString();
  }

  private static Table driveTable(CheckReport report) {
    Table table = new Table("DRIVE", "STATE", "USED", "JOURNAL", "DAMAGED", "PATH");
    for (DriveReport drive : report.drives()) {
      boolean read = wasRead(drive);
      table.row(
          drive.index(),
          word(drive.state()),
          read ? drive.usedBlocks() + " of " + drive.blocks() : "-",
          read ? journal(drive) : "-",
          read ? drive.damagedBlocks() : "-",
          drive.path() == null ? "-" : drive.path());
    }
    return table;
  }

  private static String journal(DriveReport drive) {
    return drive.journalRecords() == 0
        ? "empty"
        : "records: %d, open: %d".formatted(drive.journalRecords(), drive.openUpdates());
  }

  private static String totals(Totals totals) {
    StringBuilder text = new StringBuilder();
    text.append(
        "read %s in %d blocks: %d volumes, %d groups%n"
            .formatted(
                ByteSize.brief(totals.blocksRead() * BLOCK_BYTES),
                totals.blocksRead(),
                totals.objects(),
                totals.groups()));
    line(text, totals.damagedBlocks(), "damaged data and parity blocks");
    line(text, totals.repairableBlocks(), "of them made again by their groups");
    line(text, totals.damagedPages(), "damaged metadata pages");
    line(text, totals.madeBlocks(), "blocks out of reach made by their groups");
    line(text, totals.lostBlocks(), "blocks lost");
    line(
        text,
        totals.openBlocks() + totals.openParities(),
        "blocks with an update that the stop cut short");
    return text.toString();
  }

  private static void line(StringBuilder text, long count, String what) {
    if (count > 0) {
      text.append("%d %s%n".formatted(count, what));
    }
  }

  private static void list(StringBuilder text, String title, List<String> sentences) {
    if (!sentences.isEmpty()) {
      text.append('\n').append(title).append(":\n");
      sentences.forEach(sentence -> text.append("  ").append(sentence).append('\n'));
    }
  }
}
