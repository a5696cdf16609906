package dev.tuff.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every device promises, run over each of them. */
abstract class DeviceContractTest {
  static final int DEPTH = 8;
  static final int BLOCK = 4096;
  static final int BUFFER_BYTES = 16 * BLOCK;
  static final int DEVICE_BYTES = 4 << 20;
  static final int BUFFERS = 48;
  static final long SEED = Long.getLong("tuff.test.seed", 20261122L);

  IoMemory memory;
  IoLoop loop;
  BlockDevice device;
  IoBuffer[] buffers;
  private final IoRequest plain = new IoRequest(r -> {}, this);

  /** Memory for the loop. */
  abstract IoMemory memory(long bytes);

  abstract IoLoop loop(IoMemory memory);

  /** A device of {@link #DEVICE_BYTES} and depth {@link #DEPTH}. */
  abstract BlockDevice device(IoLoop loop) throws Exception;

  @BeforeEach
  final void open() throws Exception {
    memory = memory((long) BUFFERS * BUFFER_BYTES);
    buffers = memory.buffers(BUFFERS, BUFFER_BYTES);
    loop = loop(memory);
    device = device(loop);
  }

  @AfterEach
  final void close() {
    if (device != null) {
      device.close();
    }
    if (loop != null) {
      loop.close();
    }
    if (memory != null) {
      memory.close();
    }
  }

  final IoRequest run(IoRequest request) {
    device.submit(request);
    while (request.inFlight()) {
      loop.await(-1);
    }
    return request;
  }

  final void settle() {
    while (device.pending() > 0) {
      loop.await(-1);
    }
  }

  private static void fill(IoBuffer buffer, int offset, int length, byte value) {
    buffer.segment().asSlice(offset, length).fill(value);
  }

  static byte[] bytes(IoBuffer buffer, int offset, int length) {
    return buffer.segment().asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE);
  }

  @Test
  void saysWhatItIs() {
    Geometry geometry = device.geometry();
    assertThat(geometry.sizeBytes()).isEqualTo(DEVICE_BYTES);
    assertThat(BLOCK % geometry.alignmentBytes()).isZero();
    assertThat(geometry.physicalBlockBytes()).isGreaterThanOrEqualTo(geometry.logicalBlockBytes());
    assertThat(device.queueDepth()).isEqualTo(DEPTH);
    assertThat(device.name()).isNotEmpty();
  }

  @Test
  void readsBackWhatWasWritten() {
    fill(buffers[0], 0, BUFFER_BYTES, (byte) 7);
    assertThat(run(plain.write(8192, BUFFER_BYTES, buffers[0], 0)).result()).isEqualTo(IoResult.OK);
    assertThat(run(plain.read(8192 + BLOCK, BLOCK, buffers[1], BLOCK)).result())
        .isEqualTo(IoResult.OK);
    assertThat(bytes(buffers[1], BLOCK, BLOCK)).containsOnly(7);
  }

  @Test
  void writesDurablyAndFlushes() {
    fill(buffers[0], 0, BLOCK, (byte) 9);
    assertThat(run(plain.writeDurable(0, BLOCK, buffers[0], 0)).result()).isEqualTo(IoResult.OK);
    assertThat(run(plain.flush()).result()).isEqualTo(IoResult.OK);
    assertThat(run(plain.read(0, BLOCK, buffers[1], 0)).result()).isEqualTo(IoResult.OK);
    assertThat(bytes(buffers[1], 0, BLOCK)).containsOnly(9);
  }

  @Test
  void discardsOrSaysThatItDoesNot() {
    fill(buffers[0], 0, BUFFER_BYTES, (byte) 5);
    run(plain.write(0, BUFFER_BYTES, buffers[0], 0));
    IoResult result = run(plain.discard(BLOCK, BLOCK)).result();
    assertThat(result).isEqualTo(device.geometry().discard() ? IoResult.OK : IoResult.UNSUPPORTED);
    run(plain.read(0, 3 * BLOCK, buffers[1], 0));
    assertThat(bytes(buffers[1], 0, BLOCK)).containsOnly(5);
    assertThat(bytes(buffers[1], 2 * BLOCK, BLOCK)).containsOnly(5);
  }

  @Test
  void neverCallsHandlersFromWithinSubmit() {
    boolean[] within = {false};
    int[] calls = {0};
    IoRequest[] requests = new IoRequest[4 * DEPTH];
    for (int i = 0; i < requests.length; i++) {
      requests[i] =
          new IoRequest(
              r -> {
                assertThat(within[0]).isFalse();
                calls[0]++;
              },
              this);
      within[0] = true;
      device.submit(
          i % 4 == 0 ? requests[i].flush() : requests[i].read(0, BLOCK, buffers[i % BUFFERS], 0));
      within[0] = false;
    }
    assertThat(device.pending()).isEqualTo(requests.length);
    settle();
    assertThat(calls[0]).isEqualTo(requests.length);
  }

  /**
   * Many requests more than the depth, reused at once from their handlers, against a byte array.
   */
  @Test
  void keepsWhatAModelKeeps() {
    int slots = BUFFERS;
    byte[] model = new byte[DEVICE_BYTES];
    Random random = new Random(SEED);
    boolean[] busy = new boolean[DEVICE_BYTES / BLOCK];
    run(plain.discard(0, DEVICE_BYTES));
    for (int at = 0; at < DEVICE_BYTES; at += BUFFER_BYTES) {
      fill(buffers[0], 0, BUFFER_BYTES, (byte) 0);
      assertThat(run(plain.write(at, BUFFER_BYTES, buffers[0], 0)).result()).isEqualTo(IoResult.OK);
    }

    ArrayDeque<IoRequest> idle = new ArrayDeque<>();
    int[] finished = {0};
    for (int i = 0; i < slots; i++) {
      IoRequest request =
          new IoRequest(
              r -> {
                assertThat(r.result())
                    .as("seed %d: %s errno %d", SEED, r, r.errno())
                    .isEqualTo(IoResult.OK);
                int first = (int) r.offsetBytes();
                if (r.operation() == IoOperation.READ) {
                  assertThat(bytes(r.buffer(), r.bufferOffset(), r.lengthBytes()))
                      .as("seed %d: %s", SEED, r)
                      .isEqualTo(Arrays.copyOfRange(model, first, first + r.lengthBytes()));
                }
                for (int b = 0; b < r.lengthBytes() / BLOCK; b++) {
                  busy[first / BLOCK + b] = false;
                }
                idle.add(r);
                finished[0]++;
              },
              this);
      request.tag = i;
      idle.add(request);
    }
    int operations = 6000;
    int submitted = 0;
    while (finished[0] < operations) {
      for (IoRequest request; submitted < operations && (request = idle.poll()) != null; ) {
        IoBuffer buffer = buffers[request.tag];
        if (random.nextInt(50) == 0) {
          request.flush();
        } else {
          int blocks = 1 + random.nextInt(4);
          int first = random.nextInt(DEVICE_BYTES / BLOCK - blocks);
          int bufferOffset = random.nextInt(4) * BLOCK;
          if (anyBusy(busy, first, blocks)) {
            idle.add(request);
            break;
          }
          for (int b = 0; b < blocks; b++) {
            busy[first + b] = true;
          }
          int kind = random.nextInt(10);
          if (kind < 5) {
            request.read((long) first * BLOCK, blocks * BLOCK, buffer, bufferOffset);
          } else {
            byte[] content = new byte[blocks * BLOCK];
            random.nextBytes(content);
            System.arraycopy(content, 0, model, first * BLOCK, content.length);
            MemorySegment.copy(
                content, 0, buffer.segment(), ValueLayout.JAVA_BYTE, bufferOffset, content.length);
            if (kind == 9) {
              request.writeDurable((long) first * BLOCK, content.length, buffer, bufferOffset);
            } else {
              request.write((long) first * BLOCK, content.length, buffer, bufferOffset);
            }
          }
        }
        device.submit(request);
        submitted++;
      }
      loop.await(-1);
    }
    assertThat(device.pending()).isZero();
  }

  private static boolean anyBusy(boolean[] busy, int first, int count) {
    for (int i = 0; i < count; i++) {
      if (busy[first + i]) {
        return true;
      }
    }
    return false;
  }

  @Test
  void refusesWhatIsOutsideOrUnaligned() {
    IoBuffer buffer = buffers[0];
    assertThatThrownBy(() -> device.submit(plain.read(DEVICE_BYTES, BLOCK, buffer, 0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("outside the device");
    assertThatThrownBy(() -> device.submit(plain.read(-BLOCK, BLOCK, buffer, 0)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> device.submit(plain.read(DEVICE_BYTES - BLOCK, 2 * BLOCK, buffer, 0)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> device.submit(plain.discard(0, DEVICE_BYTES + BLOCK)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> device.submit(plain.write(0, 0, buffer, 0)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> device.submit(plain.write(100, BLOCK, buffer, 0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not aligned");
    assertThatThrownBy(() -> device.submit(plain.write(0, 100, buffer, 0)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> device.submit(plain.write(0, BLOCK, buffer, 8)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> device.submit(plain.write(0, BLOCK, buffer, BUFFER_BYTES)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("outside its buffer");
    assertThat(device.pending()).isZero();
  }

  @Test
  void refusesARequestThatItHas() {
    device.submit(plain.read(0, BLOCK, buffers[0], 0));
    assertThatThrownBy(() -> device.submit(plain)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(plain::flush).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(device::close).isInstanceOf(IllegalStateException.class);
    settle();
    assertThat(plain.result()).isEqualTo(IoResult.OK);
  }

  @Test
  void counts() {
    run(plain.write(0, 2 * BLOCK, buffers[0], 0));
    run(plain.writeDurable(0, BLOCK, buffers[0], 0));
    run(plain.read(0, BLOCK, buffers[0], 0));
    run(plain.flush());
    IoResult discarded = run(plain.discard(0, BLOCK)).result();
    DeviceCounters counters = device.counters();
    assertThat(counters.writes).isEqualTo(2);
    assertThat(counters.writtenBytes).isEqualTo(3 * BLOCK);
    assertThat(counters.reads).isEqualTo(1);
    assertThat(counters.readBytes).isEqualTo(BLOCK);
    assertThat(counters.flushes).isEqualTo(1);
    assertThat(counters.discards + counters.errors).isEqualTo(1);
    assertThat(counters.discards == 1).isEqualTo(discarded == IoResult.OK);
  }

  @Test
  void pollNeverWaits() {
    assertThat(loop.poll()).isZero();
    device.submit(plain.read(0, BLOCK, buffers[0], 0));
    while (plain.inFlight()) {
      loop.poll();
      loop.await(0);
      if (plain.inFlight()) {
        loop.await(1_000_000);
      }
    }
    assertThat(loop.poll()).isZero();
  }

  @Test
  void awaitEndsAtItsTimeLimit() {
    long before = loop.nanoTime();
    while (loop.nanoTime() - before < 2_000_000) {
      assertThat(loop.await(2_000_000)).isZero();
    }
  }

  @Test
  void aWakeUpBeforeTheAwaitEndsIt() {
    loop.wakeUp();
    loop.wakeUp();
    assertThat(loop.poll()).isZero();
    assertThat(loop.await(-1)).isZero();
  }

  @Test
  void allocatesNothingPerOperation() {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    Circulation circulation = new Circulation(device, loop, buffers);
    circulation.run(20_000);
    long before = threads.getCurrentThreadAllocatedBytes();
    int operations = 100_000;
    circulation.run(operations);
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertThat((double) allocated / operations).as("heap bytes per operation").isLessThan(8);
  }

  /** Requests that are submitted again as they complete, twice as many as the depth. */
  private static final class Circulation implements IoHandler {
    private final BlockDevice device;
    private final IoLoop loop;
    private final IoRequest[] requests = new IoRequest[2 * DEPTH];
    private final IoBuffer[] buffers;
    private int left;
    private int step;

    Circulation(BlockDevice device, IoLoop loop, IoBuffer[] buffers) {
      this.device = device;
      this.loop = loop;
      this.buffers = buffers;
      for (int i = 0; i < requests.length; i++) {
        requests[i] = new IoRequest(this, this);
        requests[i].tag = i;
      }
    }

    void run(int operations) {
      left = operations;
      for (IoRequest request : requests) {
        next(request);
      }
      while (device.pending() > 0) {
        loop.await(-1);
      }
    }

    private void next(IoRequest request) {
      if (left-- <= 0) {
        return;
      }
      long offset = (step++ * 7L % (DEVICE_BYTES / BLOCK)) * BLOCK;
      if ((step & 3) == 0) {
        request.write(offset, BLOCK, buffers[request.tag], 0);
      } else {
        request.read(offset, BLOCK, buffers[request.tag], 0);
      }
      device.submit(request);
    }

    @Override
    public void onIo(IoRequest request) {
      if (request.result() != IoResult.OK) {
        throw new AssertionError(request.toString());
      }
      next(request);
    }
  }
}
