package dev.tuff.iom.volume;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class BoundsTest {
  private final List<String> told = new ArrayList<>();

  @Test
  void nothingUnderWayIsOverAtOnce() {
    Bounds bounds = new Bounds(8192, true, 2);
    bounds.next(4096, false).enter(0);
    bounds.whenOver(0, () -> told.add("over"));
    assertThat(told).containsExactly("over");
  }

  @Test
  void itIsToldOnceWhenTheLastIsOverOnThatShard() {
    Bounds bounds = new Bounds(8192, true, 2);
    bounds.enter(0);
    bounds.enter(0);
    bounds.enter(1);
    bounds.next(4096, false).enter(0);
    bounds.whenOver(0, () -> told.add("over on 0"));
    bounds.leave(0);
    assertThat(told).isEmpty();
    bounds.leave(0);
    assertThat(told).containsExactly("over on 0");
    bounds.whenOver(1, () -> told.add("over on 1"));
    bounds.leave(1);
    assertThat(told).containsExactly("over on 0", "over on 1");
  }

  /** A volume can be deleted while its being resized waits. */
  @Test
  void severalMayWait() {
    Bounds first = new Bounds(8192, true, 1);
    first.enter(0);
    Bounds shrunk = first.next(4096, false);
    shrunk.enter(0);
    first.whenOver(0, () -> told.add("resize"));
    shrunk.whenOver(0, () -> told.add("deletion"));
    first.leave(0);
    assertThat(told).containsExactly("resize");
    shrunk.leave(0);
    assertThat(told).containsExactly("resize", "deletion");
  }

  /** Growing does not wait for requests; they must not be forgotten when it is made smaller. */
  @Test
  void formerBoundsAreWaitedForToo() {
    Bounds first = new Bounds(8192, true, 1);
    first.enter(0);
    Bounds grown = first.next(16384, true);
    grown.enter(0);
    Bounds grownAgain = grown.next(32768, true);
    grownAgain.next(4096, false).enter(0);
    grownAgain.whenOver(0, () -> told.add("over"));
    grown.leave(0);
    assertThat(told).isEmpty();
    first.leave(0);
    assertThat(told).containsExactly("over");
  }
}
