package dev.tuff.bench;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoLoop;
import dev.tuff.device.IoRequest;
import dev.tuff.device.IoResult;

/**
 * What a rebuild asks of the drives and nothing else: for every stretch that is written to one
 * drive the same stretch is read from each of some others, without a look at what was read. Where
 * drives share a disk or a bus this, and not what one of them writes by itself, is what can be
 * reached. On the loop's own thread.
 */
final class RawRebuild {
  static final int PIECE_BYTES = 1 << 20;

  /** Stretches under way at the same time. */
  static final int DEPTH = 8;

  private final IoLoop loop;
  private final BlockDevice[] sources;
  private final BlockDevice target;
  private final long pieces;
  private final Slot[] slots = new Slot[DEPTH];
  private long next;
  private int inFlight;
  private IoRequest failed;

  /** One stretch: its reads, then its write. */
  private final class Slot {
    final IoRequest[] reads = new IoRequest[sources.length];
    final IoRequest write = new IoRequest(this::onWritten, this);
    final IoBuffer memory;
    final int place;
    long offset;
    int owed;

    Slot(IoBuffer memory, int place) {
      this.memory = memory;
      this.place = place;
      for (int i = 0; i < reads.length; i++) {
        reads[i] = new IoRequest(this::onRead, this);
      }
    }

    void goOn() {
      if (next == pieces || failed != null) {
        return;
      }
      offset = next++ * PIECE_BYTES;
      owed = reads.length;
      for (int i = 0; i < reads.length; i++) {
        inFlight++;
        sources[i].submit(reads[i].read(offset, PIECE_BYTES, memory, place + i * PIECE_BYTES));
      }
    }

    private void onRead(IoRequest request) {
      inFlight--;
      note(request);
      if (--owed == 0 && failed == null) {
        inFlight++;
        target.submit(write.write(offset, PIECE_BYTES, memory, place));
      }
    }

    private void onWritten(IoRequest request) {
      inFlight--;
      note(request);
      goOn();
    }
  }

  /**
   * @param memory as much as {@link #memoryBytes} says
   * @param bytes of each drive, from its start
   */
  RawRebuild(IoLoop loop, BlockDevice[] sources, BlockDevice target, IoBuffer memory, long bytes) {
    this.loop = loop;
    this.sources = sources;
    this.target = target;
    this.pieces = Math.max(1, bytes / PIECE_BYTES);
    for (int i = 0; i < DEPTH; i++) {
      slots[i] = new Slot(memory, i * sources.length * PIECE_BYTES);
    }
  }

  static int memoryBytes(int sources) {
    return DEPTH * sources * PIECE_BYTES;
  }

  private void note(IoRequest request) {
    if (request.result() != IoResult.OK) {
      failed = request;
    }
  }

  /** Bytes a second that are written, and hardened when the time ends. */
  double run() {
    long begun = loop.nanoTime();
    for (Slot slot : slots) {
      slot.goOn();
    }
    await();
    inFlight++;
    target.submit(
        new IoRequest(
                request -> {
                  inFlight--;
                  note(request);
                },
                this)
            .flush());
    await();
    return pieces * PIECE_BYTES / ((loop.nanoTime() - begun) / 1e9);
  }

  private void await() {
    while (inFlight > 0) {
      loop.await(-1);
    }
    if (failed != null) {
      throw new BenchException(
          "Copying between the drives failed: "
              + failed
              + ", error number "
              + failed.errno()
              + "; check the drives.");
    }
  }
}
