package dev.tuff.iom.array;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import dev.tuff.iom.drive.BlockIo;
import dev.tuff.iom.journal.JournalEntry;
import dev.tuff.iom.journal.JournalFormat;
import dev.tuff.iom.proxy.Acting;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.volume.RequestHandler;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.VolumeRequest;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A bug in one I/O manager costs its drive and not the array; other bugs stop the array. */
class IomBugTest {
  private static final long DRIVE_BYTES = 96L << 20;
  private static final AssembleOptions PLAIN = new AssembleOptions(2, false, false);

  private final byte[] model = new byte[8 << 20];
  private final Random random = new Random(7);
  private final List<String> heard = Collections.synchronizedList(new ArrayList<>());

  /** Where an exception comes out of an IOM's code. */
  enum Way {
    MESSAGE,
    ROUND_END,
    TRANSFER,
    TASK;

    void bug(Array array, int drive) {
      array.onDrive(drive, iom -> bug(array, iom));
    }

    private void bug(Array array, Iom iom) {
      switch (this) {
        case MESSAGE -> iom.shard().send(iom, MessageType.WRITE_REPLIED, null, null, 0);
        case ROUND_END -> iom.rooms().journal.append(new BadEntry());
        case TRANSFER ->
            iom.rooms()
                .drive
                .readRun(
                    new BlockIo(
                        read -> {
                          throw new IllegalStateException("a bug in TRANSFER");
                        }),
                    0,
                    1,
                    array.clientBuffers(1, 4096)[0],
                    0);
        case TASK -> throw new IllegalStateException("a bug in TASK");
      }
    }

    String sentence() {
      return this == MESSAGE
          ? "an IOM hears no replies to clients: WRITE_REPLIED"
          : "java.lang.IllegalStateException: a bug in " + this;
    }
  }

  private static final class BadEntry extends JournalEntry {
    @Override
    protected int bodyBytes() {
      return 8;
    }

    @Override
    protected int type() {
      return JournalFormat.TYPE_OBJECT_CREATED;
    }

    @Override
    protected void encode(MemorySegment segment, long offset) {
      throw new IllegalStateException("a bug in ROUND_END");
    }

    @Override
    protected void onJournalHardened() {
      throw new AssertionError("nothing of it runs any more");
    }
  }

  private AssembleOptions listening() {
    return new AssembleOptions(
        2,
        false,
        false,
        false,
        0,
        false,
        List.of(),
        new AssembleOptions.DriveListener() {
          @Override
          public void onFailed(int drive, String path, String why) {
            heard.add("drive " + drive + " " + why);
          }

          @Override
          public void onBug(int drive, Throwable bug) {
            heard.add("bug in " + drive + ": " + bug.getClass().getSimpleName());
          }
        },
        30_000_000_000L,
        false);
  }

  private static void format(TestDrives files, int data, int parity) {
    Array.format(files.paths, new FormatOptions(data, parity, 0, false));
    try (Array array = Array.assemble(files.paths, PLAIN)) {
      array.createVolume(new VolumeSpec("v", 8 << 20, data, parity, 16384, Toughness.NONE));
    }
  }

  private static void awaitFailed(Array array, int drive) throws InterruptedException {
    long until = System.nanoTime() + 60_000_000_000L;
    while (array.present(drive)) {
      assertThat(array.failure()).isNull();
      assertThat(System.nanoTime()).isLessThan(until);
      Thread.sleep(1);
    }
  }

  private static ArrayException awaitStopped(Array array) throws InterruptedException {
    long until = System.nanoTime() + 60_000_000_000L;
    while (array.failure() == null) {
      assertThat(System.nanoTime()).isLessThan(until);
      Thread.sleep(1);
    }
    return array.failure();
  }

  /** Under load; then a start, another drive in the place, another bug. */
  @ParameterizedTest
  @EnumSource(Way.class)
  void costsTheDriveAndNotTheArray(Way way) throws InterruptedException {
    try (TestDrives files = new TestDrives(6, DRIVE_BYTES)) {
      List<Path> members = new ArrayList<>(files.without(5));
      Array.format(members, new FormatOptions(4, 1, 0, false));
      try (Array array = Array.assemble(members, listening())) {
        array.createVolume(new VolumeSpec("v", model.length, 4, 1, 16384, Toughness.NONE));
        ArrayModelTest.load(array, model, random, 200);
        CompletableFuture<Void> broken =
            CompletableFuture.runAsync(
                () -> way.bug(array, 2),
                CompletableFuture.delayedExecutor(20, TimeUnit.MILLISECONDS));
        ArrayModelTest.load(array, model, random, 600);
        broken.join();
        awaitFailed(array, 2);
        ArrayModelTest.load(array, model, random, 100);
        ArrayModelTest.assertSame(array, model, "without the drive");
        DriveInfo failed = array.status().drives().get(2);
        assertThat(failed.state()).isEqualTo("failed");
        assertThat(failed.failure()).isEqualTo("its I/O manager stopped: " + way.sentence());
        assertThat(heard).hasSize(2);
        assertThat(heard.get(0)).startsWith("bug in 2: ");
        assertThat(heard.get(1)).isEqualTo("drive 2 " + failed.failure());
      }
      // Its state ended where nobody can tell: it is not trusted again, but may begin anew.
      try (Array array = Array.assemble(members, PLAIN)) {
        assertThat(array.status().drives().get(2).state()).isEqualTo("stale");
        ArrayModelTest.assertSame(array, model, "after a start");
      }
      List<Path> others = new ArrayList<>(members);
      others.remove(2);
      List<Path> now =
          Array.replaceDrive(others, new Replacement(2, members.get(2), false, false, false));
      try (Array array = Array.assemble(now, listening())) {
        while (array.anythingToRebuild()) {
          ArrayModelTest.load(array, model, random, 20);
        }
        // Made up for: the same bug once more costs another drive.
        way.bug(array, 4);
        ArrayModelTest.load(array, model, random, 200);
        awaitFailed(array, 4);
        ArrayModelTest.assertSame(array, model, "without another drive");
      }
    }
  }

  /** A write that breaks the IOM that it comes to, and none after that. */
  @Test
  void whatBrokeItIsDoneByTheOthers() {
    try (TestDrives files = new TestDrives(5, DRIVE_BYTES)) {
      format(files, 4, 1);
      try (Array array = Array.assemble(files.paths, listening())) {
        ArrayModelTest.load(array, model, random, 200);
        random.nextBytes(model);
        try (VolumeClient client = new VolumeClient(array, array.volume("v"), 4, 1 << 20)) {
          client.writeFully(0, MemorySegment.ofArray(model), Toughness.HARDENED);
        }
        byte[] fresh = new byte[4096];
        random.nextBytes(fresh);
        System.arraycopy(fresh, 0, model, 8192, 4096);
        assertThat(poisonousWrite(array, 8192, fresh).join()).isEqualTo(RequestResult.OK);
        assertThat(heard).hasSize(2);
        ArrayModelTest.assertSame(array, model, "without the drive");
      }
    }
  }

  /** A write of two members that breaks every IOM that it comes to costs one drive. */
  @Test
  void theSameBugTwiceStopsTheArray() throws InterruptedException {
    try (TestDrives files = new TestDrives(6, DRIVE_BYTES)) {
      format(files, 4, 2);
      Array array = Array.assemble(files.paths, listening());
      ArrayModelTest.load(array, model, random, 300);
      ArrayModelTest.assertSame(array, model, "before");
      CompletableFuture<RequestResult> never = poisonousWrite(array, 0, new byte[32768]);
      assertThat(awaitStopped(array))
          .hasMessageContaining("The array has stopped because of a bug in Tuff")
          .hasMessageContaining("the same bug has stopped the one of drive")
          .hasMessageEndingWith("what was acknowledged is safe. Please report it.");
      assertThat(never).isNotDone();
      assertThatThrownBy(array::close).isInstanceOf(ArrayException.class);
      try (Array again = Array.assemble(files.paths, PLAIN)) {
        assertThat(again.status().drives().stream().filter(d -> d.state().equals("stale")).count())
            .isLessThanOrEqualTo(1);
        // The write that broke them may have been done or not, block by block; the rest is there.
        byte[] read = new byte[model.length];
        try (VolumeClient client = new VolumeClient(again, again.volume("v"), 4, 1 << 20)) {
          client.readFully(0, MemorySegment.ofArray(read));
        }
        assertThat(
                MemorySegment.ofArray(read)
                    .asSlice(32768)
                    .mismatch(MemorySegment.ofArray(model).asSlice(32768)))
            .isEqualTo(-1);
      }
    }
  }

  @Test
  void withoutRedundancyTheArrayStopsAndNoDriveIsMarked() throws InterruptedException {
    try (TestDrives files = new TestDrives(2, DRIVE_BYTES)) {
      format(files, 2, 0);
      Array array = Array.assemble(files.paths, listening());
      ArrayModelTest.load(array, model, random, 100);
      Way.MESSAGE.bug(array, 1);
      assertThat(awaitStopped(array))
          .hasMessageContaining("in the I/O manager of drive 1, and can't go on without that drive")
          .hasMessageContaining("more drives would be gone than the protection makes up for");
      assertThatThrownBy(array::close).isInstanceOf(ArrayException.class);
      try (Array again = Array.assemble(files.paths, PLAIN)) {
        assertThat(again.status().degraded()).isFalse();
        ArrayModelTest.assertSame(again, model, "after a start");
      }
    }
  }

  @Test
  void aBugInAProxyStopsTheArray() throws InterruptedException {
    try (TestDrives files = new TestDrives(6, DRIVE_BYTES)) {
      format(files, 4, 2);
      Array array = Array.assemble(files.paths, listening());
      array.failDrive(3);
      Acting proxy = array.acting(3);
      array.execute(
          proxy.shard().index(),
          () -> proxy.shard().send(proxy, MessageType.UPDATE_CLOSED, null, null, 0));
      assertThat(awaitStopped(array)).hasMessageContaining("a proxy has no part in UPDATE_CLOSED");
      assertThat(heard).hasSize(2);
      assertThat(heard.get(1)).startsWith("bug in -1: ");
      assertThatThrownBy(array::close).isInstanceOf(ArrayException.class);
    }
  }

  @Test
  void anErrorOfTheMachineStopsTheArray() throws InterruptedException {
    try (TestDrives files = new TestDrives(5, DRIVE_BYTES)) {
      format(files, 4, 1);
      Array array = Array.assemble(files.paths, listening());
      array.onDrive(
          1,
          iom -> {
            throw new OutOfMemoryError("planted");
          });
      assertThat(awaitStopped(array)).hasMessageContaining("OutOfMemoryError");
      assertThatThrownBy(array::close).isInstanceOf(ArrayException.class);
      try (Array again = Array.assemble(files.paths, PLAIN)) {
        assertThat(again.status().degraded()).isFalse();
      }
    }
  }

  /** A write from memory that the drives' loops do not know: to be written, it is a bug. */
  private static CompletableFuture<RequestResult> poisonousWrite(
      Array array, long offset, byte[] content) {
    IoBuffer foreign = IoMemory.plain(content.length).buffers(1, content.length)[0];
    MemorySegment.copy(MemorySegment.ofArray(content), 0, foreign.segment(), 0, content.length);
    CompletableFuture<RequestResult> done = new CompletableFuture<>();
    VolumeRequest request =
        new VolumeRequest(
            0,
            new RequestHandler() {
              @Override
              public void onDone(VolumeRequest ended) {
                // Its buffer may still be in use.
              }

              @Override
              public void onReleased(VolumeRequest ended) {
                done.complete(ended.result());
              }
            },
            null);
    request.write(offset, content.length, foreign, Toughness.HARDENED);
    array.execute(0, () -> array.volume("v").submit(request));
    return done;
  }
}
