package dev.tuff.tools;

import dev.tuff.iom.volume.Toughness;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Writes down what a load does, a line each, with the system at once: no line is kept in this
 * process, which may be killed at any moment. {@link AckFile} reads it.
 *
 * <pre>
 * tuff-load-1 ARRAY GFID BLOCKS SEED   first line
 * W VERSION BLOCK COUNT TOUGHNESS      about to write these blocks
 * A VERSION                            that write was replied to
 * f NUMBER                             about to flush
 * F NUMBER                             done: every write with its A above the f is hardened
 * S BLOCK VERSION                      found when the load went on: holds from then on
 * R                                    all such are found; another run begins
 * </pre>
 */
final class AckWriter implements AutoCloseable {
  private final FileChannel channel;
  private final LoadPromises promises;

  private AckWriter(FileChannel channel, LoadPromises promises) {
    this.channel = channel;
    this.promises = promises;
  }

  /** Begins a load's file, or goes on with it at {@code soundBytes}. */
  static AckWriter to(Path file, long soundBytes, LoadPromises promises) throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    channel.truncate(soundBytes).position(soundBytes);
    return new AckWriter(channel, promises);
  }

  /** Writes to standard output. */
  static AckWriter toStandardOutput(LoadPromises promises) {
    return new AckWriter(new FileOutputStream(FileDescriptor.out).getChannel(), promises);
  }

  LoadPromises promises() {
    return promises;
  }

  void begun(AckFile.Header header) throws IOException {
    line(header.line());
  }

  void submitted(long version, int first, int count, Toughness toughness) throws IOException {
    promises.submitted(version, first, count, toughness);
    line("W " + version + " " + first + " " + count + " " + toughness.level());
  }

  void replied(long version) throws IOException {
    promises.replied(version);
    line("A " + version);
  }

  void flushAsked(long number) throws IOException {
    promises.flushAsked(number);
    line("f " + number);
  }

  void flushed(long number) throws IOException {
    promises.flushed(number);
    line("F " + number);
  }

  void settled(int block, long version) throws IOException {
    promises.settled(block, version);
    line("S " + block + " " + version);
  }

  void runBegins() throws IOException {
    promises.runBegins();
    line("R");
  }

  private void line(String text) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.US_ASCII));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
