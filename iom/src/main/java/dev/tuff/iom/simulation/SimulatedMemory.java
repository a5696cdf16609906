package dev.tuff.iom.simulation;

import dev.tuff.device.IoMemory;
import dev.tuff.iom.check.ArrayCheck;

/**
 * Memory that simulated machines have one after the other: to get it anew from the system takes
 * longer than many a simulation. One thread's.
 */
final class SimulatedMemory {
  private IoMemory machine;
  private IoMemory check;

  /** Zeroed, so that a run is the same whatever ran before it. */
  IoMemory forMachine(long bytes) {
    if (machine == null || machine.bytes() < bytes) {
      // The one before may go, to make room.
      machine = null;
      machine = IoMemory.plain(bytes + bytes / 2);
      return machine;
    }
    machine.rewind();
    machine.buffers(1, Math.toIntExact(bytes & -4096))[0].segment().fill((byte) 0);
    machine.rewind();
    return machine;
  }

  IoMemory forCheck(int drives) {
    long bytes = ArrayCheck.memoryBytes(drives);
    if (check == null || check.bytes() < bytes) {
      check = IoMemory.plain(bytes);
    }
    check.rewind();
    return check;
  }
}
