package dev.tuff.iom.rebuild;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.support.Bytes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class BlocksRebuiltTest {
  private static BlocksRebuilt data() {
    BlocksRebuilt entry = new BlocksRebuilt(() -> {});
    entry.gfid = 0x0102030405060708L;
    entry.lblk = 32;
    entry.count = 3;
    entry.mask = 0b101;
    entry.address[0] = 0x1111;
    entry.versionId[0] = 0x2222;
    entry.crc[0] = 0x33333333;
    entry.address[1] = 0x9999;
    entry.versionId[2] = 0x4444;
    entry.crc[2] = 0x55555555;
    return entry;
  }

  private static BlocksRebuilt parity() {
    BlocksRebuilt entry = new BlocksRebuilt(() -> {});
    entry.ofParity(2);
    entry.gfid = 7;
    entry.lblk = 8;
    entry.count = 1;
    entry.mask = 1;
    entry.address[0] = 0x1111;
    entry.crc[0] = 0x22222222;
    entry.discarded[0] = 2;
    entry.memberId[0] = 0x31;
    entry.memberCrc[0] = 0x41;
    entry.memberId[1] = 0x32;
    entry.memberCrc[1] = 0x42;
    return entry;
  }

  private static MemorySegment encoded(BlocksRebuilt entry) {
    MemorySegment block = Bytes.blocks(1);
    block.fill((byte) 0xff);
    entry.encode(block, 8);
    return block;
  }

  private static String hex(BlocksRebuilt entry) {
    return HexFormat.of()
        .formatHex(encoded(entry).asSlice(8, entry.bodyBytes()).toArray(ValueLayout.JAVA_BYTE));
  }

  @Test
  void bytesOfDataAreThese() {
    assertThat(hex(data()))
        .isEqualTo(
            "0807060504030201"
                + "2000000000000000"
                + "0300"
                + "00"
                + "00"
                + "05000000"
                + "1111000000000000"
                + "2222000000000000"
                + "33333333"
                + "00000000"
                + "00".repeat(24)
                + "0000000000000000"
                + "4444000000000000"
                + "55555555"
                + "00000000");
  }

  /** The ID is that of the entry, which has none yet here. */
  @Test
  void bytesOfParityAreThese() {
    assertThat(hex(parity()))
        .isEqualTo(
            "0700000000000000"
                + "0800000000000000"
                + "0100"
                + "01"
                + "02"
                + "01000000"
                + "1111000000000000"
                + "0000000000000000"
                + "22222222"
                + "02000000"
                + "3100000000000000"
                + "41000000"
                + "3200000000000000"
                + "42000000");
  }

  @Test
  void whatIsEncodedIsDecoded() {
    for (BlocksRebuilt entry : new BlocksRebuilt[] {data(), parity()}) {
      BlocksRebuilt found = BlocksRebuilt.decode(encoded(entry), 8, entry.bodyBytes());
      assertThat(hex(found)).isEqualTo(hex(entry));
    }
  }

  @Test
  void whatMakesNoSenseIsNotDecoded() {
    MemorySegment block = encoded(parity());
    int bytes = parity().bodyBytes();
    assertThat(BlocksRebuilt.decode(block, 8, bytes - 1)).isNull();
    assertThat(BlocksRebuilt.decode(block, 8, bytes + 1)).isNull();
    assertThat(BlocksRebuilt.decode(block, 8, 20)).isNull();
    block.set(ValueLayout.JAVA_INT_UNALIGNED, 8 + 20, 2);
    assertThat(BlocksRebuilt.decode(block, 8, bytes)).as("a block beyond the run").isNull();
    block.set(ValueLayout.JAVA_INT_UNALIGNED, 8 + 20, 1);
    block.set(ValueLayout.JAVA_BYTE, 8 + 18, (byte) 2);
    assertThat(BlocksRebuilt.decode(block, 8, bytes)).as("neither data nor parity").isNull();
    block.set(ValueLayout.JAVA_BYTE, 8 + 18, (byte) 0);
    assertThat(BlocksRebuilt.decode(block, 8, bytes)).as("data with members").isNull();
  }
}
