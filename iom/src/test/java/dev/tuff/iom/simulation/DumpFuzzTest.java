package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.array.ArrayException;
import dev.tuff.iom.array.Dump;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.support.Seeds;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What shows a drive in words must show a changed one too, or refuse it by a sentence. Replay a
 * failure with {@code -Ddev.tuff.seed=...}.
 */
class DumpFuzzTest {
  private static final int BLOCKS_AT_ONCE = 256;

  @ParameterizedTest(name = "{0} drives, {1}+{2}")
  @CsvSource({"5, 4, 1", "3, 3, 0"})
  void changedDrivesAreShownOrRefused(int drives, int data, int parity) throws IOException {
    Path file = Files.createTempFile(Path.of("target").toAbsolutePath(), "dump", ".img");
    int shown = 0;
    try {
      for (long seed : Seeds.withFresh(40)) {
        Shape shape = Shape.of(drives, data, parity, 16384, 1).drives(2048, 256);
        SimulatedArray array = new SimulatedArray(shape, seed, PlantedFault.NONE);
        array.client.load(60);
        array.crash();
        String what = mutate(array, file);
        shown += dump(() -> Dump.superblock(file).size(), seed, what);
        shown += dump(() -> Dump.journal(file).size(), seed, what);
        shown += dump(() -> Dump.map(file, null).size(), seed, what);
      }
    } finally {
      Files.delete(file);
    }
    assertThat(shown).isPositive();
  }

  private static String mutate(SimulatedArray array, Path file) throws IOException {
    try (MediaFuzzer fuzzer = new MediaFuzzer(array.drives[0], 0, array.random)) {
      List<MediaFuzzer.Kind> kinds = fuzzer.kinds(true);
      MediaFuzzer.Kind kind = kinds.get(array.random.nextInt(kinds.size()));
      String what = fuzzer.mutate(kind, array.random.nextInt(4) > 0);
      fuzzer.copyTo(file);
      return what;
    }
  }

  private static int dump(Supplier<Integer> lines, long seed, String what) {
    try {
      return lines.get();
    } catch (ArrayException refused) {
      return 0;
    } catch (RuntimeException unexpected) {
      throw new AssertionError(Seeds.replay(seed) + ": " + what, unexpected);
    }
  }

  /** Writes a drive's blocks to a file. */
  static void copy(SimulatedMedia media, long blocks, Path file) throws IOException {
    try (Arena arena = Arena.ofConfined();
        FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      MemorySegment piece =
          arena.allocate((long) BLOCKS_AT_ONCE * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
      for (long at = 0; at < blocks; at += BLOCKS_AT_ONCE) {
        media.read(at, BLOCKS_AT_ONCE, piece);
        channel.write(piece.asByteBuffer(), at * Drive.BLOCK_BYTES);
      }
    }
  }
}
