package dev.tuff.tools;

import dev.tuff.tools.ScrubState.Last;
import dev.tuff.tools.ScrubState.Note;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What {@code tuff status} says of scrubs.
 *
 * @param last null when none has come to its end
 * @param due when the next begins, or goes on; null: not by itself
 * @param running while one goes on
 * @param readBytes by that one, or by one that was stopped on its way; else 0
 */
record ScrubInfo(Last last, Instant due, boolean running, long readBytes) {
  private static final long BLOCK_BYTES = 4096;

  /** Of an array that no service scrubs just now. */
  static ScrubInfo of(Note note, ScrubSchedule schedule, Instant now) {
    return new ScrubInfo(note.last(), schedule.due(note, now), false, readBytes(note));
  }

  static long readBytes(Note note) {
    return note.drives().stream().mapToLong(drive -> drive.blocks() * BLOCK_BYTES).sum();
  }

  Map<String, Object> json() {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("running", running);
    result.put("readBytes", readBytes);
    result.put("nextDue", due == null ? null : due.toString());
    if (last == null) {
      result.put("last", null);
      return result;
    }
    Map<String, Object> found = new LinkedHashMap<>();
    found.put("ended", last.ended().toString());
    found.put("blocks", last.blocks());
    found.put("damaged", last.damaged());
    found.put("repaired", last.repaired());
    found.put("lost", last.lost());
    found.put("unconfirmed", last.unconfirmed());
    result.put("last", found);
    return result;
  }

  String text() {
    String ended =
        last == null
            ? "no scrub has come to its end yet"
            : "last scrub ended " + time(last.ended()) + ": " + found(last);
    String next =
        running
            ? "one is under way, " + ByteSize.brief(readBytes) + " read"
            : due == null ? "none is planned" : "next one due " + time(due);
    return ended + "; " + next + "\n";
  }

  /** Like "1.2 GiB read, 3 blocks damaged, 3 repaired, 0 lost". */
  static String found(Last last) {
    return ByteSize.brief(last.blocks() * BLOCK_BYTES)
        + " read, "
        + (last.damaged() == 0
            ? "nothing damaged"
            : last.damaged()
                + " blocks damaged, "
                + last.repaired()
                + " repaired, "
                + last.lost()
                + " lost")
        + (last.unconfirmed() == 0
            ? ""
            : ", " + last.unconfirmed() + " parity blocks not what their members make");
  }

  static String time(Instant instant) {
    return OffsetDateTime.ofInstant(instant, ZoneId.systemDefault())
        .truncatedTo(ChronoUnit.SECONDS)
        .format(DateTimeFormatter.ISO_OFFSET_DATE_TIME);
  }
}
