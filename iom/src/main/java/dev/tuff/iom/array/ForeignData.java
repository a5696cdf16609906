package dev.tuff.iom.array;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;

/**
 * Recognises what other systems leave at the start of a drive, so that a slip of the finger does
 * not format it away.
 */
final class ForeignData {
  private static final class Signature {
    private final String what;
    private final long offset;
    private final byte[] bytes;

    Signature(String what, long offset, byte[] bytes) {
      this.what = what;
      this.offset = offset;
      this.bytes = bytes;
    }
  }

  private static final List<Signature> SIGNATURES =
      List.of(
          new Signature("an ext2/3/4 file system", 0x438, new byte[] {0x53, (byte) 0xEF}),
          text("an XFS file system", 0, "XFSB"),
          text("a btrfs file system", 0x10040, "_BHRfS_M"),
          text("an LVM physical volume", 512, "LABELONE"),
          text("a GUID partition table", 512, "EFI PART"),
          text("a GUID partition table", 4096, "EFI PART"),
          text("a LUKS container", 0, "LUKS"),
          text("swap space", 4086, "SWAPSPACE2"),
          text("an NTFS file system", 3, "NTFS    "),
          new Signature(
              "a Linux md member", 4096, new byte[] {(byte) 0xfc, 0x4e, 0x2b, (byte) 0xa9}));

  private ForeignData() {}

  private static Signature text(String what, long offset, String text) {
    return new Signature(what, offset, text.getBytes(StandardCharsets.US_ASCII));
  }

  /** What is on the drive, in words, or null when nothing known is. */
  static String find(Path path) {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      for (Signature signature : SIGNATURES) {
        ByteBuffer found = ByteBuffer.allocate(signature.bytes.length);
        channel.read(found, signature.offset);
        if (!found.hasRemaining() && Arrays.equals(found.array(), signature.bytes)) {
          return signature.what;
        }
      }
      return null;
    } catch (IOException e) {
      throw new ArrayException(path + " could not be read: " + e.getMessage(), e);
    }
  }
}
