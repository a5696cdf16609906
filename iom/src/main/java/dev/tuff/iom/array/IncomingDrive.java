package dev.tuff.iom.array;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.DeviceOptions;
import dev.tuff.device.DriveUnusableException;
import dev.tuff.device.UringDevice;
import dev.tuff.device.UringLoop;
import dev.tuff.iom.drive.Drive;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;

/** A drive on its way into a running array, that has passed all checks before it is opened. */
abstract class IncomingDrive implements Failover.Joining {
  private final int index;
  private final Path drive;
  private final UringLoop loop;
  private final int queueDepth;
  private final long blocks;
  private final CompletableFuture<DriveLabel> joined = new CompletableFuture<>();

  /**
   * For a place.
   *
   * @param loop of the shard of its place
   * @param blocks that are used of it
   */
  IncomingDrive(int index, Path drive, UringLoop loop, int queueDepth, long blocks) {
    this.index = index;
    this.drive = drive;
    this.loop = loop;
    this.queueDepth = queueDepth;
    this.blocks = blocks;
  }

  @Override
  public int index() {
    return index;
  }

  @Override
  public BlockDevice open() {
    try {
      return UringDevice.open(
          loop, drive, new DeviceOptions(queueDepth, blocks * Drive.BLOCK_BYTES));
    } catch (DriveUnusableException e) {
      throw new ArrayException(e.getMessage(), e);
    }
  }

  @Override
  public long mostBlocks() {
    return blocks;
  }

  @Override
  public long nowSeconds() {
    return Instant.now().getEpochSecond();
  }

  @Override
  public void onDone(DriveLabel label, ArrayException refusal) {
    if (refusal == null) {
      joined.complete(label);
    } else {
      joined.completeExceptionally(refusal);
    }
  }

  /** Its label once it is a member, or why it is not. */
  CompletableFuture<DriveLabel> joined() {
    return joined;
  }
}
