package dev.tuff.iom.drive;

import dev.tuff.device.IoResult;

/**
 * One transfer of a run of blocks between a buffer and their addresses on a {@link Drive}. Embedded
 * in the operation that needs it and used again; adjacent addresses become one device request.
 */
public final class BlockIo {
  /** Hears of the transfer, on the drive's shard. */
  public interface Listener {
    /** The transfer is over; see {@link BlockIo#failed()}. For a write: durability none yet. */
    void onTransferred(BlockIo io);

    /** A successful write and a flush after it are complete: hardened. Never called for reads. */
    default void onHardened(BlockIo io) {}
  }

  final Listener listener;

  /** Free for the owner. */
  public int tag;

  int pendingRequests;
  boolean issuing;
  boolean write;
  long cycle;
  IoResult result;
  long failedMask;
  BlockIo next;
  boolean awaitsFlush;

  public BlockIo(Listener listener) {
    this.listener = listener;
  }

  /** True when any block of the run was not transferred. */
  public boolean failed() {
    return result != IoResult.OK;
  }

  /** Of a failed transfer of at most 64 blocks: a bit for each block that was not transferred. */
  public long failedMask() {
    return failedMask;
  }

  /** True from its start until {@link Listener#onTransferred}. */
  public boolean inFlight() {
    return pendingRequests > 0 || issuing;
  }

  /** True while the drive still has to call the listener: until hardened for a successful write. */
  public boolean inUse() {
    return inFlight() || awaitsFlush;
  }
}
