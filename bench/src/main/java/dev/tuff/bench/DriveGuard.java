package dev.tuff.bench;

import dev.tuff.natives.NativeFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** Keeps a measurement that writes from a drive that holds something. */
final class DriveGuard {
  private static final int LOOK_BYTES = 128 << 10;

  /** A thing that announces itself by bytes at a place. */
  private record Signature(String what, int offset, String hex) {}

  // As in blkid(8) and the systems' own headers.
  private static final List<Signature> SIGNATURES =
      List.of(
          new Signature("a Tuff array", 0, "54554646"),
          new Signature("an ext file system", 1080, "53ef"),
          new Signature("an XFS file system", 0, "58465342"),
          new Signature("a Btrfs file system", 65600, "5f42485266535f4d"),
          new Signature("an F2FS file system", 1024, "1020f5f2"),
          new Signature("an encrypted volume", 0, "4c554b53babe"),
          new Signature("an LVM volume", 512, "4c4142454c4f4e45"),
          new Signature("a member of a Linux array", 4096, "fc4e2ba9"),
          new Signature("a member of a Linux array", 0, "fc4e2ba9"),
          new Signature("swap space", 4086, "53574150535041434532"),
          new Signature("a partition table", 512, "4546492050415254"),
          new Signature("a partition table or boot sector", 510, "55aa"));

  private DriveGuard() {}

  /**
   * What the drive seems to hold, empty where none of the known signatures is there. For ZFS, RAID
   * metadata at the end and others not in the list it cannot speak: the caller asks for the
   * destructive flag in any case.
   */
  static Optional<String> content(Path drive) {
    try (Arena arena = Arena.ofConfined();
        NativeFile file = NativeFile.open(drive)) {
      int length = (int) Math.min(LOOK_BYTES, file.sizeBytes());
      MemorySegment head = arena.allocate(LOOK_BYTES, 4096);
      for (long at = 0; at < length; ) {
        long got = file.read(head.asSlice(at, length - at), at);
        if (got <= 0) {
          break;
        }
        at += got;
      }
      for (Signature signature : SIGNATURES) {
        byte[] expected = HexFormat.of().parseHex(signature.hex);
        byte[] there =
            head.asSlice(signature.offset, expected.length).toArray(ValueLayout.JAVA_BYTE);
        if (Arrays.equals(there, expected)) {
          return Optional.of(signature.what);
        }
      }
      return Optional.empty();
    }
  }
}
