package dev.tuff.device;

import dev.tuff.device.DriveUnusableException.Reason;
import dev.tuff.natives.Errno;
import dev.tuff.natives.FileStatus;
import dev.tuff.natives.InUseException;
import dev.tuff.natives.NativeFile;
import dev.tuff.natives.Posix;
import dev.tuff.natives.PosixException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Opens drives, or says in one sentence why not, and finds out what they are. */
final class DriveProbe {
  private static final int BLOCK_BYTES = 4096;
  private static final System.Logger LOGGER = System.getLogger(DriveProbe.class.getName());
  private static final Path LOOP_DEVICES = Path.of("/sys/block");
  private static final Path BLOCK_DEVICES = Path.of("/sys/dev/block");

  private DriveProbe() {}

  /** Opens for reading and writing, past the page cache, for this process alone. */
  static NativeFile open(Path path) {
    FileStatus status;
    try {
      status = Posix.status(path.toString());
    } catch (PosixException e) {
      throw refused(path, e);
    }
    if (!status.isRegular() && !status.isBlockDevice()) {
      throw new DriveUnusableException(
          Reason.NOT_A_DRIVE,
          path + " is " + kindOf(path) + "; a drive must be a block device or an image file");
    }
    if (status.isRegular()) {
      requireNoLoopDevice(path);
    }
    try {
      return NativeFile.open(
          path, NativeFile.Option.WRITE, NativeFile.Option.DIRECT, NativeFile.Option.EXCLUSIVE);
    } catch (InUseException e) {
      throw new DriveUnusableException(Reason.IN_USE, e.getMessage(), e);
    } catch (PosixException e) {
      throw refused(path, e);
    }
  }

  /** A file behind a loop device is locked by nobody, but may well be mounted. */
  private static void requireNoLoopDevice(Path path) {
    try (DirectoryStream<Path> devices = Files.newDirectoryStream(LOOP_DEVICES, "loop*")) {
      String real = path.toRealPath().toString();
      for (Path device : devices) {
        if (setting(device, "loop/backing_file").equals(real)) {
          throw new DriveUnusableException(
              Reason.IN_USE,
              path
                  + " is in use by /dev/"
                  + device.getFileName()
                  + "; give that path, or detach it: losetup -d /dev/"
                  + device.getFileName());
        }
      }
    } catch (IOException e) {
      // Where sysfs is not to be seen nothing is known against the file.
      LOGGER.log(System.Logger.Level.DEBUG, "loop devices could not be listed", e);
    }
  }

  private static String kindOf(Path path) {
    return Files.isDirectory(path) ? "a directory" : "neither a file nor a block device";
  }

  private static DriveUnusableException refused(Path path, PosixException e) {
    int errno = e.errno();
    if (errno == Errno.ENOENT || errno == Errno.ENOTDIR) {
      return new DriveUnusableException(
          Reason.MISSING,
          path + " does not exist; give the path of a block device or an image file",
          e);
    }
    if (errno == Errno.EROFS) {
      return new DriveUnusableException(
          Reason.READ_ONLY, path + " is on a read-only file system; a drive must be writable", e);
    }
    if (errno == Errno.EACCES || errno == Errno.EPERM) {
      if (Files.isWritable(path)) {
        return readOnly(path, e);
      }
      return new DriveUnusableException(
          Reason.NOT_PERMITTED,
          path
              + " may not be opened for reading and writing; run as a user who may, or change its permissions",
          e);
    }
    if (errno == Errno.EINVAL) {
      return new DriveUnusableException(
          Reason.NO_DIRECT_IO,
          path + " is on a file system without O_DIRECT; put it on ext4, xfs or the like",
          e);
    }
    if (errno == Errno.ENXIO || errno == Errno.ENODEV) {
      return new DriveUnusableException(
          Reason.MISSING, path + " has no device behind it; check that it is attached", e);
    }
    return new DriveUnusableException(
        Reason.FAILED, path + " could not be opened: " + Errno.describe(errno), e);
  }

  private static DriveUnusableException readOnly(Path path, Throwable cause) {
    return new DriveUnusableException(
        Reason.READ_ONLY, path + " is set read-only or immutable; a drive must be writable", cause);
  }

  /** What an open drive is; refuses one that does not serve. */
  static Geometry geometry(NativeFile file, long minimumBytes) {
    FileStatus status = file.status();
    boolean block = status.isBlockDevice();
    int logical = block ? file.logicalBlockBytes() : Math.max(512, status.directOffsetAlignment());
    int physical = block ? Math.max(logical, Posix.physicalBlockBytes(file.fd())) : BLOCK_BYTES;
    int alignment = alignment(status, block, logical);
    if (alignment > BLOCK_BYTES || Integer.bitCount(alignment) != 1) {
      throw new DriveUnusableException(
          Reason.NO_DIRECT_IO,
          file.path()
              + " has blocks of "
              + alignment
              + " bytes; a drive must take transfers of 4096 bytes");
    }
    long size = file.sizeBytes() & -BLOCK_BYTES;
    long minimum = Math.max(minimumBytes, BLOCK_BYTES);
    if (size < minimum) {
      throw new DriveUnusableException(
          Reason.TOO_SMALL,
          file.path() + " has " + file.sizeBytes() + " bytes; at least " + minimum + " are needed");
    }
    if (!block) {
      return new Geometry(size, logical, physical, alignment, true, true);
    }
    Path folder = folderOf(status);
    if (setting(folder, "ro").equals("1")) {
      throw readOnly(file.path(), null);
    }
    // Where the kernel does not say, a cache is assumed: a needless flush is slow, a missing one
    // loses data.
    boolean volatileCache = !queueSetting(folder, "write_cache").equals("write through");
    boolean discard = !queueSetting(folder, "write_zeroes_max_bytes").equals("0");
    return new Geometry(size, logical, physical, alignment, volatileCache, discard);
  }

  private static int alignment(FileStatus status, boolean block, int logical) {
    int known = Math.max(status.directOffsetAlignment(), status.directMemoryAlignment());
    if (known > 0) {
      return Math.max(known, logical);
    }
    return block ? logical : BLOCK_BYTES;
  }

  /** Where the kernel describes a block device; null where it does not. */
  private static Path folderOf(FileStatus status) {
    try {
      return BLOCK_DEVICES.resolve(status.specialDeviceName()).toRealPath();
    } catch (IOException e) {
      return null;
    }
  }

  /** A setting of the request queue; a partition has its drive's. */
  private static String queueSetting(Path folder, String name) {
    if (folder == null) {
      return "";
    }
    boolean partition = Files.exists(folder.resolve("partition"));
    return setting(partition ? folder.getParent() : folder, "queue/" + name);
  }

  /** Empty where the kernel does not say. */
  private static String setting(Path folder, String name) {
    if (folder == null) {
      return "";
    }
    try {
      return Files.readString(folder.resolve(name)).strip();
    } catch (IOException e) {
      return "";
    }
  }
}
