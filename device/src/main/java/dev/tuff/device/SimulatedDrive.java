package dev.tuff.device;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What lasts of a simulated drive while it is opened, crashed and opened again: its content, sparse
 * in memory, and its volatile write cache. Fault model: after {@link #crash}, of every 512-byte
 * sector written and not hardened since, any one of its versions since it was last hardened is
 * found, each sector by itself; what was hardened is there. Ranges can be made unreadable or
 * unwritable, bytes can rot, and the drive can vanish.
 *
 * <p>Belongs to the thread of the loop that it is open on.
 */
public final class SimulatedDrive {
  static final int PAGE_BYTES = 4096;
  static final int SECTOR_BYTES = 512;
  private static final int SECTORS_PER_PAGE = PAGE_BYTES / SECTOR_BYTES;
  private static final int PAGES_PER_CHUNK = 1024;
  private static final byte[] ZEROS = new byte[PAGE_BYTES];

  /**
   * Sector versions that the cache holds; beyond that the oldest are hardened, as in a real cache.
   */
  private static final int CACHE_SECTORS = 16_384;

  /** Content of 4 KiB: as reads see it, and as a crash would leave it at worst. */
  private static final class Page {
    final byte[] visible = new byte[PAGE_BYTES];

    /** Null while the cache holds nothing of this page: then {@code visible} is hardened. */
    byte[] hardened;

    /**
     * Sequence number of each sector's newest hardened version, while {@code hardened} is there.
     */
    final long[] hardenedSequence = new long[SECTORS_PER_PAGE];

    int unhardened;

    /** A read error until it is written again, as of a sector that a drive then replaces. */
    boolean unreadable;
  }

  /** One version of one sector in the cache. */
  private static final class Version {
    Page page;
    long pageIndex;
    int sector;
    long sequence;
    final byte[] content = new byte[SECTOR_BYTES];
  }

  private record Fault(long fromBytes, long toBytes, boolean reads, boolean writes) {}

  private final String name;
  private final Geometry geometry;
  private final SplittableRandom random;
  private final Page[][] chunks;
  private final List<Fault> faults = new ArrayList<>();
  private final ArrayList<byte[]> sparePages = new ArrayList<>();

  // Versions in order of completion: a ring whose entries are made once and used again.
  private final Version[] cache = new Version[CACHE_SECTORS];
  private long cacheHead;
  private long cacheTail;

  private int leftPercent = 50;
  private int slowness = 1;
  private long lostSectors;
  private long keptSectors;
  private long tornWrites;
  private boolean gone;
  private Hang hang;
  private SplittableRandom hanging;
  private SimulatedDevice device;

  /**
   * A new drive, all zeros.
   *
   * @param name what it is called in messages
   * @param sizeBytes multiple of 4 KiB
   * @param volatileCache whether completed writes need a flush to survive {@link #crash}
   * @param seed decides what a crash leaves
   */
  public SimulatedDrive(String name, long sizeBytes, boolean volatileCache, long seed) {
    if (sizeBytes < PAGE_BYTES || sizeBytes % PAGE_BYTES != 0) {
      throw new IllegalArgumentException("size must be a multiple of 4 KiB: " + sizeBytes);
    }
    this.name = name;
    this.geometry =
        new Geometry(sizeBytes, SECTOR_BYTES, PAGE_BYTES, SECTOR_BYTES, volatileCache, true);
    this.random = new SplittableRandom(seed);
    long chunkBytes = (long) PAGES_PER_CHUNK * PAGE_BYTES;
    this.chunks = new Page[Math.toIntExact((sizeBytes + chunkBytes - 1) / chunkBytes)][];
  }

  public String name() {
    return name;
  }

  public Geometry geometry() {
    return geometry;
  }

  // ------------------------------------------------------------------ faults

  /** From now on transfers that touch the range end with {@link IoResult#MEDIA_ERROR}. */
  public void fail(long offsetBytes, long bytes, boolean reads, boolean writes) {
    faults.add(new Fault(offsetBytes, offsetBytes + bytes, reads, writes));
  }

  /** Takes all failing ranges back. */
  public void heal() {
    faults.clear();
  }

  /** A block can't be read until it is written the next time. */
  public void makeUnreadable(long offsetBytes) {
    pageForWriting(offsetBytes / PAGE_BYTES).unreadable = true;
  }

  /** Requests take {@code factor} times as long from now on. */
  public void slow(int factor) {
    slowness = factor;
  }

  /**
   * From now on some requests, those in flight among them, are not answered when their time has
   * come, but late or never.
   */
  public void hang(Hang how) {
    hang = how;
    hanging = new SplittableRandom(how.seed());
  }

  /**
   * Answers what hangs now within so much time, but for those that are never to be answered: as if
   * the drive had come to itself, while whoever gave it up goes on.
   */
  public void answerWithin(long nanos) {
    if (device != null && hang != null) {
      device.answer(() -> hanging.nextLong(nanos));
    }
  }

  /** Requests whose time comes from now on are answered again. */
  public void recover() {
    hang = null;
  }

  /** Whether a device that was given up still has it, as the drive has not answered all. */
  public boolean isOpen() {
    return device != null;
  }

  boolean hangs(IoRequest request) {
    return hang != null
        && hang.operations().contains(request.operation)
        && hanging.nextInt(100) < hang.percent();
  }

  /** How long a request hangs. */
  long hangingNanos() {
    return hanging.nextInt(100) < hang.neverPercent()
        ? Hang.FOR_EVER
        : hanging.nextLong(hang.shortestNanos(), hang.longestNanos());
  }

  int slowness() {
    return slowness;
  }

  /** Sectors not hardened that crashes took, as far as an older content was found instead. */
  public long lostSectors() {
    return lostSectors;
  }

  /** Sectors not hardened that were found after a crash all the same. */
  public long keptSectors() {
    return keptSectors;
  }

  /** Writes in flight at a crash of which some sectors were found and others not. */
  public long tornWrites() {
    return tornWrites;
  }

  /**
   * What a crash now would leave, as a drive of its own; this one goes on undisturbed.
   *
   * @param seed decides what the copy's crashes leave, this one included
   */
  public SimulatedDrive afterCrash(int percent, long seed) {
    SimulatedDrive copy =
        new SimulatedDrive(name, geometry.sizeBytes(), geometry.volatileCache(), seed);
    copy.leftPercent = percent;
    for (int c = 0; c < chunks.length; c++) {
      for (int i = 0; chunks[c] != null && i < PAGES_PER_CHUNK; i++) {
        Page page = chunks[c][i];
        if (page != null) {
          Page copied = copy.pageForWriting((long) c * PAGES_PER_CHUNK + i);
          byte[] stable = page.hardened == null ? page.visible : page.hardened;
          System.arraycopy(stable, 0, copied.visible, 0, PAGE_BYTES);
          copied.unreadable = page.unreadable;
        }
      }
    }
    // In the order in which they were made: a later version that is left replaces an earlier one.
    for (long at = cacheHead; at < cacheTail; at++) {
      Version version = cache[index(at)];
      if (version.sequence > version.page.hardenedSequence[version.sector] && copy.left()) {
        Page page = copy.page(version.pageIndex);
        System.arraycopy(
            version.content, 0, page.visible, version.sector * SECTOR_BYTES, SECTOR_BYTES);
      }
    }
    for (IoRequest request : device == null ? new IoRequest[0] : device.inFlight()) {
      copy.leave(request);
    }
    return copy;
  }

  /**
   * From now on everything, requests in flight included, ends with {@link IoResult#DEVICE_GONE}.
   */
  public void vanish() {
    gone = true;
  }

  /** Makes a drive that vanished answer again, with its content. */
  public void comeBack() {
    gone = false;
  }

  /** Whether a read from {@code offsetBytes}, in one block of 4 KiB, would give this content. */
  public boolean holds(long offsetBytes, MemorySegment content) {
    Page page = page(offsetBytes / PAGE_BYTES);
    MemorySegment held = MemorySegment.ofArray(page == null ? ZEROS : page.visible);
    return held.asSlice(offsetBytes % PAGE_BYTES, content.byteSize()).mismatch(content) < 0;
  }

  /** Changes one byte silently, in cache and on the medium. */
  public void rot(long offsetBytes) {
    Page page = pageForWriting(offsetBytes / PAGE_BYTES);
    int at = (int) (offsetBytes % PAGE_BYTES);
    page.visible[at] ^= 0x10;
    if (page.hardened != null) {
      page.hardened[at] ^= 0x10;
    }
    for (long i = cacheHead; i < cacheTail; i++) {
      Version version = cache[index(i)];
      if (version.page == page && version.sector == at / SECTOR_BYTES) {
        version.content[at % SECTOR_BYTES] ^= 0x10;
      }
    }
  }

  /**
   * Cuts the power: requests in flight never complete, and of each of their sectors and of each
   * sector in the cache the seed decides what is left. The device that has it open is dead; the
   * drive can be opened again.
   */
  public void crash() {
    crash(50);
  }

  /**
   * As {@link #crash()}, where {@code percent} of the sectors in doubt are left: near 0 and near
   * 100 whole transfers of several sectors are lost or left while others are not.
   */
  public void crash(int percent) {
    leftPercent = percent;
    IoRequest[] lost = device == null ? new IoRequest[0] : device.die();
    device = null;
    while (cacheHead < cacheTail) {
      Version version = cache[index(cacheHead++)];
      // Any later version of the sector may overtake this one, so each is found or not by itself.
      boolean left = left();
      keptSectors += left ? 1 : 0;
      lostSectors += left ? 0 : 1;
      settle(version, left);
    }
    for (IoRequest request : lost) {
      leave(request);
    }
  }

  /** What a crash leaves of a request in flight. */
  private void leave(IoRequest request) {
    if (request.operation == IoOperation.WRITE || request.operation == IoOperation.WRITE_DURABLE) {
      tear(request);
    } else if (request.operation == IoOperation.DISCARD && left()) {
      discard(request.offsetBytes, request.discardBytes);
    }
  }

  private boolean left() {
    return random.nextInt(100) < leftPercent;
  }

  private void tear(IoRequest request) {
    int found = 0;
    for (int at = 0; at < request.lengthBytes; at += SECTOR_BYTES) {
      if (left()) {
        found++;
        long offset = request.offsetBytes + at;
        Page page = pageForWriting(offset / PAGE_BYTES);
        page.unreadable = false;
        copyIn(
            request.buffer.segment(),
            request.bufferOffset + at,
            page.visible,
            (int) (offset % PAGE_BYTES),
            SECTOR_BYTES);
      }
    }
    int sectors = request.lengthBytes / SECTOR_BYTES;
    tornWrites += found > 0 && found < sectors ? 1 : 0;
    keptSectors += found;
    lostSectors += sectors - found;
  }

  // ------------------------------------------------------------------ for the device

  /** Claims the drive for one device. */
  void open(SimulatedDevice opener) {
    if (device != null) {
      throw new DriveUnusableException(
          DriveUnusableException.Reason.IN_USE,
          name + " is in use by another device of the simulator; close it first");
    }
    if (gone) {
      throw new DriveUnusableException(
          DriveUnusableException.Reason.MISSING,
          name + " has no device behind it; check that it is attached");
    }
    device = opener;
  }

  void release() {
    device = null;
  }

  /** Sequence number of the newest completed write: what a flush submitted now must harden. */
  long completedWrites() {
    return cacheTail;
  }

  /** Does the request, at the time at which it completes. */
  IoResult perform(IoRequest request) {
    if (gone) {
      return IoResult.DEVICE_GONE;
    }
    if (fails(request)) {
      return IoResult.MEDIA_ERROR;
    }
    switch (request.operation) {
      case READ -> read(request);
      case WRITE -> write(request, !geometry.volatileCache());
      case WRITE_DURABLE -> write(request, true);
      case FLUSH -> hardenUpTo(request.hardensUpTo);
      case DISCARD -> discard(request.offsetBytes, request.discardBytes);
    }
    return IoResult.OK;
  }

  private boolean fails(IoRequest request) {
    boolean reads = request.operation == IoOperation.READ;
    long from = request.offsetBytes;
    long to = from + request.lengthBytes;
    for (int i = 0; i < faults.size(); i++) {
      Fault fault = faults.get(i);
      if ((reads ? fault.reads() : fault.writes())
          && from < fault.toBytes()
          && to > fault.fromBytes()) {
        return true;
      }
    }
    for (long at = from / PAGE_BYTES; reads && at * PAGE_BYTES < to; at++) {
      Page page = page(at);
      if (page != null && page.unreadable) {
        return true;
      }
    }
    return false;
  }

  private void read(IoRequest request) {
    MemorySegment target = request.buffer.segment();
    long offset = request.offsetBytes;
    int at = request.bufferOffset;
    int end = at + request.lengthBytes;
    while (at < end) {
      int inPage = (int) (offset % PAGE_BYTES);
      int bytes = Math.min(PAGE_BYTES - inPage, end - at);
      Page page = page(offset / PAGE_BYTES);
      byte[] content = page == null ? ZEROS : page.visible;
      MemorySegment.copy(content, inPage, target, ValueLayout.JAVA_BYTE, at, bytes);
      at += bytes;
      offset += bytes;
    }
  }

  private void write(IoRequest request, boolean durable) {
    MemorySegment source = request.buffer.segment();
    for (int done = 0; done < request.lengthBytes; done += SECTOR_BYTES) {
      long offset = request.offsetBytes + done;
      Page page = pageForWriting(offset / PAGE_BYTES);
      int sector = (int) (offset % PAGE_BYTES) / SECTOR_BYTES;
      int from = request.bufferOffset + done;
      page.unreadable = false;
      if (!durable) {
        addVersion(page, offset / PAGE_BYTES, sector, source, from);
      } else if (page.hardened != null) {
        copyIn(source, from, page.hardened, sector * SECTOR_BYTES, SECTOR_BYTES);
        // Older versions in the cache must not come after it.
        page.hardenedSequence[sector] = cacheTail;
      }
      copyIn(source, from, page.visible, sector * SECTOR_BYTES, SECTOR_BYTES);
    }
  }

  private void addVersion(Page page, long pageIndex, int sector, MemorySegment source, int from) {
    if (cacheTail - cacheHead == CACHE_SECTORS) {
      settle(cache[index(cacheHead++)], true);
    }
    if (page.hardened == null) {
      page.hardened = sparePages.isEmpty() ? new byte[PAGE_BYTES] : sparePages.removeLast();
      System.arraycopy(page.visible, 0, page.hardened, 0, PAGE_BYTES);
      Arrays.fill(page.hardenedSequence, 0);
    }
    page.unhardened++;
    int index = index(cacheTail);
    Version version = cache[index];
    if (version == null) {
      version = new Version();
      cache[index] = version;
    }
    version.page = page;
    version.pageIndex = pageIndex;
    version.sector = sector;
    version.sequence = ++cacheTail;
    copyIn(source, from, version.content, 0, SECTOR_BYTES);
  }

  private void hardenUpTo(long sequence) {
    while (cacheHead < sequence) {
      settle(cache[index(cacheHead++)], true);
    }
  }

  /** Takes a version out of the cache, to the medium or to nowhere. */
  private void settle(Version version, boolean harden) {
    Page page = version.page;
    if (harden && version.sequence > page.hardenedSequence[version.sector]) {
      System.arraycopy(
          version.content, 0, page.hardened, version.sector * SECTOR_BYTES, SECTOR_BYTES);
      page.hardenedSequence[version.sector] = version.sequence;
    }
    version.page = null;
    if (--page.unhardened == 0) {
      System.arraycopy(page.hardened, 0, page.visible, 0, PAGE_BYTES);
      sparePages.add(page.hardened);
      page.hardened = null;
    }
  }

  /**
   * Leaves of each page either what was there, zeros or something else: nobody may count on any.
   */
  private void discard(long offsetBytes, long bytes) {
    long first = (offsetBytes + PAGE_BYTES - 1) / PAGE_BYTES;
    long end = (offsetBytes + bytes) / PAGE_BYTES;
    for (long i = first; i < end; i++) {
      Page page = page(i);
      int kind = page == null ? 0 : random.nextInt(3);
      if (kind > 0) {
        byte value = (byte) (kind == 1 ? 0 : 0xDB);
        Arrays.fill(page.visible, value);
        if (page.hardened != null) {
          Arrays.fill(page.hardened, value);
          Arrays.fill(page.hardenedSequence, cacheTail);
        }
      }
    }
  }

  private static void copyIn(MemorySegment source, int from, byte[] target, int to, int bytes) {
    MemorySegment.copy(source, ValueLayout.JAVA_BYTE, from, target, to, bytes);
  }

  private static int index(long position) {
    return (int) (position & (CACHE_SECTORS - 1));
  }

  private Page page(long index) {
    Page[] chunk = chunks[(int) (index / PAGES_PER_CHUNK)];
    return chunk == null ? null : chunk[(int) (index % PAGES_PER_CHUNK)];
  }

  private Page pageForWriting(long index) {
    int chunkIndex = (int) (index / PAGES_PER_CHUNK);
    if (chunks[chunkIndex] == null) {
      chunks[chunkIndex] = new Page[PAGES_PER_CHUNK];
    }
    int inChunk = (int) (index % PAGES_PER_CHUNK);
    Page page = chunks[chunkIndex][inChunk];
    if (page == null) {
      page = new Page();
      chunks[chunkIndex][inChunk] = page;
    }
    return page;
  }
}
