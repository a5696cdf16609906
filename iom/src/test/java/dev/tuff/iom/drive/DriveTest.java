package dev.tuff.iom.drive;

import static dev.tuff.iom.object.PageFormat.LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.device.Hang;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoOperation;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.support.DriveRig;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DriveTest {
  private final List<String> heard = new ArrayList<>();

  private final class Write implements BlockIo.Listener {
    final BlockIo io = new BlockIo(this);
    final IoBuffer buffer;
    long address;
    boolean transferred;
    boolean hardened;

    Write(DriveRig rig) {
      buffer = rig.buffers(1, 4096)[0];
    }

    void start(DriveRig rig, long at) {
      address = at;
      transferred = false;
      hardened = false;
      buffer.segment().set(LONG, 0, at);
      buffer.segment().set(LONG, 4088, at);
      rig.drive().writeRun(io, at, 1, buffer, 0);
    }

    @Override
    public void onTransferred(BlockIo done) {
      transferred = true;
      heard.add("transferred " + address);
    }

    @Override
    public void onHardened(BlockIo done) {
      assertThat(transferred).isTrue();
      hardened = true;
      heard.add("hardened " + address);
    }
  }

  /** The promise behind every reply of toughness 2. */
  @Test
  void whatIsHardenedSurvivesAnyCrash() {
    int hardenedInAll = 0;
    for (int seed = 0; seed < 300; seed++) {
      DriveRig rig = new DriveRig(seed, 256, 40 * 4096);
      Random random = new Random(seed);
      List<Write> writes = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        Write write = new Write(rig);
        write.start(rig, 10 + i);
        writes.add(write);
        for (int steps = random.nextInt(3); steps > 0; steps--) {
          rig.step();
        }
      }
      for (int steps = random.nextInt(20); steps > 0; steps--) {
        rig.step();
      }
      rig.crash();
      for (Write write : writes) {
        if (write.hardened) {
          hardenedInAll++;
          assertThat(rig.block(write.address).get(LONG, 0))
              .as("seed %d", seed)
              .isEqualTo(write.address);
          assertThat(rig.block(write.address).get(LONG, 4088))
              .as("seed %d", seed)
              .isEqualTo(write.address);
        }
      }
    }
    assertThat(hardenedInAll).isGreaterThan(1000);
  }

  @Test
  void aFewWritesShareOneFlush() {
    DriveRig rig = new DriveRig(1, 256, 40 * 4096);
    List<Write> writes = written(rig, 4);
    assertThat(writes).allMatch(write -> write.hardened && !write.io.inUse());
    assertThat(rig.device().counters().flushes).isEqualTo(1);
    assertThat(rig.drive().idle()).isTrue();
  }

  @Test
  void manyWritesAreHardenedByFewerFlushes() {
    DriveRig rig = new DriveRig(1, 256, 40 * 4096);
    List<Write> writes = written(rig, 24);
    assertThat(writes).allMatch(write -> write.hardened && !write.io.inUse());
    assertThat(rig.device().counters().flushes).isBetween(1L, 12L);
    assertThat(rig.drive().idle()).isTrue();
  }

  /**
   * A request that the device refuses, which only a bug asks for, is nothing that a halt awaits.
   */
  @Test
  void aHaltDoesNotWaitForWhatWasNeverBegun() {
    DriveRig rig = new DriveRig(1, 256, 40 * 4096);
    Write write = new Write(rig);
    assertThatThrownBy(() -> write.start(rig, 256)).isInstanceOf(IllegalArgumentException.class);
    rig.drive().halt(() -> heard.add("idle"));
    assertThat(heard).containsExactly("idle");
  }

  private static Hang hang(IoOperation operation, long afterNanos) {
    boolean never = afterNanos < 0;
    return new Hang(
        Set.of(operation),
        100,
        never ? 1 : afterNanos,
        never ? 2 : afterNanos + 1,
        never ? 100 : 0,
        7);
  }

  /** Found within an eighth of the limit beyond it, and nobody waits for it any more. */
  @Test
  void aDriveThatHangsFailsAndItsLateReadsAreSeenByNobody() {
    DriveRig rig = new DriveRig(6, 256, 40 * 4096);
    IoBuffer target = rig.buffers(1, 2 * 4096)[0];
    rig.medium.hang(hang(IoOperation.READ, 3 * DriveRig.HANG_NANOS));
    BlockIo io = new BlockIo(done -> heard.add("transferred"));
    rig.drive().readRun(io, 20, 1, target, 4096);
    long begun = rig.nanoTime();
    while (rig.failures.isEmpty()) {
      assertThat(rig.step()).isTrue();
    }
    assertThat(rig.failures).containsExactly("it did not answer for 0.4 s");
    assertThat(rig.nanoTime() - begun)
        .isBetween(DriveRig.HANG_NANOS, DriveRig.HANG_NANOS * 9 / 8 + 1_000_000);
    rig.drive().halt(() -> heard.add("idle"));
    assertThat(heard).containsExactly("idle");
    assertThat(rig.device().unanswered()).isEqualTo(1);
    // Somebody else's by now.
    target.segment().fill((byte) 1);
    rig.settle();
    assertThat(rig.nanoTime() - begun).isGreaterThan(3 * DriveRig.HANG_NANOS);
    assertThat(target.segment().toArray(ValueLayout.JAVA_BYTE)).containsOnly(1);
    assertThat(heard).containsExactly("idle");
    assertThat(rig.failures).as("told once").hasSize(1);
    assertThat(rig.device().unanswered()).isZero();
    assertThat(rig.medium.isOpen()).as("it is closed when all is answered").isFalse();
  }

  @Test
  void aDriveThatHangsWhileItIsHaltedIsNotWaitedForEither() {
    DriveRig rig = new DriveRig(7, 256, 40 * 4096);
    Write write = new Write(rig);
    rig.medium.hang(hang(IoOperation.WRITE, -1));
    write.start(rig, 20);
    rig.drive().halt(() -> heard.add("idle"));
    assertThat(heard).isEmpty();
    rig.settle();
    assertThat(heard).containsExactly("idle");
    assertThat(rig.failures).containsExactly("it did not answer for 0.4 s");
    assertThat(rig.device().unanswered()).isEqualTo(1);
  }

  @Test
  void aFlushThatHangsIsFoundToo() {
    DriveRig rig = new DriveRig(8, 256, 40 * 4096);
    rig.medium.hang(hang(IoOperation.FLUSH, -1));
    Write write = new Write(rig);
    write.start(rig, 20);
    while (rig.failures.isEmpty()) {
      assertThat(rig.step()).isTrue();
    }
    rig.drive().halt(() -> heard.add("idle"));
    rig.settle();
    assertThat(heard).containsExactly("transferred 20", "idle");
  }

  /** One that is slow, and one that has long been idle, do not hang. */
  @Test
  void aDriveThatAnswersInTimeServesOn() {
    DriveRig rig = new DriveRig(9, 256, 80 * 4096);
    rig.medium.hang(hang(IoOperation.WRITE, DriveRig.HANG_NANOS * 7 / 8));
    for (int i = 0; i < 20; i++) {
      assertThat(written(rig, 3)).allMatch(write -> write.hardened);
    }
    assertThat(rig.failures).isEmpty();
    assertThat(rig.step()).as("an idle drive is not looked at").isFalse();
  }

  private List<Write> written(DriveRig rig, int count) {
    List<Write> writes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Write write = new Write(rig);
      write.start(rig, 10 + i);
      writes.add(write);
    }
    rig.settle();
    return writes;
  }

  @Test
  void adjacentBlocksGoInOneRequestAndUnmappedOnesInNone() {
    DriveRig rig = new DriveRig(2, 256, 40 * 4096);
    IoBuffer source = rig.buffers(1, 8 * 4096)[0];
    for (int i = 0; i < 8; i++) {
      source.segment().set(LONG, i * 4096L, 100 + i);
    }
    long[] addresses = {-1, 50, 51, 52, 0, 80, 81, 0, 40};
    BlockIo io = new BlockIo(done -> heard.add("transferred"));
    rig.drive().write(io, addresses, 1, 8, source, 0);
    rig.settle();
    assertThat(heard).containsExactly("transferred");
    assertThat(rig.device().counters().writes).isEqualTo(3);
    IoBuffer target = rig.buffers(1, 8 * 4096)[0];
    rig.drive().read(io, addresses, 1, 8, target, 0);
    rig.settle();
    for (int i = 0; i < 8; i++) {
      long expected = addresses[1 + i] == 0 ? 0 : 100 + i;
      assertThat(target.segment().get(LONG, i * 4096L)).isEqualTo(expected);
    }
    assertThat(heard).as("a read is never hardened").hasSize(2);
  }

  @Test
  void aFailedReadNamesItsBlocksAndDoesNotStopTheDrive() {
    DriveRig rig = new DriveRig(3, 256, 40 * 4096);
    rig.medium.fail(52 * 4096, 4096, true, false);
    IoBuffer target = rig.buffers(1, 4 * 4096)[0];
    BlockIo io = new BlockIo(done -> {});
    rig.drive().read(io, new long[] {60, 52, 70, 71}, 0, 4, target, 0);
    rig.settle();
    assertThat(io.failed()).isTrue();
    assertThat(io.failedMask()).isEqualTo(0b0010);
    assertThat(rig.drive().failed()).isFalse();
  }

  @Test
  void afterAFailedWriteNothingIsHardenedAnyMore() {
    DriveRig rig = new DriveRig(4, 256, 40 * 4096);
    rig.medium.fail(20 * 4096, 4096, false, true);
    Write bad = new Write(rig);
    Write good = new Write(rig);
    bad.start(rig, 20);
    rig.settle();
    good.start(rig, 21);
    rig.settle();
    assertThat(bad.io.failed()).isTrue();
    assertThat(bad.hardened).isFalse();
    assertThat(good.hardened).isFalse();
    assertThat(rig.failures).as("told once").hasSize(1);
  }

  @Test
  void aTransferInUseIsNotStartedAgain() {
    DriveRig rig = new DriveRig(5, 256, 40 * 4096);
    Write write = new Write(rig);
    write.start(rig, 20);
    assertThatThrownBy(() -> write.start(rig, 21)).isInstanceOf(Invariant.Broken.class);
  }
}
