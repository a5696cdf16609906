package dev.tuff.tools;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.VolumeClient;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.HexFormat;
import java.util.SplittableRandom;
import org.HdrHistogram.Histogram;

/**
 * Random writes and reads of a volume, with a shadow of what it must hold: a file that gets every
 * write too. Reads are compared with it at once. Requests in flight together never overlap, as
 * nothing orders them; they do share blocks. Used by one thread.
 */
final class Overwrites {
  /** A request in flight. */
  private record Range(boolean write, long offset, int bytes) {
    boolean overlaps(Range other) {
      return offset < other.offset + other.bytes && other.offset < offset + bytes;
    }
  }

  /** Where the next request goes and how large it is. */
  @FunctionalInterface
  interface Shape {
    /** Offset and length; the length at most 256 KiB, all of it below {@code volumeBytes}. */
    long[] next(SplittableRandom random, long volumeBytes);
  }

  /** 1 byte to 256 KiB, as many small ones as large ones, at any byte. */
  static final Shape MIXED =
      (random, volumeBytes) -> {
        long largest = Math.min(volumeBytes, 1L << random.nextInt(19));
        long bytes = 1 + random.nextLong(largest);
        return new long[] {random.nextLong(volumeBytes - bytes + 1), bytes};
      };

  /** 4 KiB at multiples of 4 KiB. */
  static final Shape BLOCKS =
      (random, volumeBytes) -> new long[] {random.nextLong(volumeBytes / 4096) * 4096, 4096};

  private static final int LARGEST_BYTES = 256 << 10;

  private final Array array;
  private final Volume volume;
  private final FileChannel shadow;
  private final long bytes;
  private final SplittableRandom random;
  private final int depth;
  private final ByteBuffer content = ByteBuffer.allocate(LARGEST_BYTES);
  private final ByteBuffer expected = ByteBuffer.allocate(LARGEST_BYTES);
  private final Histogram writeLatencies = new Histogram(3);
  private final Histogram readLatencies = new Histogram(3);
  private final Range[] flying;
  private int flyingCount;
  private long writtenBytes;
  private String mismatch;
  private double seconds;

  /**
   * @param bytes only the first so many bytes of the volume are touched; the shadow has as many
   * @param depth requests in flight
   */
  Overwrites(
      Array array,
      Volume volume,
      FileChannel shadow,
      long bytes,
      SplittableRandom random,
      int depth) {
    this.array = array;
    this.volume = volume;
    this.shadow = shadow;
    this.bytes = bytes;
    this.random = random;
    this.depth = depth;
    this.flying = new Range[depth];
  }

  /**
   * Runs until {@code operations} are done or {@code limitSeconds} have passed, then flushes.
   *
   * @param readPercent how many of a hundred are reads
   */
  void run(Shape shape, int operations, double limitSeconds, int readPercent) throws IOException {
    long began = System.nanoTime();
    try (VolumeClient client = new VolumeClient(array, volume, depth, LARGEST_BYTES)) {
      for (int i = 0; i < operations && (System.nanoTime() - began) / 1e9 < limitSeconds; i++) {
        long[] place = shape.next(random, bytes);
        Range range = new Range(random.nextInt(100) >= readPercent, place[0], (int) place[1]);
        while (flyingCount == depth || overlapsAny(range)) {
          finish(client);
        }
        start(client, range);
      }
      while (flyingCount > 0) {
        finish(client);
      }
      client.flush();
    }
    seconds = (System.nanoTime() - began) / 1e9;
  }

  private boolean overlapsAny(Range range) {
    for (int i = 0; i < flyingCount; i++) {
      if (flying[i].overlaps(range)) {
        return true;
      }
    }
    return false;
  }

  private void start(VolumeClient client, Range range) throws IOException {
    VolumeClient.Slot slot = client.take();
    slot.prepare(range.offset);
    slot.attachment = range;
    flying[flyingCount++] = range;
    if (range.write) {
      ByteBuffer data = content(range.bytes);
      slot.payload().asByteBuffer().put(0, data, 0, range.bytes);
      while (data.hasRemaining()) {
        shadow.write(data, range.offset + data.position());
      }
      client.write(slot, range.offset, range.bytes, Toughness.HARDENED);
    } else {
      client.read(slot, range.offset, range.bytes);
    }
  }

  private ByteBuffer content(int length) {
    content.clear();
    for (int at = 0; at < length; at += Long.BYTES) {
      content.putLong(at, random.nextLong());
    }
    return content.limit(length);
  }

  private void finish(VolumeClient client) throws IOException {
    VolumeClient.Slot slot = client.await();
    Range range = (Range) slot.attachment;
    Transfer.check(volume, slot);
    if (range.write) {
      writeLatencies.recordValue(slot.latencyNanos());
      writtenBytes += range.bytes;
    } else {
      readLatencies.recordValue(slot.latencyNanos());
      compare(slot, range);
    }
    client.release(slot);
    for (int i = 0; i < flyingCount; i++) {
      if (flying[i].equals(range)) {
        flying[i] = flying[--flyingCount];
        return;
      }
    }
    throw new IllegalStateException("completed without having been started: " + range);
  }

  private void compare(VolumeClient.Slot slot, Range range) throws IOException {
    expected.clear().limit(range.bytes);
    while (expected.hasRemaining()
        && shadow.read(expected, range.offset + expected.position()) >= 0) {}
    int differs = slot.payload().asByteBuffer().limit(range.bytes).mismatch(expected.flip());
    if (differs >= 0 && mismatch == null) {
      mismatch =
          "byte "
              + (range.offset + differs)
              + ", in a read of "
              + range.bytes
              + " bytes at "
              + range.offset;
    }
  }

  /**
   * Where the first read that gave something else than was written differed, null when none did.
   */
  String mismatch() {
    return mismatch;
  }

  /** For requests: nanoseconds from submission to completion. */
  Histogram writeLatencies() {
    return writeLatencies;
  }

  /** Likewise. */
  Histogram readLatencies() {
    return readLatencies;
  }

  long writtenBytes() {
    return writtenBytes;
  }

  /** The final flush included. */
  double seconds() {
    return seconds;
  }

  /** SHA-256 of the shadow's first {@code bytes}: what the volume must have. */
  static String sha256(FileChannel file, long bytes) throws IOException {
    var digest = Transfer.sha256();
    ByteBuffer piece = ByteBuffer.allocate(1 << 20);
    for (long at = 0; at < bytes; ) {
      piece.clear().limit((int) Math.min(piece.capacity(), bytes - at));
      int got = file.read(piece, at);
      if (got < 0) {
        throw new CommandException(
            "the file became shorter while it was read; try again when nothing writes to it");
      }
      digest.update(piece.flip());
      at += got;
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
