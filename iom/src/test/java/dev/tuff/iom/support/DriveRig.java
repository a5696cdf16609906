package dev.tuff.iom.support;

import dev.tuff.device.DeviceOptions;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import dev.tuff.device.IoRequest;
import dev.tuff.device.IoResult;
import dev.tuff.device.SimulatedDevice;
import dev.tuff.device.SimulatedDrive;
import dev.tuff.device.SimulatedLoop;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.drive.HangWatch;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** A simulated drive with everything above it that a side room needs; survives crashes. */
public final class DriveRig {
  private static final int TRANSFER_BYTES = 128 << 10;

  /** How long the drive may take for a request. */
  public static final long HANG_NANOS = 400_000_000;

  /** What outlives a crash. */
  public final SimulatedDrive medium;

  /** What the drive reported of its own failure. */
  public final List<String> failures = new ArrayList<>();

  private final IoMemory memory;
  private final IoBuffer transfer;
  private final long seed;
  private int opened;
  private SimulatedLoop loop;
  private SimulatedDevice device;
  private Drive drive;

  public DriveRig(long seed, long blocks, long memoryBytes) {
    this.seed = seed;
    this.medium = new SimulatedDrive("drive", blocks * Drive.BLOCK_BYTES, true, seed);
    this.memory = IoMemory.plain(memoryBytes + TRANSFER_BYTES);
    this.transfer = memory.buffers(1, TRANSFER_BYTES)[0];
    open();
  }

  private void open() {
    loop = new SimulatedLoop(seed + ++opened);
    device = SimulatedDevice.open(loop, medium, new DeviceOptions(32));
    drive =
        new Drive(device, (failed, what) -> failures.add(what), new HangWatch(loop, HANG_NANOS));
  }

  /** The drive as it is open now; another one after {@link #crash}. */
  public Drive drive() {
    return drive;
  }

  public SimulatedDevice device() {
    return device;
  }

  /** Buffers of the rig's memory. */
  public IoBuffer[] buffers(int count, int bytesEach) {
    return memory.buffers(count, bytesEach);
  }

  /** The loop's time. */
  public long nanoTime() {
    return loop.nanoTime();
  }

  /** Lets time go on to the next completion or timer; false when there will be none. */
  public boolean step() {
    if (loop.nextDueNanos() == Long.MAX_VALUE) {
      return false;
    }
    loop.await(-1);
    return true;
  }

  /** Lets time go on until nothing is in flight. */
  public void settle() {
    while (step()) {}
  }

  /** Cuts the power and opens the drive again. */
  public void crash() {
    medium.crash();
    open();
  }

  /** Reads blocks as they stand on the drive. */
  public void read(long address, int blocks, MemorySegment target) {
    int bytes = blocks * Drive.BLOCK_BYTES;
    IoRequest request = new IoRequest(done -> {}, this);
    finish(request.read(address * Drive.BLOCK_BYTES, bytes, transfer, 0));
    MemorySegment.copy(transfer.segment(), 0, target, 0, bytes);
  }

  /** One block as it stands on the drive. */
  public MemorySegment block(long address) {
    MemorySegment block = Bytes.block();
    read(address, 1, block);
    return block;
  }

  /** Writes blocks past everything, hardened. */
  public void write(long address, MemorySegment source) {
    MemorySegment.copy(source, 0, transfer.segment(), 0, source.byteSize());
    IoRequest request = new IoRequest(done -> {}, this);
    finish(request.write(address * Drive.BLOCK_BYTES, (int) source.byteSize(), transfer, 0));
    finish(new IoRequest(done -> {}, this).flush());
  }

  private void finish(IoRequest request) {
    device.submit(request);
    while (request.inFlight()) {
      step();
    }
    if (request.result() != IoResult.OK) {
      throw new IllegalStateException(request + ": " + request.result());
    }
  }
}
