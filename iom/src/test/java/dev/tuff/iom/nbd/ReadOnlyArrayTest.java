package dev.tuff.iom.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.AssembleOptions;
import dev.tuff.iom.array.FormatOptions;
import dev.tuff.iom.array.VolumeSpec;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Exports of an array that takes no writes. */
class ReadOnlyArrayTest {
  private static final int WRITES = Nbd.FLAG_SEND_TRIM | Nbd.FLAG_SEND_WRITE_ZEROES;

  @Test
  void everyExportOfItIsReadOnly(@TempDir Path folder) throws Exception {
    List<Path> drives = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      Path drive = folder.resolve("d" + i);
      try (RandomAccessFile file = new RandomAccessFile(drive.toFile(), "rw")) {
        file.setLength(64 << 20);
      }
      drives.add(drive.toAbsolutePath());
    }
    Array.format(drives, new FormatOptions(2, 1, 0, false));
    try (Array array = Array.assemble(drives, new AssembleOptions(2, false, false))) {
      array.createVolume(VolumeSpec.of("v", 1 << 20));
      int flags = new Export("v", "", array.volume("v"), false, 0).transmissionFlags(false);
      assertThat(flags & Nbd.FLAG_READ_ONLY).isZero();
      assertThat(flags & WRITES).isEqualTo(WRITES);
    }
    try (Array array = Array.assemble(drives, new AssembleOptions(2, true, false))) {
      int flags = new Export("v", "", array.volume("v"), false, 0).transmissionFlags(false);
      assertThat(flags & Nbd.FLAG_READ_ONLY).isNotZero();
      assertThat(flags & WRITES).isZero();
    }
  }
}
