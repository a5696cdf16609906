package dev.tuff.tools;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.ArrayScrub;
import dev.tuff.iom.array.ArrayScrub.DriveProgress;
import dev.tuff.iom.array.ArrayStatus;
import dev.tuff.iom.array.ScrubReport;
import dev.tuff.iom.array.ScrubReport.ScrubbedDrive;
import dev.tuff.tools.ScrubState.Last;
import dev.tuff.tools.ScrubState.Note;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code tuff scrub}. */
@Command(
    name = "scrub",
    description = {
      "Read everything that the array's drives hold, data and parity, compare it with its",
      "checksums and parity with its members. What is damaged is made from its group and written",
      "to a new place. A scrub that is stopped goes on where it was. A running service scrubs itself,",
      "at the rate of its array file; this command then waits for what it finds.",
      "Exit code 0 when nothing is lost, 1 otherwise."
    })
final class ScrubCommand implements Callable<Integer> {
  private static final long BLOCK_BYTES = 4096;
  private static final long NOTED_EVERY_NANOS = 5_000_000_000L;

  @Spec private CommandSpec command;

  @Mixin private ArrayOptions array;
  @Mixin private OutputOptions output;

  @Option(
      names = "--rate",
      paramLabel = "BYTES",
      description = "Read at most so much in a second, e.g. 100M (default: as fast as it goes).")
  private ByteSize rate;

  @Option(
      names = "--checksums-only",
      description = "Do not compare parity with what its members make, which reads twice as much.")
  private boolean checksumsOnly;

  @Option(
      names = "--minutes",
      paramLabel = "NUMBER",
      description = "Stop after that long; the next scrub goes on there.")
  private Double minutes;

  @Option(
      names = "--from-start",
      description = "Begin at the beginning, also when an earlier scrub was stopped on its way.")
  private boolean fromStart;

  @Option(
      names = "--state",
      paramLabel = "FILE",
      description =
          "Where a scrub notes how far it is, and how it ended (default: tuff-scrub.json beside the array file).")
  private Path state;

  private static final long ASKED_EVERY_MILLIS = 300;

  @Override
  public Integer call() {
    if (minutes != null && !(minutes > 0)) {
      throw new ParameterException(
          command.commandLine(), minutes + " minutes are not possible; give more than 0");
    }
    if (array.askService("scrub-state", Map.of()) != null) {
      return joinService();
    }
    if (state == null) {
      state = ScrubState.beside(array.fileOrNull());
    }
    ScrubReport report;
    try (Array assembled = array.assemble()) {
      report = scrub(assembled);
    } catch (TimeIsUp stopped) {
      output.print(
          Map.of("finished", false),
          () ->
              "The time is up and not everything was read; the next scrub goes on there (%s notes where).%n"
                  .formatted(state));
      return 0;
    }
    output.print(json(report), () -> text(report));
    return report.lost() == 0 && report.unconfirmed() == 0 ? 0 : 1;
  }

  /** Has the service that runs scrub, or waits with it for the scrub that is under way. */
  private int joinService() {
    if (rate != null || checksumsOnly || minutes != null || fromStart || state != null) {
      throw new CommandException(
          "a service runs for this array and scrubs it as its array file says; leave out --rate, --checksums-only, "
              + "--minutes, --from-start and --state, or stop it first");
    }
    JsonNode before = ask("scrub");
    JsonNode now = ask("scrub-state");
    long done = 0;
    try (Progress progress = Progress.of("scrub", now.path("usedBytes").asLong())) {
      while (now.path("busy").asBoolean()) {
        progress.advance(Math.max(0, now.path("readBytes").asLong() - done));
        done = Math.max(done, now.path("readBytes").asLong());
        Thread.sleep(ASKED_EVERY_MILLIS);
        now = ask("scrub-state");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandException("interrupted; the service scrubs on");
    }
    if (now.path("ended").asInt() == before.path("ended").asInt()) {
      output.print(
          Map.of("finished", false),
          () -> "Not everything was read yet; the service's log says why, and it goes on later.\n");
      return 0;
    }
    JsonNode report = ask("scrub-report");
    output.print(report, () -> ask("scrub-report-text").asText());
    return report.path("lost").asLong() == 0 && report.path("unconfirmed").asLong() == 0 ? 0 : 1;
  }

  private JsonNode ask(String what) {
    JsonNode answer = array.askService(what, Map.of());
    if (answer == null) {
      throw new CommandException(
          "the service has stopped; the scrub goes on where it was next time");
    }
    return answer;
  }

  private ScrubReport scrub(Array assembled) {
    ArrayStatus status = assembled.status();
    ScrubState noted = new ScrubState(state, status.uuid());
    Note note = noted.read(status.driveCount());
    List<DriveProgress> from =
        ArrayScrub.forDrives(status.driveCount(), fromStart ? List.of() : note.drives());
    long used = status.drives().stream().mapToLong(d -> Math.max(0, d.usedBytes())).sum();
    long readBefore = from.stream().mapToLong(d -> d.blocks() * BLOCK_BYTES).sum();
    long begun = System.nanoTime();
    long[] notedAt = {begun};
    try (Progress progress = Progress.of("scrub", Math.max(used, readBefore))) {
      progress.advance(readBefore);
      long[] before = {0};
      ScrubReport report =
          new ArrayScrub(
                  assembled,
                  rate == null ? 0 : rate.bytes(),
                  !checksumsOnly,
                  from,
                  (bytes, drives) -> {
                    progress.advance(bytes - before[0]);
                    before[0] = bytes;
                    long now = System.nanoTime();
                    boolean timeIsUp = minutes != null && now - begun > minutes * 60e9;
                    if (timeIsUp || now - notedAt[0] > NOTED_EVERY_NANOS) {
                      notedAt[0] = now;
                      noted.write(note.with(drives, null));
                    }
                    if (timeIsUp) {
                      throw new TimeIsUp();
                    }
                  })
              .run();
      noted.write(new Note(List.of(), null, Last.of(report, Instant.now())));
      return report;
    }
  }

  /** Ends a scrub on its way. */
  private static final class TimeIsUp extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  static Map<String, Object> json(ScrubReport report) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("finished", true);
    result.put("blocks", report.blocks());
    result.put("damaged", report.damaged());
    result.put("repaired", report.repaired());
    result.put("lost", report.lost());
    result.put("unconfirmed", report.unconfirmed());
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
    result.put("unconfirmed", drive.unconfirmed());
    return result;
  }

  static String text(ScrubReport report) {
    Table table = new Table("DRIVE", "READ", "DAMAGED", "REPAIRED", "LOST", "UNCONFIRMED", "PATH");
    for (ScrubbedDrive drive : report.drives()) {
      table.row(
          drive.index(),
          ByteSize.brief(drive.blocks() * BLOCK_BYTES),
          drive.damaged(),
          drive.repaired(),
          drive.lost(),
          drive.unconfirmed(),
          drive.path());
    }
    return table + "\n" + verdict(report);
  }

  private static String verdict(ScrubReport report) {
    if (report.damaged() == 0 && report.unconfirmed() == 0) {
      return "Nothing was damaged.";
    }
    if (report.unconfirmed() > 0) {
      return "%d parity blocks are not what their members make; tell what is wrong with 'tuff check'."
          .formatted(report.unconfirmed());
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
