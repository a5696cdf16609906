package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.iom.array.ArrayScrub;
import dev.tuff.tools.ScrubState.Last;
import dev.tuff.tools.ScrubState.Note;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** When a scrub is due, with clocks of all kinds, and the note that it is told from. */
class ScrubScheduleTest {
  private static final Instant NOON = Instant.parse("2026-11-29T12:00:00Z");
  private static final ScrubSchedule WEEKLY =
      new ScrubSchedule(Duration.ofDays(7), null, Double.valueOf(240));

  @TempDir Path folder;

  private static Note ended(Instant when) {
    return new Note(List.of(), null, new Last(when, 100, 2, 1, 1, 0));
  }

  private static Note stopped(Instant windowBegan, Last last) {
    return new Note(ArrayScrub.forDrives(3, List.of()), windowBegan, last);
  }

  @Test
  void theFirstIsDueAtOnce() {
    assertThat(WEEKLY.due(Note.NONE, NOON)).isEqualTo(NOON);
  }

  @Test
  void theNextIsDueSoLongAfterTheEndOfTheLast() {
    Instant week = NOON.plus(Duration.ofDays(7));
    assertThat(WEEKLY.due(ended(NOON), NOON)).isEqualTo(week);
    assertThat(WEEKLY.due(ended(NOON), week.plusSeconds(99))).isEqualTo(week);
  }

  @Test
  void oneThatWasStoppedGoesOnAtOnce() {
    Last before = ended(NOON.minusSeconds(5)).last();
    assertThat(WEEKLY.due(stopped(null, before), NOON)).isEqualTo(NOON);
  }

  @Test
  void oneWhoseTimeWasUpGoesOnADayLater() {
    Instant now = NOON.plus(Duration.ofHours(4));
    assertThat(WEEKLY.due(stopped(NOON, null), now)).isEqualTo(NOON.plus(Duration.ofDays(1)));
    ScrubSchedule hourly = new ScrubSchedule(Duration.ofHours(1), null, 0.5);
    assertThat(hourly.due(stopped(NOON, null), NOON.plusSeconds(30)))
        .isEqualTo(NOON.plus(Duration.ofHours(1)));
  }

  /** What was noted while the clock was years ahead must not keep it from scrubbing for years. */
  @Test
  void aClockThatWasSetBackMakesNobodyWaitLonger() {
    Instant ahead = NOON.plus(Duration.ofDays(9000));
    assertThat(WEEKLY.due(ended(ahead), NOON)).isEqualTo(NOON.plus(Duration.ofDays(7)));
    assertThat(WEEKLY.due(stopped(ahead, null), NOON)).isEqualTo(NOON.plus(Duration.ofDays(1)));
  }

  @Test
  void withoutAScheduleNoneIsDue() {
    assertThat(ScrubSchedule.NONE.due(Note.NONE, NOON)).isNull();
    assertThat(ScrubSchedule.NONE.due(stopped(NOON, null), NOON)).isNull();
  }

  @ParameterizedTest
  @CsvSource({"2s, 2, 2s", "90m, 5400, 90m", "24h, 86400, 1d", "7d, 604800, 1w", "8D, 691200, 8d"})
  void readsDurations(String text, long seconds, String again) {
    Duration read = ScrubSchedule.duration(text);
    assertThat(read).isEqualTo(Duration.ofSeconds(seconds));
    assertThat(ScrubSchedule.text(read)).isEqualTo(again);
    assertThat(ScrubSchedule.duration(again)).isEqualTo(read);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "7", "0d", "-1d", "1.5d", "7 days", "d", "3661d", "999999999w", "1y"})
  void refusesWhatIsNone(String text) {
    assertThatThrownBy(() -> ScrubSchedule.duration(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + text + "' is no duration; write a number with s, m, h, d or w");
  }

  @Test
  void whatIsNotedIsReadAgain() throws Exception {
    Path file = folder.resolve("tuff-scrub.json");
    UUID array = UUID.randomUUID();
    ScrubState state = new ScrubState(file, array);
    assertThat(state.read(3)).isEqualTo(Note.NONE);
    state.write(ended(NOON));
    assertThat(state.read(3)).isEqualTo(ended(NOON));
    state.write(stopped(NOON, ended(NOON).last()));
    Note read = state.read(3);
    assertThat(read.drives()).hasSize(3);
    assertThat(read.windowBegan()).isEqualTo(NOON);
    assertThat(read.last()).isEqualTo(ended(NOON).last());
    assertThat(state.read(4).underWay()).as("a drive was added since").isTrue();
    assertThat(state.read(2).underWay()).isFalse();
    assertThat(new ScrubState(file, UUID.randomUUID()).read(3)).isEqualTo(Note.NONE);
    Files.writeString(file, "{\"array\":\"" + array + "\",\"last\":{\"ended\":\"soon\"}}");
    assertThatThrownBy(() -> state.read(3))
        .isInstanceOf(CommandException.class)
        .hasMessageContaining("delete it to scrub from the beginning");
  }

  @Test
  void saysWhenAndWhat() {
    ScrubInfo info = ScrubInfo.of(ended(NOON), WEEKLY, NOON);
    assertThat(info.text())
        .startsWith("last scrub ended ")
        .contains("400 KiB read, 2 blocks damaged, 1 repaired, 1 lost; next one due ");
    assertThat(ScrubInfo.of(Note.NONE, ScrubSchedule.NONE, NOON).text())
        .isEqualTo("no scrub has come to its end yet; none is planned\n");
  }
}
