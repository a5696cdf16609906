package dev.tuff.iom.array;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Random reads and writes of every size and alignment, many at a time, against a byte array that
 * says what must come back; then the same volume after a stop and a start, and with drives
 * withheld.
 */
class ArrayModelTest {
  private static final long DRIVE_BYTES = 96L << 20;

  @ParameterizedTest(name = "{0}+{1} on {2} drives, chunk {3}, {4} shards")
  @CsvSource({
    "4, 1, 5, 65536, 1",
    "4, 1, 5, 65536, 2",
    "4, 1, 6, 16384, 2",
    "3, 2, 5, 4096, 2",
    "1, 1, 2, 65536, 1",
    "1, 2, 3, 32768, 2",
    "2, 0, 3, 65536, 2",
    "5, 4, 9, 8192, 2",
    "8, 2, 10, 262144, 2"
  })
  void readsWhatWasWritten(int data, int parity, int drives, int chunk, int shards) {
    long seed = System.nanoTime();
    System.setProperty("dev.tuff.test.seed", Long.toString(seed));
    try (TestDrives files = new TestDrives(drives, DRIVE_BYTES)) {
      Array.format(files.paths, new FormatOptions(data, parity, 0, false));
      byte[] model = new byte[20 << 20];
      Random random = new Random(seed);
      try (Array array = Array.assemble(files.paths, new AssembleOptions(shards, false, false))) {
        array.createVolume(
            new VolumeSpec("v", model.length, data, parity, chunk, Toughness.HARDENED));
        load(array, model, random, 1500);
        assertSame(array, model, "before the stop, seed " + seed);
      }
      try (Array array = Array.assemble(files.paths, new AssembleOptions(shards, false, false))) {
        assertSame(array, model, "after a start, seed " + seed);
        load(array, model, random, 500);
        assertSame(array, model, "after more writes, seed " + seed);
      }
      for (int gone = 0; gone < drives && parity > 0; gone++) {
        int[] withheld = new int[parity];
        for (int i = 0; i < parity; i++) {
          withheld[i] = (gone + i) % drives;
        }
        try (Array array =
            Array.assemble(files.without(withheld), new AssembleOptions(shards, true, false))) {
          assertThat(array.status().degraded()).isTrue();
          assertSame(array, model, "without " + gone + " and on, seed " + seed);
        }
      }
      writeWithoutDrives(files, drives, parity, shards, model, random);
    }
  }

  /** With as many drives missing as can be, everything can be written, and is there afterwards. */
  private static void writeWithoutDrives(
      TestDrives files, int drives, int parity, int shards, byte[] model, Random random) {
    int first = random.nextInt(drives);
    int[] withheld = new int[parity];
    for (int i = 0; i < parity; i++) {
      withheld[i] = (first + i) % drives;
    }
    String without = " without " + parity + " drives from " + first + " on";
    try (Array array =
        Array.assemble(files.without(withheld), new AssembleOptions(shards, false, false))) {
      load(array, model, random, 500);
      assertSame(array, model, "after writes" + without);
    }
    // All drives are named: those that missed it are not taken in.
    try (Array array = Array.assemble(files.paths, new AssembleOptions(shards, false, false))) {
      assertThat(array.status().degraded()).isEqualTo(parity > 0);
      assertSame(array, model, "after a start" + without);
    }
  }

  /** Drives are taken out one after the other in the middle of a load, as many as can be. */
  @ParameterizedTest(name = "{0} drives, {1}+{2}, chunk {3}, {4} shards")
  @CsvSource({
    "5, 4, 1, 65536, 2",
    "6, 4, 1, 16384, 2",
    "5, 3, 2, 8192, 1",
    "6, 4, 2, 65536, 2",
    "7, 3, 3, 16384, 2",
    "2, 1, 1, 16384, 2"
  })
  void goesOnWithoutDrives(int drives, int data, int parity, int chunk, int shards) {
    long seed = System.nanoTime();
    System.setProperty("dev.tuff.test.seed", Long.toString(seed));
    try (TestDrives files = new TestDrives(drives, DRIVE_BYTES)) {
      Array.format(files.paths, new FormatOptions(data, parity, 0, false));
      byte[] model = new byte[20 << 20];
      Random random = new Random(seed);
      try (Array array = Array.assemble(files.paths, new AssembleOptions(shards, false, false))) {
        array.createVolume(new VolumeSpec("v", model.length, data, parity, chunk, Toughness.NONE));
        load(array, model, random, 500);
        for (int i = 0; i < parity; i++) {
          int drive = (int) Math.floorMod(seed + i, (long) drives);
          CompletableFuture<Void> failing =
              CompletableFuture.runAsync(() -> array.failDrive(drive));
          load(array, model, random, 500);
          failing.join();
          load(array, model, random, 200);
          assertSame(array, model, "without " + (i + 1) + " drives, seed " + seed);
        }
        assertThat(array.status().volumes().getFirst().lossesSurvived()).isZero();
        int next = (int) Math.floorMod(seed + parity, (long) drives);
        assertThatThrownBy(() -> array.failDrive(next))
            .isInstanceOf(ArrayException.class)
            .hasMessageContaining("can't be done without");
        array.createVolume(new VolumeSpec("w", 1 << 20, data, parity, chunk, Toughness.HARDENED));
        assertThat(array.failure()).isNull();
      }
      try (Array array = Array.assemble(files.paths, new AssembleOptions(shards, false, false))) {
        assertSame(array, model, "after a start, seed " + seed);
        assertThat(array.status().volumes()).hasSize(2);
      }
    }
  }

  /** A spare takes the place of a drive that fails under load, is rebuilt, and another fails. */
  @ParameterizedTest(name = "{0} drives, {1}+{2}, chunk {3}, {4} shards")
  @CsvSource({"5, 4, 1, 65536, 2", "6, 4, 1, 16384, 2", "6, 4, 2, 65536, 2"})
  void takesASpareUnderLoad(int drives, int data, int parity, int chunk, int shards) {
    long seed = System.nanoTime();
    System.setProperty("dev.tuff.test.seed", Long.toString(seed));
    try (TestDrives files = new TestDrives(drives + 2, DRIVE_BYTES)) {
      List<Path> members = new ArrayList<>(files.paths.subList(0, drives));
      Array.format(members, new FormatOptions(data, parity, 0, false));
      byte[] model = new byte[20 << 20];
      Random random = new Random(seed);
      List<Integer> taken = Collections.synchronizedList(new ArrayList<>());
      AssembleOptions options =
          new AssembleOptions(
              shards,
              false,
              false,
              false,
              0,
              true,
              List.of(files.paths.get(drives)),
              new AssembleOptions.DriveListener() {
                @Override
                public void onTaken(int drive, Path spare) {
                  taken.add(drive);
                }

                @Override
                public void onRefused(Path spare, String why) {
                  throw new AssertionError(why);
                }
              },
              30_000_000_000L,
              false);
      int first = random.nextInt(drives);
      int second = (first + 1) % drives;
      try (Array array = Array.assemble(members, options)) {
        array.createVolume(new VolumeSpec("v", model.length, data, parity, chunk, Toughness.NONE));
        load(array, model, random, 500);
        CompletableFuture<Void> failing = CompletableFuture.runAsync(() -> array.failDrive(first));
        load(array, model, random, 500);
        failing.join();
        while (taken.isEmpty() || array.anythingToRebuild()) {
          load(array, model, random, 20);
        }
        assertThat(array.failure()).isNull();
        assertSame(array, model, "rebuilt, seed " + seed);
        assertThat(array.status().volumes().getFirst().lossesSurvived()).isEqualTo(parity);
        array.failDrive(second);
        assertSame(array, model, "without another, seed " + seed);
        load(array, model, random, 200);
        // By hand this time; and stopped before it is rebuilt.
        array.replaceInService(
            new Replacement(second, files.paths.get(drives + 1), false, false, false));
        assertSame(array, model, "with another in its place, seed " + seed);
      }
      members.set(first, files.paths.get(drives));
      members.set(second, files.paths.get(drives + 1));
      try (Array array = Array.assemble(members, new AssembleOptions(shards, false, false))) {
        while (array.anythingToRebuild()) {
          load(array, model, random, 20);
        }
        assertSame(array, model, "after a start, seed " + seed);
        assertThat(array.status().degraded()).isFalse();
      }
    }
  }

  /**
   * Many overlapping requests under way at the same time; overlapping ones in the order of
   * submission.
   */
  static void load(Array array, byte[] model, Random random, int operations) {
    try (VolumeClient client = new VolumeClient(array, array.volume("v"), 16, 1 << 20)) {
      Map<VolumeClient.Slot, byte[]> expected = new HashMap<>();
      for (int i = 0; i < operations; i++) {
        VolumeClient.Slot slot = client.take();
        while (slot == null) {
          collect(client, expected);
          slot = client.take();
        }
        int bytes = size(random);
        long offset = offset(random, model.length, bytes);
        switch (random.nextInt(10)) {
          case 0 -> client.flush(slot);
          case 1, 2, 3 -> {
            byte[] now = new byte[bytes];
            System.arraycopy(model, (int) offset, now, 0, bytes);
            expected.put(slot, now);
            client.read(slot, offset, bytes);
          }
          default -> {
            byte[] fresh = new byte[bytes];
            random.nextBytes(fresh);
            slot.prepare(offset);
            MemorySegment.copy(MemorySegment.ofArray(fresh), 0, slot.payload(), 0, bytes);
            System.arraycopy(fresh, 0, model, (int) offset, bytes);
            // A read under way may see this write or not; only reads after it must.
            expected
                .keySet()
                .removeIf(r -> r.offset() < offset + bytes && offset < r.offset() + r.bytes());
            client.write(slot, offset, bytes, Toughness.ofLevel(random.nextInt(3)));
          }
        }
      }
      while (client.outstanding() > 0) {
        collect(client, expected);
      }
    }
  }

  /** A third aligned, and an eighth crowded together so that updates meet. */
  private static long offset(Random random, int length, int bytes) {
    long offset = random.nextLong(length - bytes + 1);
    if (random.nextInt(3) == 0) {
      return offset & -4096;
    }
    return random.nextInt(8) == 0
        ? offset % Math.max(1, 300_000 - Math.min(bytes, 299_999))
        : offset;
  }

  private static int size(Random random) {
    return switch (random.nextInt(6)) {
      case 0 -> 1 + random.nextInt(600);
      case 1 -> 4096;
      case 2 -> 1 + random.nextInt(20_000);
      case 3 -> 4096 * (1 + random.nextInt(40));
      case 4 -> 65536 * (1 + random.nextInt(10));
      default -> 512 * (1 + random.nextInt(16));
    };
  }

  private static void collect(VolumeClient client, Map<VolumeClient.Slot, byte[]> expected) {
    VolumeClient.Slot slot = client.await();
    assertThat(slot.result()).isEqualTo(RequestResult.OK);
    byte[] wanted = expected.remove(slot);
    if (wanted != null) {
      assertThat(MemorySegment.ofArray(wanted).mismatch(slot.payload().asSlice(0, wanted.length)))
          .as("read of %s bytes at %s", wanted.length, slot.offset())
          .isEqualTo(-1);
    }
    client.release(slot);
  }

  static void assertSame(Array array, byte[] model, String when) {
    try (VolumeClient client = new VolumeClient(array, array.volume("v"), 1, 1 << 20)) {
      byte[] read = new byte[model.length];
      byte[] piece = new byte[1 << 20];
      for (int at = 0; at < model.length; at += piece.length) {
        VolumeClient.Slot slot = client.take();
        client.read(slot, at, piece.length);
        client.await();
        assertThat(slot.result()).as(when).isEqualTo(RequestResult.OK);
        MemorySegment.copy(slot.payload(), 0, MemorySegment.ofArray(read), at, piece.length);
        client.release(slot);
      }
      assertThat(MemorySegment.ofArray(read).mismatch(MemorySegment.ofArray(model)))
          .as(when)
          .isEqualTo(-1);
    }
  }
}
