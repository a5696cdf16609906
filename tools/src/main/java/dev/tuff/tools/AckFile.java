package dev.tuff.tools;

import dev.tuff.iom.volume.Toughness;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * What {@link AckWriter} wrote, read again: what the load's volume must hold. The last line of a
 * process that was killed may be cut off, and then counts as not written.
 *
 * @param header which load it is, null when not even that was written
 * @param promises null likewise
 * @param soundBytes up to the end of the last whole line
 */
record AckFile(Header header, LoadPromises promises, long soundBytes) {
  /**
   * Which load.
   *
   * @param array the array's UUID
   * @param gfid the volume
   * @param blocks of 4 KiB from the volume's start, the only ones used
   */
  record Header(String array, long gfid, int blocks, long seed) {
    private static final String FORM = "tuff-load-1";

    String line() {
      return FORM + " " + array + " " + gfid + " " + blocks + " " + seed;
    }

    private static Header of(String line) {
      String[] words = line.split(" ", -1);
      if (words.length != 5 || !words[0].equals(FORM)) {
        throw new IllegalArgumentException("is not the first line of a load's acknowledgements");
      }
      int blocks = Integer.parseInt(words[3]);
      if (blocks < 1 || blocks > LoadCommand.MAX_BLOCKS) {
        throw new IllegalArgumentException("has an impossible number of blocks");
      }
      return new Header(words[1], Long.parseLong(words[2]), blocks, Long.parseLong(words[4]));
    }
  }

  /** Reads it; refused with a sentence when it is none. */
  static AckFile read(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new CommandException(file + " is a folder; give the file that tuff load wrote");
    }
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file.toString());
    }
    requireBeginning(file);
    boolean whole = endsWhole(file);
    Header header = null;
    LoadPromises promises = null;
    long number = 0;
    long cutOff = 0;
    // ISO-8859-1 decodes anything, so that a file of something else gets its sentence too.
    try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
      String line = lines.readLine();
      while (line != null) {
        String following = lines.readLine();
        number++;
        if (following == null && !whole) {
          cutOff = line.length();
        } else if (header == null) {
          header = Header.of(line);
          promises = new LoadPromises(header.blocks());
        } else {
          apply(promises, line);
        }
        line = following;
      }
    } catch (IllegalArgumentException e) {
      throw new CommandException(
          file + " was not written by tuff load: line " + number + " " + reason(e), e);
    }
    return new AckFile(header, promises, Files.size(file) - cutOff);
  }

  private static String reason(IllegalArgumentException e) {
    return e instanceof NumberFormatException ? "has no number where one must be" : e.getMessage();
  }

  /** Before lines are looked for: something else may be a drive without a line end in it. */
  private static void requireBeginning(Path file) throws IOException {
    byte[] form = (Header.FORM + " ").getBytes(StandardCharsets.US_ASCII);
    byte[] found;
    try (InputStream beginning = Files.newInputStream(file)) {
      found = beginning.readNBytes(form.length);
    }
    // A shorter one may be a first line that was cut off.
    if (!Arrays.equals(found, Arrays.copyOf(form, found.length))) {
      throw new CommandException(file + " was not written by tuff load; give another file");
    }
  }

  private static boolean endsWhole(Path file) throws IOException {
    try (RandomAccessFile end = new RandomAccessFile(file.toFile(), "r")) {
      if (end.length() == 0) {
        return true;
      }
      end.seek(end.length() - 1);
      return end.read() == '\n';
    }
  }

  private static void apply(LoadPromises promises, String line) {
    String[] words = line.split(" ", -1);
    switch (words[0] + words.length) {
      case "W5" ->
          promises.submitted(
              Long.parseLong(words[1]),
              Integer.parseInt(words[2]),
              Integer.parseInt(words[3]),
              toughness(words[4]));
      case "A2" -> promises.replied(Long.parseLong(words[1]));
      case "f2" -> promises.flushAsked(Long.parseLong(words[1]));
      case "F2" -> promises.flushed(Long.parseLong(words[1]));
      case "S3" -> promises.settled(Integer.parseInt(words[1]), Long.parseLong(words[2]));
      case "R1" -> promises.runBegins();
      default -> throw new IllegalArgumentException("says nothing that a load says");
    }
  }

  private static Toughness toughness(String level) {
    return switch (level) {
      case "0" -> Toughness.NONE;
      case "1" -> Toughness.TAKEN;
      case "2" -> Toughness.HARDENED;
      default -> throw new IllegalArgumentException("has an unknown toughness");
    };
  }
}
