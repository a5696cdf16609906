package dev.tuff.iom.simulation;

import dev.tuff.device.DeviceOptions;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import dev.tuff.device.IoRequest;
import dev.tuff.device.IoResult;
import dev.tuff.device.SimulatedDevice;
import dev.tuff.device.SimulatedDrive;
import dev.tuff.device.SimulatedLoop;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.journal.JournalReader;
import java.lang.foreign.MemorySegment;

/** A simulated drive that no array runs on, read and written block by block. */
final class SimulatedMedia implements JournalReader.BlockSource, AutoCloseable {
  private static final int BLOCKS = 32;

  private final SimulatedLoop loop = new SimulatedLoop(0);
  private final SimulatedDevice device;
  private final IoBuffer buffer;
  private final IoRequest request = new IoRequest(done -> {}, this);

  SimulatedMedia(SimulatedDrive drive) {
    device = SimulatedDevice.open(loop, drive, new DeviceOptions(1, 0));
    buffer = IoMemory.plain(BLOCKS * Drive.BLOCK_BYTES).buffers(1, BLOCKS * Drive.BLOCK_BYTES)[0];
  }

  @Override
  public void read(long address, int blocks, MemorySegment target) {
    for (int done = 0; done < blocks; done += BLOCKS) {
      int now = Math.min(BLOCKS, blocks - done);
      device.submit(
          request.read((address + done) * Drive.BLOCK_BYTES, now * Drive.BLOCK_BYTES, buffer, 0));
      while (request.inFlight()) {
        loop.await(-1);
      }
      if (request.result() != IoResult.OK) {
        throw new IllegalStateException(request.toString());
      }
      MemorySegment.copy(
          buffer.segment(),
          0,
          target,
          (long) done * Drive.BLOCK_BYTES,
          (long) now * Drive.BLOCK_BYTES);
    }
  }

  long sizeBytes() {
    return device.geometry().sizeBytes();
  }

  /** Writes one block, hardened. */
  void write(long address, MemorySegment block) {
    MemorySegment.copy(block, 0, buffer.segment(), 0, Drive.BLOCK_BYTES);
    device.submit(request.writeDurable(address * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES, buffer, 0));
    while (request.inFlight()) {
      loop.await(-1);
    }
    if (request.result() != IoResult.OK) {
      throw new IllegalStateException(request.toString());
    }
  }

  @Override
  public void close() {
    device.close();
    loop.close();
  }
}
