package dev.tuff.iom.recovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.recovery.Settlement.MemberFate;
import dev.tuff.iom.recovery.Settlement.ParityFate;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every combination of what a crash and lost drives can leave of one group. The content of a
 * member's version is modelled by its ID, a parity by the list of its members' versions; that is
 * all that consistency is about.
 */
class SettlementTest {
  private static final long OLD = 10;
  private static final long NEW = 20;

  /**
   * A group in which one update (several members: one that was merged, or a full stripe) is on its
   * way.
   *
   * @param updated members of the update, one a bit
   * @param memberDurable of those, whose new data got to the drive
   * @param parityHas parities that have written the new version, or begun to
   * @param parityDurable of those, which got to the drive
   * @param lost drives lost, members first
   */
  private record World(
      int n, int k, int updated, int memberDurable, int parityHas, int parityDurable, int lost) {
    /** A reply at toughness 2 has gone out only when everything was hardened. */
    boolean acknowledged() {
      return memberDurable == updated && parityHas == all(k) && parityDurable == all(k);
    }

    boolean gone(int drive) {
      return (lost >>> drive & 1) != 0;
    }
  }

  private static int all(int bits) {
    return (1 << bits) - 1;
  }

  @ParameterizedTest
  @CsvSource({"1, 0", "3, 0", "1, 1", "2, 1", "4, 1", "1, 2", "2, 2", "3, 2", "2, 3"})
  void everyCombinationEndsConsistentAndKeepsWhatWasAcknowledged(int n, int k) {
    int worlds = 0;
    for (int updated = 1; updated <= all(n); updated++) {
      for (int memberDurable = 0; memberDurable <= all(n); memberDurable++) {
        for (int parityHas = 0; parityHas <= all(k); parityHas++) {
          for (int parityDurable = 0; parityDurable <= all(k); parityDurable++) {
            for (int lost = 0; lost <= all(n + k); lost++) {
              boolean possible =
                  (memberDurable & ~updated) == 0
                      && (parityDurable & ~parityHas) == 0
                      && Integer.bitCount(lost) <= k;
              if (possible) {
                check(new World(n, k, updated, memberDurable, parityHas, parityDurable, lost));
                worlds++;
              }
            }
          }
        }
      }
    }
    assertThat(worlds).isPositive();
  }

  private static void check(World world) {
    Settlement settlement = settle(world);
    assertThat(settlement.lost()).as("%s", world).isFalse();
    List<Long> versions = new ArrayList<>();
    for (int m = 0; m < world.n(); m++) {
      versions.add(settlement.version(m));
      boolean updated = (world.updated() >>> m & 1) != 0;
      boolean durable = (world.memberDurable() >>> m & 1) != 0;
      if (!world.gone(m)) {
        assertThat(settlement.readable(m, settlement.version(m))).as("%s", world).isTrue();
        assertThat(settlement.version(m)).as("%s", world).isEqualTo(durable ? NEW : OLD);
      } else if (!updated) {
        assertThat(settlement.version(m)).as("%s", world).isEqualTo(OLD);
      }
      if (updated && world.acknowledged()) {
        assertThat(settlement.version(m)).as("acknowledged in %s", world).isEqualTo(NEW);
      }
    }
    int helpers = 0;
    for (int p = 0; p < world.k(); p++) {
      checkParity(world, settlement, versions, p);
      helpers += settlement.helps(p) ? 1 : 0;
    }
    assertThat(helpers)
        .as("enough parities for what is gone in %s", world)
        .isGreaterThanOrEqualTo(Long.bitCount(settlement.unknown()));
  }

  private static void checkParity(World world, Settlement settlement, List<Long> versions, int p) {
    boolean has = (world.parityHas() >>> p & 1) != 0;
    boolean durable = (world.parityDurable() >>> p & 1) != 0;
    List<Long> before = members(world, OLD);
    List<Long> after = members(world, NEW);
    switch (settlement.parityFate(p)) {
      case GONE -> assertThat(world.gone(world.n() + p)).as("%s", world).isTrue();
      case ROLL_FORWARD -> {
        assertThat(!has || durable).as("%s", world).isTrue();
        assertThat(has ? after : before).as("%s", world).isEqualTo(versions);
      }
      case ROLL_BACK -> {
        assertThat(has).as("%s", world).isTrue();
        assertThat(before).as("%s", world).isEqualTo(versions);
      }
      // Then it is made of just these versions.
      case REMAKE -> assertThat(world.gone(world.n() + p)).as("%s", world).isFalse();
      case LEAVE -> assertThat(false).as("%s left alone", world).isTrue();
    }
    if (settlement.helps(p)) {
      for (int m = 0; m < world.n(); m++) {
        long held = settlement.helperMember(p, m);
        boolean known =
            world.gone(m) ? held == settlement.version(m) : settlement.readable(m, held);
        assertThat(known).as("%s helps with what is known, %s", p, world).isTrue();
      }
    }
  }

  private static List<Long> members(World world, long updatedVersion) {
    List<Long> members = new ArrayList<>();
    for (int m = 0; m < world.n(); m++) {
      members.add((world.updated() >>> m & 1) != 0 ? updatedVersion : OLD);
    }
    return members;
  }

  private static long[] array(List<Long> list) {
    return list.stream().mapToLong(Long::longValue).toArray();
  }

  private static Settlement settle(World world) {
    Settlement settlement = new Settlement(world.n(), world.k());
    settlement.clear();
    for (int m = 0; m < world.n(); m++) {
      if (world.gone(m)) {
        continue;
      }
      if ((world.updated() >>> m & 1) != 0) {
        settlement.member(m, NEW, (world.memberDurable() >>> m & 1) != 0, OLD, true);
      } else {
        settlement.member(m, OLD, true);
      }
    }
    for (int p = 0; p < world.k(); p++) {
      if (world.gone(world.n() + p)) {
        continue;
      }
      long[] before = array(members(world, OLD));
      if ((world.parityHas() >>> p & 1) != 0) {
        settlement.parity(p, (world.parityDurable() >>> p & 1) != 0, array(members(world, NEW)));
      }
      settlement.parity(p, true, before);
    }
    settlement.decide();
    return settlement;
  }

  // ---- the rows of the table, worked out by hand

  @Test
  void parityAndAllMembersDurableRollForward() {
    Settlement s = settle(new World(2, 1, 0b11, 0b11, 1, 1, 0));
    assertThat(s.memberFate(0)).isEqualTo(MemberFate.ROLL_FORWARD);
    assertThat(s.memberFate(1)).isEqualTo(MemberFate.ROLL_FORWARD);
    assertThat(s.parityFate(0)).isEqualTo(ParityFate.ROLL_FORWARD);
  }

  @Test
  void parityDurableWithAMemberGoneGivesItsNewValue() {
    Settlement s = settle(new World(2, 1, 0b11, 0b11, 1, 1, 0b01));
    assertThat(s.memberFate(0)).isEqualTo(MemberFate.GONE);
    assertThat(s.version(0)).isEqualTo(NEW);
    assertThat(s.parityFate(0)).isEqualTo(ParityFate.ROLL_FORWARD);
  }

  @Test
  void parityDurableAndAMemberNotGoesBackToOldParityAndAddsWhatIsThere() {
    Settlement s = settle(new World(2, 1, 0b11, 0b01, 1, 1, 0));
    assertThat(s.memberFate(0)).isEqualTo(MemberFate.ROLL_FORWARD);
    assertThat(s.memberFate(1)).isEqualTo(MemberFate.ROLL_BACK);
    assertThat(s.parityFate(0)).isEqualTo(ParityFate.REMAKE);
  }

  @Test
  void parityDurableWithOneMemberNotAndAnotherGoneKeepsTheGoneOneOld() {
    Settlement s = settle(new World(2, 1, 0b11, 0b01, 1, 1, 0b01));
    assertThat(s.version(0)).isEqualTo(OLD);
    assertThat(s.memberFate(1)).isEqualTo(MemberFate.ROLL_BACK);
    assertThat(s.parityFate(0)).isEqualTo(ParityFate.ROLL_BACK);
    assertThat(s.helperVersion(0)).isEqualTo(1);
  }

  @Test
  void parityNotDurableAndAMemberDurableIsMadeAgain() {
    Settlement s = settle(new World(2, 1, 0b01, 0b01, 1, 0, 0));
    assertThat(s.memberFate(0)).isEqualTo(MemberFate.ROLL_FORWARD);
    assertThat(s.parityFate(0)).isEqualTo(ParityFate.REMAKE);
  }

  /**
   * Its former version is rotten and its new one never got to the drive; found by the simulator.
   */
  @Test
  void damagedMemberThatNoParityHasTheNewestOfIsWhatItWas() {
    Settlement s = new Settlement(2, 1);
    s.clear();
    s.member(0, NEW, false, OLD, false);
    s.member(1, OLD, true);
    s.parity(0, true, new long[] {OLD, OLD});
    s.decide();
    assertThat(s.lost()).isFalse();
    assertThat(s.memberFate(0)).isEqualTo(MemberFate.DAMAGED_OLDER);
    assertThat(s.version(0)).isEqualTo(OLD);
    assertThat(s.parityFate(0)).isEqualTo(ParityFate.ROLL_FORWARD);
  }

  @Test
  void nothingDurableIsDropped() {
    Settlement s = settle(new World(2, 1, 0b01, 0, 1, 0, 0));
    assertThat(s.memberFate(0)).isEqualTo(MemberFate.ROLL_BACK);
    assertThat(s.parityFate(0)).isEqualTo(ParityFate.ROLL_BACK);
  }

  @Test
  void parityThatNeverHeardOfADurableMemberIsMadeAgain() {
    Settlement s = settle(new World(2, 1, 0b01, 0b01, 0, 0, 0));
    assertThat(s.parityFate(0)).isEqualTo(ParityFate.REMAKE);
  }

  @Test
  void goneParityLeavesEachMemberToItsOwnData() {
    Settlement s = settle(new World(2, 1, 0b11, 0b10, 1, 0, 0b100));
    assertThat(s.memberFate(0)).isEqualTo(MemberFate.ROLL_BACK);
    assertThat(s.memberFate(1)).isEqualTo(MemberFate.ROLL_FORWARD);
    assertThat(s.parityFate(0)).isEqualTo(ParityFate.GONE);
  }

  @Test
  void aGoneMemberIsNewIfOneParitySaysSoAndTheOtherIsBroughtToIt() {
    Settlement s = settle(new World(2, 2, 0b01, 0b01, 0b11, 0b01, 0b01));
    assertThat(s.version(0)).isEqualTo(NEW);
    assertThat(s.parityFate(0)).isEqualTo(ParityFate.ROLL_FORWARD);
    assertThat(s.parityFate(1)).isEqualTo(ParityFate.REMAKE);
  }

  @Test
  void twoGoneMembersTakeTheStateThatBothParitiesHave() {
    Settlement s = settle(new World(2, 2, 0b01, 0b01, 0b11, 0b01, 0b11));
    assertThat(s.version(0)).isEqualTo(OLD);
    assertThat(s.parityFate(0)).isEqualTo(ParityFate.ROLL_BACK);
    assertThat(s.parityFate(1)).isEqualTo(ParityFate.ROLL_BACK);
  }

  @Test
  void rotInWhatAParityKnowsToBeHardenedIsDamageAndNotAReasonToGoBack() {
    Settlement s = new Settlement(2, 1);
    s.clear();
    s.member(0, NEW, false, OLD, true);
    s.member(1, OLD, true);
    s.parity(0, true, new long[] {NEW, OLD});
    s.decide();
    assertThat(s.memberFate(0)).isEqualTo(MemberFate.DAMAGED);
    assertThat(s.version(0)).isEqualTo(NEW);
    assertThat(s.unknown()).isEqualTo(1);
    assertThat(s.parityFate(0)).isEqualTo(ParityFate.ROLL_FORWARD);
  }

  @Test
  void moreLostThanTheParitiesMakeUpForIsSaidAndNothingMadeUp() {
    Settlement s = settle(new World(3, 1, 0b001, 0b001, 1, 1, 0b011));
    assertThat(s.lost()).isTrue();
    assertThat(s.parityFate(0)).isEqualTo(ParityFate.LEAVE);
  }
}
