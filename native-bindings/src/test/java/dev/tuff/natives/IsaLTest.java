package dev.tuff.natives;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** Each bound call once, with values worked out by hand: a wrong descriptor cannot pass. */
class IsaLTest {
  @Test
  void theLibraryIsThereAndHasEveryFunction() {
    IsaL.check();
  }

  @Test
  void xorOfTwoSources() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(96, 32);
      MemorySegment array = arena.allocate(ValueLayout.JAVA_LONG, 3);
      for (int i = 0; i < 3; i++) {
        array.setAtIndex(ValueLayout.JAVA_LONG, i, memory.address() + 32L * i);
      }
      memory.asSlice(0, 32).fill((byte) 0x0f);
      memory.asSlice(32, 32).fill((byte) 0x3c);
      assertThat(IsaL.xorGen(3, 32, array.address())).isZero();
      for (int i = 64; i < 96; i++) {
        assertThat(memory.get(ValueLayout.JAVA_BYTE, i)).isEqualTo((byte) 0x33);
      }
    }
  }

  @Test
  void encodeAndUpdate() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(3);
      MemorySegment array = arena.allocate(ValueLayout.JAVA_LONG, 3);
      for (int i = 0; i < 3; i++) {
        array.setAtIndex(ValueLayout.JAVA_LONG, i, memory.address() + i);
      }
      MemorySegment coefficients = arena.allocate(2);
      MemorySegment tables = arena.allocate(2 * IsaL.TABLE_BYTES);
      // 2 * 0x80 = 0x100, reduced by 0x11d to 0x1d; 3 * 0x05 = 0x0a ^ 0x05 = 0x0f.
      coefficients.set(ValueLayout.JAVA_BYTE, 0, (byte) 2);
      coefficients.set(ValueLayout.JAVA_BYTE, 1, (byte) 3);
      memory.set(ValueLayout.JAVA_BYTE, 0, (byte) 0x80);
      memory.set(ValueLayout.JAVA_BYTE, 1, (byte) 0x05);
      IsaL.initTables(2, 1, coefficients.address(), tables.address());
      IsaL.encodeData(1, 2, 1, tables.address(), array.address(), array.address() + 16);
      assertThat(memory.get(ValueLayout.JAVA_BYTE, 2)).isEqualTo((byte) 0x12);

      IsaL.initTables(1, 1, coefficients.address(), tables.address());
      IsaL.encodeDataUpdate(
          1, 1, 1, 0, tables.address(), memory.address() + 1, array.address() + 16);
      assertThat(memory.get(ValueLayout.JAVA_BYTE, 2)).isEqualTo((byte) (0x12 ^ 0x0a));
    }
  }

  @Test
  void crcOfTheCheckString() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocateFrom("123456789", StandardCharsets.US_ASCII);
      assertThat(~IsaL.crc32Iscsi(text.address(), 9, -1)).isEqualTo(0xe3069283);
    }
  }
}
