package dev.tuff.iom.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.Hang;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import dev.tuff.device.IoOperation;
import dev.tuff.device.IoRequest;
import dev.tuff.iom.allocation.Allocator;
import dev.tuff.iom.array.IomMemory;
import dev.tuff.iom.array.Superblock;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Message;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.simulation.SimulationRun.Outcome;
import dev.tuff.iom.simulation.SimulationRun.Plan;
import dev.tuff.iom.support.Bytes;
import dev.tuff.iom.support.Seeds;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.write.LostBlockException;
import dev.tuff.iom.write.WriteOp;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/**
 * The crash test finds bugs: each rule broken here on purpose, from outside the production classes,
 * must be found within a bounded number of seeds, by the media checker or by an invariant that
 * stops the array.
 */
class PlantedBugTest {
  private static final int SEEDS = 40;

  private static final Shape CROWDED = Shape.of(5, 4, 1, 8192, 2).client(256 << 10, 16, 60_000);

  @Test
  void findsFlushesThatAreSkipped() {
    assertFound(CROWDED, () -> new DriveFault(DriveFault.Kind.SKIPS_FLUSHES));
  }

  @Test
  void findsJournalThatIsHardenedLaterThanMaps() {
    assertFound(CROWDED, () -> new DriveFault(DriveFault.Kind.JOURNAL_ONE_FLUSH_LATE));
  }

  @Test
  void findsJournalThatIsTrimmedBeforeTheRootIsHardened() {
    // A small journal, so that what was trimmed is soon written over.
    assertFound(CROWDED.drives(4096, 224), () -> new DriveFault(DriveFault.Kind.ROOT_MUCH_LATER));
  }

  @Test
  void findsRepliesThatDoNotWaitForParity() {
    assertFound(CROWDED, RepliesBeforeParityHardened::new);
  }

  @Test
  void findsMembersThatAreNotWaitedFor() {
    assertFound(CROWDED, IgnoresOtherMembers::new);
  }

  @Test
  void findsDeltasThatAreAppliedTwice() {
    assertFound(CROWDED, AppliesDeltasTwice::new);
  }

  @Test
  void findsDeltasThatComeTwice() {
    assertFound(CROWDED, RepeatsDeltas::new);
  }

  @Test
  void findsOldAddressesThatAreFreedEarly() {
    assertFound(CROWDED, FreesBeforeClosing::new);
  }

  @Test
  void findsDiscardedBlocksThatAreFreedEarly() {
    assertFound(CROWDED, FreesDiscardedBeforeClosing::new);
  }

  @Test
  void findsDiscardsOfWhichTheParityHearsNothing() {
    assertFound(CROWDED, DiscardsBesideTheParity::new);
  }

  @Test
  void findsDiscardsThatAreRepliedToAndNotDone() {
    assertFound(CROWDED, RepliesToDiscardsOnly::new);
  }

  @Test
  void findsStaleDrivesThatAreTakenIn() {
    assertFoundInRuns("stale drives are taken in", StaleDrivesTakenIn::new);
  }

  @Test
  void findsReplaysThatSkipTheLastRecord() {
    assertFoundInRuns("the last record is skipped", LastRecordSkipped::new);
  }

  @Test
  void findsBrokenIomsThatGoOn() {
    assertFoundInRuns("a broken IOM goes on", BugsSwallowed::new);
  }

  @Test
  void findsMemoryThatIsUsedAgainWhileADriveThatHangsStillReadsIntoIt() {
    for (long seed : Seeds.of(SEEDS)) {
      List<String> found = foundWithAHangingDrive(seed, new HeldMemoryUsedAgain());
      if (!found.isEmpty()) {
        System.out.printf("held memory is used again: found with seed %d: %s%n", seed, found);
        assertThat(foundWithAHangingDrive(seed, PlantedFault.NONE))
            .as(Seeds.replay(seed))
            .isEmpty();
        return;
      }
    }
    throw new AssertionError("not found with any of " + SEEDS + " seeds");
  }

  private static List<String> foundWithAHangingDrive(long seed, PlantedFault fault) {
    // With hardly any cache, so that the drives have to read.
    IomMemory sizes = new IomMemory(128, Allocator.pagesFor(4096) + 1, 8, 32, 8, 6);
    Shape shape = Shape.of(3, 2, 1, 8192, 2).client(1 << 20, 16, 100_000).memory(sizes);
    SimulatedArray array = new SimulatedArray(shape, seed, fault);
    SplittableRandom random = new SplittableRandom(seed);
    try {
      array.client.load(60 + random.nextInt(100));
      int drive = random.nextInt(shape.drives());
      long limit = shape.hangNanos();
      array.drives[drive].hang(
          new Hang(EnumSet.of(IoOperation.READ), 100, limit, 2 * limit, 0, seed));
      array.client.load(600);
      assertThat(array.failovers()).isEqualTo(1);
      array.lose(drive);
      array.stop();
    } catch (IllegalStateException | LostBlockException broken) {
      array.close();
      return List.of(broken.getMessage());
    }
    List<String> findings = new ArrayList<>(array.check().findings());
    findings.removeIf(finding -> finding.contains("is missing"));
    return findings;
  }

  /**
   * A drive that was given up has kept the memory that it reads into, and goes on with it whoever
   * has it now.
   */
  private static final class HeldMemoryUsedAgain implements PlantedFault {
    private final List<IoRequest> held = new ArrayList<>();
    private final SplittableRandom random = new SplittableRandom(7);

    @Override
    public BlockDevice device(SimulatedArray array, BlockDevice device, Superblock superblock) {
      List<IoRequest> reads = new ArrayList<>();
      return new DeviceBefore(device) {
        @Override
        public void submit(IoRequest request) {
          reads.removeIf(read -> !read.inFlight());
          if (request.operation() == IoOperation.READ) {
            reads.add(request);
          }
          device.submit(request);
          if (!held.isEmpty() && random.nextInt(4) == 0) {
            IoRequest late = held.get(random.nextInt(held.size()));
            late.buffer()
                .segment()
                .asSlice(late.bufferOffset(), late.lengthBytes())
                .fill((byte) 0x5A);
          }
        }

        @Override
        public boolean abandon() {
          reads.removeIf(read -> !read.inFlight());
          held.addAll(reads);
          return device.abandon();
        }
      };
    }
  }

  /** An exception out of an IOM's handler is caught, and the IOM goes on as if nothing had been. */
  private static final class BugsSwallowed implements PlantedFault {
    @Override
    public void deliver(SimulatedArray array, int drive, Actor iom, Message message) {
      try {
        iom.onMessage(message);
      } catch (IomBug.Thrown swallowed) {
        // Nobody hears of it.
      }
    }
  }

  /** Whole simulations, with starts after each power cut: some seed must show it. */
  private static void assertFoundInRuns(String bug, Supplier<PlantedFault> planted) {
    Plan plan =
        new Plan(Simulator.Request.OPERATIONS, Shape.Pin.NONE, EnumSet.allOf(FaultKind.class));
    SimulatedMemory memories = new SimulatedMemory();
    for (long seed : Seeds.of(SEEDS)) {
      Outcome outcome = SimulationRun.of(seed, plan, planted.get(), memories);
      if (outcome.failed()) {
        System.out.printf("%s: found with seed %d%n", bug, seed);
        assertThat(SimulationRun.of(seed, plan, PlantedFault.NONE, memories).failure())
            .as(Seeds.replay(seed))
            .isNull();
        return;
      }
    }
    throw new AssertionError("not found with any of " + SEEDS + " seeds");
  }

  /** A drive that missed what was decided without it is mixed in. */
  private static final class StaleDrivesTakenIn implements PlantedFault {
    @Override
    public boolean staleIsLeftOut() {
      return false;
    }
  }

  /** One drive's replay ends a record early: as if it were not there. */
  private static final class LastRecordSkipped implements PlantedFault {
    private static final long MAGIC = 0x4c4e524a46465554L;
    private static final int SEQUENCE = 24;

    @Override
    public void beforeStart(SimulatedArray array) {
      MemorySegment block = Bytes.block();
      long last = 0;
      long lastAddress = 0;
      try (SimulatedMedia media = new SimulatedMedia(array.drives[0])) {
        for (int i = 0; i < array.shape.journalBlocks(); i++) {
          long address = Superblock.LABEL_BLOCKS + i;
          media.read(address, 1, block);
          long sequence = block.get(PageFormat.LONG, SEQUENCE);
          if (block.get(PageFormat.LONG, 0) == MAGIC && sequence > last) {
            last = sequence;
            lastAddress = address;
          }
        }
        if (last > 0) {
          block.fill((byte) 0);
          media.write(lastAddress, block);
        }
      }
    }
  }

  /** Some seed must show it; without the fault, none may. */
  private static void assertFound(Shape shape, Supplier<PlantedFault> planted) {
    for (long seed : Seeds.of(SEEDS)) {
      PlantedFault fault = planted.get();
      if (!found(shape, seed, fault).isEmpty()) {
        System.out.printf("%s: found with seed %d%n", fault.getClass().getSimpleName(), seed);
        assertThat(found(shape, seed, PlantedFault.NONE)).as(Seeds.replay(seed)).isEmpty();
        return;
      }
    }
    throw new AssertionError("not found with any of " + SEEDS + " seeds");
  }

  private static List<String> found(Shape shape, long seed, PlantedFault fault) {
    SimulatedArray array = new SimulatedArray(shape, seed, fault);
    try {
      array.client.load(60 + array.random.nextInt(300));
    } catch (IllegalStateException broken) {
      // A broken invariant, or requests that nobody answers any more.
      array.close();
      return List.of(broken.getMessage());
    }
    array.crash();
    return array.check().findings();
  }

  // ---- between IOMs

  /**
   * A data IOM replies when the parity has taken the delta, where hardened parity was asked for.
   */
  private static final class RepliesBeforeParityHardened implements PlantedFault {
    @Override
    public void deliver(SimulatedArray array, int drive, Actor iom, Message message) {
      if (message.type == MessageType.WRITE) {
        ((WriteOp) message.subject).toughness = Toughness.TAKEN;
      }
      iom.onMessage(message);
    }
  }

  /** A parity IOM takes every member's data for hardened as soon as it has its delta. */
  private static final class IgnoresOtherMembers implements PlantedFault {
    @Override
    public void deliver(SimulatedArray array, int drive, Actor iom, Message message) {
      if (message.type == MessageType.DATA_HARDENED) {
        return;
      }
      iom.onMessage(message);
      if (message.type == MessageType.DELTA_TAKEN && message.detail != null) {
        WriteOp op = (WriteOp) message.subject;
        message.type = MessageType.DATA_HARDENED;
        message.subject = message.detail;
        message.number >>>= 8;
        array.iom(op.parityDrive[0]).onMessage(message);
      }
    }
  }

  /** XOR a delta in twice and the parity is as before: as if the delta were zero. */
  private static final class AppliesDeltasTwice implements PlantedFault {
    private int deltas;

    @Override
    public void deliver(SimulatedArray array, int drive, Actor iom, Message message) {
      WriteOp op =
          switch (message.type) {
            case DELTA -> (WriteOp) message.detail;
            case UPDATE_PARITY ->
                message.number >= WriteOp.DELTA_READY ? (WriteOp) message.subject : null;
            default -> null;
          };
      if (op != null && op.delta != op.payload && ++deltas % 16 == 0) {
        op.delta.segment().fill((byte) 0);
      }
      iom.onMessage(message);
    }
  }

  /** The same message comes twice. */
  private static final class RepeatsDeltas implements PlantedFault {
    @Override
    public void deliver(SimulatedArray array, int drive, Actor iom, Message message) {
      iom.onMessage(message);
      if (message.type == MessageType.DELTA) {
        iom.onMessage(message);
      }
    }
  }

  /** The old data's place is given out again while the update is open. */
  private static final class FreesBeforeClosing implements PlantedFault {
    @Override
    public void deliver(SimulatedArray array, int drive, Actor iom, Message message) {
      if (message.type == MessageType.DELTA_TAKEN) {
        WriteOp op = (WriteOp) message.subject;
        for (int i = 0; i < op.count; i++) {
          if (op.oldAddress[i] != 0) {
            array.iom(drive).rooms().allocator.free(op.oldAddress[i], op.mj);
            op.oldAddress[i] = 0;
          }
        }
      }
      iom.onMessage(message);
    }
  }

  /** The place of a discarded block is given out again while the discard is open. */
  private static final class FreesDiscardedBeforeClosing implements PlantedFault {
    @Override
    public void deliver(SimulatedArray array, int drive, Actor iom, Message message) {
      if (message.type == MessageType.DELTA_TAKEN && ((WriteOp) message.subject).unmaps()) {
        WriteOp op = (WriteOp) message.subject;
        for (int i = 0; i < op.count; i++) {
          if (op.oldAddress[i] != 0) {
            array.iom(drive).rooms().allocator.free(op.oldAddress[i], op.mj);
            op.oldAddress[i] = 0;
          }
        }
      }
      iom.onMessage(message);
    }
  }

  /** A data IOM discards on its own: no parity is told. */
  private static final class DiscardsBesideTheParity implements PlantedFault {
    @Override
    public void deliver(SimulatedArray array, int drive, Actor iom, Message message) {
      if (message.type == MessageType.WRITE && ((WriteOp) message.subject).unmaps()) {
        ((WriteOp) message.subject).parities = 0;
      }
      iom.onMessage(message);
    }
  }

  /** A discard is replied to, and nothing was done. */
  private static final class RepliesToDiscardsOnly implements PlantedFault {
    @Override
    public void deliver(SimulatedArray array, int drive, Actor iom, Message message) {
      if (message.type == MessageType.WRITE
          && ((WriteOp) message.subject).unmaps()
          && ((WriteOp) message.subject).stripe == 0) {
        WriteOp op = (WriteOp) message.subject;
        iom.shard().send(op.client, MessageType.WRITE_CLOSED, op, null, 0);
        return;
      }
      iom.onMessage(message);
    }
  }

  // ---- between an IOM and its drive

  /** A drive that says that it has done what it has not. */
  private static final class DriveFault implements PlantedFault {
    enum Kind {
      SKIPS_FLUSHES,
      JOURNAL_ONE_FLUSH_LATE,
      ROOT_MUCH_LATER
    }

    private final Kind kind;

    DriveFault(Kind kind) {
      this.kind = kind;
    }

    @Override
    public BlockDevice device(SimulatedArray array, BlockDevice device, Superblock superblock) {
      return new LyingDevice(kind, device, superblock);
    }
  }

  private static final class LyingDevice extends DeviceBefore {
    private static final int ROOT_DELAY = 200;
    private static final int MAX_BYTES = 128 << 10;

    private final DriveFault.Kind kind;
    private final Superblock superblock;
    private final IoBuffer nowhere = buffer(MAX_BYTES);
    private final ArrayDeque<IoBuffer> buffers = new ArrayDeque<>();
    private final ArrayDeque<Held> held = new ArrayDeque<>();
    private long submitted;

    /** A write whose turn comes when {@code due} requests were submitted. */
    private record Held(long offset, int bytes, IoBuffer content, long due) {}

    LyingDevice(DriveFault.Kind kind, BlockDevice device, Superblock superblock) {
      super(device);
      this.kind = kind;
      this.superblock = superblock;
    }

    @Override
    public void submit(IoRequest request) {
      submitted++;
      boolean flush = request.operation() == IoOperation.FLUSH;
      if (kind == DriveFault.Kind.SKIPS_FLUSHES && flush) {
        pretend(request, 0, Drive.BLOCK_BYTES);
        return;
      }
      if (request.operation() == IoOperation.WRITE && lied(request)) {
        hold(request);
        return;
      }
      device.submit(request);
      while (!held.isEmpty()
          && (flush || held.peek().due() > 0)
          && held.peek().due() <= submitted) {
        release(held.poll());
      }
    }

    private boolean lied(IoRequest request) {
      long address = request.offsetBytes() / Drive.BLOCK_BYTES;
      long first = superblock.journalFirstBlock();
      return switch (kind) {
        case SKIPS_FLUSHES -> false;
        case JOURNAL_ONE_FLUSH_LATE ->
            address >= first && address < first + superblock.journalBlocks();
        case ROOT_MUCH_LATER ->
            (address & ~128L) >= Root.FIRST_SLOT
                && (address & ~128L) < Root.FIRST_SLOT + Root.SLOTS;
      };
    }

    private void hold(IoRequest request) {
      int bytes = request.lengthBytes();
      IoBuffer content = buffers.isEmpty() ? buffer(MAX_BYTES) : buffers.poll();
      MemorySegment.copy(
          request.buffer().segment(), request.bufferOffset(), content.segment(), 0, bytes);
      long due = kind == DriveFault.Kind.ROOT_MUCH_LATER ? submitted + ROOT_DELAY : 0;
      held.add(new Held(request.offsetBytes(), bytes, content, due));
      pretend(request, request.offsetBytes(), bytes);
    }

    private static IoBuffer buffer(int bytes) {
      return IoMemory.plain(bytes).buffers(1, bytes)[0];
    }

    private void pretend(IoRequest request, long offset, int bytes) {
      device.submit(request.read(offset, bytes, nowhere, 0));
    }

    private void release(Held late) {
      IoRequest write = new IoRequest(done -> buffers.add(late.content()), this);
      device.submit(write.write(late.offset(), late.bytes(), late.content(), 0));
    }
  }
}
