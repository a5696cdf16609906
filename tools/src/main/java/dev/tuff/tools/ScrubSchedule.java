package dev.tuff.tools;

import dev.tuff.tools.ScrubState.Note;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * When a service scrubs by itself, and how fast: the table {@code [scrub]} of the array file.
 * Arithmetic only; knows no clock.
 *
 * @param every how long after the end of one scrub the next begins; null: never by itself
 * @param rate bytes read in a second at most; null: as fast as it goes
 * @param minutes that it goes on for at a time; the next part begins a day after this one began, or
 *     {@code every} if that is less. Null: until it is through
 */
record ScrubSchedule(Duration every, ByteSize rate, Double minutes) {
  /** No schedule: a scrub begins when it is asked for. */
  static final ScrubSchedule NONE = new ScrubSchedule(null, null, null);

  private static final Pattern DURATION = Pattern.compile("([1-9]\\d{0,8})([smhdw])");
  private static final Duration LONGEST = Duration.ofDays(3660);
  private static final Duration BETWEEN_PARTS = Duration.ofDays(1);

  /** Reads a duration; {@link IllegalArgumentException} with a sentence when it is none. */
  static Duration duration(String text) {
    Matcher matcher = DURATION.matcher(text.toLowerCase(Locale.ROOT));
    if (matcher.matches()) {
      Duration read = unit(matcher.group(2)).multipliedBy(Long.parseLong(matcher.group(1)));
      if (read.compareTo(LONGEST) <= 0) {
        return read;
      }
    }
    throw new IllegalArgumentException(
        "'"
            + text
            + "' is no duration; write a number with s, m, h, d or w, up to ten years, like 7d");
  }

  private static Duration unit(String letter) {
    return switch (letter) {
      case "s" -> Duration.ofSeconds(1);
      case "m" -> Duration.ofMinutes(1);
      case "h" -> Duration.ofHours(1);
      case "d" -> Duration.ofDays(1);
      default -> Duration.ofDays(7);
    };
  }

  /** A duration as {@link #duration} reads it, in the largest unit that it is a multiple of. */
  static String text(Duration duration) {
    String letters = "wdhm";
    for (int i = 0; i < letters.length(); i++) {
      String letter = letters.substring(i, i + 1);
      if (duration.toSeconds() % unit(letter).toSeconds() == 0) {
        return duration.toSeconds() / unit(letter).toSeconds() + letter;
      }
    }
    return duration.toSeconds() + "s";
  }

  /**
   * When the next scrub is due, or the next part of one that was stopped; null: never by itself. A
   * clock that was set back makes nobody wait longer than from {@code now} on.
   */
  Instant due(Note note, Instant now) {
    if (every == null) {
      return null;
    }
    if (note.underWay()) {
      Duration pause = every.compareTo(BETWEEN_PARTS) < 0 ? every : BETWEEN_PARTS;
      return note.windowBegan() == null ? now : later(note.windowBegan(), pause, now);
    }
    return note.last() == null ? now : later(note.last().ended(), every, now);
  }

  private static Instant later(Instant then, Duration by, Instant now) {
    return (then.isAfter(now) ? now : then).plus(by);
  }
}
