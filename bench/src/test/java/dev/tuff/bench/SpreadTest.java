package dev.tuff.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class SpreadTest {
  @Test
  void medianOfAnOddNumberIsTheMiddleOne() {
    assertThat(Spread.of(5, 1, 3)).isEqualTo(new Spread(3, 1, 5));
  }

  @Test
  void medianOfAnEvenNumberIsBetweenTheMiddleTwo() {
    assertThat(Spread.of(4, 1, 3, 10)).isEqualTo(new Spread(3.5, 1, 10));
  }

  @Test
  void oneUnknownMakesTheWholeUnknown() {
    assertThat(Spread.of(1, Double.NaN, 2).median()).isNaN();
  }

  @Test
  void ratiosComeFromNeighbouringRepeatsAndNotFromTheMedians() {
    // The machine slows down by half in the second repeat: both sides see it, the ratio does not.
    Comparison comparison =
        new Comparison(
                "w",
                List.of(
                    new Series("a", List.of(stretch(90), stretch(45), stretch(91))),
                    new Series("b", List.of(stretch(100), stretch(50), stretch(100)))),
                List.of())
            .withRatio("a/b", 0, 1, Measurement::operationsPerSecond, Goal.atLeast(0.9));
    Ratio ratio = comparison.ratios().getFirst();
    assertThat(ratio.values()).containsExactly(0.9, 0.9, 0.91);
    assertThat(ratio.met()).isTrue();
    assertThat(new Ratio("a/b", ratio.values(), Goal.atLeast(0.95)).met()).isFalse();
    assertThat(new Ratio("a/b", ratio.values(), Goal.atMost(0.9)).met()).isTrue();
  }

  @Test
  void sidesAlternateAfterOneWarmUpEach() {
    StringBuilder order = new StringBuilder();
    Comparison.alternate(
        "w",
        List.of(
            new Comparison.Side(
                "a",
                seconds -> {
                  order.append(seconds == 1 ? "a" : "A");
                  return stretch(1);
                }),
            new Comparison.Side(
                "b",
                seconds -> {
                  order.append(seconds == 1 ? "b" : "B");
                  return stretch(1);
                })),
        3,
        2,
        1,
        () -> {});
    assertThat(order.toString()).isEqualTo("abABABAB");
  }

  static Measurement stretch(long operations) {
    return new Measurement(
        1,
        operations,
        operations * 4096,
        Latency.UNKNOWN,
        0.5,
        0,
        operations * 8192,
        operations,
        2,
        0,
        -1);
  }
}
