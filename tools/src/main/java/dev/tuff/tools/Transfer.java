package dev.tuff.tools;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.VolumeClient;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.Volume;
import dev.tuff.iom.volume.VolumeException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.HexFormat;
import org.HdrHistogram.Histogram;

/**
 * Moves bytes between files and a volume from its start on, several requests in flight. Used once,
 * by one thread.
 */
final class Transfer {
  static final int REQUEST_BYTES = 1 << 20;
  static final int DEPTH = 8;

  private final Array array;
  private final Volume volume;
  private final Progress progress;
  private final MessageDigest digest;
  private final Histogram latencies = new Histogram(3);
  private long nanos;

  private Transfer(Array array, Volume volume, Progress progress, boolean hashed) {
    this.array = array;
    this.volume = volume;
    this.progress = progress;
    this.digest = hashed ? sha256() : null;
  }

  /** A transfer that also takes the SHA-256 of what it moves. */
  static Transfer hashed(Array array, Volume volume, Progress progress) {
    return new Transfer(array, volume, progress, true);
  }

  /** A transfer that takes no SHA-256, for measurements. */
  static Transfer plain(Array array, Volume volume, Progress progress) {
    return new Transfer(array, volume, progress, false);
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /**
   * Writes the first {@code bytes} of {@code in} to the start of the volume and flushes it: all of
   * it is hardened when this returns.
   */
  void put(FileChannel in, long bytes, Toughness toughness) throws IOException {
    long began = System.nanoTime();
    try (VolumeClient client = new VolumeClient(array, volume, DEPTH, REQUEST_BYTES)) {
      long sent = 0;
      int inFlight = 0;
      while (sent < bytes || inFlight > 0) {
        if (sent < bytes && inFlight < DEPTH) {
          VolumeClient.Slot slot = client.take();
          int length = (int) Math.min(REQUEST_BYTES, bytes - sent);
          slot.prepare(sent);
          fill(in, sent, slot.payload().asByteBuffer().limit(length));
          client.write(slot, sent, length, toughness);
          sent += length;
          inFlight++;
        } else {
          VolumeClient.Slot slot = client.await();
          inFlight--;
          finish(client, slot);
        }
      }
      client.flush();
    }
    nanos = System.nanoTime() - began;
  }

  private void fill(FileChannel in, long offset, ByteBuffer payload) throws IOException {
    while (payload.hasRemaining()) {
      if (in.read(payload, offset + payload.position()) < 0) {
        throw new CommandException(
            "the file became shorter while it was read; try again when nothing writes to it");
      }
    }
    if (digest != null) {
      digest.update(payload.flip());
    }
  }

  /** Reads the first {@code bytes} of the volume, into {@code out} unless that is null. */
  void get(FileChannel out, long bytes) throws IOException {
    long began = System.nanoTime();
    try (VolumeClient client = new VolumeClient(array, volume, DEPTH, REQUEST_BYTES)) {
      // Requests complete in any order; the digest needs theirs.
      ArrayDeque<VolumeClient.Slot> order = new ArrayDeque<>(DEPTH);
      long asked = 0;
      while (asked < bytes || !order.isEmpty()) {
        if (asked < bytes && order.size() < DEPTH) {
          VolumeClient.Slot slot = client.take();
          int length = (int) Math.min(REQUEST_BYTES, bytes - asked);
          slot.prepare(asked);
          slot.attachment = null;
          client.read(slot, asked, length);
          order.add(slot);
          asked += length;
        } else if (order.getFirst().attachment == null) {
          VolumeClient.Slot slot = client.await();
          slot.attachment = true;
        } else {
          VolumeClient.Slot slot = order.removeFirst();
          if (slot.result() == RequestResult.OK) {
            take(out, slot);
          }
          finish(client, slot);
        }
      }
    }
    nanos = System.nanoTime() - began;
  }

  private void take(FileChannel out, VolumeClient.Slot slot) throws IOException {
    ByteBuffer payload = slot.payload().asByteBuffer().limit(slot.bytes());
    if (digest != null) {
      digest.update(payload.duplicate());
    }
    while (out != null && payload.hasRemaining()) {
      out.write(payload, slot.offset() + payload.position());
    }
  }

  private void finish(VolumeClient client, VolumeClient.Slot slot) {
    check(volume, slot);
    latencies.recordValue(slot.latencyNanos());
    progress.advance(slot.bytes());
    client.release(slot);
  }

  /** Throws the sentence for a request that did not end well. */
  static void check(Volume volume, VolumeClient.Slot slot) {
    if (slot.result() != RequestResult.OK) {
      throw VolumeException.of(slot.result(), volume);
    }
  }

  /** Of what was moved; once, after the transfer. */
  String sha256Hex() {
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Time from a request's submission to its completion, nanoseconds. */
  Histogram latencies() {
    return latencies;
  }

  /** From the first request to the end, final flush included. */
  double seconds() {
    return nanos / 1e9;
  }
}
