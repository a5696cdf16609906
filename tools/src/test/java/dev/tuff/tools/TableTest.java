package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TableTest {
  @Test
  void alignsFiguresRightAndTextLeft() {
    assertThat(
            new Table("VOLUME", "SIZE", "NOTE")
                .row("a", "1 GiB", "x")
                .row("longer-name", "10 GiB", "")
                .toString())
        .isEqualTo(
            """
            VOLUME         SIZE  NOTE
            a             1 GiB  x
            longer-name  10 GiB
            """);
  }

  @Test
  void holdsTheHeadingAlone() {
    assertThat(new Table("A", "B").toString()).isEqualTo("A  B\n");
  }

  @Test
  void refusesARowThatDoesNotFit() {
    assertThatThrownBy(() -> new Table("A", "B").row("1"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
