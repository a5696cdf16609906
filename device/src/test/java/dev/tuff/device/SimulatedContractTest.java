package dev.tuff.device;

/** The contract over the simulator. */
final class SimulatedContractTest extends DeviceContractTest {
  @Override
  IoMemory memory(long bytes) {
    return IoMemory.plain(bytes);
  }

  @Override
  IoLoop loop(IoMemory memory) {
    return new SimulatedLoop(SEED);
  }

  @Override
  BlockDevice device(IoLoop loop) {
    return SimulatedDevice.open(
        (SimulatedLoop) loop,
        new SimulatedDrive("simulated", DEVICE_BYTES, true, SEED),
        new DeviceOptions(DEPTH));
  }
}
