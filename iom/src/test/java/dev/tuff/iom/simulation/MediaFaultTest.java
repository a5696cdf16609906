package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import dev.tuff.device.IoOperation;
import dev.tuff.device.IoRequest;
import dev.tuff.iom.array.Superblock;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.recovery.DamagedJournalException;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.simulation.SimulatedArray.Checked;
import dev.tuff.iom.support.Seeds;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Drives that return something else than was written: never returned, made good, counted. */
class MediaFaultTest {
  private static final long SEED = 4711;
  private static final Shape FOUR_AND_ONE = Shape.of(5, 4, 1, 16384, 2);
  private static final Shape THREE_AND_TWO = Shape.of(6, 3, 2, 16384, 2);
  private static final Shape THREE_AND_NONE = Shape.of(3, 3, 0, 16384, 1);

  /** A loaded array, stopped so that nothing of it is in any cache, with what stands where. */
  private static Checked stopped(SimulatedArray array) {
    array.client.load(150);
    array.client.write(
        0, array.client.randomContent(array.shape.maxRequestBytes()), Toughness.HARDENED);
    array.stop();
    Checked checked = array.check();
    assertThat(checked.findings()).as(Seeds.replay(array.seed)).isEmpty();
    return checked;
  }

  private static long rotData(SimulatedArray array, Checked checked, long block) {
    long address = checked.checker().address(Shape.GFID, block);
    int drive = checked.checker().driveOf(block, checked.checker().member(block));
    array.drives[drive].rot(address * Drive.BLOCK_BYTES + 100);
    return drive;
  }

  private static void rotParity(SimulatedArray array, Checked checked, long block, int parity) {
    long address = checked.checker().parityAddress(Shape.GFID, block, parity);
    int drive = checked.checker().driveOf(block, array.shape.data() + parity);
    array.drives[drive].rot(address * Drive.BLOCK_BYTES + 100);
  }

  private static long counted(SimulatedArray array, boolean reconstructed) {
    long sum = 0;
    for (int d = 0; d < array.shape.drives(); d++) {
      SideRooms.Counters counters = array.iom(d).rooms().counters();
      sum += reconstructed ? counters.reconstructedBlocks.get() : counters.checksumErrors.get();
    }
    return sum;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 7, 30})
  void rotInDataIsMadeGoodAndCounted(int block) {
    SimulatedArray array = new SimulatedArray(FOUR_AND_ONE, SEED + block, PlantedFault.NONE);
    Checked checked = stopped(array);
    rotData(array, checked, block);
    array.start();
    assertThat(array.client.read(block * 4096L + 17, 1000)).isEqualTo(RequestResult.OK);
    assertThat(counted(array, false)).isPositive();
    assertThat(counted(array, true)).isPositive();
    array.client.readAll();
    assertThat(array.client.wrongReads()).isEmpty();
    array.close();
  }

  @Test
  void rotInAsManyMembersAsThereAreParitiesIsMadeGood() {
    SimulatedArray array = new SimulatedArray(THREE_AND_TWO, SEED, PlantedFault.NONE);
    Checked checked = stopped(array);
    rotData(array, checked, 1);
    rotParity(array, checked, 1, 0);
    array.start();
    array.client.readAll();
    assertThat(array.client.failedRequests()).isZero();
    assertThat(array.client.wrongReads()).isEmpty();
    assertThat(counted(array, true)).isPositive();
    array.close();
  }

  @Test
  void moreRotThanParitiesIsAnError() {
    SimulatedArray array = new SimulatedArray(FOUR_AND_ONE, SEED, PlantedFault.NONE);
    Checked checked = stopped(array);
    rotData(array, checked, 2);
    rotParity(array, checked, 2, 0);
    array.start();
    assertThat(array.client.read(2 * 4096, 4096)).isEqualTo(RequestResult.IO_ERROR);
    assertThat(array.client.read(3 * 4096, 4096)).isEqualTo(RequestResult.OK);
    assertThat(array.client.wrongReads()).isEmpty();
    array.close();
  }

  @Test
  void rotWithoutParityIsAnError() {
    SimulatedArray array = new SimulatedArray(THREE_AND_NONE, SEED, PlantedFault.NONE);
    Checked checked = stopped(array);
    rotData(array, checked, 5);
    array.start();
    assertThat(array.client.read(5 * 4096, 4096)).isEqualTo(RequestResult.IO_ERROR);
    assertThat(array.client.read(6 * 4096, 4096)).isEqualTo(RequestResult.OK);
    assertThat(counted(array, false)).isPositive();
    array.close();
  }

  @Test
  void unreadableDataIsMadeGood() {
    SimulatedArray array = new SimulatedArray(FOUR_AND_ONE, SEED, PlantedFault.NONE);
    Checked checked = stopped(array);
    long address = checked.checker().address(Shape.GFID, 4);
    int drive = checked.checker().driveOf(4, checked.checker().member(4));
    array.drives[drive].fail(address * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES, true, false);
    array.start();
    array.client.readAll();
    assertThat(array.client.failedRequests()).isZero();
    assertThat(array.client.wrongReads()).isEmpty();
    assertThat(array.iom(drive).rooms().counters().mediaErrors.get()).isPositive();
    array.close();
  }

  /** Each group has lost one member only, another one each: found by the simulator. */
  @Test
  void rotInOtherMembersOfNeighbouringGroupsIsMadeGood() {
    SimulatedArray array = new SimulatedArray(FOUR_AND_ONE, SEED, PlantedFault.NONE);
    Checked checked = stopped(array);
    // Chunks have four blocks: block 0 of the first, block 1 of the second.
    rotData(array, checked, 0);
    rotData(array, checked, 5);
    array.start();
    assertThat(array.client.read(0, 32768)).isEqualTo(RequestResult.OK);
    assertThat(array.client.wrongReads()).isEmpty();
    array.close();
  }

  /** One block fails the transfer of its neighbours, which need not be made from their groups. */
  @Test
  void neighboursOfAnUnreadableBlockAreRead() {
    SimulatedArray array = new SimulatedArray(FOUR_AND_ONE, SEED, PlantedFault.NONE);
    Checked checked = stopped(array);
    long address = checked.checker().address(Shape.GFID, 1);
    int drive = checked.checker().driveOf(1, checked.checker().member(1));
    array.drives[drive].makeUnreadable(address * Drive.BLOCK_BYTES);
    rotData(array, checked, 4);
    array.start();
    assertThat(array.client.read(0, 16384)).isEqualTo(RequestResult.OK);
    assertThat(array.client.wrongReads()).isEmpty();
    array.close();
  }

  /** Updating it as it stands would spread the rot into what is then called good. */
  @Test
  void rotInParityIsMadeGoodWhenItIsUpdated() {
    SimulatedArray array = new SimulatedArray(FOUR_AND_ONE, SEED, PlantedFault.NONE);
    Checked checked = stopped(array);
    rotParity(array, checked, 2, 0);
    array.start();
    assertUpdated(array, 2);
  }

  @Test
  void rotInDataIsMadeGoodWhenItIsUpdated() {
    SimulatedArray array = new SimulatedArray(FOUR_AND_ONE, SEED, PlantedFault.NONE);
    Checked checked = stopped(array);
    rotData(array, checked, 2);
    array.start();
    assertUpdated(array, 2);
  }

  private static void assertUpdated(SimulatedArray array, long block) {
    byte[] content = array.client.randomContent(300);
    assertThat(array.client.write(block * 4096 + 50, content, Toughness.HARDENED))
        .isEqualTo(RequestResult.OK);
    assertThat(counted(array, false)).isPositive();
    array.client.readAll();
    assertThat(array.client.wrongReads()).isEmpty();
    array.stop();
    assertThat(array.check().findings()).isEmpty();
  }

  @Test
  void lostWritesAreFound() {
    WrongWrites fault = new WrongWrites(0);
    SimulatedArray array = new SimulatedArray(FOUR_AND_ONE, SEED, fault);
    array.client.load(100);
    array.settle();
    fault.next = true;
    array.client.write(0, array.client.randomContent(4096), Toughness.HARDENED);
    assertThat(fault.next).isFalse();
    array.stop();
    assertThat(array.check().findings()).isNotEmpty();
    array.start();
    array.client.readAll();
    assertThat(array.client.failedRequests()).isZero();
    assertThat(array.client.wrongReads()).isEmpty();
    assertThat(counted(array, false)).isPositive();
    array.close();
  }

  @Test
  void misdirectedWritesAreFound() {
    WrongWrites fault = new WrongWrites(1);
    SimulatedArray array = new SimulatedArray(FOUR_AND_ONE, SEED, fault);
    array.client.load(100);
    array.settle();
    fault.next = true;
    array.client.write(0, array.client.randomContent(4096), Toughness.HARDENED);
    assertThat(fault.next).isFalse();
    array.stop();
    assertThat(array.check().findings()).isNotEmpty();
    array.start();
    array.client.readAll();
    assertThat(array.client.failedRequests()).isZero();
    assertThat(array.client.wrongReads()).isEmpty();
    assertThat(counted(array, false)).isPositive();
    array.close();
  }

  /** Drive 0 does one data write nowhere, or some blocks away, and says that it has done it. */
  private static final class WrongWrites implements PlantedFault {
    private final int blocksAway;
    boolean next;

    WrongWrites(int blocksAway) {
      this.blocksAway = blocksAway;
    }

    @Override
    public BlockDevice device(SimulatedArray array, BlockDevice device, Superblock superblock) {
      return superblock.driveIndex() == 0 ? new WrongDevice(this, device, superblock) : device;
    }
  }

  private static final class WrongDevice extends DeviceBefore {
    private final WrongWrites fault;
    private final long firstByte;
    private final IoBuffer nowhere =
        IoMemory.plain(Drive.BLOCK_BYTES).buffers(1, Drive.BLOCK_BYTES)[0];

    WrongDevice(WrongWrites fault, BlockDevice device, Superblock superblock) {
      super(device);
      this.fault = fault;
      this.firstByte = superblock.dataFirstBlock() * Drive.BLOCK_BYTES;
    }

    @Override
    public void submit(IoRequest request) {
      boolean wrong =
          fault.next
              && request.operation() == IoOperation.WRITE
              && request.offsetBytes() >= firstByte
              && request.lengthBytes() == Drive.BLOCK_BYTES;
      if (wrong) {
        fault.next = false;
        if (fault.blocksAway == 0) {
          request.read(request.offsetBytes(), Drive.BLOCK_BYTES, nowhere, 0);
        } else {
          request.write(
              request.offsetBytes() + (long) fault.blocksAway * Drive.BLOCK_BYTES,
              Drive.BLOCK_BYTES,
              request.buffer(),
              request.bufferOffset());
        }
      }
      device.submit(request);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 128})
  void aDamagedSuperblockCopyIsMended(long copy) {
    SimulatedArray array = new SimulatedArray(FOUR_AND_ONE, SEED, PlantedFault.NONE);
    stopped(array);
    array.drives[2].rot(copy * Drive.BLOCK_BYTES + 20);
    assertThat(array.check().findings()).hasSize(1);
    array.start();
    array.client.readAll();
    array.stop();
    assertThat(array.check().findings()).isEmpty();
    assertThat(array.client.wrongReads()).isEmpty();
  }

  /** What it says may be needed: it is not for the array to go on as if it said nothing. */
  @Test
  void aJournalThatCannotBeReadAtTheStartIsRefused() {
    SimulatedArray array = new SimulatedArray(FOUR_AND_ONE, SEED, PlantedFault.NONE);
    array.client.load(50);
    array.crash();
    array.drives[2].makeUnreadable(Superblock.LABEL_BLOCKS * Drive.BLOCK_BYTES);
    assertThatThrownBy(array::start)
        .isInstanceOf(DamagedJournalException.class)
        .hasMessage(
            "The journal of drive 2 can't be read at block 256; start the array without this drive.");
    array.close();
  }
}
