package dev.tuff.iom.simulation;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.DeviceOptions;
import dev.tuff.device.IoMemory;
import dev.tuff.device.SimulatedDevice;
import dev.tuff.device.SimulatedDrive;
import dev.tuff.device.SimulatedLoop;
import dev.tuff.iom.check.ArrayCheck;
import dev.tuff.iom.check.CheckProgress;
import dev.tuff.iom.check.CheckReport;
import dev.tuff.iom.check.Witness;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.ObjectAttributes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The production check run over simulated drives, with a judge who knows what was written, and
 * remembering what stands where.
 */
final class MediaCheck {
  /** Knows what a volume may hold. */
  @FunctionalInterface
  interface Judge {
    /** Null when block {@code volumeBlock} of object {@code gfid} may have this content. */
    String wrong(long gfid, long volumeBlock, MemorySegment content);
  }

  /** A member of a group. */
  record Block(long gfid, long lblk, int member) {}

  private static final int QUEUE_DEPTH = 32;

  private final Map<Block, Long> addresses = new LinkedHashMap<>();
  private Layout layout;
  private final CheckReport report;

  private MediaCheck(
      List<SimulatedDrive> drives, ObjectAttributes attributes, IoMemory memory, Judge judge) {
    this.layout = attributes.layout(Layout.NONE);
    SimulatedLoop loop = new SimulatedLoop(0);
    List<BlockDevice> devices = new ArrayList<>();
    try {
      for (SimulatedDrive drive : drives) {
        devices.add(SimulatedDevice.open(loop, drive, new DeviceOptions(QUEUE_DEPTH)));
      }
      report =
          ArrayCheck.run(
              devices,
              loop,
              memory,
              CheckProgress.none(),
              judge == null ? null : witness(judge, attributes));
    } finally {
      devices.forEach(BlockDevice::close);
      loop.close();
    }
  }

  private Witness witness(Judge judge, ObjectAttributes attributes) {
    return new Witness() {
      @Override
      public void onVacated(int place) {
        layout = attributes.layout(place);
      }

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
  static CheckReport of(List<SimulatedDrive> drives, ObjectAttributes attributes) {
    IoMemory memory = IoMemory.plain(ArrayCheck.memoryBytes(drives.size()));
    return new MediaCheck(drives, attributes, memory, null).report;
  }

  /** Checks, with the judge asked of every block and of what each parity would make of it. */
  static MediaCheck judged(
      List<SimulatedDrive> drives, ObjectAttributes attributes, IoMemory memory, Judge judge) {
    return new MediaCheck(drives, attributes, memory, judge);
  }

  CheckReport report() {
    return report;
  }

  /** Where the newest version of each member that was looked at lies; 0: never written. */
  Map<Block, Long> addresses() {
    return addresses;
  }

  /** Where the newest version of a volume's block lies on its drive; 0: never written. */
  long address(long gfid, long volumeBlock) {
    return addresses.get(new Block(gfid, lblk(volumeBlock), member(volumeBlock)));
  }

  /** Where the parity of a volume's block lies on its drive. */
  long parityAddress(long gfid, long volumeBlock, int parity) {
    return addresses.get(new Block(gfid, lblk(volumeBlock), layout.dataMembers() + parity));
  }

  /** The data member that a volume's block is. */
  int member(long volumeBlock) {
    return (int) (volumeBlock / layout.chunkBlocks() % layout.dataMembers());
  }

  /** The drive of a member of the group in which a volume's block lies. */
  int driveOf(long volumeBlock, int member) {
    return layout.drive(row(volumeBlock), member);
  }

  /** Likewise, by lblk. */
  int drive(Block block) {
    return layout.drive(block.lblk() / layout.chunkBlocks(), block.member());
  }

  /** The block of the volume that data member {@code member} of the group of a lblk is. */
  long volumeBlock(long lblk, int member) {
    long row = lblk / layout.chunkBlocks();
    return (row * layout.dataMembers() + member) * layout.chunkBlocks()
        + lblk % layout.chunkBlocks();
  }

  private long row(long volumeBlock) {
    return volumeBlock / layout.chunkBlocks() / layout.dataMembers();
  }

  /** The group in which a volume's block lies. */
  long lblk(long volumeBlock) {
    return row(volumeBlock) * layout.chunkBlocks() + volumeBlock % layout.chunkBlocks();
  }
}
