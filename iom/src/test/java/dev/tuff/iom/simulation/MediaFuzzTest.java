package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.array.ArrayException;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageRequest;
import dev.tuff.iom.recovery.DamagedJournalException;
import dev.tuff.iom.support.Seeds;
import dev.tuff.xor.Crc32c;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Arrays that were stopped or crashed, on one of whose drives something was changed afterwards, are
 * started. What is refused is refused by a sentence, and the array then runs without the drive;
 * what is started serves nothing that was never written. Replay a failure with {@code
 * -Ddev.tuff.seed=...}.
 */
@Timeout(600)
class MediaFuzzTest {
  /** Refused by the project itself; anything else is a bug. */
  private static final class Refused extends Exception {
    private static final long serialVersionUID = 1;

    Refused(RuntimeException cause) {
      super(cause);
    }
  }

  @FunctionalInterface
  private interface Step {
    void run();
  }

  private int started;
  private int refused;

  @ParameterizedTest(name = "{0} drives, {1}+{2}, chunk {3}")
  @CsvSource({"5, 4, 1, 16384", "5, 3, 2, 8192", "3, 1, 2, 4096", "3, 3, 0, 16384"})
  void damageIsFoundOrMadeGood(int drives, int data, int parity, int chunk) {
    for (long seed : Seeds.withFresh(60)) {
      fuzz(Shape.of(drives, data, parity, chunk, 2), seed, false);
    }
    assertBothWays();
  }

  @ParameterizedTest(name = "{0} drives, {1}+{2}, chunk {3}")
  @CsvSource({"5, 4, 1, 16384", "5, 3, 2, 8192", "3, 1, 2, 4096", "3, 3, 0, 16384"})
  void forgedContentIsRefusedOrHarmless(int drives, int data, int parity, int chunk) {
    for (long seed : Seeds.withFresh(150)) {
      fuzz(Shape.of(drives, data, parity, chunk, 2), seed, true);
    }
    assertBothWays();
  }

  /** A test that never refuses or never starts shows nothing. */
  private void assertBothWays() {
    if (Seeds.all()) {
      assertThat(started).isPositive();
      assertThat(refused).isPositive();
    }
  }

  private void fuzz(Shape shape, long seed, boolean reseal) {
    SimulatedArray array = new SimulatedArray(shape, seed, PlantedFault.NONE);
    String story = seed + " ";
    try {
      array.client.load(20 + array.random.nextInt(120));
      if (array.random.nextBoolean()) {
        array.stop();
        story += "stopped, ";
      } else {
        for (int i = array.random.nextInt(60); i > 0; i--) {
          array.step();
        }
        array.crash();
        story += "crashed, ";
      }
      int drive = array.random.nextInt(shape.drives());
      story += "drive " + drive + " " + mutate(array, drive, reseal);
      check(array);
      run(array, drive, reseal);
    } catch (RuntimeException | Error unexpected) {
      throw new AssertionError(Seeds.replay(seed) + ": " + story, unexpected);
    }
    assertThat(array.client.wrongReads()).as(Seeds.replay(seed) + ": " + story).isEmpty();
  }

  private static String mutate(SimulatedArray array, int drive, boolean reseal) {
    SplittableRandom random = array.random;
    try (MediaFuzzer fuzzer = new MediaFuzzer(array.drives[drive], drive, random)) {
      List<MediaFuzzer.Kind> kinds = fuzzer.kinds(reseal);
      return fuzzer.mutate(kinds.get(random.nextInt(kinds.size())), reseal);
    }
  }

  /** Whatever the offline check says of it, it says something. */
  private static void check(SimulatedArray array) {
    try {
      attempt(array::check);
    } catch (Refused saidSo) {
      assertThat(saidSo.getCause().getMessage()).isNotBlank();
    }
  }

  private void run(SimulatedArray array, int drive, boolean reseal) {
    try {
      attempt(array::start);
      started++;
      attempt(
          () ->
              array.client.judge(
                  (block, content) -> reseal && matchesItsChecksum(array, block, content)));
    } catch (Refused first) {
      refused++;
      if (array.shape.parity() == 0) {
        array.crash();
        return;
      }
      array.crash();
      array.lose(drive);
      withoutTheDrive(array, reseal);
    }
    array.crash();
  }

  /**
   * As the sentence says. What a forged drive told the others before it was refused may have led
   * them astray; damage may not.
   */
  private static void withoutTheDrive(SimulatedArray array, boolean reseal) {
    try {
      attempt(array::start);
      int failed = array.client.judge((block, content) -> reseal);
      assertThat(reseal ? 0 : failed).isZero();
    } catch (Refused second) {
      if (!reseal) {
        throw new AssertionError("refused without the damaged drive too", second);
      }
    }
  }

  private static void attempt(Step step) throws Refused {
    try {
      step.run();
    } catch (ArrayException | DamagedJournalException refused) {
      throw new Refused(refused);
    }
  }

  /** A forged map may say that a block is another; then it is this other one, and whole. */
  private static boolean matchesItsChecksum(
      SimulatedArray array, int block, MemorySegment content) {
    Shape shape = array.shape;
    int chunkBlocks = shape.chunkBytes() / Drive.BLOCK_BYTES;
    long row = block / ((long) chunkBlocks * shape.data());
    int member = block / chunkBlocks % shape.data();
    long lblk = row * chunkBlocks + block % chunkBlocks;
    Layout layout = new Layout(shape.drives(), shape.data(), shape.parity(), chunkBlocks);
    Cnode cnode = array.iom(layout.drive(row, member)).rooms().cnode(Shape.GFID);
    boolean[] answered = {false};
    PageRequest request = new PageRequest(r -> answered[0] = true);
    if (!cnode.dataLeaf(request, lblk, false)) {
      array.run(() -> answered[0]);
    }
    Page page = request.page();
    long entry = cnode.dataEntry(lblk);
    boolean hole = page == null || Cnode.address(page, entry) == 0;
    boolean matches =
        hole
            ? content.mismatch(MemorySegment.ofArray(new byte[Drive.BLOCK_BYTES])) == -1
            : Crc32c.of(content, 0, Drive.BLOCK_BYTES) == Cnode.crc(page, entry);
    request.release();
    return matches;
  }
}
