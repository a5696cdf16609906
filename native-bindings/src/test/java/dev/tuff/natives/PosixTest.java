package dev.tuff.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;

class PosixTest {
  @Test
  void eventCounterAddsUpAndReadsBackToZero() {
    int fd = Posix.eventfd();
    try {
      assertThat(Posix.eventRead(fd)).isZero();
      Posix.eventSignal(fd);
      Posix.eventSignal(fd);
      assertThat(Posix.eventRead(fd)).isEqualTo(2);
      assertThat(Posix.eventRead(fd)).isZero();
    } finally {
      Posix.close(fd);
    }
    assertThatThrownBy(() -> Posix.close(fd))
        .isInstanceOf(PosixException.class)
        .hasMessage("close(descriptor " + fd + "): EBADF, bad file descriptor");
  }

  @Test
  void errnoBelongsToTheThread() throws InterruptedException {
    var other = new int[1];
    Thread thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    Posix.fsync(-1);
                  } catch (PosixException e) {
                    other[0] = e.errno();
                  }
                });
    assertThatThrownBy(() -> Posix.status("/no/such/file"))
        .isInstanceOfSatisfying(
            PosixException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
    thread.join();
    assertThat(other[0]).isEqualTo(Errno.EBADF);
  }

  @Test
  void smallLocksOfMemoryWork() {
    try (Arena arena = Arena.ofConfined()) {
      var page = arena.allocate(4096, 4096);
      Posix.mlock(page);
      Posix.munlock(page);
    }
  }

  @Test
  void errorsAreDescribedInEnglishWithTheirName() {
    assertThat(Errno.describe(Errno.EBUSY)).isEqualTo("EBUSY, device or resource busy");
    assertThat(Errno.describe(Errno.ENOSPC)).isEqualTo("ENOSPC, no space left on device");
    assertThat(Errno.describe(4095)).isEqualTo("errno 4095");
    assertThat(new PosixException("open", "/dev/sdb", Errno.EIO))
        .hasMessage("open(/dev/sdb): EIO, input/output error");
  }
}
