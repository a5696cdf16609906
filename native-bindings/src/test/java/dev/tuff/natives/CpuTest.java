package dev.tuff.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.BitSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.Test;

class CpuTest {
  /** Every case in a thread of its own, which takes its pin with it. */
  private static final Executor NEW_THREAD = task -> Thread.ofPlatform().start(task);

  @Test
  void pinnedThreadRunsOnItsCoreOnly() {
    BitSet before = Cpu.allowed();
    assertThat(before.isEmpty()).isFalse();
    int core = before.length() - 1;
    CompletableFuture.runAsync(
            () -> {
              Cpu.pin(core);
              assertThat(Cpu.current()).isEqualTo(core);
              assertThat(Cpu.allowed().stream().toArray()).containsExactly(core);
              Cpu.allow(before);
              assertThat(Cpu.allowed()).isEqualTo(before);
            },
            NEW_THREAD)
        .join();
    assertThat(Cpu.allowed()).isEqualTo(before);
  }

  @Test
  void coresThatDoNotExistAreRefused() {
    assertThatThrownBy(() -> Cpu.pin(8191))
        .isInstanceOf(PosixException.class)
        .hasMessage("sched_setaffinity(cores {8191}): EINVAL, invalid argument");
    assertThatThrownBy(() -> Cpu.pin(8192)).hasMessageContaining("core 8192");
  }

  @Test
  void threadsHaveDifferentNumbers() {
    int other = CompletableFuture.supplyAsync(Cpu::threadId, NEW_THREAD).join();
    assertThat(Cpu.threadId()).isPositive().isNotEqualTo(other);
  }

  @Test
  void virtualThreadsAreRefused() throws InterruptedException {
    var refused = new boolean[1];
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                Cpu.pin(0);
              } catch (IllegalStateException e) {
                refused[0] = true;
              }
            })
        .join();
    assertThat(refused[0]).isTrue();
  }
}
