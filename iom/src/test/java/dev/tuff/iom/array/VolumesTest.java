package dev.tuff.iom.array;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.volume.RequestHandler;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.Volume;
import dev.tuff.iom.volume.VolumeException;
import dev.tuff.iom.volume.VolumeInfo;
import dev.tuff.iom.volume.VolumeRequest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Several volumes in one array of image files: deletion, and each with a protection of its own. */
class VolumesTest {
  private static final long DRIVE_BYTES = 64 << 20;
  private static final int BYTES = 3 << 20;

  private static byte[] content(long seed) {
    byte[] bytes = new byte[BYTES];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static void write(Array array, String volume, byte[] content) {
    try (VolumeClient client = new VolumeClient(array, array.volume(volume), 2, 256 << 10)) {
      client.writeFully(0, MemorySegment.ofArray(content), Toughness.HARDENED);
    }
  }

  private static void assertHolds(Array array, String volume, byte[] content) {
    try (Arena arena = Arena.ofConfined();
        VolumeClient client = new VolumeClient(array, array.volume(volume), 2, 256 << 10)) {
      MemorySegment read = arena.allocate(content.length);
      client.readFully(0, read);
      assertThat(MemorySegment.ofArray(content).mismatch(read)).as(volume).isEqualTo(-1);
    }
  }

  private static void awaitFreed(Array array) throws InterruptedException {
    while (array.bytesBeingFreed() > 0) {
      Thread.sleep(1);
    }
  }

  private static VolumeInfo info(Array array, String name) {
    return array.status().volumes().stream()
        .filter(volume -> volume.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aDeletedVolumeIsGoneAndItsNameIsFree() throws InterruptedException {
    try (TestDrives files = new TestDrives(5, DRIVE_BYTES)) {
      Array.format(files.paths, new FormatOptions(4, 1, 0, false));
      long gfid;
      try (Array array = Array.assemble(files.paths, new AssembleOptions(2, false, false))) {
        array.createVolume(VolumeSpec.of("keep", BYTES));
        write(array, "keep", content(1));
        final long free = array.status().freeBytes();
        gfid = array.createVolume(VolumeSpec.of("drop", 1L << 40)).gfid();
        write(array, "drop", content(2));
        var handle = array.volume("drop");
        try (VolumeClient client = new VolumeClient(array, handle, 1, 4096)) {
          array.deleteVolume("drop");
          assertThatThrownBy(() -> client.flush())
              .isInstanceOfSatisfying(
                  VolumeException.class,
                  e -> assertThat(e.result()).isEqualTo(RequestResult.DELETED));
        }
        assertThatThrownBy(() -> array.volume("drop")).hasMessageContaining("no volume named drop");
        assertThatThrownBy(() -> array.deleteVolume("drop")).isInstanceOf(ArrayException.class);
        awaitFreed(array);
        assertThat(array.status().freeBytes()).isEqualTo(free);
        assertThat(array.createVolume(VolumeSpec.of("drop", BYTES)).gfid()).isGreaterThan(gfid);
        write(array, "drop", content(3));
      }
      try (Array array = Array.assemble(files.paths, new AssembleOptions(2, false, false))) {
        assertThat(array.status().volumes())
            .extracting(VolumeInfo::name)
            .containsExactlyInAnyOrder("keep", "drop");
        assertHolds(array, "keep", content(1));
        assertHolds(array, "drop", content(3));
        assertThat(array.bytesBeingFreed()).isZero();
      }
    }
  }

  /**
   * A request that waits for its turn on another shard could store something behind the removal.
   */
  @Test
  void itsSpaceIsFreedWhenRequestsFromBeforeAreOver() throws Exception {
    try (TestDrives files = new TestDrives(2, 4 * DRIVE_BYTES)) {
      Array.format(files.paths, new FormatOptions(1, 1, 0, false));
      try (Array array = Array.assemble(files.paths, new AssembleOptions(2, false, false))) {
        array.createVolume(VolumeSpec.of("keep", DRIVE_BYTES));
        long gfid = array.createVolume(VolumeSpec.of("drop", BYTES)).gfid();
        Volume volume = array.volume("drop");
        int other = 1 - volume.stripeShard();
        // One after the other.
        final CompletableFuture<RequestResult> first = zero(array, array.volume("keep"), other);
        final CompletableFuture<RequestResult> zeros = zero(array, volume, other);
        array.deleteVolume("drop");
        awaitFreed(array);
        assertThat(zeros.get()).isEqualTo(RequestResult.OK);
        assertThat(mapped(array, gfid)).isZero();
        assertThat(first.get()).isEqualTo(RequestResult.OK);
      }
    }
  }

  /** Begins to write zeros that take their places to all of a volume. */
  private static CompletableFuture<RequestResult> zero(Array array, Volume volume, int shard) {
    CompletableFuture<RequestResult> released = new CompletableFuture<>();
    RequestHandler handler =
        new RequestHandler() {
          @Override
          public void onDone(VolumeRequest done) {
            // Over when all of it is closed.
          }

          @Override
          public void onReleased(VolumeRequest done) {
            released.complete(done.result());
          }
        };
    VolumeRequest request = new VolumeRequest(shard, handler, released);
    CompletableFuture<Boolean> submitted = new CompletableFuture<>();
    array.execute(
        shard,
        () -> {
          volume.submit(request.writeZeroes(0, volume.sizeBytes(), true, Toughness.HARDENED));
          submitted.complete(true);
        });
    array.await(submitted);
    return released;
  }

  private static long mapped(Array array, long gfid) {
    long mapped = 0;
    for (int d = 0; d < array.driveCount(); d++) {
      mapped +=
          array.await(
              array.<Long>onIom(
                  d,
                  (iom, done) -> {
                    Cnode cnode = iom.rooms().cnode(gfid);
                    done.complete(cnode.mappedDataBlocks() + cnode.mappedParityBlocks());
                  }));
    }
    return mapped;
  }

  @Test
  void volumesOfDifferentProtectionLiveSideBySide() {
    int drives = 6;
    try (TestDrives files = new TestDrives(drives, DRIVE_BYTES)) {
      Array.format(files.paths, new FormatOptions(4, 2, 0, false));
      Map<String, int[]> protections = new LinkedHashMap<>();
      protections.put("mirror", new int[] {1, 1});
      protections.put("2+2", new int[] {2, 2});
      protections.put("4+1", new int[] {4, 1});
      protections.put("4+2", new int[] {4, 2});
      protections.put("plain", new int[] {3, 0});
      try (Array array = Array.assemble(files.paths, new AssembleOptions(2, false, false))) {
        for (Map.Entry<String, int[]> each : protections.entrySet()) {
          array.createVolume(
              new VolumeSpec(
                  each.getKey(),
                  BYTES,
                  each.getValue()[0],
                  each.getValue()[1],
                  16 << 10,
                  Toughness.HARDENED));
          write(array, each.getKey(), content(each.getKey().hashCode()));
        }
        assertThat(info(array, "plain").lossesSurvived()).isZero();
        assertThat(info(array, "mirror").lossesSurvived()).isEqualTo(1);
        assertThat(info(array, "4+2").lossesSurvived()).isEqualTo(2);
      }
      for (int gone = 0; gone < drives; gone++) {
        try (Array array =
            Array.assemble(files.without(gone), new AssembleOptions(2, true, false))) {
          for (String name : protections.keySet()) {
            if (name.equals("plain")) {
              assertThatThrownBy(() -> assertHolds(array, name, content(name.hashCode())))
                  .isInstanceOfSatisfying(
                      VolumeException.class,
                      e -> assertThat(e.result()).isEqualTo(RequestResult.IO_ERROR))
                  .hasMessageContaining("plain could not be read");
              assertThat(info(array, name).lossesSurvived()).isNegative();
            } else {
              assertHolds(array, name, content(name.hashCode()));
            }
          }
        }
      }
    }
  }
}
