package dev.tuff.iom.simulation;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.DeviceCounters;
import dev.tuff.device.Geometry;

/** Stands before a device and hands everything on; faults change what they are about. */
abstract class DeviceBefore implements BlockDevice {
  final BlockDevice device;

  DeviceBefore(BlockDevice device) {
    this.device = device;
  }

  @Override
  public String name() {
    return device.name();
  }

  @Override
  public Geometry geometry() {
    return device.geometry();
  }

  @Override
  public int pending() {
    return device.pending();
  }

  @Override
  public int beat() {
    return device.beat();
  }

  @Override
  public boolean abandon() {
    return device.abandon();
  }

  @Override
  public int unanswered() {
    return device.unanswered();
  }

  @Override
  public int queueDepth() {
    return device.queueDepth();
  }

  @Override
  public DeviceCounters counters() {
    return device.counters();
  }

  @Override
  public void close() {
    device.close();
  }
}
