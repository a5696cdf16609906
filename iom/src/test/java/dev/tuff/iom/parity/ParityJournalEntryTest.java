package dev.tuff.iom.parity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.journal.JournalFormat;
import dev.tuff.iom.support.Bytes;
import dev.tuff.iom.write.WriteOp;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class ParityJournalEntryTest {
  @Test
  void bytesAreFrozen() {
    Generation generation = new Generation(null, null);
    generation.gfid = 0x0102030405060708L;
    generation.lblk = 0x1112131415161718L;
    generation.count = 2;
    generation.parity = 1;
    for (int i = 0; i < 2; i++) {
      generation.newAddress[i] = 0x2100L + i;
      generation.oldAddress[i] = 0x3100L + i;
      generation.oldId[i] = 0x4100L + i;
      generation.newCrc[i] = 0x51525350 + i;
      generation.oldCrc[i] = 0x61626360 + i;
    }
    for (int u = 0; u < 2; u++) {
      WriteOp op = new WriteOp();
      op.mj = 0x7100L + u;
      op.lblk = 0x1112131415161718L + u;
      op.count = 2 - u;
      op.member = 3 + u;
      // The second one discards.
      op.zeros = u == 1;
      op.writeBytes = 4096;
      for (int i = 0; i < op.count; i++) {
        op.newAddress[i] = 0x8100L + 16L * u + i;
        op.oldAddress[i] = 0x8200L + 16L * u + i;
        op.newCrc[i] = 0x8300 + 16 * u + i;
      }
      generation.join(op.parts[1], true);
      Generation.Slot slot = generation.slot(u);
      for (int i = 0; i < op.count; i++) {
        slot.oldMemberId[i] = 0x9100L + 16L * u + i;
        slot.oldMemberCrc[i] = 0x9200 + 16 * u + i;
      }
      slot.oldDiscarded = 2 - u;
    }
    ParityJournalEntry pj = new ParityJournalEntry(generation);
    MemorySegment block = Bytes.block();
    pj.encode(block, 0);
    assertThat(pj.type()).isEqualTo(JournalFormat.TYPE_PJ).isEqualTo(2);
    assertThat(pj.bodyBytes()).isEqualTo(24 + 2 * 32 + (24 + 2 * 32) + (24 + 32));
    assertThat(Bytes.hex(block, 0, pj.bodyBytes())).isEqualTo(GOLDEN);
    assertThat(Bytes.hex(block, pj.bodyBytes(), 4096 - pj.bodyBytes())).isEmpty();
  }

  private static final String GOLDEN =
      """
      0000  08 07 06 05 04 03 02 01 18 17 16 15 14 13 12 11
      0010  02 00 01 00 02 00 00 00 00 21 00 00 00 00 00 00
      0020  00 31 00 00 00 00 00 00 00 41 00 00 00 00 00 00
      0030  50 53 52 51 60 63 62 61 01 21 00 00 00 00 00 00
      0040  01 31 00 00 00 00 00 00 01 41 00 00 00 00 00 00
      0050  51 53 52 51 61 63 62 61 00 71 00 00 00 00 00 00
      0060  18 17 16 15 14 13 12 11 02 00 03 00 02 00 00 00
      0070  00 81 00 00 00 00 00 00 00 82 00 00 00 00 00 00
      0080  00 91 00 00 00 00 00 00 00 83 00 00 00 92 00 00
      0090  01 81 00 00 00 00 00 00 01 82 00 00 00 00 00 00
      00a0  01 91 00 00 00 00 00 00 01 83 00 00 01 92 00 00
      00b0  01 71 00 00 00 00 00 00 19 17 16 15 14 13 12 11
      00c0  01 00 04 01 01 00 00 00 10 81 00 00 00 00 00 00
      00d0  10 82 00 00 00 00 00 00 10 91 00 00 00 00 00 00
      00e0  10 83 00 00 10 92 00 00
      """;
}
