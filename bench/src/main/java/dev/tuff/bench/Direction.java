package dev.tuff.bench;

/** What is done with a block. */
public enum Direction {
  READ("read"),
  WRITE("write"),
  /** Hardened on completion: O_DSYNC for fio, a write with RWF_DSYNC for the device. */
  DURABLE_WRITE("durable write");

  private final String label;

  Direction(String label) {
    this.label = label;
  }

  String label() {
    return label;
  }

  boolean writes() {
    return this != READ;
  }
}
