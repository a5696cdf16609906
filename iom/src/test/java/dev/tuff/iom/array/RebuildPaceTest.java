package dev.tuff.iom.array;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class RebuildPaceTest {
  private static final long TICK = 5_000_000L;

  private final RebuildPace pace = new RebuildPace(0);
  private long now;
  private long accepted;

  private int next(RebuildPolicy policy, int requests, boolean inside) {
    now += TICK;
    accepted += requests;
    return pace.runs(policy, accepted, inside, now);
  }

  @Test
  void goesOnAsFastAsItCanWhereNobodyIsThere() {
    for (RebuildPolicy policy : RebuildPolicy.values()) {
      assertThat(next(policy, 0, false)).isEqualTo(RebuildPace.FULL);
    }
  }

  @Test
  void requestsFromBeforeItBeganDoNotCount() {
    accepted = 1000;
    assertThat(next(RebuildPolicy.SERVICE, 0, false)).isEqualTo(RebuildPace.FULL);
  }

  @Test
  void standsBackWhileRequestsComeAndServiceGoesFirst() {
    List<Integer> runs = new ArrayList<>();
    for (int i = 0; i < 2 * RebuildPace.SERVICE_TIMES; i++) {
      runs.add(next(RebuildPolicy.SERVICE, 100, true));
    }
    assertThat(runs).containsOnly(0, 1);
    assertThat(runs.stream().filter(one -> one == 1)).hasSize(2);
  }

  @Test
  void aRequestThatTakesLongIsNoGap() {
    next(RebuildPolicy.SERVICE, 1, true);
    for (int i = 0; i < 100; i++) {
      assertThat(next(RebuildPolicy.SERVICE, 0, true)).isLessThanOrEqualTo(1);
    }
  }

  @Test
  void usesTheGapsBetweenFewRequests() {
    next(RebuildPolicy.SERVICE, 0, false);
    next(RebuildPolicy.SERVICE, 1, false);
    assertThat(next(RebuildPolicy.SERVICE, 0, false)).isEqualTo(RebuildPace.IN_A_GAP);
    assertThat(next(RebuildPolicy.BALANCED, 0, false)).isEqualTo(RebuildPace.IN_A_GAP);
    assertThat(next(RebuildPolicy.SERVICE, 1, false)).isLessThanOrEqualTo(1);
  }

  @Test
  void isAloneAfterAWhile() {
    next(RebuildPolicy.SERVICE, 0, false);
    next(RebuildPolicy.SERVICE, 1, false);
    long before = now;
    int runs = RebuildPace.IN_A_GAP;
    while (runs == RebuildPace.IN_A_GAP) {
      runs = next(RebuildPolicy.SERVICE, 0, false);
    }
    assertThat(runs).isEqualTo(RebuildPace.FULL);
    assertThat(now - before).isGreaterThan(RebuildPace.NOBODY_NANOS);
  }

  @Test
  void keepsItsShareUnderTheOtherPolicies() {
    List<Integer> runs = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      runs.add(next(RebuildPolicy.BALANCED, 100, true));
    }
    assertThat(runs).containsOnly(0, RebuildPace.BALANCED);
    assertThat(Collections.frequency(runs, 0)).isEqualTo(50);
    assertThat(next(RebuildPolicy.REBUILD, 100, true)).isEqualTo(RebuildPace.FULL);
  }
}
