package dev.tuff.iom.array;

import dev.tuff.device.BlockDevice;
import dev.tuff.device.DeviceOptions;
import dev.tuff.device.IoBuffer;
import dev.tuff.device.IoMemory;
import dev.tuff.device.SimulatedDevice;
import dev.tuff.device.SimulatedDrive;
import dev.tuff.device.SimulatedLoop;
import dev.tuff.iom.allocation.Allocator;
import dev.tuff.iom.allocation.SpaceBudget;
import dev.tuff.iom.check.MediaCheck;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.journal.Journal;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.recovery.IomRecovery;
import dev.tuff.iom.recovery.Recovery;
import dev.tuff.iom.recovery.RecoveryReport;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Message;
import dev.tuff.iom.runtime.Shard;
import dev.tuff.iom.volume.ClientSide;
import dev.tuff.iom.volume.RequestHandler;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.Volume;
import dev.tuff.iom.volume.VolumeRequest;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;

/**
 * A whole array with a client in one thread, in virtual time and from one seed: simulated drives,
 * the production shards and IOMs run in turn, one volume, and a model of what the client was
 * promised. The same shape and seed give the same run.
 */
final class SimulatedArray implements AutoCloseable {
  static final long GFID = 1;
  private static final int QUEUE_DEPTH = 32;
  private static final int IDLE_LIMIT = 64;
  private static final long STEP_LIMIT = 1_000_000;
  private static final int[] LEFT_PERCENT = {0, 3, 50, 97, 100};

  /**
   * An array to be simulated.
   *
   * @param driveBlocks size of each drive
   * @param maxRequestBytes longest read or write
   * @param sizes memory of each IOM
   */
  record Shape(
      int drives,
      int data,
      int parity,
      int chunkBytes,
      int shards,
      int driveBlocks,
      int journalBlocks,
      int volumeBytes,
      int depth,
      int maxRequestBytes,
      IomMemory sizes) {
    static Shape of(int drives, int data, int parity, int chunkBytes, int shards) {
      return new Shape(
          drives,
          data,
          parity,
          chunkBytes,
          shards,
          4096,
          512,
          1 << 20,
          12,
          200_000,
          new IomMemory(128, Allocator.pagesFor(4096) + 1, 64, 32, 8, 2 * drives));
    }

    Shape drives(int blocks, int journal) {
      return new Shape(
          drives,
          data,
          parity,
          chunkBytes,
          shards,
          blocks,
          journal,
          volumeBytes,
          depth,
          maxRequestBytes,
          sizes);
    }

    Shape client(int newVolumeBytes, int newDepth, int newMaxRequestBytes) {
      return new Shape(
          drives,
          data,
          parity,
          chunkBytes,
          shards,
          driveBlocks,
          journalBlocks,
          newVolumeBytes,
          newDepth,
          newMaxRequestBytes,
          sizes);
    }

    Shape memory(IomMemory newSizes) {
      return new Shape(
          drives,
          data,
          parity,
          chunkBytes,
          shards,
          driveBlocks,
          journalBlocks,
          volumeBytes,
          depth,
          maxRequestBytes,
          newSizes);
    }

    ObjectAttributes attributes() {
      return new ObjectAttributes(
          GFID,
          "v",
          volumeBytes,
          chunkBytes / Drive.BLOCK_BYTES,
          data,
          parity,
          drives,
          Toughness.HARDENED);
    }
  }

  /** One place for a request of the client. */
  final class Slot implements RequestHandler {
    private final IoBuffer buffer;
    private final VolumeRequest request = new VolumeRequest(0, this, this);
    private boolean free = true;
    private boolean write;
    private boolean hardened;
    private int[] versions;
    private int[] flushes;
    private byte[] expected;

    Slot(IoBuffer buffer) {
      this.buffer = buffer;
    }

    private MemorySegment payload() {
      return buffer.segment().asSlice(request.offset() % Drive.BLOCK_BYTES, request.bytes());
    }

    @Override
    public void onDone(VolumeRequest done) {
      replies++;
      if (done.result() != RequestResult.OK) {
        failedRequests++;
        lastFailure = done.result();
        return;
      }
      if (write) {
        model.replied(done.offset(), versions, hardened);
      } else if (flushes != null) {
        model.flushed(flushes);
      } else if (expected != null) {
        long wrong = MemorySegment.ofArray(expected).mismatch(payload());
        if (wrong != -1) {
          wrongReads.add(
              "read of " + done.bytes() + " bytes at " + done.offset() + " is wrong from " + wrong);
        }
      }
    }

    @Override
    public void onReleased(VolumeRequest done) {
      free = true;
      expected = null;
      outstanding--;
    }
  }

  final Shape shape;
  final long seed;
  final SplittableRandom random;
  final SimulatedDrive[] drives;
  final VolumeModel model;
  private final PlantedFault fault;
  private final UUID arrayId;

  private IoMemory memory;
  private SimulatedLoop loop;
  private Shard[] shards;
  private BlockDevice[] devices;
  private Iom[] ioms;
  private SpaceBudget[] budgets;
  private Volume volume;
  private Slot[] slots;
  private RecoveryReport recovery;
  private final BitSet lost = new BitSet();
  private boolean degraded;
  private long startLimit;

  private int outstanding;
  private int replies;
  private int failedRequests;
  private RequestResult lastFailure = RequestResult.OK;
  private String driveFailure;
  private long steps;
  private final List<String> wrongReads = new ArrayList<>();

  /** Formats the drives, starts the array and makes a volume. */
  SimulatedArray(Shape shape, long seed, PlantedFault fault) {
    this.shape = shape;
    this.seed = seed;
    this.fault = fault;
    this.random = new SplittableRandom(seed);
    this.arrayId = new UUID(seed, 7);
    this.model = new VolumeModel(shape.volumeBytes());
    this.drives = new SimulatedDrive[shape.drives()];
    for (int d = 0; d < drives.length; d++) {
      drives[d] =
          new SimulatedDrive(
              "drive" + d, (long) shape.driveBlocks() * Drive.BLOCK_BYTES, true, random.nextLong());
    }
    format();
    start();
    createVolume();
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
    loop = new SimulatedLoop(random.nextLong());
    List<BlockDevice> opened = new ArrayList<>();
    List<Superblock> superblocks = new ArrayList<>();
    for (int d = 0; d < drives.length; d++) {
      opened.add(SimulatedDevice.open(loop, drives[d], new DeviceOptions(4, 0)));
      superblocks.add(superblock(d));
    }
    IoBuffer block = IoMemory.plain(Drive.BLOCK_BYTES).buffers(1, Drive.BLOCK_BYTES)[0];
    Formatter.write(loop, opened, superblocks, block);
    opened.forEach(BlockDevice::close);
    loop.close();
  }

  /** Starts the array from what is on its drives, stopped cleanly or not. */
  void start() {
    start(Integer.MAX_VALUE);
  }

  /** A drive that is not there at the next start. */
  void lose(int drive) {
    lost.set(drive);
  }

  /** A lost drive that is there again. */
  void bringBack(int drive) {
    lost.clear(drive);
  }

  /** Drives that the array runs without. */
  int missing() {
    int missing = 0;
    for (Iom iom : ioms) {
      missing += iom == null ? 1 : 0;
    }
    return missing;
  }

  /**
   * Starts the array and gives up after so many steps of it, as when the power is cut then; true
   * when it is open.
   */
  boolean start(int maxSteps) {
    startLimit = maxSteps == Integer.MAX_VALUE ? Long.MAX_VALUE : steps + maxSteps;
    List<DriveLabel> found = new ArrayList<>();
    for (int d = 0; d < drives.length; d++) {
      if (lost.get(d)) {
        continue;
      }
      try (SimulatedMedia media = new SimulatedMedia(drives[d])) {
        found.add(label(media, d));
      }
    }
    DriveLabel[] labels = AssembledDrives.place(found).labels();
    loop = new SimulatedLoop(random.nextLong());
    shards = new Shard[shape.shards()];
    ClientSide[] clients = new ClientSide[shards.length];
    for (int s = 0; s < shards.length; s++) {
      shards[s] = new Shard(s, (shard, cause) -> {});
      shards[s].attach(loop);
      clients[s] = new ClientSide(shards[s]);
    }
    Shard.connect(shards);
    int slotBytes = (shape.maxRequestBytes() + 2 * 4096 - 1) & -4096;
    if (memory == null) {
      memory =
          IoMemory.plain(
              shape.sizes().bytes() * drives.length + (long) slotBytes * shape.depth() + (1 << 20));
    }
    memory.rewind();
    devices = new BlockDevice[drives.length];
    ioms = new Iom[drives.length];
    budgets = new SpaceBudget[drives.length];
    Actor[] actors = new Actor[drives.length];
    degraded = false;
    for (DriveLabel label : labels) {
      degraded |= label == null;
    }
    int[] loading = {0};
    IomStart[] starts = new IomStart[drives.length];
    IomRecovery[] recoveries = new IomRecovery[drives.length];
    for (int d = 0; d < drives.length; d++) {
      if (labels[d] == null) {
        continue;
      }
      int drive = d;
      Shard shard = shards[d % shards.length];
      SimulatedDevice device =
          SimulatedDevice.open(loop, drives[d], new DeviceOptions(QUEUE_DEPTH, 0));
      devices[d] = fault.device(this, device, labels[d].superblock());
      budgets[d] = new SpaceBudget(0);
      IomStart.Alarm alarm = alarm(d);
      loading[0]++;
      IomStart starting =
          new IomStart(
              labels[d].superblock(),
              labels[d].root(),
              shard,
              new Drive(devices[d], alarm),
              memory,
              shape.sizes(),
              actors,
              budgets[d],
              degraded,
              alarm);
      starts[d] = starting;
      recoveries[d] = starting.recovery();
      starting.load(
          () -> {
            ioms[drive] = starting.iom();
            actors[drive] = faulty(drive, starting.iom());
            shard.add(starting.iom());
            loading[0]--;
          });
    }
    if (!runStart(() -> loading[0] == 0)) {
      return false;
    }
    recovery = null;
    new Recovery(
            recoveries,
            shards[0],
            degraded,
            (drive, attributes, hardened) -> ioms[drive].createObject(attributes, hardened),
            report -> recovery = report)
        .start();
    if (!runStart(() -> recovery != null)) {
      return false;
    }
    for (IomStart starting : starts) {
      if (starting != null) {
        starting.open();
      }
    }
    volume = new Volume(shape.attributes(), actors, budgets, clients, degraded);
    slots = new Slot[shape.depth()];
    IoBuffer[] buffers = memory.buffers(shape.depth(), slotBytes);
    for (int i = 0; i < slots.length; i++) {
      slots[i] = new Slot(buffers[i]);
    }
    return true;
  }

  private boolean runStart(java.util.function.BooleanSupplier done) {
    run(() -> steps >= startLimit || done.getAsBoolean());
    return done.getAsBoolean();
  }

  private Actor faulty(int drive, Iom iom) {
    return new Actor() {
      @Override
      public Shard shard() {
        return iom.shard();
      }

      @Override
      public void onMessage(Message message) {
        fault.deliver(SimulatedArray.this, drive, iom, message);
      }
    };
  }

  private IomStart.Alarm alarm(int drive) {
    return new IomStart.Alarm() {
      @Override
      public void onDamagedPage(String what) {
        throw new ArrayException("drive" + drive + " is damaged: " + what);
      }

      @Override
      public void onDriveFailed(Drive failed, String what) {
        driveFailure = "drive" + drive + " has failed: " + what;
      }
    };
  }

  static DriveLabel label(SimulatedMedia media, int drive) {
    try (java.lang.foreign.Arena arena = java.lang.foreign.Arena.ofConfined()) {
      MemorySegment blocks =
          arena.allocate(Superblock.LABEL_BLOCKS * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
      media.read(0, (int) Superblock.LABEL_BLOCKS, blocks);
      return DriveLabel.decode(java.nio.file.Path.of("drive" + drive), blocks, media.sizeBytes());
    }
  }

  private void createVolume() {
    int[] owed = {ioms.length};
    for (Iom iom : ioms) {
      iom.createObject(shape.attributes(), () -> owed[0]--);
    }
    run(() -> owed[0] == 0);
  }

  // ---- running

  /** One round of every shard, or the next I/O completion; false when nothing would ever happen. */
  boolean step() {
    steps++;
    int handled = 0;
    for (Shard shard : shards) {
      handled += shard.round();
    }
    if (driveFailure != null) {
      throw new ArrayException(driveFailure);
    }
    if (handled > 0) {
      return true;
    }
    if (loop.inFlight() == 0) {
      return false;
    }
    loop.await(Long.MAX_VALUE);
    return true;
  }

  /** Steps until {@code done}; that nothing is left to happen before it is a deadlock. */
  void run(java.util.function.BooleanSupplier done) {
    long limit = steps + STEP_LIMIT;
    int idle = 0;
    while (!done.getAsBoolean()) {
      idle = step() ? 0 : idle + 1;
      // Messages from shard to shard, which a round does not count, may go to and fro meanwhile.
      if (idle > IDLE_LIMIT || steps > limit) {
        throw new IllegalStateException(
            (idle > IDLE_LIMIT ? "deadlock: nothing is under way on the drives and " : "no end: ")
                + outstanding
                + " requests wait; "
                + state());
      }
    }
  }

  /** What the IOMs have inside, for the message of a failure. */
  String state() {
    StringBuilder text = new StringBuilder();
    for (Iom iom : ioms) {
      if (iom == null) {
        continue;
      }
      Journal journal = iom.rooms().journal;
      text.append(
          "[journal %d of %d, queued %d, dirty pages %d of %d, quiet %s, checkpoint %s, free buffers %d %d %d %d] "
              .formatted(
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

  /** Submits {@code requests} random ones as places come free, and stops there. */
  void load(int requests) {
    for (int i = 0; i < requests; i++) {
      Slot slot = freeSlot();
      submitRandom(slot);
      for (int pause = random.nextInt(6); pause > 0; pause--) {
        step();
      }
    }
  }

  /** Runs until every request is over. */
  void drain() {
    run(() -> outstanding == 0);
  }

  private Slot freeSlot() {
    run(() -> free() != null);
    return free();
  }

  private Slot free() {
    for (Slot slot : slots) {
      if (slot.free) {
        return slot;
      }
    }
    return null;
  }

  private void submitRandom(Slot slot) {
    int bytes = randomBytes();
    long offset = randomOffset(bytes);
    switch (random.nextInt(12)) {
      case 0 -> flush(slot);
      case 1, 2, 3 -> read(slot, offset, bytes);
      default -> write(slot, offset, randomContent(bytes), Toughness.ofLevel(toughness()));
    }
  }

  private int toughness() {
    return Math.min(2, random.nextInt(4));
  }

  private int randomBytes() {
    int bytes =
        switch (random.nextInt(6)) {
          case 0 -> 1 + random.nextInt(600);
          case 1 -> 4096;
          case 2 -> 1 + random.nextInt(20_000);
          case 3 -> 4096 * (1 + random.nextInt(16));
          case 4 -> shape.chunkBytes() * (1 + random.nextInt(2 * shape.data()));
          default -> 512 * (1 + random.nextInt(16));
        };
    return Math.min(bytes, Math.min(shape.maxRequestBytes(), shape.volumeBytes()));
  }

  /** A third aligned, and a third crowded together so that updates and generations meet. */
  private long randomOffset(int bytes) {
    long offset = random.nextLong(shape.volumeBytes() - bytes + 1);
    if (random.nextInt(3) == 0) {
      offset %= Math.max(1, 6L * shape.chunkBytes());
      offset = Math.min(offset, shape.volumeBytes() - bytes);
    }
    return switch (random.nextInt(3)) {
      case 0 -> offset & -4096;
      case 1 -> offset - offset % shape.chunkBytes();
      default -> offset;
    };
  }

  byte[] randomContent(int bytes) {
    byte[] content = new byte[bytes];
    random.nextBytes(content);
    return content;
  }

  private void submit(Slot slot) {
    slot.free = false;
    outstanding++;
    volume.submit(slot.request);
  }

  private void flush(Slot slot) {
    slot.write = false;
    slot.flushes = model.repliedNow();
    slot.expected = null;
    slot.request.flush();
    submit(slot);
  }

  private void read(Slot slot, long offset, int bytes) {
    slot.write = false;
    slot.flushes = null;
    slot.expected = model.read(offset, bytes);
    slot.request.read(offset, bytes, slot.buffer);
    submit(slot);
  }

  private void write(Slot slot, long offset, byte[] content, Toughness toughness) {
    slot.write = true;
    slot.flushes = null;
    slot.hardened = toughness == Toughness.HARDENED;
    slot.expected = null;
    slot.request.write(offset, content.length, slot.buffer, toughness);
    MemorySegment.copy(
        MemorySegment.ofArray(content),
        0,
        slot.buffer.segment(),
        offset % Drive.BLOCK_BYTES,
        content.length);
    submit(slot);
    if (slot.request.result() == RequestResult.NO_SPACE) {
      slot.versions = new int[0];
      return;
    }
    slot.versions = model.write(offset, content);
    // A read under way may see this write or not; only reads after it must.
    for (Slot other : slots) {
      if (other.expected != null
          && other.request.offset() < offset + content.length
          && offset < other.request.offset() + other.request.bytes()) {
        other.expected = null;
      }
    }
  }

  /** Writes and waits. */
  RequestResult write(long offset, byte[] content, Toughness toughness) {
    Slot slot = freeSlot();
    write(slot, offset, content, toughness);
    run(() -> slot.free);
    return slot.request.result();
  }

  /** Starts a write as soon as there is a place for it. */
  void submitWrite(long offset, byte[] content, Toughness toughness) {
    write(freeSlot(), offset, content, toughness);
  }

  /** Reads and waits; a wrong content is noted. */
  RequestResult read(long offset, int bytes) {
    Slot slot = freeSlot();
    read(slot, offset, bytes);
    run(() -> slot.free);
    return slot.request.result();
  }

  /** Reads the whole volume. */
  void readAll() {
    for (int at = 0; at < shape.volumeBytes(); at += shape.maxRequestBytes()) {
      read(freeSlot(), at, Math.min(shape.maxRequestBytes(), shape.volumeBytes() - at));
    }
    drain();
  }

  /** After a crash and a start: reads every block, judges it, and takes it as what is there. */
  void learn() {
    for (int block = 0; block < model.blocks(); block++) {
      long offset = (long) block * Drive.BLOCK_BYTES;
      int bytes = (int) Math.min(Drive.BLOCK_BYTES, shape.volumeBytes() - offset);
      Slot slot = freeSlot();
      read(slot, offset, bytes);
      slot.expected = null;
      run(() -> slot.free);
      if (slot.request.result() != RequestResult.OK) {
        wrongReads.add("block " + block + " can't be read after recovery");
        continue;
      }
      String wrong = model.found(block, slot.payload());
      if (wrong != null) {
        wrongReads.add("after recovery " + wrong);
      }
    }
  }

  /**
   * Reads every block; what is found is noted as wrong when it is none of the model's versions and
   * {@code believable} does not know it either. Returns how many could not be read.
   */
  int judge(java.util.function.BiPredicate<Integer, MemorySegment> believable) {
    int failed = 0;
    for (int block = 0; block < model.blocks(); block++) {
      long offset = (long) block * Drive.BLOCK_BYTES;
      int bytes = (int) Math.min(Drive.BLOCK_BYTES, shape.volumeBytes() - offset);
      Slot slot = freeSlot();
      read(slot, offset, bytes);
      slot.expected = null;
      run(() -> slot.free);
      if (slot.request.result() != RequestResult.OK) {
        failed++;
        continue;
      }
      String wrong = model.wrong(block, slot.payload());
      if (wrong != null && !believable.test(block, slot.payload())) {
        wrongReads.add(wrong);
      }
    }
    return failed;
  }

  RecoveryReport recovery() {
    return recovery;
  }

  // ---- ends

  /** Stops cleanly: a last checkpoint on every drive. */
  void stop() {
    settle();
    int[] owed = {ioms.length};
    for (Iom iom : ioms) {
      iom.lastCheckpoint(() -> owed[0]--);
    }
    run(() -> owed[0] == 0);
    for (BlockDevice device : devices) {
      device.close();
    }
    loop.close();
  }

  /** Runs until every request is over and every IOM quiet. */
  void settle() {
    drain();
    run(this::quiet);
  }

  private boolean quiet() {
    for (Iom iom : ioms) {
      if (!iom.quiet()) {
        return false;
      }
    }
    return true;
  }

  /**
   * Cuts the power of all drives at once; some lose nearly all that was not hardened, some nearly
   * nothing.
   */
  void crash() {
    outstanding = 0;
    for (SimulatedDrive drive : drives) {
      drive.crash(LEFT_PERCENT[random.nextInt(LEFT_PERCENT.length)]);
    }
  }

  /** Checks the drives of an array that is stopped or crashed, against the model. */
  Checked check() {
    MediaCheck checker =
        MediaCheck.judged(
            List.of(drives),
            shape.attributes(),
            (gfid, block, content) -> model.wrong(block, content));
    List<String> findings = new ArrayList<>(checker.report().findings());
    findings.addAll(wrongReads);
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

  List<String> wrongReads() {
    return wrongReads;
  }

  int replies() {
    return replies;
  }

  int outstanding() {
    return outstanding;
  }

  int failedRequests() {
    return failedRequests;
  }

  RequestResult lastFailure() {
    return lastFailure;
  }

  long steps() {
    return steps;
  }

  Iom iom(int drive) {
    return ioms[drive];
  }

  SpaceBudget budget(int drive) {
    return budgets[drive];
  }

  SimulatedLoop loop() {
    return loop;
  }

  @Override
  public void close() {
    for (SimulatedDrive drive : drives) {
      drive.crash();
    }
  }
}
