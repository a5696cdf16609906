package dev.tuff.iom.simulation;

import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.volume.AllocationMap;
import dev.tuff.iom.volume.RequestHandler;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.VolumeRequest;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BiPredicate;

/**
 * The clients of a simulated array, one a shard: places for requests, and what may be read by the
 * {@link VolumeModel}. Every read is compared.
 */
final class SimulatedClient {
  private static final int POOL_BYTES = 1 << 20;

  /** Contents are cut from it: random bytes made once are as good as new ones. */
  private static final byte[] POOL = pool();

  private final SimulatedArray array;
  private final Shape shape;
  private final SplittableRandom random;
  private final VolumeModel model;
  private VolumeModel judge;
  private int sizeBytes;

  /** While the volume is resized: how large it is to be, else 0. */
  private int resizingTo;

  /** How large it was before. */
  private int formerBytes;

  /** While what is beyond a smaller end is being discarded: the versions that it makes. */
  private int[] tailVersions;

  private Slot[] slots = new Slot[0];
  private int outstanding;
  private int replies;
  private int refused;
  private int discards;
  private int zeroes;
  private int queries;
  private int failedRequests;
  private RequestResult lastFailure = RequestResult.OK;
  private final List<String> wrongReads = new ArrayList<>();

  /** Blocks written since the last start. */
  private final BitSet touched = new BitSet();

  SimulatedClient(SimulatedArray array) {
    this.array = array;
    this.shape = array.shape;
    this.random = array.random;
    this.model = new VolumeModel(shape.volumeBytes());
    this.judge = model;
  }

  private static byte[] pool() {
    byte[] bytes = new byte[POOL_BYTES];
    new SplittableRandom(POOL_BYTES).nextBytes(bytes);
    return bytes;
  }

  private enum Use {
    READ,
    LEARN,
    JUDGE,
    WRITE,
    QUERY,
    FLUSH
  }

  /** How zeros come about. */
  enum Zeroing {
    DISCARD,
    WRITE,
    WRITE_KEEPING_PLACES
  }

  private static final Zeroing[] ZEROING = Zeroing.values();

  /** One place for a request. */
  private final class Slot implements RequestHandler {
    final IoBuffer buffer;
    final VolumeRequest request;
    boolean free = true;
    boolean replied;
    Use use = Use.READ;
    boolean hardened;

    /** Of a write: the first byte that it changes, and the version of each block that it makes. */
    long changesFrom;

    int[] versions;

    /** It reaches beyond the end that the volume is about to have, and may come too late. */
    boolean beyond;

    /** What must be read; null when more than one content may be. */
    byte[] expected;

    Slot(IoBuffer buffer, int shard) {
      this.buffer = buffer;
      this.request = new VolumeRequest(shard, this, this);
    }

    private MemorySegment payload() {
      return buffer.segment().asSlice(request.offset() % Drive.BLOCK_BYTES, request.bytes());
    }

    @Override
    public void onDone(VolumeRequest done) {
      replies++;
      replied = true;
      if (done.result() == RequestResult.NO_SPACE
          || (beyond && done.result() == RequestResult.OUT_OF_RANGE)) {
        refused++;
      }
      if (done.result() != RequestResult.OK) {
        if (use == Use.WRITE && versions.length > 0) {
          refusedLate();
        }
        failedRequests++;
        lastFailure = done.result();
        if (use == Use.LEARN || use == Use.JUDGE) {
          wrongReads.add(
              "after recovery %d bytes at %d can't be read".formatted(done.bytes(), done.offset()));
        }
        return;
      }
      switch (use) {
        case WRITE -> model.replied(changesFrom, versions, hardened);
        case FLUSH -> model.flushed(versions);
        case READ -> compare();
        case QUERY -> compareAllocation();
        case LEARN, JUDGE -> judged(request.offset(), payload(), use == Use.LEARN);
      }
    }

    /** It had to wait, and then there was no space: others have gone on as if it were written. */
    private void refusedLate() {
      model.refused(changesFrom, versions);
      for (Slot other : slots) {
        if (other.overlaps(request.offset(), request.bytes())) {
          other.expected = null;
        }
      }
    }

    /** What is told to be unmapped reads as zeros. */
    private void compareAllocation() {
      if (expected == null) {
        return;
      }
      AllocationMap map = request.allocation();
      for (long at = map.start(); at < map.end(); at = map.runEnd(at)) {
        for (long i = at; i < map.runEnd(at) && !map.mapped(at); i++) {
          if (expected[(int) (i - map.start())] != 0) {
            wrongReads.add("byte %d was written and is told to be unmapped".formatted(i));
            return;
          }
        }
      }
    }

    private void compare() {
      if (expected == null) {
        return;
      }
      long wrong = MemorySegment.ofArray(expected).mismatch(payload());
      if (wrong != -1) {
        wrongReads.add(
            "read of %d bytes at %d is wrong from %d"
                .formatted(request.bytes(), request.offset(), wrong));
      }
    }

    @Override
    public void onReleased(VolumeRequest done) {
      free = true;
      expected = null;
      outstanding--;
    }

    boolean overlaps(long offset, long bytes) {
      return request.offset() / Drive.BLOCK_BYTES <= (offset + bytes - 1) / Drive.BLOCK_BYTES
          && offset / Drive.BLOCK_BYTES
              <= (request.offset() + request.bytes() - 1) / Drive.BLOCK_BYTES;
    }
  }

  /** The array has started. */
  void begin(IoMemory memory) {
    slots = new Slot[shape.depth()];
    IoBuffer[] buffers = memory.buffers(shape.depth(), shape.slotBytes());
    for (int i = 0; i < slots.length; i++) {
      slots[i] = new Slot(buffers[i], i % array.shards());
    }
    touched.clear();
    sizeBytes = array.sizeBytes();
  }

  /** The array has stopped, with whatever was under way. */
  void end() {
    outstanding = 0;
    resizingTo = 0;
    tailVersions = null;
  }

  // ---- resizing

  /** True while the volume is being resized. */
  boolean resizing() {
    return resizingTo != 0;
  }

  /** How far requests reach. */
  int sizeBytes() {
    return sizeBytes;
  }

  /** Begins to resize the volume, and goes on. Up to the shape's size. */
  void beginResize(int newBytes) {
    if (newBytes % Drive.BLOCK_BYTES != 0 || sizeBytes % Drive.BLOCK_BYTES != 0) {
      // What is written of the block of an end, and what a discard takes of it, goes by the moment
      // at which a request starts; the model can't tell.
      drain();
    }
    resizingTo = newBytes;
    formerBytes = sizeBytes;
    if (newBytes < sizeBytes) {
      for (Slot slot : slots) {
        slot.beyond = !slot.free && slot.request.offset() + slot.request.bytes() > newBytes;
      }
      tailVersions = model.write(newBytes, new byte[sizeBytes - newBytes]);
      touched.set(newBytes / Drive.BLOCK_BYTES, (sizeBytes - 1) / Drive.BLOCK_BYTES + 1);
      sizeBytes = newBytes;
    }
    array.beginResize(newBytes);
  }

  /** What is beyond the new end is discarded, or was not for want of space. */
  void resizePrepared(RequestResult result) {
    if (result == RequestResult.NO_SPACE && tailVersions != null) {
      model.refused(sizeBytes, tailVersions);
      sizeBytes = formerBytes;
      resizingTo = 0;
    } else if (result != RequestResult.OK) {
      wrongReads.add("what is beyond a new end could not be discarded: " + result);
    } else if (tailVersions != null) {
      model.emptied(sizeBytes, tailVersions);
    }
    tailVersions = null;
  }

  /** The volume has the new size. */
  void resized() {
    sizeBytes = resizingTo;
    resizingTo = 0;
  }

  /** Until what is beyond a new end is discarded, the block of the end is left alone. */
  private boolean besideTail(long offset, long bytes) {
    return tailVersions != null
        && sizeBytes % Drive.BLOCK_BYTES != 0
        && offset + bytes > (sizeBytes & -Drive.BLOCK_BYTES);
  }

  /** While bounds change, a discard up to an end within a block may take all of it, or nothing. */
  private boolean endInDoubt(Zeroing how, long offset, long bytes) {
    return resizing()
        && how == Zeroing.DISCARD
        && sizeBytes % Drive.BLOCK_BYTES != 0
        && offset + bytes == sizeBytes;
  }

  // ---- at random

  /** Submits {@code requests} random ones as places come free, and stops there. */
  void load(int requests) {
    for (int i = 0; i < requests; i++) {
      submitRandom(freeSlot());
      for (int pause = random.nextInt(6); pause > 0; pause--) {
        array.step();
      }
    }
  }

  private Slot freeSlot() {
    array.run(() -> free() != null);
    return free();
  }

  private Slot free() {
    for (Slot slot : slots) {
      if (slot.free) {
        return slot;
      }
    }
    return null;
  }

  private void submitRandom(Slot slot) {
    int bytes = randomBytes();
    long offset = randomOffset(bytes);
    switch (random.nextInt(15)) {
      case 0 -> flush(slot);
      case 1, 2, 3 -> read(slot, offset, bytes);
      case 4 -> query(slot, offset, bytes);
      case 5, 6 -> {
        if (random.nextInt(8) == 0) {
          bytes = 1 + random.nextInt(sizeBytes);
          offset = randomOffset(bytes);
        }
        Zeroing zeroing = ZEROING[random.nextInt(ZEROING.length)];
        zero(slot, offset, bytes, zeroing, randomToughness());
      }
      default -> {
        byte[] content = randomContent(bytes);
        write(slot, offset, content, randomToughness());
      }
    }
  }

  private Toughness randomToughness() {
    return Toughness.ofLevel(Math.min(2, random.nextInt(4)));
  }

  /**
   * What two clients write at the same time takes effect in either order; the model knows one. A
   * client's own writes are in order where they overlap. Beside each other in one block they are,
   * too, as long as they go the same way: what has whole rows may go by another shard.
   */
  private boolean conflict(Slot slot, long offset, long bytes) {
    if (besideTail(offset, bytes)) {
      return true;
    }
    for (Slot other : slots) {
      if (other.use == Use.WRITE
          && !other.free
          && !other.replied
          && other.overlaps(offset, bytes)
          && (other.request.shard() != slot.request.shard() || maySwap(other, offset, bytes))) {
        return true;
      }
    }
    return false;
  }

  private boolean maySwap(Slot other, long offset, long bytes) {
    long rowBytes = (long) shape.data() * shape.chunkBytes();
    long otherOffset = other.request.offset();
    long otherBytes = other.request.bytes();
    return Math.max(bytes, otherBytes) >= rowBytes
        && (offset >= otherOffset + otherBytes || otherOffset >= offset + bytes);
  }

  private int randomBytes() {
    int bytes =
        switch (random.nextInt(6)) {
          case 0 -> 1 + random.nextInt(600);
          case 1 -> 4096;
          case 2 -> 1 + random.nextInt(20_000);
          case 3 -> 4096 * (1 + random.nextInt(16));
          case 4 -> shape.chunkBytes() * (1 + random.nextInt(2 * shape.data()));
          default -> 512 * (1 + random.nextInt(16));
        };
    return Math.min(bytes, Math.min(shape.maxRequestBytes(), sizeBytes));
  }

  /** A third aligned, and a third crowded together so that updates and generations meet. */
  private long randomOffset(int bytes) {
    long offset = random.nextLong(sizeBytes - bytes + 1);
    if (random.nextInt(3) == 0) {
      offset %= Math.max(1, 6L * shape.chunkBytes());
      offset = Math.min(offset, sizeBytes - bytes);
    }
    return switch (random.nextInt(3)) {
      case 0 -> offset & -4096;
      case 1 -> offset - offset % shape.chunkBytes();
      default -> offset;
    };
  }

  byte[] randomContent(int bytes) {
    int from = random.nextInt(POOL_BYTES - bytes);
    return Arrays.copyOfRange(POOL, from, from + bytes);
  }

  // ---- one by one

  private void submit(Slot slot, Use use) {
    slot.use = use;
    slot.free = false;
    slot.replied = false;
    slot.beyond = false;
    outstanding++;
    array.submit(slot.request);
  }

  private void flush(Slot slot) {
    slot.versions = model.repliedNow();
    slot.request.flush();
    submit(slot, Use.FLUSH);
  }

  private void read(Slot slot, long offset, int bytes) {
    boolean known = !conflict(slot, offset, bytes) && model.sure(offset, bytes);
    slot.expected = known ? model.read(offset, bytes) : null;
    slot.request.read(offset, bytes, slot.buffer);
    submit(slot, Use.READ);
  }

  private void write(Slot slot, long offset, byte[] content, Toughness toughness) {
    array.run(() -> !conflict(slot, offset, content.length));
    slot.hardened = toughness == Toughness.HARDENED;
    slot.expected = null;
    slot.request.write(offset, content.length, slot.buffer, toughness);
    MemorySegment.copy(
        MemorySegment.ofArray(content),
        0,
        slot.buffer.segment(),
        offset % Drive.BLOCK_BYTES,
        content.length);
    submit(slot, Use.WRITE);
    changed(slot, offset, content);
  }

  private void changed(Slot slot, long offset, byte[] content) {
    slot.changesFrom = offset;
    if (slot.request.result() != RequestResult.OK || content.length == 0) {
      slot.versions = new int[0];
      return;
    }
    slot.versions = model.write(offset, content);
    touched.set(
        (int) (offset / Drive.BLOCK_BYTES),
        (int) ((offset + content.length - 1) / Drive.BLOCK_BYTES) + 1);
    // A read under way may see this write or not; only reads after it must.
    for (Slot other : slots) {
      if (other.expected != null && other.overlaps(offset, content.length)) {
        other.expected = null;
      }
    }
  }

  /** Discards, or writes zeros. */
  private void zero(Slot slot, long offset, int bytes, Zeroing how, Toughness toughness) {
    array.run(() -> !conflict(slot, offset, bytes) && !endInDoubt(how, offset, bytes));
    slot.hardened = toughness == Toughness.HARDENED;
    slot.expected = null;
    long from = offset;
    long to = offset + bytes;
    if (how == Zeroing.DISCARD) {
      discards++;
      slot.request.discard(offset, bytes, toughness);
      from = (offset + Drive.BLOCK_BYTES - 1) & -Drive.BLOCK_BYTES;
      to = Math.max(from, to == sizeBytes ? to : to & -Drive.BLOCK_BYTES);
    } else {
      zeroes++;
      slot.request.writeZeroes(offset, bytes, how == Zeroing.WRITE_KEEPING_PLACES, toughness);
    }
    submit(slot, Use.WRITE);
    changed(slot, from, new byte[(int) (to - from)]);
  }

  /** Starts a discard or zeros as soon as there is a place for it. */
  void submitZero(long offset, int bytes, Zeroing how, Toughness toughness) {
    zero(freeSlot(), offset, bytes, how, toughness);
  }

  /** Discards or writes zeros, and waits. */
  RequestResult zero(long offset, int bytes, Zeroing how, Toughness toughness) {
    Slot slot = freeSlot();
    zero(slot, offset, bytes, how, toughness);
    array.run(() -> slot.free);
    return slot.request.result();
  }

  private void query(Slot slot, long offset, int bytes) {
    queries++;
    boolean known = !conflict(slot, offset, bytes) && model.sure(offset, bytes);
    slot.expected = known ? model.read(offset, bytes) : null;
    slot.request.queryAllocation(offset, bytes, new AllocationMap());
    submit(slot, Use.QUERY);
  }

  /** Asks which blocks are mapped, and waits. */
  AllocationMap allocation(long offset, int bytes) {
    Slot slot = freeSlot();
    query(slot, offset, bytes);
    array.run(() -> slot.free);
    return slot.request.allocation();
  }

  /** Writes and waits. */
  RequestResult write(long offset, byte[] content, Toughness toughness) {
    Slot slot = freeSlot();
    write(slot, offset, content, toughness);
    array.run(() -> slot.free);
    return slot.request.result();
  }

  /** Starts a write as soon as there is a place for it. */
  void submitWrite(long offset, byte[] content, Toughness toughness) {
    write(freeSlot(), offset, content, toughness);
  }

  /** Starts to ask which blocks are mapped as soon as there is a place for it. */
  void submitQuery(long offset, int bytes) {
    query(freeSlot(), offset, bytes);
  }

  /** Starts a flush as soon as there is a place for it. */
  void submitFlush() {
    flush(freeSlot());
  }

  /** Reads and waits; a wrong content is noted. */
  RequestResult read(long offset, int bytes) {
    Slot slot = freeSlot();
    read(slot, offset, bytes);
    array.run(() -> slot.free);
    return slot.request.result();
  }

  /** Starts a read as soon as there is a place for it. */
  void submitRead(long offset, int bytes) {
    read(freeSlot(), offset, bytes);
  }

  /** Reads the whole volume, whose content is known. */
  void readAll() {
    for (int at = 0; at < sizeBytes; at += shape.maxRequestBytes()) {
      read(freeSlot(), at, Math.min(shape.maxRequestBytes(), sizeBytes - at));
    }
    drain();
  }

  /** After a crash and a start: reads every block, judges it, and takes it as what is there. */
  void learn() {
    readEach(Use.LEARN);
  }

  /** Reads every block and judges it by the model of the array that this one was copied from. */
  void judgeBy(VolumeModel other) {
    judge = other;
    readEach(Use.JUDGE);
  }

  private void readEach(Use use) {
    int most = Math.max(Drive.BLOCK_BYTES, shape.maxRequestBytes() & -Drive.BLOCK_BYTES);
    for (int at = 0; at < sizeBytes; at += most) {
      Slot slot = freeSlot();
      slot.request.read(at, Math.min(most, sizeBytes - at), slot.buffer);
      submit(slot, use);
    }
    drain();
  }

  /**
   * Reads every block; what is found is noted as wrong when it is none of the model's versions and
   * {@code believable} does not know it either. Returns how many could not be read.
   */
  int judge(BiPredicate<Integer, MemorySegment> believable) {
    int failed = 0;
    for (int block = 0; block * Drive.BLOCK_BYTES < sizeBytes; block++) {
      int offset = block * Drive.BLOCK_BYTES;
      Slot slot = freeSlot();
      slot.expected = null;
      slot.request.read(offset, Math.min(Drive.BLOCK_BYTES, sizeBytes - offset), slot.buffer);
      submit(slot, Use.READ);
      array.run(() -> slot.free);
      if (slot.request.result() != RequestResult.OK) {
        failed++;
        continue;
      }
      String wrong = model.wrong(block, slot.payload());
      if (wrong != null && !believable.test(block, slot.payload())) {
        wrongReads.add(wrong);
      }
    }
    return failed;
  }

  private void judged(long offset, MemorySegment content, boolean learn) {
    for (long at = 0; at < content.byteSize(); at += Drive.BLOCK_BYTES) {
      int number = (int) ((offset + at) / Drive.BLOCK_BYTES);
      MemorySegment block =
          content.asSlice(at, Math.min(Drive.BLOCK_BYTES, content.byteSize() - at));
      String wrong = learn ? model.found(number, block) : judge.wrong(number, block);
      if (wrong != null) {
        wrongReads.add("after recovery " + wrong);
      }
    }
  }

  /** Runs until every request is over. */
  void drain() {
    array.run(() -> outstanding == 0);
  }

  // ---- what was seen

  VolumeModel model() {
    return model;
  }

  List<String> wrongReads() {
    return wrongReads;
  }

  /** True when a block was written, or may have been, since the last start. */
  boolean touched(int block) {
    return touched.get(block);
  }

  int replies() {
    return replies;
  }

  int outstanding() {
    return outstanding;
  }

  /** Requests that did not end well, refused ones included. */
  int failedRequests() {
    return failedRequests;
  }

  /** Requests for which there was no space. */
  int refused() {
    return refused;
  }

  /** Discards submitted. */
  int discards() {
    return discards;
  }

  /** Allocation queries submitted. */
  int queries() {
    return queries;
  }

  /** Writes of zeros submitted. */
  int zeroes() {
    return zeroes;
  }

  RequestResult lastFailure() {
    return lastFailure;
  }
}
