package dev.tuff.iom.array;

import static dev.tuff.iom.object.PageFormat.BYTE;
import static dev.tuff.iom.object.PageFormat.INT;
import static dev.tuff.iom.object.PageFormat.LONG;
import static dev.tuff.iom.object.PageFormat.SHORT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.array.Superblock.Fault;
import dev.tuff.iom.support.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class SuperblockTest {
  private static final UUID ID = new UUID(0x0011223344556677L, 0x8899aabbccddeeffL);
  private static final long BLOCKS = 1 << 20;
  private static final Superblock SUPERBLOCK =
      new Superblock(ID, 3, 6, 4, 2, 7, BLOCKS, 256, 4096, 4352, 1_700_000_000L);

  private static MemorySegment encoded(Superblock superblock, int copy) {
    MemorySegment block = Bytes.block();
    superblock.encode(block, copy);
    return block;
  }

  private static void reseal(MemorySegment block) {
    block.set(INT, 4092, Bytes.crc(block, 0, 4092, -1));
  }

  @Test
  void bytesAreFrozen() {
    MemorySegment block = encoded(SUPERBLOCK, 1);
    assertThat(Bytes.hex(block, 0, 4096)).isEqualTo(GOLDEN);
    assertThat(block.get(INT, 4092)).isEqualTo(Bytes.crc(block, 0, 4092, -1));
  }

  private static final String GOLDEN =
      """
      0000  54 55 46 46 53 55 50 52 01 00 00 00 01 00 00 00
      0010  77 66 55 44 33 22 11 00 ff ee dd cc bb aa 99 88
      0020  03 00 06 00 04 02 00 00 07 00 00 00 00 00 00 00
      0030  00 00 10 00 00 00 00 00 00 01 00 00 00 00 00 00
      0040  00 10 00 00 00 00 00 00 00 11 00 00 00 00 00 00
      0050  00 f1 53 65 00 00 00 00 00 00 00 00 00 00 00 00
      0ff0  00 00 00 00 00 00 00 00 00 00 00 00 ba 51 46 6a
      """;

  @Test
  void comesBack() {
    Superblock.Decoded decoded = Superblock.decode(encoded(SUPERBLOCK, 0), BLOCKS);
    assertThat(decoded).isEqualTo(new Superblock.Decoded(SUPERBLOCK, Fault.NONE, 1));
  }

  @Test
  void everyFlippedBitIsFoundAndNamed() {
    MemorySegment block = encoded(SUPERBLOCK, 0);
    for (long bit = 0; bit < 4096 * 8; bit++) {
      Bytes.flip(block, bit);
      Superblock.Decoded decoded = Superblock.decode(block, BLOCKS);
      Fault expected = bit < 64 ? Fault.NO_MAGIC : bit < 96 ? Fault.OTHER_VERSION : Fault.WRONG_CRC;
      assertThat(decoded.fault()).as("bit %d", bit).isEqualTo(expected);
      assertThat(decoded.superblock()).as("bit %d", bit).isNull();
      Bytes.flip(block, bit);
    }
  }

  @Test
  void wrongFieldsAreNonsenseEvenWithTheirChecksum() {
    expectNonsense(b -> b.set(SHORT, 32, (short) 6)); // drive index is not below drives
    expectNonsense(b -> b.set(SHORT, 32, (short) -1));
    expectNonsense(b -> b.set(SHORT, 34, (short) 0));
    expectNonsense(b -> b.set(SHORT, 34, (short) -6));
    expectNonsense(b -> b.set(BYTE, 36, (byte) 0));
    expectNonsense(b -> b.set(BYTE, 36, (byte) -4));
    expectNonsense(b -> b.set(BYTE, 37, (byte) -1));
    expectNonsense(b -> b.set(BYTE, 37, (byte) 3)); // 4+3 on 6 drives
    expectNonsense(b -> b.set(LONG, 48, BLOCKS + 1)); // larger than the drive
    expectNonsense(b -> b.set(LONG, 48, 4352L)); // no block space
    expectNonsense(b -> b.set(LONG, 48, -1L));
    expectNonsense(b -> b.set(LONG, 56, 255L));
    expectNonsense(b -> b.set(INT, 64, 63));
    expectNonsense(b -> b.set(INT, 64, -4096));
    expectNonsense(b -> b.set(LONG, 72, 4351L));
  }

  private static void expectNonsense(java.util.function.Consumer<MemorySegment> change) {
    MemorySegment block = encoded(SUPERBLOCK, 0);
    change.accept(block);
    reseal(block);
    assertThat(Superblock.decode(block, BLOCKS).fault()).isEqualTo(Fault.NONSENSE);
  }

  @Test
  void randomFieldsAreNeverBelievedUnlessTheyMakeSense() {
    Random random = new Random(1);
    MemorySegment block = Bytes.block();
    for (int i = 0; i < 20_000; i++) {
      SUPERBLOCK.encode(block, 0);
      // Leaves magic, version and UUID; a few fields of the rest go wild.
      int from = 32 + random.nextInt(56);
      Bytes.fill(block, from, 1 + random.nextInt(8), random);
      reseal(block);
      Superblock found = Superblock.decode(block, BLOCKS).superblock();
      if (found != null) {
        assertThat(found.driveIndex()).isBetween(0, found.drives() - 1);
        assertThat(found.defaultData() + found.defaultParity()).isBetween(1, found.drives());
        assertThat(found.sizeBlocks()).isBetween(found.dataFirstBlock() + 1, BLOCKS);
        assertThat(found.journalFirstBlock() + found.journalBlocks())
            .isEqualTo(found.dataFirstBlock());
      }
    }
  }
}
