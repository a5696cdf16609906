package dev.tuff.iom.array;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.iom.check.ArrayCheck;
import dev.tuff.iom.check.CheckProgress;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.VolumeException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A volume that grows and shrinks, against a byte array that says what must come back. */
class VolumeResizeTest {
  private static final long DRIVE_BYTES = 96L << 20;
  private static final int MIB = 1 << 20;

  private byte[] model = new byte[0];

  /** The model's end is not the volume's, where a discard may take a part of a block. */
  private boolean endMoves;

  private final long seed = System.nanoTime();
  private final Random random = new Random(seed);

  private static Array start(List<Path> drives, int shards) {
    return Array.assemble(drives, new AssembleOptions(shards, false, false));
  }

  private void resize(Array array, int bytes) {
    assertThat(array.resizeVolume("v", bytes, true).sizeBytes()).isEqualTo(bytes);
    model = Arrays.copyOf(model, bytes);
    assertThat(array.volume("v").sizeBytes()).isEqualTo(bytes);
    assertHolds(array);
  }

  /** Writes and discards at random, some of them at the end. */
  private void load(Array array, int operations) {
    try (VolumeClient client = new VolumeClient(array, array.volume("v"), 4, 256 << 10)) {
      for (int i = 0; i < operations; i++) {
        int bytes = Math.min(model.length, 1 + random.nextInt(256 << 10));
        int offset =
            random.nextInt(4) == 0
                ? model.length - bytes
                : random.nextInt(model.length - bytes + 1);
        boolean end = offset + bytes == model.length;
        if (random.nextInt(6) == 0 && !(end && endMoves)) {
          client.discard(offset, bytes, Toughness.HARDENED);
          int from = (offset + 4095) & -4096;
          int to = end ? model.length : (offset + bytes) & -4096;
          Arrays.fill(model, from, Math.max(from, to), (byte) 0);
        } else {
          byte[] fresh = new byte[bytes];
          random.nextBytes(fresh);
          System.arraycopy(fresh, 0, model, offset, bytes);
          client.writeFully(offset, MemorySegment.ofArray(fresh), Toughness.HARDENED);
        }
      }
    }
  }

  private void assertHolds(Array array) {
    try (Arena arena = Arena.ofConfined();
        VolumeClient client = new VolumeClient(array, array.volume("v"), 2, 256 << 10)) {
      MemorySegment read = arena.allocate(model.length);
      client.readFully(0, read);
      assertThat(MemorySegment.ofArray(model).mismatch(read)).as("seed %d", seed).isEqualTo(-1);
      assertThatThrownBy(() -> client.readFully(model.length - 511L, arena.allocate(512)))
          .isInstanceOfSatisfying(
              VolumeException.class,
              e -> assertThat(e.result()).isEqualTo(RequestResult.OUT_OF_RANGE));
    }
  }

  private static void assertSound(List<Path> drives) {
    var report = ArrayCheck.run(drives, CheckProgress.none());
    assertThat(report.findings()).isEmpty();
    assertThat(report.sound()).isTrue();
  }

  @ParameterizedTest(name = "{0}+{1} on {2} drives, chunk {3}, {4} shards")
  @CsvSource({
    "4, 1, 5, 65536, 2",
    "3, 2, 6, 4096, 2",
    "1, 1, 2, 16384, 1",
    "1, 2, 3, 32768, 2",
    "2, 0, 3, 65536, 2"
  })
  void growsAndShrinks(int data, int parity, int drives, int chunk, int shards) {
    try (TestDrives files = new TestDrives(drives, DRIVE_BYTES)) {
      Array.format(files.paths, new FormatOptions(data, parity, 0, false));
      try (Array array = start(files.paths, shards)) {
        // One leaf holds it all; each growth needs another level, on some drives at least.
        model = new byte[256 << 10];
        array.createVolume(
            new VolumeSpec("v", model.length, data, parity, chunk, Toughness.HARDENED));
        load(array, 20);
        resize(array, 16 * MIB);
        load(array, 40);
        assertHolds(array);
        resize(array, 3 * MIB + 512);
        load(array, 20);
        resize(array, 3 * MIB + 1024);
        resize(array, 10 * MIB);
      }
      assertSound(files.paths);
      try (Array array = start(files.paths, shards)) {
        assertHolds(array);
        load(array, 20);
        resize(array, 2 * MIB);
      }
      assertSound(files.paths);
      if (parity > 0) {
        withoutADrive(files, drives, shards);
      }
    }
  }

  /** Without a drive it is resized as with all; it comes back by being replaced and rebuilt. */
  private void withoutADrive(TestDrives files, int drives, int shards) {
    int gone = random.nextInt(drives);
    List<Path> rest = files.without(gone);
    try (Array array = start(rest, shards)) {
      assertHolds(array);
      resize(array, 12 * MIB);
      load(array, 20);
      resize(array, 5 * MIB - 1536);
      load(array, 10);
    }
    List<Path> joined =
        Array.replaceDrive(rest, new Replacement(gone, files.paths.get(gone), false, true, false));
    try (Array array = start(joined, shards)) {
      assertHolds(array);
      resize(array, 9 * MIB);
      load(array, 10);
      array.setRebuildPolicy(RebuildPolicy.REBUILD);
      while (array.anythingToRebuild()) {
        load(array, 1);
      }
      // What the drive has of the space beyond former ends must go with what the others have.
      load(array, 40);
      resize(array, 15 * MIB);
      load(array, 40);
      assertHolds(array);
    }
    assertSound(files.paths);
    int other = (gone + 1) % drives;
    try (Array array = start(files.without(other), shards)) {
      assertHolds(array);
    }
  }

  @Test
  void whatIsCutOffIsFreed() {
    try (TestDrives files = new TestDrives(5, DRIVE_BYTES)) {
      Array.format(files.paths, new FormatOptions(4, 1, 0, false));
      try (Array array = start(files.paths, 2)) {
        model = new byte[MIB];
        array.createVolume(VolumeSpec.of("v", model.length));
        load(array, 20);
        resize(array, 33 * MIB);
        resize(array, MIB);
        final long free = array.status().freeBytes();
        resize(array, 33 * MIB);
        random.nextBytes(model);
        try (VolumeClient client = new VolumeClient(array, array.volume("v"), 2, MIB)) {
          client.writeFully(0, MemorySegment.ofArray(model), Toughness.HARDENED);
        }
        assertThat(array.status().freeBytes()).isLessThan(free - 32 * MIB);
        resize(array, MIB);
        // Pages of the maps may stay.
        assertThat(array.status().freeBytes()).isGreaterThan(free - MIB);
      }
      assertSound(files.paths);
    }
  }

  @Test
  void clientsWhoGoOnMeanwhileLoseNothing() {
    try (TestDrives files = new TestDrives(5, DRIVE_BYTES)) {
      Array.format(files.paths, new FormatOptions(4, 1, 0, false));
      try (Array array = start(files.paths, 2)) {
        model = new byte[2 * MIB + 512];
        endMoves = true;
        array.createVolume(VolumeSpec.of("v", model.length));
        for (int i = 0; i < 20; i++) {
          int bytes = 2 * MIB + 512 * (1 + random.nextInt(20_000));
          CompletableFuture<Void> resizing =
              CompletableFuture.runAsync(() -> array.resizeVolume("v", bytes, true));
          do {
            load(array, 5);
          } while (!resizing.isDone());
          resizing.join();
          try (Arena arena = Arena.ofConfined();
              VolumeClient client = new VolumeClient(array, array.volume("v"), 2, 256 << 10)) {
            MemorySegment read = arena.allocate(bytes);
            client.readFully(0, read);
            byte[] expected = Arrays.copyOf(model, bytes);
            assertThat(MemorySegment.ofArray(expected).mismatch(read)).isEqualTo(-1);
          }
        }
        // A drive fails, and it is resized at the same time.
        CompletableFuture<Void> failing = CompletableFuture.runAsync(() -> array.failDrive(3));
        array.resizeVolume("v", 40L * MIB, false);
        array.resizeVolume("v", 3L * MIB, true);
        failing.join();
        model = Arrays.copyOf(model, 3 * MIB);
        assertHolds(array);
      }
    }
  }

  @Test
  void whatCanNotBeIsRefusedWithASentence() {
    try (TestDrives files = new TestDrives(3, DRIVE_BYTES)) {
      Array.format(files.paths, new FormatOptions(2, 1, 0, false));
      try (Array array = start(files.paths, 2)) {
        model = new byte[MIB];
        array.createVolume(VolumeSpec.of("v", model.length));
        load(array, 10);
        assertThatThrownBy(() -> array.resizeVolume("v", MIB - 512, false))
            .isInstanceOf(ArrayException.class)
            .hasMessageContaining("--shrink");
        for (long bytes : new long[] {0, -4096, MIB + 1, (1L << 50) + 512, Long.MAX_VALUE}) {
          assertThatThrownBy(() -> array.resizeVolume("v", bytes, true))
              .isInstanceOf(ArrayException.class)
              .hasMessageContaining("multiple of 512 bytes up to 1 PiB");
        }
        assertThatThrownBy(() -> array.resizeVolume("w", MIB, true))
            .hasMessageContaining("no volume named w");
        assertThat(array.resizeVolume("v", MIB, false).sizeBytes()).isEqualTo(MIB);
        // More than there is room for: it takes no space.
        assertThat(array.resizeVolume("v", 1L << 50, false).sizeBytes()).isEqualTo(1L << 50);
        assertHoldsFrom(array, 0);
        try (VolumeClient client = new VolumeClient(array, array.volume("v"), 1, 4096)) {
          MemorySegment last = MemorySegment.ofArray(new byte[4096]).fill((byte) 9);
          client.writeFully((1L << 50) - 4096, last, Toughness.HARDENED);
          client.readFully((1L << 50) - 4096, last);
          assertThat(last.get(ValueLayout.JAVA_BYTE, 4095)).isEqualTo((byte) 9);
        }
      }
      assertSound(files.paths);
      try (Array array = Array.assemble(files.paths, new AssembleOptions(2, true, false))) {
        assertThatThrownBy(() -> array.resizeVolume("v", 2 * MIB, false))
            .hasMessageContaining("read-only");
        assertHoldsFrom(array, 0);
      }
    }
  }

  private void assertHoldsFrom(Array array, long offset) {
    try (Arena arena = Arena.ofConfined();
        VolumeClient client = new VolumeClient(array, array.volume("v"), 2, 256 << 10)) {
      MemorySegment read = arena.allocate(model.length);
      client.readFully(offset, read);
      assertThat(MemorySegment.ofArray(model).mismatch(read)).isEqualTo(-1);
    }
  }
}
