/** Block devices through io_uring, and the simulated device that keeps the same contract. */
module dev.tuff.device {
  requires transitive dev.tuff.natives;

  exports dev.tuff.device;
}
