package dev.tuff.iom.write;

/**
 * What a parity IOM keeps of an update between UpdateParity and DeltaTaken; its fields are that
 * IOM's.
 */
public final class ParityPart {
  /** The update. */
  public final WriteOp op;

  /** Which parity of the group. */
  public final int parity;

  public ParityPart nextInChain;

  /**
   * The generation that it is part of, null while it waits. Read by the data IOM after
   * RequestDelta.
   */
  public Object generation;

  public int slot;

  /** The delta came with the request. */
  public boolean deltaReady;

  ParityPart(WriteOp op, int parity) {
    this.op = op;
    this.parity = parity;
  }
}
