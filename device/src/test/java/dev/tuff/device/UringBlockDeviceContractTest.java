package dev.tuff.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The contract over a block device, a loop device on an image; needs the right to make one. */
final class UringBlockDeviceContractTest extends DeviceContractTest {
  @TempDir(factory = BuildFolder.class)
  Path folder;

  private LoopDrive drive;

  @Override
  IoMemory memory(long bytes) {
    return IoMemory.open(bytes);
  }

  @Override
  IoLoop loop(IoMemory memory) {
    return UringLoop.open(memory, 2, 2 * DEPTH);
  }

  @Override
  BlockDevice device(IoLoop loop) throws Exception {
    Path image = folder.resolve("image");
    Files.write(image, new byte[DEVICE_BYTES]);
    drive = LoopDrive.attach(image);
    return UringDevice.open((UringLoop) loop, drive.path(), new DeviceOptions(DEPTH));
  }

  @AfterEach
  void detach() throws Exception {
    if (drive != null) {
      drive.detach();
    }
  }

  @Test
  void knowsItsBlocksAndItsCache() throws Exception {
    assertThat(device.geometry().logicalBlockBytes()).isEqualTo(512);
    assertThat(device.geometry().alignmentBytes()).isLessThanOrEqualTo(4096);
    String queue = "/sys/block/" + drive.path().getFileName() + "/queue/";
    assertThat(device.geometry().volatileCache())
        .isEqualTo(
            !Files.readString(Path.of(queue, "write_cache")).strip().equals("write through"));
  }

  @Test
  void isOpenOnce() {
    assertThatThrownBy(() -> UringDevice.open((UringLoop) loop, drive.path(), new DeviceOptions(1)))
        .isInstanceOf(DriveUnusableException.class)
        .hasMessageContaining("is in use")
        .hasMessageStartingWith(drive.path().toString());
    device.close();
    device = UringDevice.open((UringLoop) loop, drive.path(), new DeviceOptions(1));
  }
}
