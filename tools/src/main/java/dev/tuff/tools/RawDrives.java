package dev.tuff.tools;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.DeviceOptions;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoHandler;
import dev.tuff.device.IoMemory;
import dev.tuff.device.IoRequest;
import dev.tuff.device.IoResult;
import dev.tuff.device.UringDevice;
import dev.tuff.device.UringLoop;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Drives without an array: writes and reads them sequentially, all at the same time, 1 MiB and
 * {@link Transfer#DEPTH} requests in flight in all, as {@link Transfer} does it to a volume. Used
 * by the thread that opened it.
 */
final class RawDrives implements IoHandler, AutoCloseable {
  private static final int BLOCK_BYTES = Transfer.REQUEST_BYTES;

  private final IoMemory memory = IoMemory.open((long) Transfer.DEPTH * BLOCK_BYTES);
  private final UringLoop loop;
  private final List<BlockDevice> drives = new ArrayList<>();
  private final IoRequest[] requests = new IoRequest[Transfer.DEPTH];
  private final IoBuffer[] buffers;
  private int inFlight;
  private IoRequest failed;
  private Progress progress;

  RawDrives(List<Path> paths) {
    loop = UringLoop.open(memory, paths.size(), paths.size() * Transfer.DEPTH);
    for (Path path : paths) {
      drives.add(UringDevice.open(loop, path, new DeviceOptions(Transfer.DEPTH)));
    }
    buffers = memory.buffers(Transfer.DEPTH, BLOCK_BYTES);
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < requests.length; i++) {
      requests[i] = new IoRequest(this, this);
      for (long at = 0; at < BLOCK_BYTES; at += Long.BYTES) {
        buffers[i].segment().set(ValueLayout.JAVA_LONG, at, random.nextLong());
      }
    }
  }

  /**
   * Overwrites the first {@code bytesEach} (multiple of 1 MiB) of every drive with what does not
   * compress, and flushes. Returns seconds.
   */
  double write(long bytesEach, Progress shown) {
    return run(bytesEach, true, shown);
  }

  /** Reads them likewise. */
  double read(long bytesEach, Progress shown) {
    return run(bytesEach, false, shown);
  }

  private double run(long bytesEach, boolean writing, Progress shown) {
    progress = shown;
    long began = System.nanoTime();
    long blocks = bytesEach / BLOCK_BYTES * drives.size();
    for (long block = 0; block < blocks; block++) {
      int free = awaitFree();
      BlockDevice drive = drives.get((int) (block % drives.size()));
      long offset = block / drives.size() * BLOCK_BYTES;
      if (writing) {
        // Every block differs, so that nothing below can share them.
        buffers[free].segment().set(ValueLayout.JAVA_LONG, 0, block);
        submit(drive, requests[free].write(offset, BLOCK_BYTES, buffers[free], 0));
      } else {
        submit(drive, requests[free].read(offset, BLOCK_BYTES, buffers[free], 0));
      }
    }
    awaitAll();
    if (writing) {
      for (BlockDevice drive : drives) {
        submit(drive, requests[awaitFree()].flush());
      }
      awaitAll();
    }
    return (System.nanoTime() - began) / 1e9;
  }

  private void submit(BlockDevice drive, IoRequest request) {
    inFlight++;
    drive.submit(request);
  }

  private int awaitFree() {
    while (inFlight == requests.length) {
      loop.await(-1);
    }
    check();
    for (int i = 0; i < requests.length; i++) {
      if (!requests[i].inFlight()) {
        return i;
      }
    }
    throw new IllegalStateException("no request is free, and " + inFlight + " are in flight");
  }

  private void awaitAll() {
    while (inFlight > 0) {
      loop.await(-1);
    }
    check();
  }

  private void check() {
    if (failed != null) {
      throw new CommandException("a drive failed while it was measured: " + failed);
    }
  }

  @Override
  public void onIo(IoRequest request) {
    inFlight--;
    progress.advance(request.lengthBytes());
    if (request.result() != IoResult.OK) {
      failed = request;
    }
  }

  @Override
  public void close() {
    while (inFlight > 0) {
      loop.await(-1);
    }
    drives.forEach(BlockDevice::close);
    loop.close();
    memory.close();
  }
}
