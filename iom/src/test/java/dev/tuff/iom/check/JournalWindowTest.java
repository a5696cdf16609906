package dev.tuff.iom.check;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.check.JournalWindow.DataChange;
import dev.tuff.iom.check.JournalWindow.Merged;
import dev.tuff.iom.check.JournalWindow.Place;
import dev.tuff.iom.check.JournalWindow.Version;
import dev.tuff.iom.journal.JournalFormat;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.support.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

class JournalWindowTest {
  private final JournalWindow window = new JournalWindow();
  private final MemorySegment entry = Bytes.block();

  private void header(int count, int memberOrParity, int updates) {
    entry.fill((byte) 0);
    entry.set(PageFormat.LONG, 0, 7);
    entry.set(PageFormat.LONG, 8, 100);
    entry.set(PageFormat.SHORT, 16, (short) count);
    entry.set(PageFormat.BYTE, 18, (byte) memberOrParity);
    entry.set(PageFormat.SHORT, 20, (short) updates);
  }

  private void block(long at, long address, long oldAddress, long oldId, int crc, int oldCrc) {
    entry.set(PageFormat.LONG, at, address);
    entry.set(PageFormat.LONG, at + 8, oldAddress);
    entry.set(PageFormat.LONG, at + 16, oldId);
    entry.set(PageFormat.INT, at + 24, crc);
    entry.set(PageFormat.INT, at + 28, oldCrc);
  }

  @Test
  void dataWritesAndCompletes() {
    header(2, 1, 0);
    block(24, 1000, 900, 40, 11, 12);
    block(56, 1001, 0, 0, 13, 0);
    window.entry(JournalFormat.TYPE_MJ, 50, entry, 0, 88);
    assertThat(window.data(new Place(7, 100)))
        .containsExactly(new DataChange(new Version(50, 1000, 11), new Version(40, 900, 12)));
    assertThat(window.data(new Place(7, 101))).hasSize(1);
    assertThat(window.data(new Place(7, 102))).isEmpty();
    assertThat(window.mentions(900)).isTrue();
    assertThat(window.mentions(901)).isFalse();
    assertThat(window.openUpdates()).isEqualTo(1);

    entry.fill((byte) 0);
    entry.set(PageFormat.INT, 0, 1);
    entry.set(PageFormat.LONG, 8, 50);
    entry.set(PageFormat.LONG, 16, 49);
    window.entry(JournalFormat.TYPE_MJ_COMPLETE, 49, entry, 0, 24);
    assertThat(window.closed(50)).isTrue();
    assertThat(window.openUpdates()).isZero();
    assertThat(window.faults()).isEmpty();
  }

  @Test
  void parityWritesNameWhatIsMerged() {
    header(2, 0, 1);
    block(24, 1000, 900, 40, 11, 12);
    block(56, 1001, 901, 40, 13, 14);
    entry.set(PageFormat.LONG, 88, 33);
    entry.set(PageFormat.LONG, 96, 101);
    entry.set(PageFormat.SHORT, 104, (short) 1);
    entry.set(PageFormat.BYTE, 106, (byte) 2);
    entry.set(PageFormat.BYTE, 107, (byte) 1);
    block(112, 500, 400, 30, 21, 22);
    window.entry(JournalFormat.TYPE_PJ, 60, entry, 0, 144);
    assertThat(window.faults()).isEmpty();
    assertThat(window.parity(new Place(7, 100)).getFirst().merged()).isEmpty();
    assertThat(window.parity(new Place(7, 101)).getFirst().merged())
        .containsExactly(new Merged(2, 33, 21, true, 30, 22, false));
    assertThat(window.parity(new Place(7, 101)).getFirst().mergedMask()).isEqualTo(4);
    // Addresses of other drives are none of this one's.
    assertThat(window.mentions(500)).isFalse();
  }

  @Test
  void idsGrow() {
    header(1, 0, 0);
    window.entry(JournalFormat.TYPE_MJ, 50, entry, 0, 56);
    window.entry(JournalFormat.TYPE_MJ, 50, entry, 0, 56);
    assertThat(window.faults()).containsExactly("journal entry 50 comes after 50");
  }

  @Test
  void nonsenseIsToldAndNotTaken() {
    Random random = new Random(1);
    for (int i = 0; i < 20_000; i++) {
      Bytes.fill(entry, 0, 400, random);
      if (random.nextBoolean()) {
        entry.set(PageFormat.SHORT, 16, (short) (1 + random.nextInt(4)));
        entry.set(PageFormat.SHORT, 20, (short) random.nextInt(3));
      }
      window.entry(
          random.nextInt(10), i + 1, entry, 0, random.nextInt(4) == 0 ? 56 : random.nextInt(400));
    }
    assertThat(window.faults()).isNotEmpty().allMatch(fault -> fault.startsWith("journal entry"));
  }
}
