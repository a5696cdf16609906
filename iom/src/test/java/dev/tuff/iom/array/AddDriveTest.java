package dev.tuff.iom.array;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.iom.array.AssembleOptions.DriveListener;
import dev.tuff.iom.check.ArrayCheck;
import dev.tuff.iom.check.CheckProgress;
import dev.tuff.iom.volume.Toughness;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Real drives that are added to an array, stopped and in service. */
class AddDriveTest {
  private static final long DRIVE_BYTES = 96L << 20;
  private static final int MIB = 1 << 20;
  private static final AssembleOptions PLAIN = new AssembleOptions(2, false, false);
  private static final AssembleOptions SERVICE =
      new AssembleOptions(
          2, false, false, false, 0, true, List.of(), DriveListener.NONE, 30_000_000_000L, false);

  private static byte[] content(long seed, int bytes) {
    byte[] content = new byte[bytes];
    new Random(seed).nextBytes(content);
    return content;
  }

  private static void write(Array array, String name, long at, byte[] content) {
    try (VolumeClient client = new VolumeClient(array, array.volume(name), 4, MIB)) {
      client.writeFully(at, MemorySegment.ofArray(content), Toughness.HARDENED);
    }
  }

  private static void requireSame(Array array, String name, long at, byte[] content) {
    MemorySegment read = MemorySegment.ofArray(new byte[content.length]);
    try (VolumeClient client = new VolumeClient(array, array.volume(name), 4, MIB)) {
      client.readFully(at, read);
    }
    assertThat(read.mismatch(MemorySegment.ofArray(content))).isEqualTo(-1);
  }

  private static VolumeSpec spec(String name, int mebibytes, int data, int parity) {
    return new VolumeSpec(name, (long) mebibytes * MIB, data, parity, 65536, Toughness.HARDENED);
  }

  private static void format(List<Path> drives, int data, int parity) {
    Array.format(drives, new FormatOptions(data, parity, 0, false));
    try (Array array = Array.assemble(drives, PLAIN)) {
      array.createVolume(spec("v", 8, data, parity));
    }
  }

  private static void requireSound(List<Path> drives) {
    assertThat(ArrayCheck.run(drives, CheckProgress.none()).findings()).isEmpty();
  }

  private static List<Path> without(List<Path> drives, int index) {
    List<Path> rest = new ArrayList<>(drives);
    rest.remove(index);
    return rest;
  }

  private static long[] used(Array array) {
    return array.status().drives().stream().mapToLong(DriveInfo::usedBytes).toArray();
  }

  @Test
  void newVolumesAndWhatOldOnesGrowByAreSpreadOverAllDrives() {
    try (TestDrives files = new TestDrives(5, DRIVE_BYTES)) {
      List<Path> three = files.paths.subList(0, 3);
      List<Path> added = files.paths.subList(3, 5);
      format(three, 2, 1);
      byte[] before = content(1, 8 * MIB);
      try (Array array = Array.assemble(three, PLAIN)) {
        write(array, "v", 0, before);
      }
      List<Path> now = Array.addDrives(three, added, false);
      assertThat(now).containsExactlyElementsOf(files.paths);
      // Its first start is still to come, and once more is no harm.
      requireSound(now);
      assertThat(Array.addDrives(three, added, false)).isEqualTo(now);
      byte[] more = content(2, 16 * MIB);
      byte[] wide = content(3, 12 * MIB);
      try (Array array = Array.assemble(now, PLAIN)) {
        assertThat(array.status().driveCount()).isEqualTo(5);
        assertThat(array.status().degraded()).isFalse();
        requireSame(array, "v", 0, before);
        long[] empty = used(array);
        write(array, "v", 0, before);
        assertThat(used(array)[3]).as("what was there stays where it was").isEqualTo(empty[3]);
        array.resizeVolume("v", 24L * MIB, false);
        write(array, "v", 8 * MIB, more);
        array.createVolume(spec("w", 12, 3, 2));
        write(array, "w", 0, wide);
        assertThat(used(array)[3]).isGreaterThan(empty[3] + 4 * MIB);
      }
      requireSound(now);
      for (int lost = 0; lost < 5; lost++) {
        AssembleOptions look = new AssembleOptions(2, true, false);
        try (Array array = Array.assemble(without(now, lost), look)) {
          assertThat(array.status().drives().get(lost).state()).isEqualTo("missing");
          requireSame(array, "v", 0, before);
          requireSame(array, "v", 8 * MIB, more);
          requireSame(array, "w", 0, wide);
        }
      }
    }
  }

  @Test
  void refusesWhatCanNotBe() {
    try (TestDrives files = new TestDrives(5, DRIVE_BYTES);
        TestDrives small = new TestDrives(1, DRIVE_BYTES - (8 << 20));
        TestDrives foreign = new TestDrives(2, DRIVE_BYTES)) {
      List<Path> drives = files.paths.subList(0, 3);
      format(drives, 2, 1);
      Array.format(foreign.paths, new FormatOptions(1, 1, 0, false));
      Path fresh = files.paths.get(3);
      assertRefused(drives, List.of(fresh, small.paths.get(0)), "at least as large");
      assertRefused(drives, List.of(fresh, foreign.paths.get(0)), "belongs to array", "--force");
      assertRefused(drives, List.of(fresh, fresh), "named twice");
      assertRefused(drives, List.of(drives.get(1)), "is a drive of the array already");
      assertRefused(drives, List.of(Path.of("/no/such/drive")), "does not exist");
      assertRefused(drives, List.of(Path.of("/tmp")), "is a directory");
      assertRefused(drives.subList(0, 2), List.of(fresh), "Drive 2 is missing", "all that");
      try (Array array = Array.assemble(drives, PLAIN)) {
        assertRefused(drives, List.of(fresh), "in use");
        assertThatThrownBy(() -> array.addInService(List.of(fresh), false))
            .isInstanceOf(ArrayException.class)
            .hasMessageContaining("for a short time");
      }
      try (Array array = Array.assemble(drives, SERVICE)) {
        assertRefused(array, List.of(fresh, small.paths.get(0)), "are needed");
        assertRefused(array, List.of(fresh, foreign.paths.get(0)), "belongs to array", "--force");
        assertRefused(array, List.of(fresh, fresh), "named twice");
        assertRefused(array, List.of(drives.get(1)), "is a drive of the array already");
        assertRefused(array, List.of(Path.of("/no/such/drive")), "does not exist");
        array.failDrive(1);
        assertRefused(array, List.of(fresh), "Drive 1 is missing");
      }
      // Nothing was changed.
      assertThat(DriveLabel.read(fresh).superblock()).isNull();
      assertRefused(drives, List.of(fresh), "Drive 1 is missing or stale");
      List<Path> now =
          Array.replaceDrive(
              without(drives, 1), new Replacement(1, files.paths.get(4), false, false, false));
      assertRefused(now, List.of(fresh), "Drive 1 is not rebuilt yet");
    }
  }

  private static void assertRefused(List<Path> drives, List<Path> added, String... words) {
    assertThatThrownBy(() -> Array.addDrives(drives, added, false))
        .isInstanceOf(ArrayException.class)
        .hasMessageContainingAll(words);
  }

  private static void assertRefused(Array array, List<Path> added, String... words) {
    assertThatThrownBy(() -> array.addInService(added, false))
        .isInstanceOf(ArrayException.class)
        .hasMessageContainingAll(words);
  }

  /** The smallest journals do for 30 drives. */
  @Test
  void refusesMoreDrivesThanTheJournalsDoFor() {
    try (TestDrives files = new TestDrives(31, 64L << 20)) {
      List<Path> drives = files.paths.subList(0, 29);
      Array.format(drives, new FormatOptions(2, 1, 0, false));
      assertRefused(drives, files.paths.subList(29, 31), "do for 30 drives", "it has 29");
      assertThat(Array.addDrives(drives, files.paths.subList(29, 30), false)).hasSize(30);
    }
  }

  /** A drive whose addition was cut short, and that the array has gone on without. */
  @Test
  void oneThatWasToBeAddedAndNeverWasIsNothing() {
    try (TestDrives files = new TestDrives(6, DRIVE_BYTES)) {
      List<Path> drives = files.paths.subList(0, 4);
      format(drives, 2, 1);
      Array.addDrives(drives, files.paths.subList(4, 5), false);
      // Not named, and another one lost: an epoch begins without it.
      try (Array array = Array.assemble(drives.subList(0, 3), PLAIN)) {
        write(array, "v", 0, content(4, MIB));
      }
      try (Array array = Array.assemble(files.paths.subList(0, 5), PLAIN)) {
        assertThat(array.status().driveCount()).isEqualTo(4);
        requireSame(array, "v", 0, content(4, MIB));
      }
      assertThat(ArrayCheck.run(files.paths.subList(0, 5), CheckProgress.none()).notes())
          .anyMatch(note -> note.contains("was to be added as drive 4"));
      List<Path> now =
          Array.replaceDrive(
              files.paths.subList(0, 3),
              new Replacement(3, files.paths.get(3), false, false, false));
      try (Array array = Array.assemble(now, PLAIN)) {
        while (array.anythingToRebuild()) {
          Thread.onSpinWait();
        }
      }
      // Once more, without --force: it has nothing of anybody.
      now = Array.addDrives(now, files.paths.subList(4, 5), false);
      try (Array array = Array.assemble(now, PLAIN)) {
        assertThat(array.status().driveCount()).isEqualTo(5);
      }
      requireSound(now);
    }
  }

  @Test
  void inServiceClientsGoOn() throws Exception {
    try (TestDrives files = new TestDrives(6, DRIVE_BYTES)) {
      format(files.paths.subList(0, 3), 2, 1);
      List<String> told = new ArrayList<>();
      DriveListener listener =
          new DriveListener() {
            @Override
            public void onAdded(int drive, Path path) {
              told.add(drive + " " + path.getFileName());
            }
          };
      byte[] wide = content(6, 12 * MIB);
      byte[] more = content(7, 16 * MIB);
      try (Array array =
          Array.assemble(
              files.paths.subList(0, 3),
              new AssembleOptions(
                  2, false, false, false, 0, true, List.of(), listener, 30_000_000_000L, false))) {
        CountDownLatch stop = new CountDownLatch(1);
        CompletableFuture<Integer> load =
            CompletableFuture.supplyAsync(
                () -> {
                  int rounds = 0;
                  while (stop.getCount() > 0) {
                    write(array, "v", 0, content(100 + rounds, 4 * MIB));
                    requireSame(array, "v", 0, content(100 + rounds, 4 * MIB));
                    rounds++;
                  }
                  return rounds;
                });
        Thread.sleep(300);
        assertThat(array.addInService(files.paths.subList(3, 5), false)).isEqualTo(3);
        assertThat(array.status().driveCount()).isEqualTo(5);
        array.createVolume(spec("w", 12, 3, 2));
        write(array, "w", 0, wide);
        array.resizeVolume("v", 24L * MIB, false);
        write(array, "v", 8 * MIB, more);
        assertThat(used(array)[4]).isGreaterThan(4 * MIB);
        array.failDrive(4);
        requireSame(array, "w", 0, wide);
        array.replaceInService(new Replacement(4, files.paths.get(5), false, false, false));
        Thread.sleep(200);
        stop.countDown();
        assertThat(load.get()).isPositive();
        requireSame(array, "v", 8 * MIB, more);
        while (array.anythingToRebuild()) {
          Thread.sleep(5);
        }
        array.failDrive(0);
        requireSame(array, "w", 0, wide);
        requireSame(array, "v", 8 * MIB, more);
      }
      assertThat(told).containsExactly("3 drive3.img", "4 drive4.img");
      List<Path> now = without(files.paths, 4);
      try (Array array = Array.assemble(now, PLAIN)) {
        assertThat(array.status().driveCount()).isEqualTo(5);
        requireSame(array, "w", 0, wide);
        requireSame(array, "v", 8 * MIB, more);
      }
    }
  }

  /** A spare takes the place of a drive that was missing from the start, and never came up. */
  @Test
  void aSpareTakesThePlaceOfOneThatWasMissingFromTheStart() throws InterruptedException {
    try (TestDrives files = new TestDrives(4, DRIVE_BYTES)) {
      format(files.paths.subList(0, 3), 2, 1);
      byte[] before = content(8, 8 * MIB);
      try (Array array = Array.assemble(files.paths.subList(0, 3), PLAIN)) {
        write(array, "v", 0, before);
      }
      List<Path> spares = files.paths.subList(3, 4);
      try (Array array =
          Array.assemble(
              files.paths.subList(0, 2),
              new AssembleOptions(
                  2,
                  false,
                  false,
                  false,
                  0,
                  true,
                  spares,
                  DriveListener.NONE,
                  30_000_000_000L,
                  false))) {
        while (array.failure() == null && array.status().degraded()) {
          Thread.sleep(5);
        }
        assertThat(array.failure()).isNull();
        while (array.anythingToRebuild()) {
          Thread.sleep(5);
        }
        requireSame(array, "v", 0, before);
      }
      requireSound(List.of(files.paths.get(0), files.paths.get(1), files.paths.get(3)));
    }
  }
}
