package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.IoOperation;
import dev.tuff.device.IoRequest;
import dev.tuff.iom.allocation.Allocator;
import dev.tuff.iom.array.Iom;
import dev.tuff.iom.array.Superblock;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Message;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.simulation.SimulationRun.Outcome;
import dev.tuff.iom.simulation.SimulationRun.Plan;
import dev.tuff.iom.support.Seeds;
import dev.tuff.iom.write.WriteOp;
import dev.tuff.xor.Crc32c;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Each rule of the rebuild, broken on purpose, is found by whole simulations. */
class RebuildBugTest {
  private static final int SEEDS = 40;

  private static void assertFound(String bug, Supplier<PlantedFault> planted) {
    Plan plan =
        new Plan(Simulator.Request.OPERATIONS, Shape.Pin.NONE, EnumSet.allOf(FaultKind.class));
    SimulatedMemory memories = new SimulatedMemory();
    for (long seed : Seeds.of(SEEDS)) {
      Outcome outcome = SimulationRun.of(seed, plan, planted.get(), memories);
      if (outcome.failed()) {
        System.out.printf("%s: found with seed %d (%s)%n", bug, seed, outcome.failure());
        assertThat(SimulationRun.of(seed, plan, PlantedFault.NONE, memories).failure())
            .as(Seeds.replay(seed))
            .isNull();
        return;
      }
    }
    throw new AssertionError("not found with any of " + SEEDS + " seeds");
  }

  @Test
  void findsUpdatesThatDoNotWaitForTheirGroups() {
    assertFound("the gate is open", OpenGate::new);
  }

  @Test
  void findsParitiesThatAreLeftOutThoughTheyHaveSomething() {
    assertFound("parities are left out", LeavesParitiesOut::new);
  }

  @Test
  void findsZerosReadOfWhatIsNotRebuilt() {
    assertFound("what is not rebuilt is zeros", ZerosForNotRebuilt::new);
  }

  @Test
  void findsACursorThatRunsAhead() {
    assertFound("the cursor runs ahead", CursorRunsAhead::new);
  }

  @Test
  void findsRebuiltBlocksThatAreNotJournaled() {
    assertFound("rebuilt blocks are not journaled", NotJournaled::new);
  }

  @Test
  void findsKeptBlocksThatAreGivenOut() {
    assertFound("kept blocks are free", KeptBlocksAreFree::new);
  }

  /** What a drive that has come back keeps may be given out as if nothing were there. */
  private static final class KeptBlocksAreFree implements PlantedFault {
    private final Map<Iom, List<Long>> before = new HashMap<>();

    @Override
    public void deliver(SimulatedArray array, int drive, Actor iom, Message message) {
      Iom at = array.iom(drive);
      if (at != null && rebuildingRoot(array, drive) != null) {
        Allocator allocator = at.rooms().allocator;
        List<Long> former = new ArrayList<>();
        for (long i = 0; i < allocator.blocks(); i++) {
          if (allocator.isFormer(allocator.firstBlock() + i)) {
            former.add(allocator.firstBlock() + i);
          }
        }
        List<Long> were = before.put(at, former);
        if (were != null) {
          were.stream()
              .filter(allocator::inUse)
              .forEach(address -> allocator.free(address, at.rooms().journal.nextId()));
        }
      }
      iom.onMessage(message);
    }
  }

  /** A drive that is being rebuilt says that it has what an update needs, and has not. */
  private static final class OpenGate implements PlantedFault {
    @Override
    public void deliver(SimulatedArray array, int drive, Actor iom, Message message) {
      if (message.type != MessageType.ENSURE_REBUILT) {
        iom.onMessage(message);
        return;
      }
      answer(array, drive, message, member -> 0);
    }
  }

  /** Answers for a drive that is being rebuilt, by which member of the row it is. */
  private static void answer(
      SimulatedArray array, int drive, Message ensure, IntUnaryOperator leaveOut) {
    WriteOp op = (WriteOp) ensure.subject;
    long row = op.lblk / (array.shape.chunkBytes() / Drive.BLOCK_BYTES);
    Layout layout = array.iom(drive).rooms().cnode(op.gfid).layout();
    ensure.type = MessageType.REBUILT;
    ensure.number = leaveOut.applyAsInt(layout.member(row, drive));
    array.acting(layout.drive(row, op.member)).onMessage(ensure);
  }

  /** A parity of which an update could do without says that it has nothing, whatever it has. */
  private static final class LeavesParitiesOut implements PlantedFault {
    private static final int IF_ANY = 3;

    @Override
    public void deliver(SimulatedArray array, int drive, Actor iom, Message message) {
      if (message.type == MessageType.ENSURE_REBUILT && message.number == IF_ANY) {
        WriteOp op = (WriteOp) message.subject;
        array.iom(drive).rooms().budget.give(op.unmaps() ? 0 : op.count);
        answer(array, drive, message, member -> 1 << (member - array.shape.data()));
      } else {
        iom.onMessage(message);
      }
    }
  }

  private static Root rebuildingRoot(SimulatedArray array, int drive) {
    Iom iom = array.iom(drive);
    return iom != null && iom.rooms().root.rebuilding() ? iom.rooms().root : null;
  }

  /** Reads take what the map of a drive that is being rebuilt does not tell of for zeros. */
  private static final class ZerosForNotRebuilt implements PlantedFault {
    @Override
    public void deliver(SimulatedArray array, int drive, Actor iom, Message message) {
      Root root = message.type == MessageType.READ ? rebuildingRoot(array, drive) : null;
      if (root == null) {
        iom.onMessage(message);
        return;
      }
      long gfid = root.cursorGfid();
      long lblk = root.cursorLblk();
      root.rebuiltUpTo(Shape.GFID + 1, 0);
      iom.onMessage(message);
      root.rebuiltUpTo(gfid, lblk);
    }
  }

  /** The cursor goes past blocks that are being made, before they are on the drive. */
  private static final class CursorRunsAhead implements PlantedFault {
    @Override
    public void deliver(SimulatedArray array, int drive, Actor iom, Message message) {
      iom.onMessage(message);
      Root root = message.type == MessageType.RECONSTRUCTED ? rebuildingRoot(array, drive) : null;
      if (root != null) {
        int chunk = array.shape.chunkBytes() / Drive.BLOCK_BYTES;
        root.rebuiltUpTo(Shape.GFID, root.cursorLblk() + 2L * chunk);
      }
    }
  }

  /** What stands in the journal of rebuilt blocks says nothing. */
  private static final class NotJournaled implements PlantedFault {
    @Override
    public BlockDevice device(SimulatedArray array, BlockDevice device, Superblock superblock) {
      return new DeviceBefore(device) {
        @Override
        public void submit(IoRequest request) {
          long first = request.offsetBytes() / Drive.BLOCK_BYTES - superblock.journalFirstBlock();
          if (request.operation() == IoOperation.WRITE
              && first >= 0
              && first < superblock.journalBlocks()) {
            forget(request.buffer().segment(), request.bufferOffset());
          }
          device.submit(request);
        }
      };
    }

    private static void forget(MemorySegment record, long at) {
      int payload = record.get(PageFormat.INT, at + 48);
      long entry = at + 64;
      while (entry < at + 64 + payload) {
        if (record.get(PageFormat.SHORT, entry) == 8) {
          record.set(PageFormat.INT, entry + 16 + 20, 0);
        }
        entry += record.get(PageFormat.INT, entry + 4);
      }
      int crc = Crc32c.of(record, at, 60);
      record.set(PageFormat.INT, at + 60, Crc32c.update(crc, record, at + 64, payload));
    }
  }
}
