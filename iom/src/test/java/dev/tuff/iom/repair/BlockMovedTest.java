package dev.tuff.iom.repair;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.support.Bytes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class BlockMovedTest {
  private static MemorySegment encoded() {
    BlockMoved entry = new BlockMoved(() -> {});
    entry.gfid = 0x0102030405060708L;
    entry.lblk = 9;
    entry.newAddress = 0x1111;
    entry.oldAddress = 0x2222;
    entry.id = 0x3333;
    entry.crc = 0x44444444;
    entry.parity = true;
    MemorySegment block = Bytes.blocks(1);
    entry.encode(block, 8);
    return block;
  }

  @Test
  void itsBytesAreThese() {
    byte[] bytes = encoded().asSlice(8, BlockMoved.BYTES).toArray(ValueLayout.JAVA_BYTE);
    assertThat(HexFormat.of().formatHex(bytes))
        .isEqualTo(
            "0807060504030201"
                + "0900000000000000"
                + "1111000000000000"
                + "2222000000000000"
                + "3333000000000000"
                + "44444444"
                + "01"
                + "000000");
  }

  @Test
  void whatIsEncodedIsDecoded() {
    assertThat(BlockMoved.decode(encoded(), 8, BlockMoved.BYTES))
        .isEqualTo(
            new BlockMoved.Decoded(
                0x0102030405060708L, 9, 0x1111, 0x2222, 0x3333, 0x44444444, true));
  }

  @Test
  void aWrongSizeIsNotDecoded() {
    assertThat(BlockMoved.decode(encoded(), 8, 47)).isNull();
    assertThat(BlockMoved.decode(encoded(), 8, 49)).isNull();
  }
}
