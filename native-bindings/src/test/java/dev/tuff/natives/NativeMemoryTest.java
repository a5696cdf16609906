package dev.tuff.natives;

import static dev.tuff.natives.NativeMemory.Option.HUGE_PAGES;
import static dev.tuff.natives.NativeMemory.Option.PREFAULT;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class NativeMemoryTest {
  @Test
  void baseRegionIsPageAlignedZeroedAndRoundedUp() {
    try (NativeMemory memory = NativeMemory.map(10_000)) {
      MemorySegment segment = memory.segment();
      assertThat(memory.pages()).isEqualTo(NativeMemory.Pages.BASE);
      assertThat(segment.byteSize()).isEqualTo(12_288);
      assertThat(segment.address() % 4096).isZero();
      assertThat(segment.get(JAVA_LONG, 12_280)).isZero();
      segment.fill((byte) 7);
      assertThat(segment.get(JAVA_BYTE, 12_287)).isEqualTo((byte) 7);
    }
  }

  @Test
  void hugeRegionIsAlignedToHugePagesWhateverTheyAre() {
    for (int i = 0; i < 8; i++) {
      try (NativeMemory memory = NativeMemory.map((2 << 20) + 1, HUGE_PAGES, PREFAULT)) {
        assertThat(memory.segment().byteSize()).isEqualTo(4 << 20);
        assertThat(memory.segment().address() % (2 << 20)).isZero();
        memory.segment().fill((byte) i);
        assertThat(memory.segment().get(JAVA_BYTE, (4 << 20) - 1)).isEqualTo((byte) i);
      }
    }
  }

  @Test
  void prefaultMakesPagesResident() throws IOException {
    long size = 32 << 20;
    try (NativeMemory memory = NativeMemory.map(size, PREFAULT)) {
      assertThat(residentBytesAt(memory.segment().address())).isGreaterThanOrEqualTo(size);
    }
  }

  @Test
  void closedRegionThrowsAndIsUnmapped() throws IOException {
    NativeMemory memory = NativeMemory.map(64 << 20, PREFAULT);
    MemorySegment segment = memory.segment();
    memory.close();
    memory.close();
    assertThatThrownBy(() -> segment.get(JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
    assertThat(residentBytesAt(segment.address())).isZero();
  }

  @Test
  void foreverHasGlobalLifetime() {
    MemorySegment segment = NativeMemory.forever(4096, PREFAULT);
    assertThat(segment.byteSize()).isEqualTo(4096);
    assertThat(segment.scope()).isEqualTo(Arena.global().scope());
  }

  @Test
  void tooMuchIsRefusedWithEnomem() {
    assertThatThrownBy(() -> NativeMemory.map(1L << 60))
        .isInstanceOf(PosixException.class)
        .hasMessage("mmap(1152921504606846976 bytes): ENOMEM, cannot allocate memory");
    assertThatThrownBy(() -> NativeMemory.map(0)).isInstanceOf(IllegalArgumentException.class);
  }

  /** Resident bytes of the mapping that holds an address, 0 where nothing is mapped. */
  private static long residentBytesAt(long address) throws IOException {
    boolean inside = false;
    for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
      if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
        String[] bounds = line.substring(0, line.indexOf(' ')).split("-", 2);
        inside =
            Long.compareUnsigned(Long.parseUnsignedLong(bounds[0], 16), address) <= 0
                && Long.compareUnsigned(address, Long.parseUnsignedLong(bounds[1], 16)) < 0;
      } else if (inside && line.startsWith("Rss:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
      }
    }
    return 0;
  }
}
