package dev.tuff.iom.write;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.journal.JournalFormat;
import dev.tuff.iom.support.Bytes;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class DataJournalEntryTest {
  @Test
  void bytesAreFrozen() {
    WriteOp op = new WriteOp();
    op.gfid = 0x0102030405060708L;
    op.lblk = 0x1112131415161718L;
    op.count = 2;
    op.member = 3;
    op.stripe = 9;
    for (int i = 0; i < 2; i++) {
      op.newAddress[i] = 0x2100L + i;
      op.oldAddress[i] = 0x3100L + i;
      op.oldId[i] = 0x4100L + i;
      op.newCrc[i] = 0x51525350 + i;
      op.oldCrc[i] = 0x61626360 + i;
    }
    DataJournalEntry mj = new DataJournalEntry(op);
    MemorySegment block = Bytes.block();
    mj.encode(block, 0);
    assertThat(mj.type()).isEqualTo(JournalFormat.TYPE_MJ).isEqualTo(1);
    assertThat(mj.bodyBytes()).isEqualTo(24 + 2 * 32);
    assertThat(Bytes.hex(block, 0, mj.bodyBytes())).isEqualTo(GOLDEN);
    assertThat(Bytes.hex(block, mj.bodyBytes(), 4096 - mj.bodyBytes())).isEmpty();
  }

  private static final String GOLDEN =
      """
      0000  08 07 06 05 04 03 02 01 18 17 16 15 14 13 12 11
      0010  02 00 03 01 00 00 00 00 00 21 00 00 00 00 00 00
      0020  00 31 00 00 00 00 00 00 00 41 00 00 00 00 00 00
      0030  50 53 52 51 60 63 62 61 01 21 00 00 00 00 00 00
      0040  01 31 00 00 00 00 00 00 01 41 00 00 00 00 00 00
      0050  51 53 52 51 61 63 62 61
      """;

  @Test
  void modeIsDeltaWithoutStripe() {
    WriteOp op = new WriteOp();
    op.count = 1;
    MemorySegment block = Bytes.block();
    new DataJournalEntry(op).encode(block, 0);
    assertThat(block.get(java.lang.foreign.ValueLayout.JAVA_BYTE, 19)).isEqualTo((byte) 0);
  }
}
