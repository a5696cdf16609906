package dev.tuff.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

final class IoMemoryTest {
  @Test
  void buffersAreAlignedDisjointAndZero() {
    try (IoMemory memory = IoMemory.open(10 * 8192)) {
      IoBuffer[] buffers = memory.buffers(10, 8192);
      for (int i = 0; i < buffers.length; i++) {
        assertThat(buffers[i].capacityBytes()).isEqualTo(8192);
        assertThat(buffers[i].segment().address() % IoMemory.ALIGNMENT_BYTES).isZero();
        assertThat(buffers[i].segment().mismatch(buffers[0].segment())).isEqualTo(i == 0 ? -1 : 0);
        buffers[i].segment().fill((byte) (i + 1));
      }
      assertThatThrownBy(() -> memory.buffers(1, 4096))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("I/O memory of 81920 bytes has no room for 1 buffers of 4096 bytes");
      assertThatThrownBy(() -> memory.buffers(1, 1000))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aBufferLiesInOneRegion() {
    // Mapped and never touched, so it takes no memory.
    try (IoMemory memory = IoMemory.open((1L << 30) + (512 << 20))) {
      IoBuffer[] buffers = memory.buffers(2, 400 << 20);
      assertThat(buffers[0].region()).isZero();
      assertThat(buffers[1].region()).isZero();
      assertThat(memory.buffers(1, 400 << 20)[0].region()).isEqualTo(1);
      assertThat(memory.bytes()).isGreaterThanOrEqualTo((1L << 30) + (512 << 20));
    }
  }
}
