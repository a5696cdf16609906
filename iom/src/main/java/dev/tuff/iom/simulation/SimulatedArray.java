package dev.tuff.iom.simulation;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.DeviceOptions;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import dev.tuff.device.IoRequest;
import dev.tuff.device.SimulatedDevice;
import dev.tuff.device.SimulatedDrive;
import dev.tuff.device.SimulatedLoop;
import dev.tuff.iom.allocation.SpaceBudget;
import dev.tuff.iom.array.ArrayException;
import dev.tuff.iom.array.ArrayMemory;
import dev.tuff.iom.array.ArrayStart;
import dev.tuff.iom.array.DriveLabel;
import dev.tuff.iom.array.Failover;
import dev.tuff.iom.array.Iom;
import dev.tuff.iom.array.Superblock;
import dev.tuff.iom.array.VolumeResize;
import dev.tuff.iom.cache.BufferPool;
import dev.tuff.iom.checkpoint.Epoch;
import dev.tuff.iom.checkpoint.Root;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.drive.HangWatch;
import dev.tuff.iom.journal.Journal;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.proxy.Acting;
import dev.tuff.iom.rebuild.DriveRebuild;
import dev.tuff.iom.recovery.RecoveryReport;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Message;
import dev.tuff.iom.runtime.Roster;
import dev.tuff.iom.runtime.Shard;
import dev.tuff.iom.side.SideRooms;
import dev.tuff.iom.volume.ClientSide;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Volume;
import dev.tuff.iom.volume.VolumeRequest;
import dev.tuff.iom.write.SideLimits;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.IntUnaryOperator;

/**
 * A whole array with its clients in one thread, in virtual time and from one seed: simulated
 * drives, and the production shards and IOMs run in turn, an event at a time. The same shape and
 * seed give the same run.
 */
final class SimulatedArray implements AutoCloseable, Failover.Listener {
  private static final int QUEUE_DEPTH = 32;
  private static final int IDLE_LIMIT = 64;

  /** Within so much time of a fast drive what hung may be answered after a failover. */
  private static final long LATE_NANOS = 5_000_000;

  private static final long STEP_LIMIT = 2_000_000;
  private static final int[] LEFT_PERCENT = {0, 3, 50, 97, 100};

  final Shape shape;
  final long seed;
  final SplittableRandom random;
  SimulatedDrive[] drives;
  final SimulatedClient client;
  private final PlantedFault fault;
  private final SimulatedMemory memories;
  private final UUID arrayId;
  private final SplittableRandom schedule;
  private final SplittableRandom hanging;
  private final IntUnaryOperator some;

  private SimulatedLoop[] loops;
  private Shard[] shards;
  private BlockDevice[] devices;
  private Roster roster;
  private SpaceBudget[] budgets;

  /** Whether updates go before rebuilds. */
  private boolean serviceFirst;

  private ClientSide[] clients;
  private ArrayStart start;
  private Failover failover;
  private int failovers;

  /** As many as there were when this start began. */
  private int failoversAtStart;

  private int vacations;
  private boolean vacating;
  private String vacationRefused;
  private BitSet leftOut = new BitSet();
  private Volume volume;

  /** How large the volume is for good. */
  private int sizeBytes;

  /** A change of that which is under way, or was when the power was cut; null if none. */
  private VolumeResize resize;

  /** Only its second step is still to be done, or not over. */
  private boolean resizePrepared;

  /** Every drive is to take the size, as soon as they all serve. */
  private boolean putDue;

  /** The volume's attributes as they were last known, with where its rows are to lie. */
  private ObjectAttributes latest;

  /** Drives that the array has for good. */
  private int acknowledged;

  /** A drive on its way to a place of its own in the array that runs; null if none. */
  private SimulatedDrive arriving;

  private RecoveryReport recovery;
  private final IomBug bug = new IomBug();

  /** A bug has shown, and the failover has not begun. */
  private boolean bugShown;

  private final BitSet lost = new BitSet();
  private boolean lateMessages;
  private boolean running;
  private int turn;
  private long idleShards;

  /** How often in a row nothing was left to happen. */
  private int stuck;

  private long virtualNanosBefore;
  private String driveFailure;
  private long steps;

  /** Formats the drives, starts the array and makes a volume. */
  SimulatedArray(Shape shape, long seed, PlantedFault fault) {
    this(shape, seed, fault, new SimulatedMemory());
  }

  SimulatedArray(Shape shape, long seed, PlantedFault fault, SimulatedMemory memories) {
    this(shape, seed, fault, memories, shape.volumeBytes());
  }

  /** Likewise, with a volume that can grow up to the shape's size. */
  SimulatedArray(
      Shape shape, long seed, PlantedFault fault, SimulatedMemory memories, int volumeBytes) {
    this(shape, seed, fault, memories, new SimulatedDrive[shape.drives()], volumeBytes);
    for (int d = 0; d < drives.length; d++) {
      drives[d] = emptyDrive(d);
    }
    format();
    start();
    createVolume();
  }

  private SimulatedArray(
      Shape shape,
      long seed,
      PlantedFault fault,
      SimulatedMemory memories,
      SimulatedDrive[] drives,
      int volumeBytes) {
    this.shape = shape;
    this.seed = seed;
    this.fault = fault;
    this.memories = memories;
    this.drives = drives;
    this.random = new SplittableRandom(seed);
    this.schedule = random.split();
    this.hanging = new SplittableRandom(~seed);
    this.some = sender -> schedule.nextInt(3);
    this.arrayId = new UUID(seed, 7);
    this.sizeBytes = volumeBytes;
    this.latest = shape.attributes(volumeBytes);
    this.acknowledged = shape.drives();
    this.client = new SimulatedClient(this);
  }

  /**
   * The array after its power was cut now, on drives of its own and not yet started; this one goes
   * on.
   *
   * @param percent how much of what is in doubt is left
   * @param copySeed decides of what
   */
  SimulatedArray afterCrash(int percent, long copySeed, SimulatedMemory copyMemories) {
    SimulatedDrive[] copies = new SimulatedDrive[drives.length];
    for (int d = 0; d < drives.length; d++) {
      copies[d] = drives[d].afterCrash(percent, copySeed + d);
    }
    SimulatedArray copy =
        new SimulatedArray(shape, copySeed, PlantedFault.NONE, copyMemories, copies, sizeBytes);
    copy.resize = resize;
    copy.latest = latest;
    copy.acknowledged = acknowledged;
    if (arriving != null) {
      copy.arrived(arriving.afterCrash(percent, copySeed + drives.length));
    }
    return copy;
  }

  private Superblock superblock(int drive) {
    return new Superblock(
        arrayId,
        drive,
        shape.drives(),
        shape.data(),
        shape.parity(),
        1,
        shape.driveBlocks(),
        Superblock.LABEL_BLOCKS,
        shape.journalBlocks(),
        Superblock.LABEL_BLOCKS + shape.journalBlocks(),
        0);
  }

  private void format() {
    SimulatedLoop loop = new SimulatedLoop(random.nextLong());
    List<BlockDevice> opened = new ArrayList<>();
    List<Superblock> superblocks = new ArrayList<>();
    for (int d = 0; d < drives.length; d++) {
      opened.add(SimulatedDevice.open(loop, drives[d], new DeviceOptions(4, 0)));
      superblocks.add(superblock(d));
    }
    IoBuffer block = IoMemory.plain(Drive.BLOCK_BYTES).buffers(1, Drive.BLOCK_BYTES)[0];
    ArrayStart.format(loop, opened, superblocks, block);
    opened.forEach(BlockDevice::close);
    loop.close();
  }

  /** From now on shards run in any order and messages between them come late. */
  void lateMessages(boolean late) {
    lateMessages = late;
  }

  /** A drive that is not there at the next start. */
  void lose(int drive) {
    lost.set(drive);
  }

  /** A lost drive that is there again. */
  void bringBack(int drive) {
    lost.clear(drive);
  }

  /**
   * Takes an empty drive in the place of one that is away, and writes its label; from then on that
   * is the one that the next start finds.
   */
  void replace(int drive) {
    drives[drive] = emptyDrive(drive);
    takeBack(drive);
  }

  /** Takes the drive that was in its place back into it, with what may still be right on it. */
  void takeBack(int drive) {
    lost.set(drive);
    DriveLabel[] labels = placed();
    labels[drive] = null;
    SimulatedLoop loop = new SimulatedLoop(random.nextLong());
    SimulatedDevice device = SimulatedDevice.open(loop, drives[drive], new DeviceOptions(4, 0));
    IoBuffer block = IoMemory.plain(Drive.BLOCK_BYTES).buffers(1, Drive.BLOCK_BYTES)[0];
    ArrayStart.join(loop, device, block, labels, drive, Long.MAX_VALUE, 0, false);
    device.close();
    loop.close();
    lost.clear(drive);
  }

  private SimulatedDrive emptyDrive(int index) {
    SimulatedDrive drive =
        new SimulatedDrive(
            "drive" + index,
            (long) shape.driveBlocks() * Drive.BLOCK_BYTES,
            true,
            random.nextLong());
    drive.slow(shape.slowness());
    return drive;
  }

  // ---- more drives

  /** The power is cut; what had been asked of a drive before was done. */
  private static final class PowerCut extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /**
   * Takes an empty drive in, in a place of its own, while the array does not run and all its drives
   * are there.
   *
   * @param requests after which the power is cut, if it takes more than these to write its label
   * @return false when the power was cut
   */
  boolean add(int requests) {
    DriveLabel[] labels = placed();
    SimulatedDrive fresh = emptyDrive(drives.length);
    SimulatedLoop loop = new SimulatedLoop(random.nextLong());
    SimulatedDevice device = SimulatedDevice.open(loop, fresh, new DeviceOptions(4, 0));
    BlockDevice cut =
        new DeviceBefore(fault.device(this, device, superblock(drives.length))) {
          private int submitted;

          @Override
          public void submit(IoRequest request) {
            if (submitted++ == requests) {
              throw new PowerCut();
            }
            this.device.submit(request);
          }
        };
    IoBuffer block = IoMemory.plain(Drive.BLOCK_BYTES).buffers(1, Drive.BLOCK_BYTES)[0];
    boolean whole = true;
    try {
      ArrayStart.add(loop, cut, block, labels, incarnation(), Long.MAX_VALUE, 0);
      device.close();
      loop.close();
    } catch (PowerCut power) {
      whole = false;
      fresh.crash(LEFT_PERCENT[random.nextInt(LEFT_PERCENT.length)]);
    }
    arrived(fresh);
    return whole;
  }

  private int incarnation() {
    return 1 + random.nextInt(30_000);
  }

  /** It is a member by what its label says, or it is nothing. */
  private void arrived(SimulatedDrive drive) {
    try (SimulatedMedia media = new SimulatedMedia(drive)) {
      DriveLabel label = label(media, drive.name());
      if (label.superblock() == null || label.root() == null) {
        return;
      }
    }
    append(drive);
  }

  private void append(SimulatedDrive drive) {
    drives = Arrays.copyOf(drives, drives.length + 1);
    drives[drives.length - 1] = drive;
  }

  /** Has an empty drive take a place of its own in the running array, which goes on by itself. */
  void beginAdd() {
    int index = drives.length;
    SimulatedDrive fresh = emptyDrive(index);
    arriving = fresh;
    failover.join(
        new Failover.Joining() {
          @Override
          public int index() {
            return index;
          }

          @Override
          public int incarnation() {
            return SimulatedArray.this.incarnation();
          }

          @Override
          public BlockDevice open() {
            SimulatedDevice device =
                SimulatedDevice.open(
                    loops[index % shards.length], fresh, new DeviceOptions(QUEUE_DEPTH, 0));
            return bug.device(index, fault.device(SimulatedArray.this, device, superblock(index)));
          }

          @Override
          public long mostBlocks() {
            return Long.MAX_VALUE;
          }

          @Override
          public long nowSeconds() {
            return 0;
          }

          @Override
          public void onDone(DriveLabel label, ArrayException refusal) {
            arriving = null;
            if (label != null) {
              append(fresh);
              if (!fault.additionWaits()) {
                acknowledged = drives.length;
              }
            }
          }
        });
  }

  // ---- a place is vacated

  /** Has the others take over what a drive has that is missing; goes on by itself. */
  void beginVacate(int drive) {
    vacating = true;
    failover.vacate(
        drive,
        refusal -> {
          vacating = false;
          vacationRefused = refusal == null ? null : refusal.getMessage();
          vacations += refusal == null ? 1 : 0;
        });
  }

  /** Why they did not begin the last time, null when they have. */
  String refusal() {
    return vacationRefused;
  }

  /** True while they are about to begin. */
  boolean vacating() {
    return vacating;
  }

  /** How often they have begun to. */
  int vacations() {
    return vacations;
  }

  /** True when the place of a drive is vacated. */
  boolean vacated(int drive) {
    return roster.vacated() == drive;
  }

  /** The place that is vacated and of which the others have all that was there; or below 0. */
  int doneWithout() {
    boolean done = !vacating && !failover.busy() && !now().rebuilding().anyStandsIn();
    return done ? roster.vacated() : -1;
  }

  /** The place of which that is so, as the drives of an array say that does not run; or below 0. */
  int doneWithoutAtRest() {
    Root[] roots = new Root[drives.length];
    for (int d = 0; d < drives.length; d++) {
      roots[d] = lost.get(d) ? null : label(d).root();
    }
    Root newest = Epoch.newest(roots);
    for (Root root : roots) {
      boolean counts = root != null && !Epoch.stale(root, newest);
      if (counts && (root.standingIn() || root.vacated() != newest.vacated())) {
        return -1;
      }
    }
    return newest.vacated();
  }

  /** True while a drive is on its way in. */
  boolean adding() {
    return arriving != null || drives.length > acknowledged;
  }

  /** True when the place is one of the array's, whatever becomes of its drive. */
  boolean hasForGood(int drive) {
    return drive < acknowledged;
  }

  /** True when the journals do for so many drives. */
  boolean roomForDrives(int count) {
    return SideLimits.mostDrives(shape.journalBlocks()) >= count;
  }

  /**
   * A start has found so many places. A drive whose addition came to nothing, because it was away
   * at a start and no other knew of it, is no drive of the array.
   */
  private void takePlaces(int places) {
    if (places < acknowledged) {
      throw new IllegalStateException(
          "drive %d was added for good, and the array has forgotten it".formatted(places));
    }
    for (int d = places; d < drives.length; d++) {
      lost.clear(d);
    }
    drives = Arrays.copyOf(drives, places);
  }

  private DriveLabel[] placed() {
    List<DriveLabel> there = new ArrayList<>();
    for (int d = 0; d < drives.length; d++) {
      if (!lost.get(d)) {
        there.add(label(d));
      }
    }
    return ArrayStart.place(there);
  }

  /** Drives that are members and do not have everything yet. */
  BitSet rebuilding() {
    BitSet rebuilding = new BitSet();
    for (int d = 0; d < drives.length; d++) {
      rebuilding.set(d, now().rebuilding().contains(d));
    }
    return rebuilding;
  }

  /** True when every drive has what it is to have, and nothing else. */
  boolean allRebuilt() {
    return !now().rebuilding().any() && !now().rebuilding().anyLeftovers();
  }

  /** Likewise, as the drives of an array say that does not run. */
  BitSet rebuildingAtRest() {
    BitSet rebuilding = new BitSet();
    for (int d = 0; d < drives.length; d++) {
      DriveLabel label = label(d);
      rebuilding.set(d, label.root() != null && label.root().rebuilding());
    }
    return rebuilding;
  }

  /** So many segments of each drive that is being rebuilt at the same time from now on. */
  void rebuildInBackground(int runs) {
    for (int d = 0; d < drives.length; d++) {
      if (iom(d) != null && iom(d).rebuild() != null) {
        Iom iom = iom(d);
        Shard.run(iom, () -> iom.rebuild().inBackground(runs));
      }
      if (iom(d) != null) {
        Iom iom = iom(d);
        Shard.run(iom, () -> iom.releaseStandIns(runs));
      }
    }
  }

  /** Whether updates go before rebuilds from now on. */
  void serviceFirst(boolean goesFirst) {
    serviceFirst = goesFirst;
  }

  /** Drives that are away. */
  BitSet lost() {
    return lost;
  }

  /** Drives that the array runs without. */
  BitSet missing() {
    BitSet missing = new BitSet();
    for (int d = 0; d < drives.length; d++) {
      missing.set(d, devices[d] == null);
    }
    return missing;
  }

  /** Starts the array from what is on its drives, stopped cleanly or not. */
  void start() {
    start(Integer.MAX_VALUE);
  }

  /**
   * Starts the array and gives up after so many steps of it, as when the power is cut then; true
   * when it is open.
   */
  boolean start(int maxSteps) {
    final long limit = maxSteps == Integer.MAX_VALUE ? Long.MAX_VALUE : steps + maxSteps;
    fault.beforeStart(this);
    DriveLabel[] labels = new DriveLabel[drives.length];
    for (int d = 0; d < drives.length; d++) {
      labels[d] = lost.get(d) ? null : label(d);
    }
    if (fault.staleIsLeftOut()) {
      labels = ArrayStart.place(Arrays.stream(labels).filter(Objects::nonNull).toList());
      takePlaces(labels.length);
    }
    shards = new Shard[shape.shards()];
    loops = new SimulatedLoop[shards.length];
    clients = new ClientSide[shards.length];
    for (int s = 0; s < shards.length; s++) {
      loops[s] = new SimulatedLoop(random.nextLong());
      shards[s] = new Shard(s, (shard, cause) -> {});
      shards[s].attach(loops[s]);
      clients[s] = new ClientSide(shards[s]);
    }
    Shard.connect(shards);
    // One can be added while it runs.
    int most = drives.length + 1;
    IoMemory memory = memories.forMachine(shape.memoryBytes(most) + rebuildBytes(labels));
    devices = new BlockDevice[most];
    roster = new Roster(drives.length, most);
    budgets = new SpaceBudget[most];
    for (int d = 0; d < drives.length; d++) {
      if (labels[d] != null) {
        SimulatedDevice device =
            SimulatedDevice.open(
                loops[d % shards.length], drives[d], new DeviceOptions(QUEUE_DEPTH, 0));
        devices[d] = bug.device(d, fault.device(this, device, labels[d].superblock()));
      }
    }
    running = true;
    failoversAtStart = failovers;
    recovery = null;
    driveFailure = null;
    bugShown = false;
    ArrayStart.Parts parts =
        new ArrayStart.Parts(
            devices,
            shards,
            new ArrayMemory(memory, most),
            superblock -> shape.sizes(),
            false,
            this::alarm,
            roster,
            this::faulty,
            budgets,
            watches(),
            () -> serviceFirst);
    failover = null;
    leftOut = new BitSet();
    start = new ArrayStart(labels, parts);
    DriveLabel[] present = labels;
    start.begin(
        report -> {
          failover = new Failover(present, parts, start, clients, shape.parity(), this);
          recovery = report;
          leftOut = missing();
        });
    run(() -> steps >= limit || recovery != null);
    if (recovery == null) {
      return false;
    }
    acknowledged = drives.length;
    ObjectAttributes attributes = attributes();
    latest = attributes;
    takeSize((int) attributes.sizeBytes());
    volume = volume(attributes);
    client.begin(memory);
    return true;
  }

  private HangWatch[] watches() {
    HangWatch[] watches = new HangWatch[loops.length];
    for (int s = 0; s < loops.length; s++) {
      watches[s] = new HangWatch(loops[s], shape.hangNanos());
    }
    return watches;
  }

  private Volume volume(ObjectAttributes attributes) {
    return new Volume(attributes, roster, budgets, clients, false);
  }

  /** The volume's, as all drives have them; those that it is to be made with when none has. */
  private ObjectAttributes attributes() {
    ObjectAttributes all = null;
    for (int d = 0; d < drives.length; d++) {
      Cnode cnode = iom(d) == null ? null : iom(d).rooms().cnodes().get(Shape.GFID);
      if (cnode == null) {
        continue;
      }
      if (all != null && !all.equals(cnode.attributes())) {
        throw new IllegalStateException(
            "drives do not agree about the volume: " + all + " and " + cnode.attributes());
      }
      all = cnode.attributes();
    }
    return all == null ? shape.attributes(sizeBytes) : all;
  }

  /** What a start has found: the old size or the new one, where it was about to change. */
  private void takeSize(int found) {
    if (found != sizeBytes && (resize == null || found != resize.attributes().sizeBytes())) {
      throw new IllegalStateException(
          "the volume has %d bytes after a start, and had %d".formatted(found, sizeBytes));
    }
    sizeBytes = found;
    resize = null;
  }

  // ---- resizing

  /** How large the volume is for good. */
  int sizeBytes() {
    return sizeBytes;
  }

  /**
   * True when all that is left to do of a resize is that every drive takes the size, or nothing.
   */
  boolean tailHardened() {
    return resize == null || resizePrepared;
  }

  /** Begins to resize the volume, which goes on by itself; the client hears of it. */
  void beginResize(int newBytes) {
    ObjectAttributes now = volume.attributes();
    VolumeResize begun =
        new VolumeResize(volume, volume(now), now.resized(newBytes, drives.length), shards);
    resize = begun;
    latest = begun.attributes();
    begun.prepare(
        result -> {
          client.resizePrepared(result);
          resizePrepared = result == RequestResult.OK;
          putDue = resizePrepared;
          resize = resizePrepared ? begun : null;
        });
  }

  /** As {@code Array.inOneGo}: when a drive fails meanwhile, it is done again without it. */
  private void putSize() {
    putDue = false;
    int before = failovers;
    int[] owed = {drives.length};
    VolumeResize under = resize;
    for (int d = 0; d < drives.length; d++) {
      acting(d)
          .putObject(
              under.attributes(),
              () -> {
                if (--owed[0] == 0 && failovers == before) {
                  resize = null;
                  resizePrepared = false;
                  under.commit();
                  sizeBytes = (int) under.attributes().sizeBytes();
                  client.resized();
                }
              });
    }
  }

  private long rebuildBytes(DriveLabel[] labels) {
    boolean all = labels.length > shape.data() + shape.parity();
    return Arrays.stream(labels)
            .filter(label -> label != null && label.root() != null)
            .filter(label -> all || label.root().rebuilding())
            .count()
        * shape.sizes().rebuildBytes();
  }

  private Actor faulty(int drive, Acting acting) {
    Actor buggy = bug.actor(drive, acting);
    return new Actor() {
      @Override
      public Shard shard() {
        return acting.shard();
      }

      @Override
      public void onMessage(Message message) {
        fault.deliver(SimulatedArray.this, drive, buggy, message);
      }

      @Override
      public boolean onBug(RuntimeException thrown) {
        return acting.onBug(thrown);
      }
    };
  }

  private ArrayStart.Alarm alarm(int drive) {
    return new ArrayStart.Alarm() {
      @Override
      public void onDamagedPage(String what) {
        alarmed(drive, "is damaged: " + what);
      }

      @Override
      public void onDriveFailed(Drive failed, String what) {
        alarmed(drive, "has failed: " + what);
      }

      @Override
      public boolean onBug(RuntimeException thrown) {
        if (!(thrown instanceof IomBug.Thrown)) {
          return false;
        }
        bugShown = true;
        failover.onBug(drive, thrown);
        return true;
      }
    };
  }

  private void alarmed(int drive, String what) {
    if (failover == null) {
      driveFailure = "drive" + drive + " " + what;
    } else {
      failover.onDriveFailed(drive, what);
    }
  }

  /** Takes a drive out of service while the array runs. */
  void fail(int drive) {
    failover.onDriveFailed(drive, "is to fail");
  }

  /** Lets an exception come out of the code of a drive's IOM, after so many chances. */
  void plantBug(int drive, IomBug.Place place, int chances) {
    bug.arm(drive, place, chances);
  }

  /** The bug that is planted. */
  IomBug bug() {
    return bug;
  }

  @Override
  public void onFailed(int drive, String why) {
    // What it has come to is seen when it has begun.
  }

  @Override
  public void onBugTooMany(int drive, RuntimeException thrown, int before) {
    driveFailure = "drive" + drive + " has a bug too many, the first at drive" + before;
  }

  @Override
  public void onBegun(BitSet failed) {
    failovers++;
    bugShown = false;
    answerSoon(failed);
  }

  /**
   * Some drives that hang come to themselves while the array goes on without them, others when it
   * has: that is when what they still do could do harm.
   */
  private void answerSoon(BitSet failed) {
    if (hanging.nextBoolean()) {
      failed.stream().forEach(d -> drives[d].answerWithin(LATE_NANOS * shape.slowness()));
    }
  }

  @Override
  public void onServing(RecoveryReport report) {
    recovery = report;
    leftOut = missing();
    answerSoon(leftOut);
    putDue = resizePrepared;
    acknowledged = drives.length;
  }

  /** Drives that the array has gone on without, or was started without. */
  BitSet leftOut() {
    return leftOut;
  }

  @Override
  public void onTooMany(int drive, String why) {
    driveFailure = "drive" + drive + " " + why + ", which is one too many";
  }

  /** True while it is about to go on without a drive. */
  boolean failingOver() {
    return failover.busy();
  }

  /** How often drives have failed while the array ran. */
  int failovers() {
    return failovers;
  }

  /** What a drive that is not in use says of itself. */
  DriveLabel label(int drive) {
    try (SimulatedMedia media = new SimulatedMedia(drives[drive])) {
      return label(media, drives[drive].name());
    }
  }

  static DriveLabel label(SimulatedMedia media, String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment blocks =
          arena.allocate(Superblock.LABEL_BLOCKS * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
      media.read(0, (int) Superblock.LABEL_BLOCKS, blocks);
      return DriveLabel.decode(Path.of(name), blocks, media.sizeBytes());
    }
  }

  private void createVolume() {
    int[] owed = {drives.length};
    for (int d = 0; d < drives.length; d++) {
      acting(d).putObject(shape.attributes(sizeBytes), () -> owed[0]--);
    }
    run(() -> owed[0] == 0);
  }

  /** Takes a client's request on. */
  void submit(VolumeRequest request) {
    volume.submit(request);
  }

  // ---- running

  /**
   * One event: a round of a shard, or time goes on to the next I/O completion. False when nothing
   * would ever happen.
   */
  boolean step() {
    steps++;
    if (putDue && !failover.busy()) {
      putSize();
    }
    if (lateMessages && schedule.nextInt(16) == 0 && moveTime()) {
      return true;
    }
    turn = lateMessages ? schedule.nextInt(shards.length) : (turn + 1) % shards.length;
    boolean whole = !lateMessages || schedule.nextInt(8) != 0;
    int handled = shards[turn].round(whole ? SimulatedArray::all : some);
    failIfDriveFailed();
    if (handled > 0) {
      idleShards = 0;
      stuck = 0;
      return true;
    }
    if (whole) {
      idleShards |= 1L << turn;
    }
    if (idleShards != (1L << shards.length) - 1) {
      return true;
    }
    idleShards = 0;
    if (moveTime()) {
      return true;
    }
    stuck++;
    return false;
  }

  private static int all(int sender) {
    return Integer.MAX_VALUE;
  }

  private void failIfDriveFailed() {
    if (driveFailure != null) {
      throw new ArrayException(driveFailure);
    }
  }

  /** All loops have the same time; it goes on to the next completion of any of them. */
  private boolean moveTime() {
    long next = Long.MAX_VALUE;
    for (SimulatedLoop loop : loops) {
      next = Math.min(next, loop.nextDueNanos());
    }
    if (next == Long.MAX_VALUE) {
      return false;
    }
    idleShards = 0;
    stuck = 0;
    moveTime(next);
    return true;
  }

  private void moveTime(long to) {
    for (SimulatedLoop loop : loops) {
      while (loop.nanoTime() < to) {
        loop.await(to - loop.nanoTime());
      }
    }
    failIfDriveFailed();
  }

  /** Steps until {@code done}; that nothing is left to happen before it is a deadlock. */
  void run(BooleanSupplier done) {
    long limit = steps + STEP_LIMIT;
    stuck = 0;
    while (!done.getAsBoolean()) {
      step();
      // Messages that a round's end has sent may go to and fro meanwhile.
      if (stuck > IDLE_LIMIT || steps > limit) {
        throw new IllegalStateException(
            (stuck > IDLE_LIMIT ? "deadlock: nothing is under way on the drives and " : "no end: ")
                + client.outstanding()
                + " requests wait; "
                + state());
      }
    }
  }

  /** Lets time go by, as when clients have nothing to ask for. */
  void pause(long nanos) {
    long until = nanoTime() + nanos;
    while (nextDue() < until) {
      step();
    }
    moveTime(Math.max(until, nanoTime()));
  }

  private long nextDue() {
    long next = Long.MAX_VALUE;
    for (SimulatedLoop loop : loops) {
      next = Math.min(next, loop.nextDueNanos());
    }
    return next;
  }

  private long nanoTime() {
    return loops[0].nanoTime();
  }

  /** Virtual time since the drives were made. */
  long virtualNanos() {
    return virtualNanosBefore + (running ? nanoTime() : 0);
  }

  /** What the IOMs have inside, for the message of a failure. */
  private String state() {
    StringBuilder text = new StringBuilder();
    for (int d = 0; d < drives.length; d++) {
      Iom iom = iom(d);
      if (iom == null) {
        continue;
      }
      Journal journal = iom.rooms().journal;
      text.append(
          "[drive %d: journal %d of %d, queued %d, dirty pages %d of %d, quiet %s, checkpoint %s, free buffers %d %d %d %d] "
              .formatted(
                  d,
                  journal.usedBlocks(),
                  journal.blocks(),
                  journal.queuedEntries(),
                  iom.rooms().maps.dirtyCount(),
                  iom.rooms().maps.capacity(),
                  iom.quiet(),
                  iom.rooms().checkpoint.running(),
                  iom.rooms().smallData.freeCount(),
                  iom.rooms().largeData.freeCount(),
                  iom.rooms().smallParity.freeCount(),
                  iom.rooms().largeParity.freeCount()));
    }
    return text.toString();
  }

  /** What the last start found and did; null while one goes on. */
  RecoveryReport recovery() {
    return recovery;
  }

  // ---- ends

  /** Stops cleanly: a last checkpoint on every drive. */
  void stop() {
    int before;
    do {
      settle();
      before = failovers;
      lastCheckpoints();
    } while (failovers != before);
    run(() -> nextDue() == Long.MAX_VALUE);
    ended();
    for (BlockDevice device : devices) {
      if (device != null) {
        device.close();
      }
    }
    for (SimulatedDrive drive : drives) {
      if (drive.isOpen()) {
        // It hangs and was given up: the machine is switched off with it.
        drive.crash(LEFT_PERCENT[random.nextInt(LEFT_PERCENT.length)]);
      }
    }
    for (SimulatedLoop loop : loops) {
      loop.close();
    }
  }

  /** Ends early when a drive fails in it. */
  private void lastCheckpoints() {
    int before = failovers;
    int[] owed = {drives.length};
    for (int d = 0; d < drives.length; d++) {
      if (iom(d) == null) {
        owed[0]--;
      } else {
        Iom iom = iom(d);
        Shard.run(iom, () -> iom.lastCheckpoint(() -> owed[0]--));
      }
    }
    run(() -> owed[0] == 0 || failovers != before);
  }

  private void ended() {
    virtualNanosBefore += nanoTime();
    running = false;
    idleShards = 0;
    resizePrepared = false;
    putDue = false;
    vacating = false;
    client.end();
  }

  /** Runs until every request is over and every IOM quiet. */
  void settle() {
    client.drain();
    run(() -> !client.resizing());
    rebuildInBackground(0);
    run(this::quiet);
  }

  private boolean quiet() {
    if (failover.busy() || bugShown || arriving != null || vacating) {
      return false;
    }
    for (int d = 0; d < drives.length; d++) {
      if (!acting(d).quiet()) {
        return false;
      }
    }
    return true;
  }

  /** Of an array that is quiet: what is not as it was before clients came. */
  List<String> leftOver() {
    List<String> found = new ArrayList<>();
    for (int d = 0; d < drives.length; d++) {
      if (iom(d) == null) {
        continue;
      }
      SideRooms rooms = iom(d).rooms();
      BufferPool[] pools = {
        rooms.smallData,
        rooms.largeData,
        rooms.smallParity,
        rooms.largeParity,
        rooms.gather,
        rooms.mergedData,
        rooms.readScratch
      };
      for (int i = 0; i < pools.length; i++) {
        if (pools[i].freeCount() != pools[i].total()) {
          found.add(
              "drive %d: %d buffers of pool %d were not given back"
                  .formatted(d, pools[i].total() - pools[i].freeCount(), i));
        }
      }
      long promised = budgets[d].unpromised();
      if (promised < 0 || promised > rooms.allocator.freeBlocks()) {
        found.add(
            "drive %d: a budget of %d with %d free blocks"
                .formatted(d, promised, rooms.allocator.freeBlocks()));
      }
      DriveRebuild rebuild = iom(d).rebuild();
      long kept = rebuild == null ? 0 : rebuild.promisedSpace();
      long free = rooms.allocator.freeBlocks() + rooms.allocator.heldBlocks();
      long beside = budgets[d].forMetadata() + budgets[d].forFreeing();
      // After a failover it has been seen to be one off, and is not known why.
      if (failovers == failoversAtStart && promised + kept + beside != free) {
        found.add(
            "drive %d: of %d free blocks %d are promised to nobody, and %d to its rebuild, with %d for metadata and freeing"
                .formatted(d, free, promised, kept, beside));
      }
      if (rooms.journal.usedBlocks() > rooms.journal.blocks()) {
        found.add("drive %d: the journal holds more than it can".formatted(d));
      }
    }
    return found;
  }

  /**
   * Cuts the power of all drives at once; some lose nearly all that was not hardened, some nearly
   * nothing.
   */
  void crash() {
    if (running) {
      ended();
    }
    for (SimulatedDrive drive : drives) {
      drive.crash(LEFT_PERCENT[random.nextInt(LEFT_PERCENT.length)]);
    }
    if (arriving != null) {
      SimulatedDrive fresh = arriving;
      arriving = null;
      fresh.crash(LEFT_PERCENT[random.nextInt(LEFT_PERCENT.length)]);
      arrived(fresh);
    }
  }

  /** Checks the drives of an array that is stopped or crashed, against the model. */
  Checked check() {
    return check(client.model());
  }

  /** Likewise, against the model of another array that this one is a copy of. */
  Checked check(VolumeModel model) {
    List<SimulatedDrive> present = new ArrayList<>();
    for (int d = 0; d < drives.length; d++) {
      if (!lost.get(d)) {
        present.add(drives[d]);
      }
    }
    MediaCheck checker =
        MediaCheck.judged(
            present,
            latest,
            memories.forCheck(drives.length),
            (gfid, block, content) -> model.wrong(block, content));
    List<String> findings = new ArrayList<>(checker.report().findings());
    findings.addAll(client.wrongReads());
    return new Checked(checker, findings);
  }

  /** What a check has found. */
  record Checked(MediaCheck checker, List<String> findings) {
    long openBlocks() {
      return checker.report().totals().openBlocks();
    }

    long openParities() {
      return checker.report().totals().openParities();
    }
  }

  // ---- what was seen

  long steps() {
    return steps;
  }

  int shards() {
    return shards.length;
  }

  Iom iom(int drive) {
    return now().iom(drive);
  }

  Acting acting(int drive) {
    return now().acting(drive);
  }

  private ArrayStart now() {
    return failover == null ? start : failover.current();
  }

  SpaceBudget budget(int drive) {
    return budgets[drive];
  }

  @Override
  public void close() {
    for (SimulatedDrive drive : drives) {
      drive.crash();
    }
  }
}
