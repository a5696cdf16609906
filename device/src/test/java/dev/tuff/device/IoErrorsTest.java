package dev.tuff.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.natives.Errno;
import org.junit.jupiter.api.Test;

final class IoErrorsTest {
  @Test
  void errorNumbersBecomeResults() {
    assertThat(IoErrors.resultOf(Errno.EIO)).isEqualTo(IoResult.MEDIA_ERROR);
    assertThat(IoErrors.resultOf(Errno.EILSEQ)).isEqualTo(IoResult.MEDIA_ERROR);
    assertThat(IoErrors.resultOf(Errno.ENODATA)).isEqualTo(IoResult.MEDIA_ERROR);
    assertThat(IoErrors.resultOf(Errno.EREMOTEIO)).isEqualTo(IoResult.MEDIA_ERROR);
    assertThat(IoErrors.resultOf(Errno.ENODEV)).isEqualTo(IoResult.DEVICE_GONE);
    assertThat(IoErrors.resultOf(Errno.ENXIO)).isEqualTo(IoResult.DEVICE_GONE);
    assertThat(IoErrors.resultOf(Errno.ETIMEDOUT)).isEqualTo(IoResult.DEVICE_GONE);
    assertThat(IoErrors.resultOf(Errno.ENOSPC)).isEqualTo(IoResult.NO_SPACE);
    assertThat(IoErrors.resultOf(Errno.EOPNOTSUPP)).isEqualTo(IoResult.UNSUPPORTED);
    assertThat(IoErrors.isTransient(Errno.EAGAIN)).isTrue();
    assertThat(IoErrors.isTransient(Errno.EIO)).isFalse();
    assertThatThrownBy(() -> IoErrors.resultOf(Errno.EFAULT))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("EFAULT");
  }

  @Test
  void everyResultHasAnErrorNumberThatMeansIt() {
    for (IoResult result : IoResult.values()) {
      if (result != IoResult.OK) {
        assertThat(IoErrors.resultOf(IoErrors.errnoOf(result))).isEqualTo(result);
      }
    }
  }
}
