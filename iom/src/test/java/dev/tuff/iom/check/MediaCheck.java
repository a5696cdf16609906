package dev.tuff.iom.check;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.DeviceOptions;
import dev.tuff.device.IoMemory;
import dev.tuff.device.SimulatedDevice;
import dev.tuff.device.SimulatedDrive;
import dev.tuff.device.SimulatedLoop;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.ObjectAttributes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The production check run over simulated drives, with a judge who knows what was written, and
 * remembering what stands where.
 */
public final class MediaCheck {
  /** Knows what a volume may hold. */
  @FunctionalInterface
  public interface Judge {
    /** Null when block {@code volumeBlock} of object {@code gfid} may have this content. */
    String wrong(long gfid, long volumeBlock, MemorySegment content);
  }

  private record Block(long gfid, long lblk, int member) {}

  private final Map<Block, Long> addresses = new HashMap<>();
  private final Layout layout;
  private final CheckReport report;

  private MediaCheck(List<SimulatedDrive> drives, ObjectAttributes attributes, Judge judge) {
    this.layout =
        new Layout(
            attributes.drives(),
            attributes.dataMembers(),
            attributes.parityMembers(),
            attributes.chunkBlocks());
    SimulatedLoop loop = new SimulatedLoop(0);
    IoMemory memory = IoMemory.plain(ArrayCheck.memoryBytes(drives.size()));
    List<BlockDevice> devices = new ArrayList<>();
    try {
      for (SimulatedDrive drive : drives) {
        devices.add(SimulatedDevice.open(loop, drive, new DeviceOptions(DriveReader.QUEUE_DEPTH)));
      }
      report =
          ArrayCheck.run(
              devices, loop, memory, CheckProgress.none(), judge == null ? null : witness(judge));
    } finally {
      devices.forEach(BlockDevice::close);
      loop.close();
    }
  }

  private Witness witness(Judge judge) {
    return new Witness() {
      @Override
      public void onBlock(long gfid, long lblk, int member, long address) {
        addresses.put(new Block(gfid, lblk, member), address);
      }

      @Override
      public String wrong(long gfid, long volumeBlock, MemorySegment content) {
        return judge.wrong(gfid, volumeBlock, content);
      }
    };
  }

  /** Checks as the command does: only by what the drives themselves say. */
  public static CheckReport of(List<SimulatedDrive> drives, ObjectAttributes attributes) {
    return new MediaCheck(drives, attributes, null).report;
  }

  /** Checks, with the judge asked of every block and of what each parity would make of it. */
  public static MediaCheck judged(
      List<SimulatedDrive> drives, ObjectAttributes attributes, Judge judge) {
    return new MediaCheck(drives, attributes, judge);
  }

  public CheckReport report() {
    return report;
  }

  /** Where the newest version of a volume's block lies on its drive; 0: never written. */
  public long address(long gfid, long volumeBlock) {
    return addresses.get(new Block(gfid, lblk(volumeBlock), member(volumeBlock)));
  }

  /** Where the parity of a volume's block lies on its drive. */
  public long parityAddress(long gfid, long volumeBlock, int parity) {
    return addresses.get(new Block(gfid, lblk(volumeBlock), layout.dataMembers() + parity));
  }

  /** The data member that a volume's block is. */
  public int member(long volumeBlock) {
    return (int) (volumeBlock / layout.chunkBlocks() % layout.dataMembers());
  }

  /** The drive of a member of the group in which a volume's block lies. */
  public int driveOf(long volumeBlock, int member) {
    return layout.drive(row(volumeBlock), member);
  }

  private long row(long volumeBlock) {
    return volumeBlock / layout.chunkBlocks() / layout.dataMembers();
  }

  private long lblk(long volumeBlock) {
    return row(volumeBlock) * layout.chunkBlocks() + volumeBlock % layout.chunkBlocks();
  }
}
