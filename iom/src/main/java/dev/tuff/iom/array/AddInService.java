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
import java.util.function.Consumer;

/** A drive on its way into a running array, to a place of its own. */
final class AddInService implements Failover.Joining {
  private final int index;
  private final Path drive;
  private final UringLoop loop;
  private final int queueDepth;
  private final long blocks;
  private final int incarnation = DriveAddition.newIncarnation();
  private final Consumer<DriveLabel> taken;
  private final CompletableFuture<DriveLabel> joined = new CompletableFuture<>();

  /**
   * A drive that has passed all checks that can be made before it is opened.
   *
   * @param loop of the shard of its place
   * @param blocks that are used of it
   * @param taken hears of its label before anyone knows that there is a place more; on a shard
   */
  AddInService(
      int index,
      Path drive,
      UringLoop loop,
      int queueDepth,
      long blocks,
      Consumer<DriveLabel> taken) {
    this.index = index;
    this.drive = drive;
    this.loop = loop;
    this.queueDepth = queueDepth;
    this.blocks = blocks;
    this.taken = taken;
  }

  @Override
  public int index() {
    return index;
  }

  @Override
  public int incarnation() {
    return incarnation;
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
      taken.accept(label);
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
