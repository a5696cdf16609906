package dev.tuff.tools;

import dev.tuff.iom.nbd.Export;
import dev.tuff.iom.volume.Volume;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlTable;

/**
 * What {@code tuff serve} serves: a file beside the array's own, so that neither is rewritten when
 * the other changes. {@code tuff export} writes it; it may be edited.
 *
 * @param entries in the order in which they were added; names are unique
 */
record ExportsFile(List<Entry> entries) {
  /** One export. */
  record Entry(String name, String volume, String description, boolean readOnly, int maxClients) {
    Export export(Volume of) {
      try {
        return new Export(name, description, of, readOnly, maxClients);
      } catch (IllegalArgumentException e) {
        throw new CommandException(e.getMessage(), e);
      }
    }

    Map<String, Object> json() {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("name", name);
      result.put("volume", volume);
      result.put("description", description);
      result.put("readOnly", readOnly);
      result.put("maxClients", maxClients);
      return result;
    }
  }

  private static final Set<String> KEYS =
      Set.of("name", "volume", "description", "read_only", "max_clients");

  ExportsFile {
    entries = List.copyOf(entries);
  }

  /** Where the exports of an array file stand: {@code tuff.exports.toml} for {@code tuff.toml}. */
  static Path beside(Path arrayFile) {
    return arrayFile.resolveSibling(stem(arrayFile) + ".exports.toml");
  }

  static String stem(Path arrayFile) {
    String name = arrayFile.getFileName().toString();
    return name.endsWith(".toml") ? name.substring(0, name.length() - 5) : name;
  }

  /** Reads it; no file is no exports. */
  static ExportsFile read(Path file) {
    if (!Files.exists(file)) {
      return new ExportsFile(List.of());
    }
    TomlParseResult toml;
    try {
      toml = Toml.parse(file);
    } catch (IOException e) {
      throw new CommandException("exports file " + Failures.sentence(e), e);
    }
    if (toml.hasErrors()) {
      throw new CommandException(
          "exports file " + file + " is not valid TOML: " + toml.errors().getFirst());
    }
    for (String key : toml.keySet()) {
      if (!key.equals("export")) {
        throw new CommandException(
            "exports file " + file + " has an unknown entry '" + key + "'; it knows [[export]]");
      }
    }
    if (!toml.contains("export")) {
      return new ExportsFile(List.of());
    }
    if (!toml.isArray("export")) {
      throw new CommandException("exports file " + file + ": write each export as [[export]]");
    }
    List<Entry> entries = new ArrayList<>();
    TomlArray tables = toml.getArrayOrEmpty("export");
    for (int i = 0; i < tables.size(); i++) {
      if (!(tables.get(i) instanceof TomlTable table)) {
        throw new CommandException("exports file " + file + ": write each export as [[export]]");
      }
      Entry entry = entry(file, table);
      if (entries.stream().anyMatch(other -> other.name().equals(entry.name()))) {
        throw new CommandException(
            "exports file " + file + " has two exports named " + entry.name());
      }
      entries.add(entry);
    }
    return new ExportsFile(entries);
  }

  private static Entry entry(Path file, TomlTable table) {
    for (String key : table.keySet()) {
      if (!KEYS.contains(key)) {
        throw new CommandException(
            "exports file "
                + file
                + " has an unknown entry '"
                + key
                + "' in an export; it knows name, volume, description, read_only and max_clients");
      }
    }
    try {
      String volume = table.getString("volume");
      if (volume == null) {
        throw new CommandException("exports file " + file + " has an export without a volume");
      }
      String name = table.getString("name");
      String description = table.getString("description");
      Boolean readOnly = table.getBoolean("read_only");
      Long maxClients = table.getLong("max_clients");
      if (maxClients != null && (maxClients < 0 || maxClients > 1_000_000)) {
        throw new CommandException(
            "exports file " + file + " has a max_clients of " + maxClients + "; give 0 or more");
      }
      return new Entry(
          name == null ? volume : name,
          volume,
          description == null ? "" : description,
          readOnly != null && readOnly,
          maxClients == null ? 0 : maxClients.intValue());
    } catch (org.tomlj.TomlInvalidTypeException e) {
      throw new CommandException("exports file " + file + ": " + e.getMessage(), e);
    }
  }

  Entry find(String name) {
    return entries.stream().filter(e -> e.name().equals(name)).findFirst().orElse(null);
  }

  ExportsFile with(Entry added) {
    if (find(added.name()) != null) {
      throw new CommandException(
          "there is an export named "
              + added.name()
              + " already; remove it first, or give another name with --name");
    }
    List<Entry> more = new ArrayList<>(entries);
    more.add(added);
    return new ExportsFile(more);
  }

  ExportsFile without(String name) {
    if (find(name) == null) {
      throw new CommandException(
          entries.isEmpty()
              ? "there is no export named " + name + "; nothing is exported"
              : "there is no export named "
                  + name
                  + "; there are: "
                  + String.join(", ", entries.stream().map(Entry::name).toList()));
    }
    return new ExportsFile(entries.stream().filter(e -> !e.name().equals(name)).toList());
  }

  /** Writes the file whole or not at all. */
  void write(Path file) {
    StringBuilder text = new StringBuilder("# Written by tuff export: what tuff serve serves.\n");
    for (Entry entry : entries) {
      text.append("\n[[export]]\n");
      text.append("name = \"").append(Toml.tomlEscape(entry.name())).append("\"\n");
      text.append("volume = \"").append(Toml.tomlEscape(entry.volume())).append("\"\n");
      if (!entry.description().isEmpty()) {
        text.append("description = \"").append(Toml.tomlEscape(entry.description())).append("\"\n");
      }
      if (entry.readOnly()) {
        text.append("read_only = true\n");
      }
      if (entry.maxClients() > 0) {
        text.append("max_clients = ").append(entry.maxClients()).append('\n');
      }
    }
    try {
      Path whole = file.resolveSibling(file.getFileName() + ".new");
      Files.writeString(whole, text);
      Files.move(whole, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
