package dev.tuff.iom.array;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.volume.RequestHandler;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.Volume;
import dev.tuff.iom.volume.VolumeRequest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Clients of several shards that write the same places at the same time, whole rows too: none waits
 * for another for good, and every block is what one of them wrote.
 */
@Timeout(60)
class OverlapTest {
  private static final int ROW = 2 * 65536;
  private static final int BYTES = 8 * ROW;

  @ParameterizedTest(name = "2+{0}, toughness {1}")
  @CsvSource({"1, TAKEN", "1, HARDENED", "2, HARDENED"})
  void overlappingRowsOfSeveralShards(int parity, Toughness toughness) throws Exception {
    try (TestDrives files = new TestDrives(4, 96L << 20)) {
      Array.format(files.paths, new FormatOptions(2, parity, 0, false));
      try (Array array = Array.assemble(files.paths, new AssembleOptions(2, false, false))) {
        array.createVolume(new VolumeSpec("v", BYTES, 2, parity, 65536, toughness));
        Volume volume = array.volume("v");
        List<Writer> writers = new ArrayList<>();
        CountDownLatch done = new CountDownLatch(12);
        for (int i = 0; i < 12; i++) {
          writers.add(new Writer(array, volume, i, toughness, done));
        }
        writers.forEach(Writer::next);
        assertThat(done.await(40, TimeUnit.SECONDS)).as("all writers come to their end").isTrue();
        check(array, volume);
      }
    }
  }

  /** Every block is one writer's, whole. */
  private static void check(Array array, Volume volume) {
    try (VolumeClient client = new VolumeClient(array, volume, 1, 1 << 20);
        Arena arena = Arena.ofConfined()) {
      MemorySegment all = arena.allocate(BYTES);
      client.readFully(0, all);
      for (long at = 0; at < BYTES; at += 4096) {
        byte first = all.get(ValueLayout.JAVA_BYTE, at);
        MemorySegment same = arena.allocate(4096).fill(first);
        assertThat(all.asSlice(at, 4096).mismatch(same)).isEqualTo(-1);
      }
    }
  }

  /** Writes the same range again and again, of a length and at a place by chance. */
  private static final class Writer implements RequestHandler {
    private final Array array;
    private final Volume volume;
    private final int number;
    private final Toughness toughness;
    private final CountDownLatch done;
    private final IoBuffer buffer;
    private final VolumeRequest request;
    private final Random random;
    private int left = 60;

    Writer(Array array, Volume volume, int number, Toughness toughness, CountDownLatch done) {
      this.array = array;
      this.volume = volume;
      this.number = number;
      this.toughness = toughness;
      this.done = done;
      this.random = new Random(number);
      this.buffer = array.clientBuffers(1, BYTES)[0];
      this.request = new VolumeRequest(number % array.shardCount(), this, this);
    }

    void next() {
      int blocks = random.nextInt(4) == 0 ? 1 : BYTES / 4096 / (1 + random.nextInt(3));
      long offset = random.nextInt(2) * 4096L * random.nextInt(BYTES / 4096 - blocks + 1);
      buffer.segment().fill((byte) (1 + number));
      request.write(offset, blocks * 4096, buffer, toughness);
      array.execute(request.shard(), () -> volume.submit(request));
    }

    @Override
    public void onDone(VolumeRequest answered) {
      assertThat(answered.result()).isEqualTo(RequestResult.OK);
    }

    @Override
    public void onReleased(VolumeRequest released) {
      if (--left > 0) {
        next();
      } else {
        done.countDown();
      }
    }
  }
}
