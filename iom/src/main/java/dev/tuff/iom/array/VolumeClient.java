package dev.tuff.iom.array;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.volume.AllocationMap;
import dev.tuff.iom.volume.RequestHandler;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.Volume;
import dev.tuff.iom.volume.VolumeException;
import dev.tuff.iom.volume.VolumeRequest;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A volume for one ordinary thread: a fixed number of slots, each a request with its buffer.
 * Requests go to one shard and come back by a queue. Not thread-safe.
 */
public final class VolumeClient implements AutoCloseable {
  /** A request and its buffer. */
  public final class Slot implements RequestHandler {
    private final IoBuffer buffer;
    private final VolumeRequest request;
    private final Runnable submit;
    private MemorySegment payload;
    private long offset;
    private int bytes;
    private long startNanos;
    private volatile long endNanos;
    private boolean outstanding;
    private volatile boolean released = true;

    /** Free for the client. */
    public Object attachment;

    private Slot(int shard, IoBuffer buffer) {
      this.buffer = buffer;
      this.request = new VolumeRequest(shard, this, this);
      this.submit = () -> volume.submit(request);
      this.payload = buffer.segment();
    }

    /** Places byte 0 of the payload for a request at {@code newOffset}. */
    public void prepare(long newOffset) {
      offset = newOffset;
      payload = buffer.segment().asSlice(newOffset & 4095);
    }

    /** The request's bytes, from its first on; as long as the client's maximum. */
    public MemorySegment payload() {
      return payload;
    }

    public RequestResult result() {
      return request.result();
    }

    public long offset() {
      return offset;
    }

    public int bytes() {
      return bytes;
    }

    /** From submission to reply, as the shard saw it. */
    public long latencyNanos() {
      return endNanos - startNanos;
    }

    @Override
    public void onDone(VolumeRequest done) {
      endNanos = System.nanoTime();
      completed.add(this);
    }

    @Override
    public void onReleased(VolumeRequest done) {
      released = true;
    }
  }

  private final Array array;
  private final Volume volume;
  private final int shard;
  private final int maxBytes;
  private final IoBuffer[] buffers;
  private final ArrayDeque<Slot> free = new ArrayDeque<>();
  private final LinkedBlockingQueue<Slot> completed = new LinkedBlockingQueue<>();
  private int outstanding;

  /**
   * @param depth slots
   * @param maxBytes bytes of one request at most
   */
  public VolumeClient(Array array, Volume volume, int depth, int maxBytes) {
    this.array = array;
    this.volume = volume;
    this.shard = volume.stripeShard();
    this.maxBytes = maxBytes;
    this.buffers = array.clientBuffers(depth, maxBytes + 4096);
    for (IoBuffer buffer : buffers) {
      free.add(new Slot(shard, buffer));
    }
  }

  /** A free slot, or null when all are out or not collected yet. */
  public Slot take() {
    Slot slot = free.poll();
    if (slot != null) {
      awaitReleased(slot);
    }
    return slot;
  }

  private void awaitReleased(Slot slot) {
    while (!slot.released) {
      checkAlive();
      Thread.onSpinWait();
    }
  }

  /** Starts a read of {@code bytes} at {@code offset} into the slot. */
  public void read(Slot slot, long offset, int bytes) {
    slot.prepare(offset);
    slot.bytes = bytes;
    slot.request.read(offset, bytes, slot.buffer);
    submit(slot);
  }

  /**
   * Starts a write from the slot's payload, which was filled after {@link Slot#prepare} for this
   * offset.
   */
  public void write(Slot slot, long offset, int bytes, Toughness toughness) {
    if ((slot.offset & 4095) != (offset & 4095)) {
      throw new IllegalStateException("prepare the slot for the offset before filling it");
    }
    slot.offset = offset;
    slot.bytes = bytes;
    slot.request.write(offset, bytes, slot.buffer, toughness);
    submit(slot);
  }

  /** Starts a discard: see {@link VolumeRequest#discard}. */
  public void discard(Slot slot, long offset, long bytes, Toughness toughness) {
    slot.bytes = 0;
    slot.request.discard(offset, bytes, toughness);
    submit(slot);
  }

  /** Starts to write zeros: see {@link VolumeRequest#writeZeroes}. */
  public void writeZeroes(
      Slot slot, long offset, long bytes, boolean keepMapped, Toughness toughness) {
    slot.bytes = 0;
    slot.request.writeZeroes(offset, bytes, keepMapped, toughness);
    submit(slot);
  }

  /** Starts an allocation query: see {@link VolumeRequest#queryAllocation}. */
  public void queryAllocation(Slot slot, long offset, long bytes, AllocationMap answer) {
    slot.bytes = 0;
    slot.request.queryAllocation(offset, bytes, answer);
    submit(slot);
  }

  /** Starts a flush. */
  public void flush(Slot slot) {
    slot.bytes = 0;
    slot.request.flush();
    submit(slot);
  }

  private void submit(Slot slot) {
    if (slot.outstanding) {
      throw new IllegalStateException("the slot is under way");
    }
    slot.outstanding = true;
    slot.released = false;
    outstanding++;
    slot.startNanos = System.nanoTime();
    array.execute(shard, slot.submit);
  }

  /** The next completed slot, in the order of completion; null when nothing is under way. */
  public Slot await() {
    if (outstanding == 0) {
      return null;
    }
    try {
      while (true) {
        Slot slot = completed.poll(100, TimeUnit.MILLISECONDS);
        if (slot != null) {
          outstanding--;
          slot.outstanding = false;
          return slot;
        }
        checkAlive();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new VolumeException(null, "Waiting for volume " + volume.name() + " was interrupted.");
    }
  }

  private void checkAlive() {
    ArrayException stopped = array.failure();
    if (stopped != null) {
      throw new VolumeException(null, stopped.getMessage());
    }
  }

  /** Makes a collected slot free again. */
  public void release(Slot slot) {
    free.add(slot);
  }

  /** Slots that are under way. */
  public int outstanding() {
    return outstanding;
  }

  public int maxBytes() {
    return maxBytes;
  }

  /** Reads into all of {@code target}, waiting. Nothing else may be under way. */
  public void readFully(long offset, MemorySegment target) {
    for (long done = 0; done < target.byteSize(); ) {
      int now = (int) Math.min(maxBytes, target.byteSize() - done);
      Slot slot = take();
      read(slot, offset + done, now);
      finish(await());
      MemorySegment.copy(slot.payload(), 0, target, done, now);
      release(slot);
      done += now;
    }
  }

  /** Writes all of {@code source}, waiting. Nothing else may be under way. */
  public void writeFully(long offset, MemorySegment source, Toughness toughness) {
    for (long done = 0; done < source.byteSize(); ) {
      int now = (int) Math.min(maxBytes, source.byteSize() - done);
      Slot slot = take();
      slot.prepare(offset + done);
      MemorySegment.copy(source, done, slot.payload(), 0, now);
      write(slot, offset + done, now, toughness);
      finish(await());
      release(slot);
      done += now;
    }
  }

  /** Discards a range, waiting. Nothing else may be under way. */
  public void discard(long offset, long bytes, Toughness toughness) {
    Slot slot = take();
    discard(slot, offset, bytes, toughness);
    finish(await());
    release(slot);
  }

  /** Flushes, waiting. Nothing else may be under way. */
  public void flush() {
    Slot slot = take();
    flush(slot);
    finish(await());
    release(slot);
  }

  private void finish(Slot slot) {
    if (slot.result() != RequestResult.OK) {
      RequestResult result = slot.result();
      release(slot);
      throw VolumeException.of(result, volume);
    }
  }

  /**
   * Waits for what is under way and gives the buffers back; those of a stopped array stay with it.
   */
  @Override
  public void close() {
    try {
      while (await() != null) {
        // Results are not asked for any more.
        Thread.onSpinWait();
      }
      free.forEach(this::awaitReleased);
    } catch (VolumeException stopped) {
      return;
    }
    array.returnClientBuffers(buffers);
  }
}
