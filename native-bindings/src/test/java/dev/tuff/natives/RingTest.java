package dev.tuff.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class RingTest {
  private static final int BLOCK = 4096;

  private Ring ring;
  private Path path;
  private NativeFile file;
  private NativeMemory memory;

  @BeforeEach
  void open() throws Exception {
    path = Files.createTempFile(Files.createDirectories(Path.of("target")), "ring", ".img");
    Files.write(path, new byte[16 * BLOCK]);
    file = NativeFile.open(path, NativeFile.Option.WRITE, NativeFile.Option.DIRECT);
    memory = NativeMemory.map(16 * BLOCK);
    ring = Ring.open(4, 16);
    ring.registerFiles(2);
    ring.registerBuffers(List.of(memory.segment()));
    ring.setFile(1, file.fd());
  }

  @AfterEach
  void close() throws Exception {
    ring.close();
    file.close();
    memory.close();
    Files.delete(path);
  }

  private void await() {
    while (ring.completions() == 0) {
      ring.enter(1, -1);
    }
    assertThat(ring.next()).isTrue();
  }

  @Test
  void writesHardensPunchesAndReads() {
    ring.enable();
    transfers();
  }

  private void transfers() {
    MemorySegment segment = memory.segment();
    segment.asSlice(0, BLOCK).fill((byte) 7);
    ring.prepareWriteFixed(1, 2 * BLOCK, segment, 0, BLOCK, 0, true, 100);
    assertThat(ring.prepared()).isEqualTo(1);
    await();
    assertThat(ring.prepared()).isZero();
    assertThat(ring.userData()).isEqualTo(100);
    assertThat(ring.result()).isEqualTo(BLOCK);
    assertThat(ring.more()).isFalse();

    ring.prepareDataSync(1, -2);
    await();
    assertThat(ring.userData()).isEqualTo(-2);
    assertThat(ring.result()).isZero();

    ring.prepareReadFixed(1, 2 * BLOCK, segment, 3 * BLOCK, BLOCK, 0, Long.MAX_VALUE);
    await();
    assertThat(ring.userData()).isEqualTo(Long.MAX_VALUE);
    assertThat(ring.result()).isEqualTo(BLOCK);
    assertThat(segment.asSlice(3 * BLOCK, BLOCK).toArray(ValueLayout.JAVA_BYTE)).containsOnly(7);

    ring.prepareFallocate(1, 3, 2 * BLOCK, BLOCK, 1);
    await();
    assertThat(ring.result()).isZero();
    ring.prepareReadFixed(1, 2 * BLOCK, segment, 3 * BLOCK, BLOCK, 0, 1);
    await();
    assertThat(segment.asSlice(3 * BLOCK, BLOCK).toArray(ValueLayout.JAVA_BYTE)).containsOnly(0);
  }

  /** What a drive does that hangs and answers late, done by a pipe. */
  @Test
  void aReadInFlightWritesToThePagesThatItWasBegunWith() throws Exception {
    latePages(memory);
  }

  @Test
  void alsoWithinHugePages() throws Exception {
    ring.close();
    NativeMemory huge = NativeMemory.map(4 << 20, NativeMemory.Option.HUGE_PAGES);
    try {
      if (huge.pages() == NativeMemory.Pages.RESERVED_HUGE) {
        MemorySegment page = huge.segment().asSlice(0, BLOCK);
        assertThatThrownBy(() -> huge.replacePages(page)).hasMessageContaining("one by one");
        return;
      }
      huge.segment().fill((byte) 2);
      ring = Ring.open(4, 16);
      ring.registerFiles(2);
      ring.registerBuffers(List.of(huge.segment()));
      ring.setFile(1, file.fd());
      latePages(huge);
    } finally {
      ring.close();
      huge.close();
    }
  }

  private void latePages(NativeMemory region) throws Exception {
    MemorySegment segment = region.segment();
    Path fifo = path.resolveSibling(path.getFileName() + ".fifo");
    assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor()).isZero();
    try (NativeFile pipe = NativeFile.open(fifo, NativeFile.Option.WRITE)) {
      ring.setFile(0, pipe.fd());
      ring.enable();
      segment.asSlice(0, 3 * BLOCK).fill((byte) 1);
      ring.prepareReadFixed(0, 0, segment, BLOCK, BLOCK, 0, 5);
      ring.enter(0, -1);
      region.replacePages(segment.asSlice(BLOCK, BLOCK));
      assertBlocks(segment, 1, 0, 1);

      byte[] late = new byte[BLOCK];
      Arrays.fill(late, (byte) 9);
      Files.write(fifo, late);
      await();
      assertThat(ring.userData()).isEqualTo(5);
      assertThat(ring.result()).isEqualTo(BLOCK);
      assertBlocks(segment, 1, 0, 1);
    } finally {
      Files.delete(fifo);
    }
    // What is registered are the former pages still.
    segment.asSlice(BLOCK, BLOCK).fill((byte) 7);
    ring.prepareWriteFixed(1, 0, segment, BLOCK, BLOCK, 0, false, 6);
    await();
    ring.prepareRead(1, 0, segment, 2 * BLOCK, BLOCK, 6);
    await();
    assertBlocks(segment, 1, 7, 9);
    ring.prepareWrite(1, BLOCK, segment, BLOCK, BLOCK, true, 6);
    await();
    ring.registerBuffer(0, segment);
    ring.prepareReadFixed(1, BLOCK, segment, 2 * BLOCK, BLOCK, 0, 6);
    await();
    assertBlocks(segment, 1, 7, 7);
    ring.prepareReadFixed(1, 0, segment, BLOCK, BLOCK, 0, 6);
    await();
    assertBlocks(segment, 1, 9, 7);
  }

  private static void assertBlocks(MemorySegment segment, int first, int second, int third) {
    int[] content = {first, second, third};
    for (int i = 0; i < content.length; i++) {
      assertThat(segment.asSlice((long) i * BLOCK, BLOCK).toArray(ValueLayout.JAVA_BYTE))
          .as("block %d", i)
          .containsOnly(content[i]);
    }
  }

  @Test
  void takesWhatFitsAndManyTimesAround() {
    ring.enable();
    List<Long> expected = new ArrayList<>();
    List<Long> found = new ArrayList<>();
    for (int round = 0; round < 100; round++) {
      while (!ring.full()) {
        long userData = expected.size();
        expected.add(userData);
        ring.prepareReadFixed(1, 0, memory.segment(), 0, BLOCK, 0, userData);
      }
      assertThat(ring.prepared()).isEqualTo(4);
      assertThatThrownBy(() -> ring.prepareDataSync(1, 0))
          .isInstanceOf(IllegalStateException.class);
      while (found.size() < expected.size()) {
        ring.enter(1, -1);
        while (ring.next()) {
          assertThat(ring.result()).isEqualTo(BLOCK);
          found.add(ring.userData());
        }
      }
    }
    Collections.sort(found);
    assertThat(found).isEqualTo(expected);
  }

  @Test
  void failedOperationsCompleteWithTheirErrorNumber() {
    ring.enable();
    ring.prepareReadFixed(0, 0, memory.segment(), 0, BLOCK, 0, 5);
    await();
    assertThat(ring.result()).isEqualTo(-Errno.EBADF);
    ring.prepareReadFixed(1, 1, memory.segment(), 0, BLOCK, 0, 6);
    await();
    assertThat(ring.result()).isEqualTo(-Errno.EINVAL);
    assertThatThrownBy(
            () -> ring.prepareReadFixed(1, 0, memory.segment(), 15 * BLOCK, 2 * BLOCK, 0, 7))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThat(ring.prepared()).isZero();
  }

  @Test
  void anEmptiedSlotLetsGoOfItsFile() {
    ring.setFile(1, -1);
    ring.enable();
    ring.prepareDataSync(1, 5);
    await();
    assertThat(ring.result()).isEqualTo(-Errno.EBADF);
  }

  @Test
  void aStandingPollCompletesOncePerSignal() {
    ring.enable();
    aStandingPollCompletes();
  }

  private void aStandingPollCompletes() {
    int event = Posix.eventfd();
    try {
      ring.prepareEventPoll(event, 9);
      ring.enter(0, -1);
      assertThat(ring.next()).isFalse();
      for (int i = 0; i < 5; i++) {
        Posix.eventSignal(event);
        await();
        assertThat(ring.userData()).isEqualTo(9);
        assertThat(ring.more()).isTrue();
        assertThat(ring.next()).isFalse();
      }
    } finally {
      Posix.close(event);
    }
  }

  @Test
  void aTimeLimitEndsTheWait() {
    ring.enable();
    ring.enter(1, 1_000_000);
    assertThat(ring.completions()).isZero();
    ring.enter(1, 0);
    assertThat(ring.enters()).isEqualTo(2);
  }

  @Test
  void belongsToTheThreadThatEnabledIt() throws Exception {
    Thread other = new Thread(ring::enable);
    other.start();
    other.join();
    assertThat(ring.owner()).isSameAs(other);
    assertThatThrownBy(ring::enable).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> ring.enter(0, -1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("the ring belongs to another thread");
    if (ring.defersWork()) {
      assertThatThrownBy(() -> ring.setFile(1, -1)).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void refusesBuffersThatAreNoMemory() {
    try (Ring second = Ring.open(1, 1)) {
      assertThatThrownBy(
              () ->
                  second.registerBuffers(
                      List.of(MemorySegment.ofAddress(BLOCK).reinterpret(BLOCK))))
          .isInstanceOf(RingException.class)
          .hasMessageStartingWith("io_uring could not register buffers");
    }
  }

  /** Older kernels have fewer features; what the ring does must not depend on them. */
  @Test
  void worksWithEverySetOfFeatures() {
    for (int flavour = 0; flavour < Ring.FLAVOUR_COUNT; flavour++) {
      ring.close();
      ring = Ring.open(4, 16, flavour);
      ring.registerFiles(2);
      ring.registerBuffers(List.of(memory.segment()));
      ring.setFile(1, file.fd());
      ring.enable();
      transfers();
      aStandingPollCompletes();
    }
    assertThat(ring.defersWork()).isFalse();
  }
}
