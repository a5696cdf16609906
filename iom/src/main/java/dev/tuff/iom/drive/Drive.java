package dev.tuff.iom.drive;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoHandler;
import dev.tuff.device.IoRequest;
import dev.tuff.device.IoResult;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Invariant;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * A drive as its IOM uses it: block runs by address, and hardening. Writes are hardened in cycles:
 * everything written since the last cycle began is covered by one flush, so a flush is paid per
 * group and not per write. Owned by one shard's thread.
 */
public final class Drive implements IoHandler {
  /** Size of a block and of everything that is addressed on a drive, in bytes. */
  public static final int BLOCK_BYTES = 4096;

  /** What happens to a drive that fails: told once. */
  @FunctionalInterface
  public interface FailureListener {
    void onDriveFailed(Drive drive, String what);

    /**
     * The drive hangs, and memory that it may still write to can't be taken away from it: whoever
     * waits for that memory waits until the system gives the drive's requests up. Told once.
     */
    default void onMemoryHeld(Drive drive) {}
  }

  /** Writes in flight that a flush waits for at most. */
  private static final int AWAITED_WRITES = 4;

  private final BlockDevice device;
  private final FailureListener failures;
  private final boolean volatileCache;
  private final IoRequest flushRequest = new IoRequest(this::onFlushed, this);
  private final Consumer<IoRequest> whenTransferred = this::transferred;
  private final Consumer<IoRequest> whenFlushed = this::flushed;

  private IoRequest[] free = new IoRequest[256];
  private int freeCount;

  // Writes are counted by cycle, so that a flush can wait for those issued up to a moment and not
  // for later ones.
  private long openCycle;
  private final int[] inFlight = new int[2];
  private BlockIo doneHead;
  private BlockIo doneTail;
  private BlockIo covered;
  private boolean closing;
  private boolean flushing;
  private boolean failed;

  /** Requests with the device. */
  private int outstanding;

  private final HangWatch watch;
  private boolean watched;
  private boolean hangs;
  private boolean memoryHeld;

  private boolean halted;
  private Runnable whenIdle;

  /** Whose code runs at the ends of transfers; null while it is nobody's. */
  private Actor owner;

  /**
   * An open device.
   *
   * @param watch of its loop: finds that it hangs
   */
  public Drive(BlockDevice device, FailureListener failures, HangWatch watch) {
    this.device = device;
    this.failures = failures;
    this.watch = watch;
    this.volatileCache = device.geometry().volatileCache();
  }

  /** Tells who hears of the ends of transfers from now on, and answers for bugs in what it does. */
  public void setOwner(Actor newOwner) {
    owner = newOwner;
  }

  public BlockDevice device() {
    return device;
  }

  /** Usable size in blocks. */
  public long blocks() {
    return device.geometry().sizeBytes() / BLOCK_BYTES;
  }

  /**
   * Reads {@code count} blocks, the i-th from {@code addresses[first + i]} to {@code bufferOffset +
   * i * 4096}. Address 0 is skipped.
   */
  public void read(
      BlockIo io, long[] addresses, int first, int count, IoBuffer buffer, int bufferOffset) {
    if (halted) {
      return;
    }
    start(io, false);
    issue(io, addresses, first, count, buffer, bufferOffset);
  }

  /**
   * Writes likewise; {@link BlockIo.Listener#onHardened} follows {@link
   * BlockIo.Listener#onTransferred} if it succeeded.
   */
  public void write(
      BlockIo io, long[] addresses, int first, int count, IoBuffer buffer, int bufferOffset) {
    if (halted) {
      return;
    }
    start(io, true);
    issue(io, addresses, first, count, buffer, bufferOffset);
  }

  /** Reads {@code count} blocks that lie together from {@code address} on. */
  public void readRun(BlockIo io, long address, int count, IoBuffer buffer, int bufferOffset) {
    if (halted) {
      return;
    }
    start(io, false);
    submit(io, 0, address, count, buffer, bufferOffset);
    issued(io);
  }

  /** Writes {@code count} blocks that lie together from {@code address} on. */
  public void writeRun(BlockIo io, long address, int count, IoBuffer buffer, int bufferOffset) {
    if (halted) {
      return;
    }
    start(io, true);
    submit(io, 0, address, count, buffer, bufferOffset);
    issued(io);
  }

  private void start(BlockIo io, boolean write) {
    Invariant.check(!io.inUse(), "a block transfer is used by one operation at a time");
    io.write = write;
    io.result = IoResult.OK;
    io.failedMask = 0;
    io.issuing = true;
    io.next = null;
    if (write) {
      io.cycle = openCycle;
      inFlight[(int) (openCycle & 1)]++;
    }
  }

  private void issue(
      BlockIo io, long[] addresses, int first, int count, IoBuffer buffer, int bufferOffset) {
    int i = 0;
    while (i < count) {
      long address = addresses[first + i];
      if (address == 0) {
        i++;
        continue;
      }
      int length = 1;
      while (i + length < count && addresses[first + i + length] == address + length) {
        length++;
      }
      submit(io, i, address, length, buffer, bufferOffset + i * BLOCK_BYTES);
      i += length;
    }
    issued(io);
  }

  private void submit(
      BlockIo io, int firstBlock, long address, int blocks, IoBuffer buffer, int bufferOffset) {
    IoRequest request = takeRequest();
    request.context = io;
    request.tag = firstBlock;
    io.pendingRequests++;
    if (io.write) {
      request.write(address * BLOCK_BYTES, blocks * BLOCK_BYTES, buffer, bufferOffset);
    } else {
      request.read(address * BLOCK_BYTES, blocks * BLOCK_BYTES, buffer, bufferOffset);
    }
    take(request);
  }

  /** The device has it, or an exception says that it has not: a halt must not wait for it then. */
  private void take(IoRequest request) {
    device.submit(request);
    outstanding++;
    if (!watched) {
      watched = true;
      watch.add(this);
    }
  }

  /** Some time has passed. False when nothing is under way any more. */
  boolean beat() {
    if (outstanding > 0 && device.beat() > HangWatch.BEATS) {
      hangs = true;
      fail(watch.sentence());
      letGo();
    }
    watched = outstanding > 0;
    return watched;
  }

  /**
   * Of a drive that hangs, once it is halted: does not wait for it. Whatever it still does to
   * memory, nobody sees; on itself, nobody believes, as it has failed.
   */
  private void letGo() {
    if (!hangs || whenIdle == null || outstanding == 0) {
      return;
    }
    if (device.abandon()) {
      outstanding = 0;
      idleIfDue();
    } else if (!memoryHeld) {
      memoryHeld = true;
      failures.onMemoryHeld(this);
    }
  }

  private void issued(BlockIo io) {
    io.issuing = false;
    Invariant.check(io.pendingRequests > 0, "a block transfer has at least one mapped block");
  }

  private IoRequest takeRequest() {
    return freeCount == 0 ? new IoRequest(this, this) : free[--freeCount];
  }

  @Override
  public void onIo(IoRequest request) {
    end(request, whenTransferred);
  }

  private void end(IoRequest request, Consumer<IoRequest> then) {
    outstanding--;
    if (halted) {
      idleIfDue();
      return;
    }
    try {
      then.accept(request);
    } catch (RuntimeException bug) {
      if (owner == null || !owner.onBug(bug)) {
        throw bug;
      }
    }
  }

  private void transferred(IoRequest request) {
    BlockIo io = (BlockIo) request.context;
    request.context = null;
    boolean oneByOne =
        request.result() == IoResult.MEDIA_ERROR
            && !io.write
            && request.lengthBytes() > BLOCK_BYTES;
    if (oneByOne) {
      readEach(io, request);
    } else if (request.result() != IoResult.OK) {
      io.result = request.result();
      int blocks = request.lengthBytes() / BLOCK_BYTES;
      for (int i = 0; i < blocks && request.tag + i < 64; i++) {
        io.failedMask |= 1L << (request.tag + i);
      }
      if (io.write || request.result() == IoResult.DEVICE_GONE) {
        fail(request.toString() + ", error " + request.errno());
      }
    }
    if (freeCount == free.length) {
      free = Arrays.copyOf(free, free.length * 2);
    }
    free[freeCount++] = request;
    if (--io.pendingRequests == 0) {
      finish(io);
    }
  }

  /** One block that can't be read fails the whole transfer; the others of it are not damaged. */
  private void readEach(BlockIo io, IoRequest failed) {
    long address = failed.offsetBytes() / BLOCK_BYTES;
    int blocks = failed.lengthBytes() / BLOCK_BYTES;
    for (int i = 0; i < blocks; i++) {
      submit(
          io,
          failed.tag + i,
          address + i,
          1,
          failed.buffer(),
          failed.bufferOffset() + i * BLOCK_BYTES);
    }
  }

  private void finish(BlockIo io) {
    if (io.write) {
      inFlight[(int) (io.cycle & 1)]--;
      if (!io.failed() && volatileCache) {
        if (doneTail == null) {
          doneHead = io;
        } else {
          doneTail.next = io;
        }
        doneTail = io;
        io.awaitsFlush = true;
      }
    }
    boolean succeeded = io.write && !io.failed();
    io.listener.onTransferred(io);
    if (succeeded) {
      if (volatileCache) {
        advance();
      } else {
        io.listener.onHardened(io);
      }
    }
  }

  /**
   * Flushes what is done, one flush at a time. A few writes that are still in flight are waited
   * for, so that the data and the journal entry of a single update share a flush; many are not, as
   * the next flush will come soon enough for them.
   */
  private void advance() {
    if (flushing || failed) {
      return;
    }
    if (!closing) {
      if (doneHead == null) {
        return;
      }
      if (inFlight[0] + inFlight[1] > AWAITED_WRITES) {
        flush();
        return;
      }
      closing = true;
      openCycle++;
    }
    if (inFlight[(int) ((openCycle - 1) & 1)] == 0) {
      flush();
    }
  }

  private void flush() {
    flushing = true;
    closing = false;
    covered = doneHead;
    doneHead = null;
    doneTail = null;
    take(flushRequest.flush());
  }

  private void onFlushed(IoRequest request) {
    end(request, whenFlushed);
  }

  private void flushed(IoRequest request) {
    flushing = false;
    if (request.result() != IoResult.OK) {
      fail("flush, error " + request.errno());
      return;
    }
    BlockIo io = covered;
    covered = null;
    while (io != null) {
      BlockIo following = io.next;
      io.next = null;
      io.awaitsFlush = false;
      io.listener.onHardened(io);
      io = following;
    }
    advance();
  }

  /**
   * Brings everything that was written to the drive before, by whomever, to stable media; then
   * calls {@code done}. While nothing else is under way here, at a start.
   */
  public void harden(Runnable done) {
    Invariant.check(idle(), "a drive is hardened as a whole before anything is asked of it");
    take(new IoRequest(request -> end(request, flush -> hardened(flush, done)), this).flush());
  }

  private void hardened(IoRequest flush, Runnable done) {
    if (flush.result() == IoResult.OK) {
      done.run();
    } else {
      fail("flush, error " + flush.errno());
    }
  }

  /**
   * Ends all that is under way here: whoever waits for it hears nothing any more, and what is asked
   * from now on is not done. Calls {@code idle} when the device has let go of every buffer, perhaps
   * at once; one that hangs is not waited for.
   */
  public void halt(Runnable idle) {
    halted = true;
    whenIdle = idle;
    idleIfDue();
    letGo();
  }

  private void idleIfDue() {
    if (outstanding == 0 && whenIdle != null) {
      Runnable idle = whenIdle;
      whenIdle = null;
      idle.run();
    }
  }

  private void fail(String what) {
    if (!failed) {
      failed = true;
      failures.onDriveFailed(this, what);
    }
  }

  /**
   * True once a write or flush has failed, or the drive is gone or hangs: nothing is hardened any
   * more.
   */
  public boolean failed() {
    return failed;
  }

  /** True when nothing is in flight or waits for a flush. */
  public boolean idle() {
    return device.pending() == 0 && doneHead == null && covered == null;
  }
}
