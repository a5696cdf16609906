package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProtectionTest {
  @Test
  void readsDataAndParityMembers() {
    assertThat(Protection.parse("4+1")).isEqualTo(new Protection(4, 1));
    assertThat(Protection.parse("32+4")).isEqualTo(new Protection(32, 4));
    assertThat(Protection.parse("1+0")).hasToString("1+0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0+1", "33+1", "4+5", "999+999"})
  void refusesTheImpossible(String text) {
    assertThatThrownBy(() -> Protection.parse(text))
        .hasMessageContaining("protection " + text + " is not possible");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "4", "4+", "4 + 1", "-4+1", "raid5", "4+1+1"})
  void refusesWhatIsNone(String text) {
    assertThatThrownBy(() -> Protection.parse(text)).hasMessageContaining("is not a protection");
  }
}
