package dev.tuff.tools;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** What the kernel knows of the hardware behind a drive's path (sysfs, block devices). */
final class DriveHardware {
  private final Path path;
  private final Path device;

  private DriveHardware(Path path, Path device) {
    this.path = path;
    this.device = device;
  }

  static DriveHardware of(Path path) {
    try {
      Path real = path.toRealPath();
      Path block = Path.of("/sys/class/block").resolve(real.getFileName().toString());
      boolean device = real.startsWith("/dev") && Files.isDirectory(block);
      return new DriveHardware(path, device ? block.toRealPath() : null);
    } catch (IOException e) {
      throw new CommandException("drive " + path + ": " + Failures.sentence(e), e);
    }
  }

  /** By name; of a file only where it is. */
  Map<String, String> facts() {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("path", path.toString());
    if (device == null) {
      facts.put("kind", "image file");
      return facts;
    }
    facts.put("kind", "block device");
    facts.put("device", device.getFileName().toString());
    for (String name : new String[] {"vendor", "model", "serial", "wwid"}) {
      String value = read(device.resolve("device").resolve(name));
      if (value == null) {
        value = read(device.resolve(name));
      }
      if (value != null) {
        facts.put(name, value);
      }
    }
    return facts;
  }

  private static String read(Path file) {
    try {
      String text = Files.readString(file).strip();
      return text.isEmpty() ? null : text;
    } catch (IOException e) {
      // Not every driver says it.
      return null;
    }
  }

  /** Switches the lamp of the drive's place in its enclosure; says what came of it. */
  String lamp(boolean on) {
    if (device == null) {
      return "none: an image file";
    }
    try (DirectoryStream<Path> slots =
        Files.newDirectoryStream(device.resolve("device"), "enclosure_device:*")) {
      for (Path slot : slots) {
        Files.writeString(slot.resolve("locate"), on ? "1" : "0");
        return on ? "on" : "off";
      }
      return "none: the kernel knows no enclosure of it";
    } catch (IOException e) {
      return "not switched: " + Failures.sentence(e);
    }
  }
}
