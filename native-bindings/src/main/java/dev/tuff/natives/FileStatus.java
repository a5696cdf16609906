package dev.tuff.natives;

import dev.tuff.natives.generated.linux.Linux;

/**
 * What statx(2) says of a file.
 *
 * @param sizeBytes length of a regular file; 0 for a block device, see {@link NativeFile#sizeBytes}
 * @param mode type and permission bits
 * @param device the file system's device number, as {@link #deviceNumber} makes it
 * @param inode the file's number in that file system
 * @param specialDevice the number of the device that a block or character special file stands for,
 *     0 for others
 * @param allocatedBytes space taken on the file system; less than {@code sizeBytes} for a sparse
 *     file
 * @param directMemoryAlignment alignment in bytes of buffers for O_DIRECT; 0 where kernel (before
 *     6.1) or file system does not say, or has no O_DIRECT
 * @param directOffsetAlignment alignment in bytes of offset and length for O_DIRECT; 0 likewise
 */
public record FileStatus(
    long sizeBytes,
    int mode,
    long device,
    long inode,
    long specialDevice,
    long allocatedBytes,
    int directMemoryAlignment,
    int directOffsetAlignment) {

  public boolean isRegular() {
    return (mode & Linux.S_IFMT()) == Linux.S_IFREG();
  }

  public boolean isBlockDevice() {
    return (mode & Linux.S_IFMT()) == Linux.S_IFBLK();
  }

  public boolean isCharacterDevice() {
    return (mode & Linux.S_IFMT()) == Linux.S_IFCHR();
  }

  /** Major number in the upper, minor number in the lower 32 bits. */
  public static long deviceNumber(int major, int minor) {
    return ((long) major << 32) | (minor & 0xFFFF_FFFFL);
  }

  /** The name of {@code specialDevice} in {@code /sys/dev/block}: {@code major:minor}. */
  public String specialDeviceName() {
    return (specialDevice >>> 32) + ":" + (specialDevice & 0xFFFF_FFFFL);
  }
}
