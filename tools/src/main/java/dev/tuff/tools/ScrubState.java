package dev.tuff.tools;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tuff.iom.array.ArrayScrub.DriveProgress;
import dev.tuff.iom.array.ScrubReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * How far a scrub has come, and how the last one ended, in a file of its own: what was read stays
 * read when the command or service is stopped. Only a note: without it a scrub begins at the
 * beginning.
 */
final class ScrubState {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String NAME = "tuff-scrub.json";

  /**
   * A scrub that came to its end.
   *
   * @param ended when
   */
  record Last(
      Instant ended, long blocks, long damaged, long repaired, long lost, long unconfirmed) {
    static Last of(ScrubReport report, Instant ended) {
      return new Last(
          ended.truncatedTo(ChronoUnit.MILLIS),
          report.blocks(),
          report.damaged(),
          report.repaired(),
          report.lost(),
          report.unconfirmed());
    }
  }

  /**
   * What is noted.
   *
   * @param drives how far a scrub is that was stopped on its way; empty when none was
   * @param windowBegan of that: when its last part began, if its time was up; else null
   * @param last null when none has come to its end
   */
  record Note(List<DriveProgress> drives, Instant windowBegan, Last last) {
    static final Note NONE = new Note(List.of(), null, null);

    boolean underWay() {
      return !drives.isEmpty();
    }

    Note with(List<DriveProgress> now, Instant began) {
      return new Note(now, began, last);
    }
  }

  private final Path file;
  private final UUID array;

  ScrubState(Path file, UUID array) {
    this.file = file;
    this.array = array;
  }

  /** Where it is when nobody says otherwise: beside the array file, or here where there is none. */
  static Path beside(Path arrayFile) {
    return arrayFile == null ? Path.of(NAME) : arrayFile.resolveSibling(NAME);
  }

  /** What is noted of this array. */
  Note read(int driveCount) {
    try {
      JsonNode root = JSON.readTree(Files.readAllBytes(file));
      if (!root.path("array").asText().equals(array.toString())) {
        return Note.NONE;
      }
      List<DriveProgress> drives = new ArrayList<>();
      for (JsonNode drive : root.path("drives")) {
        drives.add(
            new DriveProgress(
                drive.path("at").asText(),
                drive.path("blocks").asLong(),
                drive.path("damaged").asLong(),
                drive.path("repaired").asLong(),
                drive.path("lost").asLong(),
                drive.path("unconfirmed").asLong()));
      }
      return new Note(
          // Fewer where drives were added since.
          drives.size() <= driveCount ? drives : List.of(),
          root.has("windowBegan") ? Instant.parse(root.get("windowBegan").asText()) : null,
          root.has("last") ? last(root.get("last")) : null);
    } catch (NoSuchFileException e) {
      return Note.NONE;
    } catch (IOException | IllegalArgumentException | DateTimeException e) {
      throw new CommandException(
          file + " can't be read (" + e.getMessage() + "); delete it to scrub from the beginning");
    }
  }

  private static Last last(JsonNode last) {
    return new Last(
        Instant.parse(last.path("ended").asText()),
        last.path("blocks").asLong(),
        last.path("damaged").asLong(),
        last.path("repaired").asLong(),
        last.path("lost").asLong(),
        last.path("unconfirmed").asLong());
  }

  /** Notes it, whole or not at all. */
  void write(Note note) {
    ObjectNode root = JSON.createObjectNode();
    root.put("array", array.toString());
    if (note.last() != null) {
      ObjectNode last = root.putObject("last");
      last.put("ended", note.last().ended().toString());
      last.put("blocks", note.last().blocks());
      last.put("damaged", note.last().damaged());
      last.put("repaired", note.last().repaired());
      last.put("lost", note.last().lost());
      last.put("unconfirmed", note.last().unconfirmed());
    }
    if (note.windowBegan() != null) {
      root.put("windowBegan", note.windowBegan().toString());
    }
    ArrayNode list = root.putArray("drives");
    for (DriveProgress drive : note.drives()) {
      ObjectNode node = list.addObject();
      node.put("at", drive.at());
      node.put("blocks", drive.blocks());
      node.put("damaged", drive.damaged());
      node.put("repaired", drive.repaired());
      node.put("lost", drive.lost());
      node.put("unconfirmed", drive.unconfirmed());
    }
    try {
      Path beside = file.resolveSibling(file.getFileName() + ".new");
      Files.write(beside, JSON.writeValueAsBytes(root));
      Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new CommandException(
          file + " can't be written (" + e.getMessage() + "); give another place with --state");
    }
  }
}
