package dev.tuff.tools;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlTable;

/**
 * The file that says where an array's drives are, so that commands need not be told each time.
 * {@code tuff format} writes it; it may be edited when a drive's path changes. It names drives and
 * nothing else: what an array is stands on the drives.
 *
 * @param array the array's identity, for people; null where the file does not say
 * @param drives absolute paths, in the order in which they were formatted
 * @param spares absolute paths of drives that take the places of those that fail
 * @param scrub when {@code tuff serve} scrubs
 */
record ArrayFile(UUID array, List<Path> drives, List<Path> spares, ScrubSchedule scrub) {
  static final Path HERE = Path.of("tuff.toml");
  static final Path SYSTEM = Path.of("/etc/tuff/tuff.toml");

  ArrayFile {
    drives = List.copyOf(drives);
    spares = List.copyOf(spares);
  }

  ArrayFile(UUID array, List<Path> drives) {
    this(array, drives, List.of(), ScrubSchedule.NONE);
  }

  /**
   * The file when {@code fresh} has taken the place of drive {@code index}: where the old one
   * stood, as far as that can be told.
   *
   * @param members paths of the array's other drives that are there
   */
  ArrayFile replaced(int index, List<Path> members, Path fresh) {
    List<Path> paths = new ArrayList<>(drives);
    if (!paths.contains(fresh)) {
      List<Path> strangers = new ArrayList<>(paths);
      strangers.removeAll(members);
      if (index < paths.size() && strangers.contains(paths.get(index))) {
        paths.set(index, fresh);
      } else if (strangers.size() == 1) {
        paths.set(paths.indexOf(strangers.getFirst()), fresh);
      } else {
        paths.add(fresh);
      }
    }
    List<Path> left = new ArrayList<>(spares);
    left.remove(fresh);
    return new ArrayFile(array, paths, left, scrub);
  }

  /** The file with drives behind those that it names. */
  ArrayFile withMore(List<Path> added) {
    List<Path> paths = new ArrayList<>(drives);
    for (Path path : added) {
      if (!paths.contains(path)) {
        paths.add(path);
      }
    }
    return new ArrayFile(array, paths, spares, scrub);
  }

  /** The file with other spares. */
  ArrayFile withSpares(List<Path> others) {
    return new ArrayFile(array, drives, others, scrub);
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
      if (!List.of("array", "drives", "spares", "scrub").contains(key)) {
        throw new CommandException(
            "array file "
                + file
                + " has an unknown entry '"
                + key
                + "'; it knows array, drives, spares and scrub");
      }
    }
    if (!toml.isArray("drives")) {
      throw new CommandException(
          "array file " + file + " does not list any drives; it needs drives = [\"/path\", ...]");
    }
    List<Path> drives = paths(file, toml.getArrayOrEmpty("drives"));
    if (drives.isEmpty()) {
      throw new CommandException("array file " + file + " lists no drives");
    }
    if (toml.contains("spares") && !toml.isArray("spares")) {
      throw new CommandException(
          "array file " + file + " has spares that are no list; write spares = [\"/path\", ...]");
    }
    return new ArrayFile(
        uuid(file, toml), drives, paths(file, toml.getArrayOrEmpty("spares")), scrub(file, toml));
  }

  private static ScrubSchedule scrub(Path file, TomlParseResult toml) {
    if (!toml.contains("scrub")) {
      return ScrubSchedule.NONE;
    }
    if (!toml.isTable("scrub")) {
      throw new CommandException(
          "array file "
              + file
              + " has a scrub that is no table; write [scrub] on a line of its own");
    }
    TomlTable table = toml.getTableOrEmpty("scrub");
    Duration every = null;
    ByteSize rate = null;
    Double minutes = null;
    for (String key : table.keySet()) {
      Object value = table.get(List.of(key));
      try {
        switch (key) {
          case "every" -> every = ScrubSchedule.duration(String.valueOf(value));
          case "rate" -> rate = rate(String.valueOf(value));
          case "minutes" -> minutes = minutes(value);
          default ->
              throw new IllegalArgumentException("unknown entry; it knows every, rate and minutes");
        }
      } catch (IllegalArgumentException e) {
        throw new CommandException(
            "array file " + file + ", '" + key + "' in [scrub]: " + e.getMessage(), e);
      }
    }
    return new ScrubSchedule(every, rate, minutes);
  }

  private static ByteSize rate(String text) {
    ByteSize rate = ByteSize.parse(text);
    if (rate.bytes() == 0) {
      throw new IllegalArgumentException(
          "0 bytes a second get nowhere; write a rate like \"100M\"");
    }
    return rate;
  }

  private static Double minutes(Object value) {
    if (value instanceof Number number && number.doubleValue() > 0) {
      return number.doubleValue();
    }
    throw new IllegalArgumentException(
        "'" + value + "' is no number of minutes; write one above 0, without quotes");
  }

  private static List<Path> paths(Path file, TomlArray listed) {
    List<Path> paths = new ArrayList<>();
    for (int i = 0; i < listed.size(); i++) {
      if (!(listed.get(i) instanceof String text) || text.isEmpty()) {
        throw new CommandException(
            "array file "
                + file
                + " lists "
                + listed.get(i)
                + " as a drive; each must be a path in quotes");
      }
      paths.add(file.toAbsolutePath().resolveSibling(text).normalize());
    }
    return paths;
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
    text.append("array = \"").append(array).append("\"\n");
    list(text, "drives", drives);
    if (!spares.isEmpty()) {
      list(text, "spares", spares);
    }
    if (!scrub.equals(ScrubSchedule.NONE)) {
      text.append("\n[scrub]\n");
      if (scrub.every() != null) {
        text.append("every = \"").append(ScrubSchedule.text(scrub.every())).append("\"\n");
      }
      if (scrub.rate() != null) {
        text.append("rate = ").append(scrub.rate().bytes()).append("\n");
      }
      if (scrub.minutes() != null) {
        text.append("minutes = ").append(scrub.minutes()).append("\n");
      }
    }
    Path whole = file.resolveSibling(file.getFileName() + ".new");
    try (FileChannel channel =
        FileChannel.open(
            whole,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      ByteBuffer bytes = ByteBuffer.wrap(text.toString().getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      // After a power cut a drive that the array has must not be missing in it.
      channel.force(true);
    }
    Files.move(
        whole,
        file,
        java.nio.file.StandardCopyOption.REPLACE_EXISTING,
        java.nio.file.StandardCopyOption.ATOMIC_MOVE);
  }

  private static void list(StringBuilder text, String name, List<Path> paths) {
    text.append(name).append(" = [\n");
    for (Path path : paths) {
      text.append("  \"").append(Toml.tomlEscape(path.toString())).append("\",\n");
    }
    text.append("]\n");
  }
}
