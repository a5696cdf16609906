package dev.tuff.tools;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.VolumeClient;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Writes a volume at random and writes down what was acknowledged: {@link AckWriter}. Requests in
 * flight together never share a block, as nothing orders them. Used once, by one thread.
 */
final class Load {
  /** Blocks of one request at most: more than a row, so that full stripes are among them. */
  private static final int LARGEST_BLOCKS = 128;

  private static final int READ_PERCENT = 10;
  private static final int FLUSH_PERCENT = 3;

  /** A request in flight; a flush has no blocks, and its number for a version. */
  private record Flight(Kind kind, long version, int first, int count) {
    enum Kind {
      READ,
      WRITE,
      FLUSH
    }

    boolean shares(int otherFirst, int otherCount) {
      return first < otherFirst + otherCount && otherFirst < first + count;
    }
  }

  private final Array array;
  private final Volume volume;
  private final AckWriter acks;
  private final LoadPromises promises;
  private final long seed;
  private final SplittableRandom random;
  private final int depth;
  private final List<Flight> flying = new ArrayList<>();
  private long writtenBlocks;
  private long readBlocks;
  private long flushes;

  /**
   * @param seed of the blocks' content
   * @param random where and how much
   * @param depth requests in flight
   */
  Load(Array array, Volume volume, AckWriter acks, long seed, SplittableRandom random, int depth) {
    this.array = array;
    this.volume = volume;
    this.acks = acks;
    this.promises = acks.promises();
    this.seed = seed;
    this.random = random;
    this.depth = depth;
  }

  /** Runs for so long, then flushes: everything is promised when this returns. */
  void run(double seconds) throws IOException {
    long began = System.nanoTime();
    try (VolumeClient client =
        new VolumeClient(array, volume, depth, LARGEST_BLOCKS * LoadBlock.BYTES)) {
      while ((System.nanoTime() - began) / 1e9 < seconds) {
        if (random.nextInt(100) < FLUSH_PERCENT && promises.hasUnflushed()) {
          startFlush(client);
        } else {
          startReadOrWrite(client);
        }
      }
      while (!flying.isEmpty()) {
        finish(client);
      }
      startFlush(client);
      finish(client);
    }
  }

  /** Makes {@code blocks} blocks zeros, hardened when this returns. */
  static void clear(Array array, Volume volume, int blocks) {
    try (VolumeClient client =
        new VolumeClient(array, volume, Transfer.DEPTH, LARGEST_BLOCKS * LoadBlock.BYTES)) {
      int asked = 0;
      while (asked < blocks || client.outstanding() > 0) {
        if (asked < blocks && client.outstanding() < Transfer.DEPTH) {
          VolumeClient.Slot slot = client.take();
          int bytes = Math.min(LARGEST_BLOCKS, blocks - asked) * LoadBlock.BYTES;
          long offset = (long) asked * LoadBlock.BYTES;
          slot.prepare(offset);
          slot.payload().asSlice(0, bytes).fill((byte) 0);
          client.write(slot, offset, bytes, Toughness.TAKEN);
          asked += bytes / LoadBlock.BYTES;
        } else {
          VolumeClient.Slot slot = client.await();
          Transfer.check(volume, slot);
          client.release(slot);
        }
      }
      client.flush();
    }
  }

  private void startFlush(VolumeClient client) throws IOException {
    VolumeClient.Slot slot = freeSlot(client);
    long number = promises.nextFlush();
    acks.flushAsked(number);
    fly(slot, new Flight(Flight.Kind.FLUSH, number, 0, 0));
    client.flush(slot);
  }

  private void startReadOrWrite(VolumeClient client) throws IOException {
    int blocks = promises.blocks();
    int count = Math.min(1 << random.nextInt(8), blocks);
    // Half of it goes to a small part, so that blocks are written again while their last is open.
    int within = random.nextBoolean() ? blocks : Math.max(count, blocks / 32);
    int first = random.nextInt(within - count + 1);
    // Aligned ones among them cover whole rows.
    first -= random.nextBoolean() ? first % count : 0;
    boolean read = random.nextInt(100) < READ_PERCENT;
    Toughness toughness = Toughness.ofLevel(random.nextInt(3));
    while (shared(first, count)) {
      finish(client);
    }
    VolumeClient.Slot slot = freeSlot(client);
    long offset = (long) first * LoadBlock.BYTES;
    if (read) {
      fly(slot, new Flight(Flight.Kind.READ, 0, first, count));
      client.read(slot, offset, count * LoadBlock.BYTES);
      return;
    }
    long version = promises.nextVersion();
    slot.prepare(offset);
    ByteBuffer payload = slot.payload().asByteBuffer();
    for (int i = 0; i < count; i++) {
      LoadBlock.fill(payload, i * LoadBlock.BYTES, seed, first + i, version);
    }
    acks.submitted(version, first, count, toughness);
    fly(slot, new Flight(Flight.Kind.WRITE, version, first, count));
    client.write(slot, offset, count * LoadBlock.BYTES, toughness);
  }

  private VolumeClient.Slot freeSlot(VolumeClient client) throws IOException {
    while (flying.size() == depth) {
      finish(client);
    }
    return client.take();
  }

  private void fly(VolumeClient.Slot slot, Flight flight) {
    slot.attachment = flight;
    flying.add(flight);
  }

  private boolean shared(int first, int count) {
    for (Flight flight : flying) {
      if (flight.shares(first, count)) {
        return true;
      }
    }
    return false;
  }

  private void finish(VolumeClient client) throws IOException {
    VolumeClient.Slot slot = client.await();
    Transfer.check(volume, slot);
    Flight flight = (Flight) slot.attachment;
    flying.remove(flight);
    switch (flight.kind) {
      case WRITE -> {
        acks.replied(flight.version);
        writtenBlocks += flight.count;
      }
      case FLUSH -> {
        acks.flushed(flight.version);
        flushes++;
      }
      case READ -> {
        judge(slot, flight);
        readBlocks += flight.count;
      }
    }
    client.release(slot);
  }

  private void judge(VolumeClient.Slot slot, Flight flight) {
    ByteBuffer payload = slot.payload().asByteBuffer();
    for (int i = 0; i < flight.count; i++) {
      int block = flight.first + i;
      String wrong =
          promises.wrongNow(block, LoadBlock.read(payload, i * LoadBlock.BYTES, seed, block));
      if (wrong != null) {
        throw new CommandException(
            "volume " + volume.name() + " was read wrongly under load: " + wrong);
      }
    }
  }

  long writtenBlocks() {
    return writtenBlocks;
  }

  long readBlocks() {
    return readBlocks;
  }

  long flushes() {
    return flushes;
  }
}
