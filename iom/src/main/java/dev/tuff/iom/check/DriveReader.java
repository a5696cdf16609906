package dev.tuff.iom.check;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoLoop;
import dev.tuff.device.IoMemory;
import dev.tuff.device.IoRequest;
import dev.tuff.device.IoResult;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.journal.Journal;
import dev.tuff.iom.journal.JournalReader;
import dev.tuff.xor.Crc32c;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Reads a drive under check: single pieces one after the other, and steps of many blocks that are
 * read in as few pieces as they lie in, at the same time as those of the other drives on the loop.
 * Never writes. One thread, the loop's.
 */
final class DriveReader implements JournalReader.BlockSource {
  /** Blocks of a step at most. */
  static final int STEP_BLOCKS = 256;

  /** Requests that a drive works on at the same time. */
  static final int QUEUE_DEPTH = 32;

  /** Memory of a reader. */
  static final long BYTES = (long) STEP_BLOCKS * Drive.BLOCK_BYTES + Journal.COMMIT_BYTES;

  private static final int SLOT_BITS = 8;
  private static final int PIECE_BLOCKS = Journal.COMMIT_BYTES / Drive.BLOCK_BYTES;

  private final BlockDevice device;
  private final IoLoop loop;
  private final IoBuffer step;
  private final IoBuffer piece;
  private final IoRequest pieceRequest = new IoRequest(done -> {}, this);
  private final IoRequest[] requests = new IoRequest[STEP_BLOCKS];
  private final long blocks;

  // The present step: what is wanted, then, sorted by address, where it is in the buffer.
  private final long[] wanted = new long[STEP_BLOCKS];
  private final int[] place = new int[STEP_BLOCKS];
  private final boolean[] readable = new boolean[STEP_BLOCKS];
  private int count;
  private int runs;

  private long blocksRead;
  private long failures;

  DriveReader(BlockDevice device, IoLoop loop, IoMemory memory) {
    this.device = device;
    this.loop = loop;
    this.step = memory.buffers(1, STEP_BLOCKS * Drive.BLOCK_BYTES)[0];
    this.piece = memory.buffers(1, Journal.COMMIT_BYTES)[0];
    this.blocks = device.geometry().sizeBytes() / Drive.BLOCK_BYTES;
    for (int i = 0; i < requests.length; i++) {
      requests[i] = new IoRequest(done -> {}, this);
    }
  }

  long blocks() {
    return blocks;
  }

  /** Fills with zeros what can't be read, so that it is believed no more than what is damaged. */
  @Override
  public void read(long address, int count, MemorySegment target) {
    for (int done = 0; done < count; done += PIECE_BLOCKS) {
      int now = Math.min(PIECE_BLOCKS, count - done);
      MemorySegment part =
          target.asSlice((long) done * Drive.BLOCK_BYTES, (long) now * Drive.BLOCK_BYTES);
      if (transfer(address + done, now, piece, 0)) {
        part.copyFrom(piece.segment().asSlice(0, part.byteSize()));
      } else {
        part.fill((byte) 0);
        failures++;
      }
    }
  }

  private boolean transfer(long address, int count, IoBuffer buffer, int offset) {
    if (address < 0 || address + count > blocks) {
      return false;
    }
    device.submit(
        pieceRequest.read(address * Drive.BLOCK_BYTES, count * Drive.BLOCK_BYTES, buffer, offset));
    while (pieceRequest.inFlight()) {
      loop.await(-1);
    }
    blocksRead += count;
    return pieceRequest.result() == IoResult.OK;
  }

  // ---- steps

  /** Begins a step. */
  void begin() {
    count = 0;
    Arrays.fill(readable, false);
  }

  /** The block at {@code address} is wanted, under the number {@code slot}. */
  void want(int slot, long address) {
    wanted[count++] = address << SLOT_BITS | slot;
  }

  /** Submits the step's reads. */
  void submit() {
    Arrays.sort(wanted, 0, count);
    runs = 0;
    int first = 0;
    for (int i = 0; i < count; i++) {
      place[slot(i)] = i * Drive.BLOCK_BYTES;
      readable[slot(i)] = true;
      if (i + 1 == count || address(i + 1) != address(i) + 1) {
        submitRun(first, i + 1);
        first = i + 1;
      }
    }
  }

  private void submitRun(int first, int end) {
    IoRequest request = requests[runs++];
    request.tag = first;
    device.submit(
        request.read(
            address(first) * Drive.BLOCK_BYTES,
            (end - first) * Drive.BLOCK_BYTES,
            step,
            first * Drive.BLOCK_BYTES));
  }

  /** Waits for the step's reads; blocks of a run that failed are read again one by one. */
  void await() {
    while (device.pending() > 0) {
      loop.await(-1);
    }
    blocksRead += count;
    for (int run = 0; run < runs; run++) {
      IoRequest request = requests[run];
      if (request.result() != IoResult.OK) {
        int end = request.tag + request.lengthBytes() / Drive.BLOCK_BYTES;
        for (int i = request.tag; i < end; i++) {
          readable[slot(i)] = transfer(address(i), 1, step, i * Drive.BLOCK_BYTES);
        }
      }
    }
  }

  private int slot(int i) {
    return (int) (wanted[i] & STEP_BLOCKS - 1);
  }

  private long address(int i) {
    return wanted[i] >>> SLOT_BITS;
  }

  /** True when the block under this number could be read. */
  boolean readable(int slot) {
    return readable[slot];
  }

  /** Where in {@link #content} the block under this number is. */
  int place(int slot) {
    return place[slot];
  }

  MemorySegment content() {
    return step.segment();
  }

  int crc(int slot) {
    return Crc32c.of(step.segment(), place[slot], Drive.BLOCK_BYTES);
  }

  /** Blocks read since the start. */
  long blocksRead() {
    return blocksRead;
  }

  /** Pieces that {@link #read} could not read. */
  long failures() {
    return failures;
  }
}
