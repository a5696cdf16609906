package dev.tuff.iom.simulation;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import dev.tuff.device.IoOperation;
import dev.tuff.device.IoRequest;
import dev.tuff.iom.array.Iom;
import dev.tuff.iom.array.Superblock;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.drive.Zeros;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Message;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.function.LongPredicate;

/**
 * Drives that report a write as done that went nowhere or elsewhere, when they are told to; and
 * what on them is known not to be what was written there. In front of another fault, if there is
 * one.
 */
final class WrongWrites implements PlantedFault {
  private static final int MAX_BYTES = 128 << 10;

  private final PlantedFault behind;
  private final BitSet[] bad;
  private final IoBuffer nowhere = IoMemory.plain(MAX_BYTES).buffers(1, MAX_BYTES)[0];
  private FaultKind armed;
  private int armedDrive;
  private int writesBefore;
  private long victim;
  private LongPredicate stillCold = address -> false;

  WrongWrites(int drives, PlantedFault behind) {
    this.behind = behind;
    this.bad = new BitSet[drives];
    for (int d = 0; d < drives; d++) {
      bad[d] = new BitSet();
    }
  }

  /** A block now holds something else than was written there. */
  void spoil(int drive, long address) {
    bad[drive].set((int) address);
  }

  /** Another drive is in its place. */
  void replaced(int drive) {
    bad[drive].clear();
  }

  boolean isBad(int drive, long address) {
    return bad[drive].get((int) address);
  }

  /** True when there is one. */
  boolean anyBad() {
    for (BitSet ofDrive : bad) {
      if (!ofDrive.isEmpty()) {
        return true;
      }
    }
    return false;
  }

  /** Lets a later write of data or parity on a drive get nowhere. */
  void armLoss(int drive, int after) {
    armed = FaultKind.LOST_WRITE;
    armedDrive = drive;
    writesBefore = after;
  }

  /**
   * Lets a later one go to {@code target}.
   *
   * @param cold whether the group of what is there was left alone up to now
   */
  void armMisdirection(int drive, int after, long target, LongPredicate cold) {
    armed = FaultKind.MISDIRECTED_WRITE;
    armedDrive = drive;
    writesBefore = after;
    victim = target;
    stillCold = cold;
  }

  /** No write goes wrong any more; true when one was to and did not. */
  boolean disarm() {
    boolean left = armed != null;
    armed = null;
    return left;
  }

  @Override
  public BlockDevice device(SimulatedArray array, BlockDevice device, Superblock superblock) {
    return new WrongDevice(array, behind.device(array, device, superblock), superblock);
  }

  @Override
  public void deliver(SimulatedArray array, int drive, Actor iom, Message message) {
    behind.deliver(array, drive, iom, message);
  }

  @Override
  public boolean staleIsLeftOut() {
    return behind.staleIsLeftOut();
  }

  @Override
  public boolean additionWaits() {
    return behind.additionWaits();
  }

  @Override
  public void beforeStart(SimulatedArray array) {
    behind.beforeStart(array);
  }

  private final class WrongDevice extends DeviceBefore {
    private final SimulatedArray array;
    private final int index;
    private final long firstAddress;

    WrongDevice(SimulatedArray array, BlockDevice device, Superblock superblock) {
      super(device);
      this.array = array;
      this.index = superblock.driveIndex();
      this.firstAddress = superblock.dataFirstBlock();
    }

    @Override
    public void submit(IoRequest request) {
      if (request.operation() == IoOperation.WRITE) {
        long address = request.offsetBytes() / Drive.BLOCK_BYTES;
        int count = request.lengthBytes() / Drive.BLOCK_BYTES;
        bad[index].clear((int) address, (int) address + count);
        boolean mayGoWrong = armed != null && index == armedDrive && address >= firstAddress;
        if (mayGoWrong && !mayBeAlike(request) && goesWrong(count)) {
          goWrong(request, address, count);
        }
      }
      device.submit(request);
    }

    /**
     * Nobody can tell a block that is not written from one that is where the same was before: a
     * parity may well become what it was. And zeros may be elsewhere, too.
     */
    private boolean mayBeAlike(IoRequest request) {
      for (int done = 0; done < request.lengthBytes(); done += Drive.BLOCK_BYTES) {
        MemorySegment block =
            request.buffer().segment().asSlice(request.bufferOffset() + done, Drive.BLOCK_BYTES);
        if (Zeros.is(block, 0) || array.drives[index].holds(request.offsetBytes() + done, block)) {
          return true;
        }
      }
      return false;
    }

    private boolean goesWrong(int count) {
      // Beside checkpoints nothing but data and parity is written there.
      Iom iom = array.iom(index);
      boolean meant =
          !iom.rooms().checkpoint.running()
              && (armed == FaultKind.LOST_WRITE || (count == 1 && stillCold.test(victim)));
      return meant && writesBefore-- <= 0;
    }

    private void goWrong(IoRequest request, long address, int count) {
      bad[index].set((int) address, (int) address + count);
      if (armed == FaultKind.LOST_WRITE) {
        request.read(request.offsetBytes(), request.lengthBytes(), nowhere, 0);
      } else {
        spoil(index, victim);
        request.write(
            victim * Drive.BLOCK_BYTES,
            request.lengthBytes(),
            request.buffer(),
            request.bufferOffset());
      }
      armed = null;
    }
  }
}
