package dev.tuff.iom.recovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.support.Bytes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class ParityRemadeTest {
  private static ParityRemade entry() {
    ParityRemade entry = new ParityRemade();
    entry.gfid = 0x0102030405060708L;
    entry.lblk = 9;
    entry.address = 0x1111;
    entry.crc = 0x22222222;
    entry.parity = 1;
    entry.members = new long[] {3, 4};
    entry.memberCrcs = new int[] {5, 6};
    entry.before =
        new ParityVersion(0x3333, 0x4444, 0x55555555, new long[] {7, 8}, new int[] {9, 10}, 1);
    entry.discarded = 2;
    return entry;
  }

  @Test
  void itsBytesAreThese() {
    MemorySegment block = Bytes.blocks(1);
    ParityRemade entry = entry();
    entry.encode(block, 16);
    assertThat(entry.bodyBytes()).isEqualTo(112);
    byte[] bytes = block.asSlice(16, 112).toArray(ValueLayout.JAVA_BYTE);
    assertThat(HexFormat.of().formatHex(bytes))
        .isEqualTo(
            "0807060504030201"
                + "0900000000000000"
                + "1111000000000000"
                + "3333000000000000"
                + "4444000000000000"
                + "22222222"
                + "55555555"
                + "01"
                + "02"
                + "000000000000"
                + "02000000"
                + "01000000"
                + "0300000000000000"
                + "0700000000000000"
                + "05000000"
                + "09000000"
                + "0400000000000000"
                + "0800000000000000"
                + "06000000"
                + "0a000000");
  }

  @Test
  void whatIsEncodedIsDecoded() {
    MemorySegment block = Bytes.blocks(1);
    entry().encode(block, 0);
    ParityRemade found = ParityRemade.decode(block, 0, 112);
    assertThat(found).usingRecursiveComparison().isEqualTo(entry());
  }

  @Test
  void oneFromBeforeThereWereDiscardsIsDecoded() {
    MemorySegment block = Bytes.blocks(1);
    entry().encode(block, 0);
    MemorySegment older = Bytes.blocks(1);
    MemorySegment.copy(block, 0, older, 0, 56);
    MemorySegment.copy(block, 64, older, 56, 48);
    ParityRemade found = ParityRemade.decode(older, 0, 104);
    assertThat(found.members).containsExactly(3, 4);
    assertThat(found.memberCrcs).containsExactly(5, 6);
    assertThat(found.before.members).containsExactly(7, 8);
    assertThat(found.discarded).isZero();
    assertThat(found.before.discarded).isZero();
  }

  @Test
  void aWrongSizeIsNotDecoded() {
    MemorySegment block = Bytes.blocks(1);
    entry().encode(block, 0);
    for (int bytes = 0; bytes < 4096; bytes++) {
      if (bytes != 104 && bytes != 112) {
        assertThat(ParityRemade.decode(block, 0, bytes)).as("%d bytes", bytes).isNull();
      }
    }
  }
}
