package dev.tuff.iom.array;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.iom.check.ArrayCheck;
import dev.tuff.iom.check.CheckReport;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.Volume;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Real drives that take the places of others. */
class ReplaceDriveTest {
  private static final long DRIVE_BYTES = 96L << 20;
  private static final AssembleOptions PLAIN = new AssembleOptions(2, false, false);
  private static final AssembleOptions LOOK = new AssembleOptions(2, true, false);

  private final byte[] content = new byte[24 << 20];

  private void put(List<Path> drives, long seed) {
    new Random(seed).nextBytes(content);
    try (Array array = Array.assemble(drives, PLAIN)) {
      write(array, 0, content.length);
    }
  }

  private void write(Array array, int from, int bytes) {
    try (VolumeClient client = new VolumeClient(array, array.volume("v"), 4, 1 << 20)) {
      client.writeFully(
          from, MemorySegment.ofArray(content).asSlice(from, bytes), Toughness.HARDENED);
    }
  }

  private void assertSame(Array array) {
    Volume volume = array.volume("v");
    MemorySegment read = MemorySegment.ofArray(new byte[content.length]);
    try (VolumeClient client = new VolumeClient(array, volume, 4, 1 << 20)) {
      client.readFully(0, read);
    }
    assertThat(read.mismatch(MemorySegment.ofArray(content))).isEqualTo(-1);
  }

  private static void format(TestDrives files, int drives, int data, int parity) {
    Array.format(files.paths.subList(0, drives), new FormatOptions(data, parity, 0, false));
    try (Array array = Array.assemble(files.paths.subList(0, drives), PLAIN)) {
      array.createVolume(new VolumeSpec("v", 24 << 20, data, parity, 65536, Toughness.HARDENED));
    }
  }

  private static void finish(Array array) throws InterruptedException {
    long until = System.nanoTime() + 120_000_000_000L;
    while (array.anythingToRebuild()) {
      assertThat(array.failure()).isNull();
      assertThat(System.nanoTime()).isLessThan(until);
      Thread.sleep(5);
    }
    assertThat(array.rebuilds()).isNotEmpty().allMatch(r -> r.lostBlocks() == 0);
  }

  private static void assertSound(List<Path> drives) {
    CheckReport report = ArrayCheck.run(drives, new NoProgress());
    assertThat(report.findings()).isEmpty();
  }

  private static final class NoProgress implements dev.tuff.iom.check.CheckProgress {
    @Override
    public void begin(long bytes) {}

    @Override
    public void advance(long bytes) {}
  }

  private static Replacement replacement(int index, Path drive) {
    return new Replacement(index, drive, false, false, false);
  }

  @Test
  void everythingIsOnTheNewDriveAndTheOldOneNeverComesBack() throws InterruptedException {
    try (TestDrives files = new TestDrives(6, DRIVE_BYTES)) {
      format(files, 5, 4, 1);
      put(files.paths.subList(0, 5), 1);
      List<Path> others = files.without(2, 5);
      List<Path> now = Array.replaceDrive(others, replacement(2, files.paths.get(5)));
      assertThat(now).hasSize(5);
      try (Array array = Array.assemble(now, PLAIN)) {
        write(array, 1 << 20, 1 << 20);
        finish(array);
        assertThat(array.status().drives().get(2).state()).isEqualTo("online");
        assertSame(array);
      }
      assertSound(now);
      // The old one is named, too, and left out.
      List<Path> all = new ArrayList<>(files.paths);
      try (Array array = Array.assemble(all, PLAIN)) {
        assertThat(array.status().degraded()).isFalse();
        assertThat(array.status().drives().get(2).path()).isEqualTo(files.paths.get(5).toString());
        assertSame(array);
      }
      // And another can be lost now.
      List<Path> without = new ArrayList<>(now);
      without.remove(files.paths.get(0));
      try (Array array = Array.assemble(without, LOOK)) {
        assertSame(array);
      }
    }
  }

  @Test
  void goesOnWhereItWasAndIsVisible() throws InterruptedException {
    try (TestDrives files = new TestDrives(6, DRIVE_BYTES)) {
      format(files, 5, 3, 2);
      put(files.paths.subList(0, 5), 2);
      Replacement replacement = replacement(1, files.paths.get(5));
      List<Path> now = Array.replaceDrive(files.without(1, 5), replacement);
      try (Array array = Array.assemble(now, LOOK)) {
        DriveInfo drive = array.status().drives().get(1);
        assertThat(drive.state()).isEqualTo("rebuilding");
        assertThat(drive.rebuild().percent()).isZero();
        assertThat(drive.rebuild().totalBytes()).isPositive();
        assertSame(array);
      }
      // Once more is no harm: it is what it was to become.
      assertThat(Array.replaceDrive(files.without(1), replacement)).containsExactlyElementsOf(now);
      try (Array array = Array.assemble(now, PLAIN)) {
        array.setRebuildPolicy(RebuildPolicy.SERVICE);
        write(array, 0, 1 << 20);
      }
      assertSound(now);
      try (Array array = Array.assemble(now, PLAIN)) {
        finish(array);
        assertSame(array);
      }
      assertSound(now);
    }
  }

  @Test
  void twoAtOnceAndAStaleOneAgain() throws InterruptedException {
    try (TestDrives files = new TestDrives(6, DRIVE_BYTES)) {
      format(files, 5, 3, 2);
      put(files.paths.subList(0, 5), 3);
      List<Path> others = files.without(0, 3, 5);
      List<Path> now = Array.replaceDrive(others, replacement(0, files.paths.get(5)));
      // The one of place 3 has missed that, and comes back.
      try (Array array = Array.assemble(now, PLAIN)) {
        write(array, 3 << 20, 1 << 20);
      }
      now = Array.replaceDrive(now, replacement(3, files.paths.get(3)));
      try (Array array = Array.assemble(now, PLAIN)) {
        finish(array);
        assertSame(array);
      }
      assertSound(now);
      List<Path> without = new ArrayList<>(now);
      without.remove(files.paths.get(1));
      without.remove(files.paths.get(4));
      try (Array array = Array.assemble(without, LOOK)) {
        assertSame(array);
      }
    }
  }

  /** A stale drive keeps what has not changed, unless it is not to be trusted. */
  @Test
  void theVeryDriveComesBackAndKeepsWhatItHas() throws InterruptedException {
    try (TestDrives files = new TestDrives(5, DRIVE_BYTES)) {
      format(files, 5, 3, 2);
      put(files.paths, 7);
      Path stale = files.paths.get(2);
      for (boolean fromNothing : new boolean[] {false, true}) {
        try (Array array = Array.assemble(files.without(2), PLAIN)) {
          byte[] piece = new byte[3 << 20];
          new Random(8).nextBytes(piece);
          System.arraycopy(piece, 0, content, 2 << 20, piece.length);
          write(array, 2 << 20, piece.length);
        }
        List<Path> now =
            Array.replaceDrive(
                files.without(2), new Replacement(2, stale, false, false, fromNothing));
        assertThat(Array.returned(stale)).isEqualTo(!fromNothing);
        RebuildInfo rebuild;
        try (Array array = Array.assemble(now, PLAIN)) {
          finish(array);
          assertSame(array);
          rebuild = array.rebuilds().getFirst();
        }
        assertSound(now);
        if (fromNothing) {
          assertThat(rebuild.keptBytes()).isZero();
        } else {
          // 3 MiB of 24 were written, and what is beside them in their groups.
          assertThat(rebuild.keptBytes()).isGreaterThan(6 * rebuild.rebuiltBytes());
        }
        List<Path> others = new ArrayList<>(now);
        others.remove(files.paths.get(0));
        others.remove(files.paths.get(4));
        try (Array array = Array.assemble(others, LOOK)) {
          assertSame(array);
        }
      }
    }
  }

  /** Of a volume of a tebibyte that is hardly written, all but that is passed over. */
  @Test
  void onlyWhatIsUsedIsRebuilt() throws InterruptedException {
    try (TestDrives files = new TestDrives(6, DRIVE_BYTES)) {
      Array.format(files.paths.subList(0, 5), new FormatOptions(4, 1, 0, false));
      long far = 777L << 30;
      byte[] piece = new byte[300_000];
      new Random(9).nextBytes(piece);
      try (Array array = Array.assemble(files.paths.subList(0, 5), PLAIN)) {
        array.createVolume(new VolumeSpec("v", 1L << 40, 4, 1, 65536, Toughness.HARDENED));
        try (VolumeClient client = new VolumeClient(array, array.volume("v"), 4, 1 << 20)) {
          client.writeFully(4096, MemorySegment.ofArray(piece), Toughness.HARDENED);
          client.writeFully(far, MemorySegment.ofArray(piece), Toughness.HARDENED);
        }
      }
      List<Path> now = Array.replaceDrive(files.without(3, 5), replacement(3, files.paths.get(5)));
      try (Array array = Array.assemble(now, PLAIN)) {
        long begun = System.nanoTime();
        finish(array);
        assertThat(System.nanoTime() - begun).isLessThan(30_000_000_000L);
        assertThat(array.rebuilds().getFirst().totalBytes()).isBetween(100_000L, 400_000L);
        MemorySegment read = MemorySegment.ofArray(new byte[piece.length]);
        try (VolumeClient client = new VolumeClient(array, array.volume("v"), 4, 1 << 20)) {
          client.readFully(far, read);
        }
        assertThat(read.mismatch(MemorySegment.ofArray(piece))).isEqualTo(-1);
      }
      assertSound(now);
    }
  }

  @Test
  void refusesWhatCanNotBe() {
    try (TestDrives files = new TestDrives(6, DRIVE_BYTES);
        TestDrives small = new TestDrives(1, DRIVE_BYTES - (8 << 20));
        TestDrives foreign = new TestDrives(2, DRIVE_BYTES)) {
      format(files, 5, 4, 1);
      Array.format(foreign.paths, new FormatOptions(1, 1, 0, false));
      Path fresh = files.paths.get(5);
      List<Path> others = files.without(2, 5);
      assertRefused(files.without(5), replacement(2, fresh), "Drive 2 is there", "--fail");
      assertRefused(others, replacement(7, fresh), "none of number 7");
      assertRefused(others, replacement(2, small.paths.get(0)), "at least as large");
      assertRefused(others, replacement(2, foreign.paths.get(0)), "belongs to array", "--force");
      assertRefused(others, replacement(2, Path.of("/no/such/drive")), "does not exist");
      assertRefused(others, replacement(2, Path.of("/tmp")), "is a directory");
      assertRefused(others, replacement(2, others.get(0)), "more than its protection");
      assertRefused(files.without(1, 2, 5), replacement(2, fresh), "more than its protection");
      try (Array array = Array.assemble(others, LOOK)) {
        assertRefused(others, replacement(2, fresh), "in use");
        assertThat(array.status().degraded()).isTrue();
      }
      // Nothing was changed.
      assertThat(DriveLabel.read(fresh).superblock()).isNull();
      try (Array array = Array.assemble(files.without(5), PLAIN)) {
        assertThat(array.status().degraded()).isFalse();
      }
    }
  }

  private static void assertRefused(List<Path> drives, Replacement wanted, String... words) {
    assertThatThrownBy(() -> Array.replaceDrive(drives, wanted))
        .isInstanceOf(ArrayException.class)
        .hasMessageContainingAll(words);
  }

  @Test
  void oneThatWorksIsReplacedWhenItIsToBeFailed() throws InterruptedException {
    try (TestDrives files = new TestDrives(6, DRIVE_BYTES)) {
      format(files, 5, 4, 1);
      put(files.paths.subList(0, 5), 4);
      List<Path> now =
          Array.replaceDrive(
              files.without(5), new Replacement(4, files.paths.get(5), true, false, false));
      assertThat(now).doesNotContain(files.paths.get(4));
      try (Array array = Array.assemble(files.paths, PLAIN)) {
        finish(array);
        assertSame(array);
      }
      assertSound(now);
    }
  }
}
