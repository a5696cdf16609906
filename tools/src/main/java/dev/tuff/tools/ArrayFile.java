package dev.tuff.tools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlParseResult;

/**
 * The file that says where an array's drives are, so that commands need not be told each time.
 * {@code tuff format} writes it; it may be edited when a drive's path changes. It names drives and
 * nothing else: what an array is stands on the drives.
 *
 * @param array the array's identity, for people; null where the file does not say
 * @param drives absolute paths, in the order in which they were formatted
 */
record ArrayFile(UUID array, List<Path> drives) {
  static final Path HERE = Path.of("tuff.toml");
  static final Path SYSTEM = Path.of("/etc/tuff/tuff.toml");

  ArrayFile {
    drives = List.copyOf(drives);
  }

  /**
   * Reads the file; {@link CommandException} when it is missing, unreadable or says something else.
   */
  static ArrayFile read(Path file) {
    TomlParseResult toml;
    try {
      toml = Toml.parse(file);
    } catch (IOException e) {
      throw new CommandException("array file " + Failures.sentence(e), e);
    }
    if (toml.hasErrors()) {
      throw new CommandException(
          "array file " + file + " is not valid TOML: " + toml.errors().getFirst());
    }
    for (String key : toml.keySet()) {
      if (!key.equals("array") && !key.equals("drives")) {
        throw new CommandException(
            "array file "
                + file
                + " has an unknown entry '"
                + key
                + "'; it knows array and drives");
      }
    }
    if (!toml.isArray("drives")) {
      throw new CommandException(
          "array file " + file + " does not list any drives; it needs drives = [\"/path\", ...]");
    }
    TomlArray listed = toml.getArrayOrEmpty("drives");
    List<Path> drives = new ArrayList<>();
    for (int i = 0; i < listed.size(); i++) {
      if (!(listed.get(i) instanceof String text) || text.isEmpty()) {
        throw new CommandException(
            "array file "
                + file
                + " lists "
                + listed.get(i)
                + " as a drive; each must be a path in quotes");
      }
      drives.add(file.toAbsolutePath().resolveSibling(text).normalize());
    }
    if (drives.isEmpty()) {
      throw new CommandException("array file " + file + " lists no drives");
    }
    return new ArrayFile(uuid(file, toml), drives);
  }

  private static UUID uuid(Path file, TomlParseResult toml) {
    if (!toml.contains("array")) {
      return null;
    }
    try {
      return UUID.fromString(String.valueOf(toml.get("array")));
    } catch (IllegalArgumentException e) {
      throw new CommandException(
          "array file " + file + " names array '" + toml.get("array") + "', which is not a UUID",
          e);
    }
  }

  /** Writes the file whole or not at all. */
  void write(Path file) throws IOException {
    StringBuilder text =
        new StringBuilder("# Written by tuff format: where this array's drives are.\n");
    text.append("array = \"").append(array).append("\"\ndrives = [\n");
    for (Path drive : drives) {
      text.append("  \"").append(Toml.tomlEscape(drive.toString())).append("\",\n");
    }
    text.append("]\n");
    Path whole = file.resolveSibling(file.getFileName() + ".new");
    Files.writeString(whole, text);
    Files.move(
        whole,
        file,
        java.nio.file.StandardCopyOption.REPLACE_EXISTING,
        java.nio.file.StandardCopyOption.ATOMIC_MOVE);
  }
}
