package dev.tuff.tools;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tuff.iom.array.ArrayScrub.DriveProgress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * How far a scrub has come, in a file of its own: what was read stays read when the command is
 * stopped. Only a note: without it a scrub begins at the beginning.
 */
final class ScrubState {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final UUID array;

  ScrubState(Path file, UUID array) {
    this.file = file;
    this.array = array;
  }

  /** Where an earlier scrub of this array was stopped, if one was. */
  Optional<List<DriveProgress>> read(int driveCount) {
    try {
      JsonNode root = JSON.readTree(Files.readAllBytes(file));
      if (!root.path("array").asText().equals(array.toString())
          || root.path("drives").size() != driveCount) {
        return Optional.empty();
      }
      List<DriveProgress> drives = new ArrayList<>();
      for (JsonNode drive : root.get("drives")) {
        drives.add(
            new DriveProgress(
                drive.path("at").asText(),
                drive.path("blocks").asLong(),
                drive.path("damaged").asLong(),
                drive.path("repaired").asLong(),
                drive.path("lost").asLong(),
                drive.path("unconfirmed").asLong()));
      }
      return Optional.of(drives);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException | IllegalArgumentException e) {
      throw new CommandException(
          file + " can't be read (" + e.getMessage() + "); delete it to scrub from the beginning");
    }
  }

  void write(List<DriveProgress> drives) {
    ObjectNode root = JSON.createObjectNode();
    root.put("array", array.toString());
    ArrayNode list = root.putArray("drives");
    for (DriveProgress drive : drives) {
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

  void delete() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new CommandException(file + " can't be deleted (" + e.getMessage() + ")");
    }
  }
}
