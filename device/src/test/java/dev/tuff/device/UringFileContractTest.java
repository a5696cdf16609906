package dev.tuff.device;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The contract over an image file on the real ring. */
final class UringFileContractTest extends DeviceContractTest {
  // Beside the build's other output: a temporary folder may be in memory and without O_DIRECT.
  @TempDir(factory = BuildFolder.class)
  Path folder;

  @Override
  IoMemory memory(long bytes) {
    return IoMemory.open(bytes);
  }

  @Override
  IoLoop loop(IoMemory memory) {
    return UringLoop.open(memory, 2, 2 * DEPTH);
  }

  @Override
  BlockDevice device(IoLoop loop) throws IOException {
    Path file = folder.resolve("image");
    Files.write(file, new byte[DEVICE_BYTES]);
    return UringDevice.open((UringLoop) loop, file, new DeviceOptions(DEPTH));
  }

  @Test
  void refusesBuffersOfOtherMemory() {
    try (IoMemory other = memory(BLOCK)) {
      IoBuffer foreign = other.buffers(1, BLOCK)[0];
      assertThatThrownBy(
              () -> device.submit(new IoRequest(r -> {}, this).read(0, BLOCK, foreign, 0)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
