package dev.tuff.iom.array;

import dev.tuff.device.UringLoop;
import java.nio.file.Path;
import java.util.function.Consumer;

/** A drive on its way into a running array, to a place of its own. */
final class AddInService extends IncomingDrive {
  private final int incarnation = DriveAddition.newIncarnation();
  private final Consumer<DriveLabel> taken;

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
    super(index, drive, loop, queueDepth, blocks);
    this.taken = taken;
  }

  @Override
  public int incarnation() {
    return incarnation;
  }

  @Override
  public void onDone(DriveLabel label, ArrayException refusal) {
    if (refusal == null) {
      taken.accept(label);
    }
    super.onDone(label, refusal);
  }
}
