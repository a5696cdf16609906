package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "4096, 4096",
    "512B, 512",
    "64K, 65536",
    "64k, 65536",
    "64KiB, 65536",
    "10G, 10737418240",
    "1.5T, 1649267441664",
    "0.5K, 512",
    "7E, 8070450532247928832",
    "9223372036854775807, 9223372036854775807"
  })
  void readsExactly(String text, long bytes) {
    assertThat(ByteSize.parse(text).bytes()).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "G",
        "-1",
        "10GB",
        "10 G",
        "1e3",
        "0.3K",
        "8E",
        "9223372036854775808",
        "1.G",
        "0x10"
      })
  void refusesWhatIsNoSize(String text) {
    assertThatThrownBy(() -> ByteSize.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + text + "' is not a size");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "1023, 1023 B",
    "1024, 1 KiB",
    "1536, 1.5 KiB",
    "1048575, 1 MiB",
    "10737418240, 10 GiB",
    "146000000, 139 MiB"
  })
  void printsBriefly(long bytes, String text) {
    assertThat(ByteSize.brief(bytes)).isEqualTo(text);
  }

  @Test
  void printsTheLargest() {
    assertThat(ByteSize.brief(Long.MAX_VALUE)).isEqualTo("8 EiB");
  }
}
