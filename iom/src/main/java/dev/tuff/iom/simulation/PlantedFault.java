package dev.tuff.iom.simulation;

import dev.tuff.device.BlockDevice;
import dev.tuff.iom.array.Superblock;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Message;

/** A rule broken on purpose: between an array and its drives, or between its IOMs. */
interface PlantedFault {
  /** Nothing broken. */
  PlantedFault NONE = new PlantedFault() {};

  /** What the IOM of a drive gets instead of the drive. */
  default BlockDevice device(SimulatedArray array, BlockDevice device, Superblock superblock) {
    return device;
  }

  /** A message on its way to the IOM of a drive. */
  default void deliver(SimulatedArray array, int drive, Actor iom, Message message) {
    iom.onMessage(message);
  }

  /** Whether drives that have missed an epoch are left out at a start. */
  default boolean staleIsLeftOut() {
    return true;
  }

  /** Whether a drive is said to be added only when the array serves with it. */
  default boolean additionWaits() {
    return true;
  }

  /** The array is about to be started; its drives are not open yet. */
  default void beforeStart(SimulatedArray array) {}
}
