package dev.tuff.iom.volume;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.runtime.Roster;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CutTest {
  private static final int BLOCK = 4096;

  private static Volume volume(int drives, int n, int k, int chunkBlocks) {
    ObjectAttributes attributes =
        new ObjectAttributes(1, "v", 1L << 40, chunkBlocks, n, k, drives, Toughness.HARDENED);
    return new Volume(attributes, new Roster(attributes.drives()), null, new ClientSide[1], false);
  }

  private static List<String> cut(Volume volume, long offset, int bytes, boolean stripes) {
    List<String> parts = new ArrayList<>();
    Cut cut = new Cut();
    cut.begin(volume, offset, bytes, stripes);
    while (cut.next()) {
      parts.add(
          String.format(
              "row %d member %d lblk %d count %d start %d bytes %d at %d%s",
              cut.row,
              cut.member,
              cut.lblk,
              cut.count,
              cut.startInBlock,
              cut.bytes,
              cut.offsetInRequest,
              cut.stripe ? " stripe" : ""));
    }
    return parts;
  }

  @Test
  void aPieceOfOneBlock() {
    // Chunks of 4 blocks, 2 a row: byte 40,000 is block 9, so row 1, member 0, lblk 4 + 1.
    assertThat(cut(volume(3, 2, 1, 4), 40_000, 100, true))
        .containsExactly("row 1 member 0 lblk 5 count 1 start 3136 bytes 100 at 0");
  }

  @Test
  void raggedEndsBecomePiecesOfTheirOwn() {
    // From the middle of block 2 to the middle of block 5: chunk 0 ends after block 3.
    assertThat(cut(volume(3, 2, 1, 4), 2 * BLOCK + 1000, 3 * BLOCK, true))
        .containsExactly(
            "row 0 member 0 lblk 2 count 1 start 1000 bytes 3096 at 0",
            "row 0 member 0 lblk 3 count 1 start 0 bytes 4096 at 3096",
            "row 0 member 1 lblk 0 count 1 start 0 bytes 4096 at 7192",
            "row 0 member 1 lblk 1 count 1 start 0 bytes 1000 at 11288");
  }

  @Test
  void aWholeRowBecomesStripes() {
    assertThat(cut(volume(3, 2, 1, 4), 8 * BLOCK, 9 * BLOCK, true))
        .containsExactly(
            "row 1 member 0 lblk 4 count 4 start 0 bytes 16384 at 0 stripe",
            "row 1 member 1 lblk 4 count 4 start 0 bytes 16384 at 16384 stripe",
            "row 2 member 0 lblk 8 count 1 start 0 bytes 4096 at 32768");
  }

  @Test
  void aChunkLongerThanAnUpdateIsCutIntoSegmentsStripeByStripe() {
    // Chunks of 64 blocks are two segments of 32: both members' first halves come first.
    assertThat(cut(volume(3, 2, 1, 64), 0, 128 * BLOCK, true))
        .containsExactly(
            "row 0 member 0 lblk 0 count 32 start 0 bytes 131072 at 0 stripe",
            "row 0 member 1 lblk 0 count 32 start 0 bytes 131072 at 262144 stripe",
            "row 0 member 0 lblk 32 count 32 start 0 bytes 131072 at 131072 stripe",
            "row 0 member 1 lblk 32 count 32 start 0 bytes 131072 at 393216 stripe");
  }

  @Test
  void readsAndUnprotectedVolumesHaveNoStripes() {
    assertThat(cut(volume(3, 2, 1, 4), 0, 8 * BLOCK, false))
        .hasSize(2)
        .noneMatch(part -> part.contains("stripe"));
    assertThat(cut(volume(3, 2, 0, 4), 0, 8 * BLOCK, true))
        .hasSize(2)
        .noneMatch(part -> part.contains("stripe"));
  }

  @Test
  void randomRangesAreCoveredExactly() {
    for (int seed = 0; seed < 3000; seed++) {
      Random random = new Random(seed);
      int n = 1 + random.nextInt(8);
      int k = random.nextInt(4);
      int chunk = 1 << random.nextInt(7);
      Volume volume = volume(n + k + random.nextInt(4), n, k, chunk);
      long offset = random.nextLong(1L << 34);
      int bytes = 1 + random.nextInt(random.nextBoolean() ? 3 * BLOCK : 4 << 20);
      if (random.nextBoolean()) {
        offset &= -BLOCK;
        bytes = Math.max(BLOCK, bytes & -BLOCK);
      }
      check(volume, offset, bytes, random.nextBoolean(), "seed " + seed);
    }
  }

  private static void check(Volume volume, long offset, int bytes, boolean stripes, String seed) {
    int n = volume.layout().dataMembers();
    int chunk = volume.layout().chunkBlocks();
    int segment = volume.segmentBlocks();
    BitSet covered = new BitSet(bytes);
    Cut cut = new Cut();
    cut.begin(volume, offset, bytes, stripes);
    int expectedMember = 0;
    long stripeLblk = -1;
    int stripeCount = -1;
    while (cut.next()) {
      int at = (int) cut.offsetInRequest;
      assertThat(cut.bytes).as(seed).isPositive();
      assertThat(covered.nextSetBit(at))
          .as("%s: twice at %d", seed, at)
          .satisfiesAnyOf(
              next -> assertThat(next).isEqualTo(-1),
              next -> assertThat(next).isGreaterThanOrEqualTo(at + cut.bytes));
      covered.set(at, at + cut.bytes);

      // The part's place says the same as its bytes' place in the volume.
      long block = (cut.row * n + cut.member) * chunk + (cut.lblk - cut.row * chunk);
      assertThat(block * BLOCK + cut.startInBlock).as(seed).isEqualTo(offset + at);
      assertThat(cut.lblk / chunk).as(seed).isEqualTo(cut.row);
      assertThat(cut.lblk % segment + cut.count)
          .as("%s: within a segment", seed)
          .isLessThanOrEqualTo(segment);
      boolean whole = cut.startInBlock == 0 && cut.bytes == cut.count * BLOCK;
      boolean piece = cut.count == 1 && cut.startInBlock + cut.bytes <= BLOCK;
      assertThat(whole || piece).as(seed).isTrue();

      if (cut.stripe) {
        assertThat(stripes && volume.layout().parityMembers() > 0).as(seed).isTrue();
        assertThat(whole).as(seed).isTrue();
        assertThat(cut.member)
            .as("%s: a stripe's members come in order", seed)
            .isEqualTo(expectedMember);
        if (expectedMember > 0) {
          assertThat(cut.lblk).as(seed).isEqualTo(stripeLblk);
          assertThat(cut.count).as(seed).isEqualTo(stripeCount);
        }
        stripeLblk = cut.lblk;
        stripeCount = cut.count;
        expectedMember = (expectedMember + 1) % n;
      } else {
        assertThat(expectedMember).as("%s: a stripe is complete", seed).isZero();
      }
    }
    assertThat(expectedMember).as("%s: the last stripe is complete", seed).isZero();
    assertThat(covered.cardinality()).as(seed).isEqualTo(bytes);
    assertThat(covered.length()).as(seed).isEqualTo(bytes);
  }
}
