package dev.tuff.iom.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class EpochTest {
  private static final UUID ID = new UUID(1, 2);

  private static Root root(int drive, long epoch, int... drives) {
    Root root = new Root(ID, drive);
    BitSet members = new BitSet();
    for (int member : drives) {
      members.set(member);
    }
    root.beginEpoch(epoch, members);
    return root;
  }

  private static String stale(Root... roots) {
    Root newest = Epoch.newest(roots);
    StringBuilder stale = new StringBuilder();
    for (int i = 0; i < roots.length; i++) {
      if (roots[i] != null && Epoch.stale(roots[i], newest)) {
        stale.append(i);
      }
    }
    return stale.toString();
  }

  @Test
  void allOfOneEpochAreFresh() {
    assertThat(stale(root(0, 1, 0, 1, 2), root(1, 1, 0, 1, 2), null)).isEmpty();
  }

  @Test
  void oneThatWasLeftOutIsStale() {
    assertThat(stale(root(0, 2, 0, 1), root(1, 2, 0, 1), root(2, 1, 0, 1, 2))).isEqualTo("2");
  }

  @Test
  void oneThatTookPartAndHasNotWrittenItYetIsNot() {
    assertThat(stale(root(0, 2, 0, 1), root(1, 1, 0, 1, 2), root(2, 1, 0, 1, 2))).isEqualTo("2");
  }

  /**
   * Drive 2 was missing, 0 had begun epoch 2; then 0 was missing and 2 back, and 1 to 3 went on.
   */
  @Test
  void ofTwoEpochsWithOneNumberTheOneThatIsThroughCounts() {
    assertThat(
            stale(
                root(0, 2, 0, 1, 3), root(1, 2, 1, 2, 3), root(2, 2, 1, 2, 3), root(3, 2, 1, 2, 3)))
        .isEqualTo("0");
    // Whichever comes first.
    assertThat(
            stale(
                root(0, 2, 0, 1, 2), root(1, 2, 0, 1, 2), root(2, 2, 0, 1, 2), root(3, 2, 0, 1, 3)))
        .isEqualTo("3");
  }

  private static BitSet set(int... drives) {
    BitSet set = new BitSet();
    for (int drive : drives) {
      set.set(drive);
    }
    return set;
  }

  /** One that had a place before is stale, whether the others have heard of the new one or not. */
  @Test
  void oneWhosePlaceAnotherHasTakenIsStale() {
    Root zero = root(0, 3, 0, 1, 2);
    Root one = root(1, 3, 0, 1, 2);
    Root old = root(2, 3, 0, 1, 2);
    Root fresh = Root.ofReplacement(zero, 2, set(0, 1));
    Root newest = Epoch.newest(zero, one, old, fresh);
    assertThat(newest).isSameAs(fresh);
    assertThat(Epoch.stale(old, newest)).isTrue();
    assertThat(Epoch.stale(zero, newest)).isFalse();
    assertThat(Epoch.stale(fresh, newest)).isFalse();
    zero.takeEpoch(fresh);
    assertThat(Epoch.stale(old, Epoch.newest(zero, one, old))).isTrue();
    assertThat(Epoch.stale(one, Epoch.newest(zero, one, old))).isFalse();
  }

  /** It joined, the start was cut short, and the next went on without it. */
  @Test
  void aNewOneThatTheOthersWentOnWithoutIsStale() {
    Root zero = root(0, 1, 0, 1, 2);
    Root fresh = Root.ofReplacement(zero, 2, set(0, 1));
    Root one = root(1, 2, 0, 1);
    zero.beginEpoch(2, set(0, 1));
    assertThat(Epoch.stale(fresh, Epoch.newest(fresh, zero, one))).isTrue();
  }
}
