package dev.tuff.iom.checkpoint;

import static dev.tuff.iom.object.PageFormat.INT;
import static dev.tuff.iom.object.PageFormat.LONG;
import static dev.tuff.iom.object.PageFormat.SHORT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.support.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class RootTest {
  private static final UUID ID = new UUID(0x0011223344556677L, 0x8899aabbccddeeffL);

  private static Root root() {
    Root root = new Root(ID, 5);
    root.advance(0x1234, 0x567, 0x89);
    root.setNextGfid(42);
    BitSet drives = new BitSet();
    drives.set(0);
    drives.set(9);
    root.beginEpoch(3, drives);
    root.bitmap().set(0x11111, 0xb1b2b3b4);
    root.objects().set(0x22222, 0xc1c2c3c4);
    return root;
  }

  private static MemorySegment encoded(int copy) {
    MemorySegment block = Bytes.block();
    root().encode(block, 0, copy);
    return block;
  }

  @Test
  void bytesAreFrozen() {
    MemorySegment block = encoded(1);
    assertThat(Bytes.hex(block, 0, 4096)).isEqualTo(GOLDEN);
    assertThat(block.get(INT, 4092)).isEqualTo(Bytes.crc(block, 0, 4092, -1));
  }

  private static final String GOLDEN =
      """
      0000  54 55 46 46 52 4f 4f 54 01 00 00 00 01 00 01 00
      0010  77 66 55 44 33 22 11 00 ff ee dd cc bb aa 99 88
      0020  05 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00
      0030  34 12 00 00 00 00 00 00 67 05 00 00 00 00 00 00
      0040  89 00 00 00 00 00 00 00 2a 00 00 00 00 00 00 00
      0050  03 00 00 00 00 00 00 00 11 11 01 00 00 00 00 00
      0060  b4 b3 b2 b1 00 00 00 00 22 22 02 00 00 00 00 00
      0070  c4 c3 c2 c1 00 00 00 00 01 02 00 00 00 00 00 00
      0ff0  00 00 00 00 00 00 00 00 00 00 00 00 34 16 c2 1d
      """;

  /** The root of a drive that has taken the place of another. */
  private static Root replacement() {
    Root others = root();
    BitSet there = new BitSet();
    there.set(0);
    there.set(9);
    Root once = Root.ofReplacement(others, 2, there);
    Root root = Root.ofReplacement(once, 3, there);
    root.rebuiltUpTo(6, 0x777);
    return root;
  }

  @Test
  void bytesOfAReplacementAreFrozen() {
    MemorySegment block = Bytes.block();
    Root root = replacement();
    root.freezeRebuild();
    root.rebuiltUpTo(7, 0);
    root.encode(block, 0, 0);
    assertThat(Bytes.hex(block, 0, 4096)).isEqualTo(GOLDEN_REPLACEMENT);
  }

  private static final String GOLDEN_REPLACEMENT =
      """
      0000  54 55 46 46 52 4f 4f 54 01 00 00 00 00 00 00 00
      0010  77 66 55 44 33 22 11 00 ff ee dd cc bb aa 99 88
      0020  03 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      0030  00 00 00 00 00 14 00 00 00 00 00 00 00 00 00 00
      0040  01 00 00 00 00 14 00 00 01 00 00 00 00 00 00 00
      0050  05 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      0070  00 00 00 00 00 00 00 00 09 02 00 00 00 00 00 00
      00f0  00 00 00 00 00 00 00 00 00 00 00 00 01 00 01 00
      08f0  00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00
      0900  06 00 00 00 00 00 00 00 77 07 00 00 00 00 00 00
      0ff0  00 00 00 00 00 00 00 00 00 00 00 00 c3 4c 03 e1
      """;

  /** The root of a drive that has come back a second time. */
  private static Root returning() {
    Root others = root();
    BitSet there = new BitSet();
    there.set(0);
    Root former = root();
    Root once = Root.ofReturning(others, former, there);
    once.bitmap().set(0x33333, 0xd1d2d3d4);
    once.objects().set(0x44444, 0xe1e2e3e4);
    once.setNextGfid(7);
    return Root.ofReturning(once, once, there);
  }

  @Test
  void bytesOfAReturningOneAreFrozen() {
    MemorySegment block = Bytes.block();
    returning().encode(block, 0, 0);
    assertThat(Bytes.hex(block, 0, 4096)).isEqualTo(GOLDEN_RETURNING);
  }

  private static final String GOLDEN_RETURNING =
      """
      0000  54 55 46 46 52 4f 4f 54 01 00 00 00 01 00 00 00
      0010  77 66 55 44 33 22 11 00 ff ee dd cc bb aa 99 88
      0020  05 00 00 00 00 00 00 00 03 00 00 00 00 00 00 00
      0030  00 00 00 00 00 14 00 00 00 00 00 00 00 00 00 00
      0040  01 00 00 00 00 14 00 00 01 00 00 00 00 00 00 00
      0050  05 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      0070  00 00 00 00 00 00 00 00 21 00 00 00 00 00 00 00
      0100  00 00 02 00 00 00 00 00 00 00 00 00 00 00 00 00
      08f0  00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00
      0a00  02 00 00 00 00 00 00 00 33 33 03 00 00 00 00 00
      0a10  d4 d3 d2 d1 00 00 00 00 44 44 04 00 00 00 00 00
      0a20  e4 e3 e2 e1 00 00 00 00 07 00 00 00 00 00 00 00
      0a30  11 11 01 00 00 00 00 00 b4 b3 b2 b1 00 00 00 00
      0a40  22 22 02 00 00 00 00 00 c4 c3 c2 c1 00 00 00 00
      0a50  2a 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
      0ff0  00 00 00 00 00 00 00 00 00 00 00 00 b5 86 46 8e
      """;

  @Test
  void aReturningOneRemembersWhatItWas() {
    MemorySegment block = Bytes.block();
    Root root = returning();
    root.encode(block, 0, 0);
    Root found = Root.decode(block, 0, ID, 5, 1);
    assertThat(found.sequence()).isEqualTo(3);
    assertThat(found.rebuilding()).isTrue();
    assertThat(found.bitmap().address()).as("it has nothing by itself").isZero();
    assertThat(found.incarnation(5)).isEqualTo(2);
    assertThat(found.formerStates())
        .containsExactly(
            new FormerState(0x33333, 0xd1d2d3d4, 0x44444, 0xe1e2e3e4, 7),
            new FormerState(0x11111, 0xb1b2b3b4, 0x22222, 0xc1c2c3c4, 42));
    for (int time = 0; time < 5; time++) {
      root = Root.ofReturning(root, root, new BitSet());
    }
    assertThat(root.formerStates()).hasSize(Root.MAX_FORMER_STATES);
    assertThat(root.formerStates().getLast().nextGfid()).as("the oldest stays").isEqualTo(42);
    assertThat(root.formerStates().get(2).nextGfid()).as("the next to it does not").isOne();
    found.endRebuild();
    assertThat(found.formerStates()).isEmpty();
    found.freezeRebuild();
    found.encode(block, 0, 0);
    assertThat(Root.decode(block, 0, ID, 5, 1).formerStates()).isEmpty();
  }

  @Test
  void formerStatesThatMakeNoSenseAreRefused() {
    for (long offset : new long[] {2560, 2568, 2584, 2600, 2608, 2640}) {
      MemorySegment block = Bytes.block();
      returning().encode(block, 0, 0);
      block.set(LONG, offset, -1L);
      block.set(INT, 4092, Bytes.crc(block, 0, 4092, -1));
      assertThat(Root.decode(block, 0, ID, 5, 1)).as("field at %d", offset).isNull();
    }
    // And those of a drive that is not being rebuilt.
    MemorySegment block = encoded(0);
    block.set(LONG, 2560, 1L);
    block.set(INT, 4092, Bytes.crc(block, 0, 4092, -1));
    assertThat(Root.decode(block, 0, ID, 5, 1)).isNull();
  }

  @Test
  void aCursorCountsWithTheStateThatWasFrozen() {
    MemorySegment block = Bytes.block();
    Root root = replacement();
    root.encode(block, 0, 0);
    Root found = Root.decode(block, 0, ID, 3, 0);
    assertThat(found.rebuilding()).isTrue();
    assertThat(found.passed(1, 0)).isFalse();
    root.freezeRebuild();
    root.encode(block, 0, 0);
    found = Root.decode(block, 0, ID, 3, 0);
    assertThat(found.passed(5, 1L << 40)).isTrue();
    assertThat(found.passed(6, 0x776)).isTrue();
    assertThat(found.passed(6, 0x777)).isFalse();
    assertThat(found.epoch()).isEqualTo(5);
    assertThat(found.incarnation(2)).isEqualTo(1);
    assertThat(found.incarnation(3)).isEqualTo(1);
    assertThat(found.incarnation(4)).isZero();
    assertThat(found.inEpoch(3)).isTrue();
    assertThat(found.inEpoch(2)).as("was not there").isFalse();
    root.endRebuild();
    assertThat(root.passed(9, 9)).isTrue();
    root.freezeRebuild();
    root.encode(block, 0, 0);
    assertThat(Root.decode(block, 0, ID, 3, 0).rebuilding()).isFalse();
  }

  /** No ID that a drive gives out was given out by one that had its place, or acted for it. */
  @Test
  void aReplacementCountsFromAboveAllBeforeIt() {
    Root root = replacement();
    assertThat(root.checkpointId()).isEqualTo(5L << Root.EPOCH_ID_BITS);
    assertThat(root.tailSequence()).isGreaterThan(root.checkpointId());
  }

  /** The root of a drive that has a place of its own behind the others. */
  private static Root addition() {
    Root others = root();
    others.setPlaces(10);
    BitSet there = new BitSet();
    there.set(0, 10);
    return Root.ofAddition(others, there, 0x1234);
  }

  @Test
  void anAdditionMakesAPlaceInTheNextEpoch() {
    Root root = addition();
    assertThat(root.driveIndex()).isEqualTo(10);
    assertThat(root.places()).isEqualTo(11);
    assertThat(root.epoch()).isEqualTo(4);
    assertThat(root.rebuilding()).isFalse();
    assertThat(root.inEpoch(10)).isTrue();
    assertThat(root.inEpoch(3)).isTrue();
    assertThat(root.incarnation(10)).isEqualTo(0x1234);
    assertThat(root.checkpointId()).isEqualTo(4L << Root.EPOCH_ID_BITS);
    assertThat(root.tailSequence()).isGreaterThan(root.checkpointId());
    MemorySegment block = Bytes.block();
    root.encode(block, 0, 0);
    assertThat(block.get(SHORT, 32)).isEqualTo((short) 10);
    assertThat(block.get(SHORT, 34)).isEqualTo((short) 11);
    assertThat(Root.decode(block, 0, ID, 10, 0).places()).isEqualTo(11);
    Root other = root();
    other.takeEpoch(root);
    assertThat(other.places()).isEqualTo(11);
    assertThat(other.sameEpoch(root)).isTrue();
    other.setPlaces(12);
    assertThat(other.sameEpoch(root)).isFalse();
    for (int places : new int[] {-1, 10, 1025}) {
      block.set(SHORT, 34, (short) places);
      block.set(INT, 4092, Bytes.crc(block, 0, 4092, -1));
      assertThat(Root.decode(block, 0, ID, 10, 0)).as("places %d", places).isNull();
    }
  }

  /** Two tries to add a drive: the one that the others go on with is never the other one. */
  @Test
  void aDriveWhoseAdditionCameToNothingIsNotTheOneThatCameAfterIt() {
    Root others = root();
    others.setPlaces(10);
    BitSet there = new BitSet();
    there.set(0, 10);
    Root first = Root.ofAddition(others, there, 7);
    Root second = Root.ofAddition(others, there, 8);
    others.takeEpoch(second);
    Root newest = Epoch.newest(first, second, others);
    assertThat(newest.incarnation(10)).isEqualTo(8);
    assertThat(Epoch.stale(first, newest)).isTrue();
    assertThat(Epoch.stale(second, newest)).isFalse();
    Root without = Epoch.newest(first, others);
    assertThat(Epoch.stale(first, without)).isTrue();
    assertThat(Epoch.stale(others, without)).isFalse();
  }

  @Test
  void slotsAlternateAndCopiesLieApart() {
    Root root = new Root(ID, 0);
    assertThat(root.address(0)).isEqualTo(1);
    assertThat(root.address(1)).isEqualTo(129);
    root.advance(2, 0, 1);
    assertThat(root.address(0)).isEqualTo(2);
    assertThat(root.address(1)).isEqualTo(130);
    root.advance(3, 0, 1);
    assertThat(root.address(0)).isEqualTo(1);
  }

  @Test
  void comesBack() {
    Root found = Root.decode(encoded(0), 0, ID, 5, 1);
    assertThat(found.sequence()).isEqualTo(1);
    assertThat(found.checkpointId()).isEqualTo(0x1234);
    assertThat(found.tailPosition()).isEqualTo(0x567);
    assertThat(found.tailSequence()).isEqualTo(0x89);
    assertThat(found.nextGfid()).isEqualTo(42);
    assertThat(found.epoch()).isEqualTo(3);
    assertThat(found.inEpoch(9)).isTrue();
    assertThat(found.inEpoch(8)).isFalse();
    assertThat(found.bitmap().address()).isEqualTo(0x11111);
    assertThat(found.bitmap().crc()).isEqualTo(0xb1b2b3b4);
    assertThat(found.objects().address()).isEqualTo(0x22222);
    assertThat(found.objects().crc()).isEqualTo(0xc1c2c3c4);
  }

  @Test
  void aRootOfAnotherPlaceIsRefused() {
    MemorySegment block = encoded(0);
    assertThat(Root.decode(block, 0, ID, 4, 1)).isNull();
    assertThat(Root.decode(block, 0, ID, 5, 0)).isNull();
    assertThat(Root.decode(block, 0, new UUID(1, 2), 5, 1)).isNull();
  }

  @Test
  void everyFlippedBitIsFound() {
    MemorySegment block = encoded(0);
    for (long bit = 0; bit < 4096 * 8; bit++) {
      Bytes.flip(block, bit);
      assertThat(Root.decode(block, 0, ID, 5, 1)).as("bit %d", bit).isNull();
      Bytes.flip(block, bit);
    }
  }

  @Test
  void fieldsOutOfRangeAreRefusedEvenWithTheirChecksum() {
    for (long offset : new long[] {40, 48, 56, 64, 72, 80, 88, 104, 2296, 2304, 2312}) {
      MemorySegment block = encoded(0);
      block.set(LONG, offset, -1L);
      block.set(INT, 4092, Bytes.crc(block, 0, 4092, -1));
      assertThat(Root.decode(block, 0, ID, 5, 1)).as("field at %d", offset).isNull();
    }
  }
}
