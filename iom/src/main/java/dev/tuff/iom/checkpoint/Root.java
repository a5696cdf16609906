package dev.tuff.iom.checkpoint;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.object.Page;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.object.PageTree;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.xor.Crc32c;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.UUID;

/**
 * A drive's root: where its metadata trees begin and where its journal must be read from. Two
 * slots, written in turn, each in two copies; the newest sound one counts.
 *
 * <pre>
 *   0 magic u64 | 8 format version u32 | 12 slot u16 | 14 copy u16 | 16 array UUID 16 bytes | 32 drive index u16
 *  34 places of the array u16, 0: as in the superblock | 36 vacated place + 1 u16, 0: none
 *  38 place + 1 u16 that was vacated before and of which stand-ins still hold something, 0: none | 40 sequence u64 | 48 checkpoint ID u64 | 56 journal tail position u64 | 64 its sequence u64
 *  72 next GFID u64 | 80 epoch u64 | 88 bitmap pointer 16 bytes | 104 object tree pointer 16 bytes
 * 120 drives of the epoch 128 bytes, drive d's bit in byte d / 8 | 248 incarnation u16 of each of 1024 drives
 * 2296 rebuild state u64, 0: none, 1: being rebuilt, 2: has not all yet that it holds in place of the vacated one | 2304 rebuild cursor: GFID u64 | 2312 lblk u64
 * 2320 reserved 240 bytes | 2560 former states that may still be on the drive u64, 0 to 4
 * 2568 for each, the latest first: bitmap pointer 16 bytes, object tree pointer 16 bytes, next GFID u64
 * 2728 reserved up to 4091 | 4092 CRC32C u32 of all before it
 * </pre>
 *
 * The trees contain the effect of exactly the journal IDs below the checkpoint ID. The format
 * version is 2 where 36 or 38 is not 0, so that nobody who doesn't know of them misreads the array,
 * and else 1.
 */
public final class Root {
  /** "TUFFROOT". */
  static final long MAGIC = 0x544f4f5246465554L;

  static final int VERSION = 1;

  /** Of a root that tells of a vacated place. */
  static final int VERSION_VACATED = 2;

  /** Nothing that is counted one by one comes this far; what does is not believed. */
  public static final long MAX_COUNT = 1L << 60;

  private static final long OFFSET_EPOCH_DRIVES = 120;
  private static final int EPOCH_DRIVES_BYTES = ObjectAttributes.MAX_DRIVES / 8;
  private static final long OFFSET_INCARNATIONS = OFFSET_EPOCH_DRIVES + EPOCH_DRIVES_BYTES;
  private static final long OFFSET_REBUILD =
      OFFSET_INCARNATIONS + (long) Short.BYTES * ObjectAttributes.MAX_DRIVES;

  private static final long OFFSET_FORMER = 2560;
  private static final long OFFSET_FORMER_STATES = OFFSET_FORMER + 8;
  private static final int FORMER_STATE_BYTES = 40;

  /** States from before it came back that a drive remembers: the oldest and the latest. */
  public static final int MAX_FORMER_STATES = 4;

  /** Drives that can be in a place one after the other. */
  public static final int MAX_INCARNATION = 65_534;

  /**
   * Epochs are so many bits apart in the IDs that a drive and who acts for it give out: no IOM
   * comes so far within one.
   */
  public static final int EPOCH_ID_BITS = 42;

  private static final long OFFSET_CRC = Drive.BLOCK_BYTES - 4;

  /** Address of the first slot's first copy; the second slot follows it. */
  public static final long FIRST_SLOT = 1;

  /** Slots. */
  public static final int SLOTS = 2;

  private final UUID arrayId;
  private final int driveIndex;
  private long sequence;
  private long checkpointId = 1;
  private long tailPosition;
  private long tailSequence = 1;
  private long nextGfid = 1;
  private long epoch = 1;
  private int places;
  private int vacated = Layout.NONE;
  private final byte[] epochDrives = new byte[EPOCH_DRIVES_BYTES];
  private final short[] incarnations = new short[ObjectAttributes.MAX_DRIVES];

  // How far the drive is rebuilt: now, and as of the state that a checkpoint has frozen.
  private RebuildScope rebuilding = RebuildScope.NOTHING;
  private long cursorGfid;
  private long cursorLblk;
  private RebuildScope frozenRebuilding = RebuildScope.NOTHING;
  private long frozenGfid;
  private long frozenLblk;

  // Whose place it stood in for, as long as something of that is left: now, and frozen.
  private int leftoversOf = Layout.NONE;
  private int frozenLeftoversOf = Layout.NONE;

  /** Of a drive that is being rebuilt and had the place before, the latest first. */
  private List<FormerState> formerStates = List.of();

  private final Pointer bitmap = new Pointer();
  private final Pointer objects = new Pointer();

  /** A topmost pointer kept in the root. */
  private static final class Pointer implements PageTree.Holder {
    private long address;
    private int crc;

    @Override
    public long address() {
      return address;
    }

    @Override
    public int crc() {
      return crc;
    }

    @Override
    public void set(long newAddress, int newCrc) {
      address = newAddress;
      crc = newCrc;
    }

    @Override
    public void setLevels(int levels) {
      Invariant.check(false, "the trees of a drive have all levels from the start", levels);
    }

    @Override
    public Page page() {
      return null;
    }
  }

  /** The root of an empty drive. */
  public Root(UUID arrayId, int driveIndex) {
    this.arrayId = arrayId;
    this.driveIndex = driveIndex;
  }

  /**
   * The root of an empty drive that takes the place of another: a member of the others' next epoch
   * from its start, with nothing rebuilt. Its journal IDs and record numbers start above all that
   * earlier drives in its place can have used: their IDs stand in parities and are copied into its
   * maps, and their records may still lie in its journal region.
   *
   * @param newest the root that says which drives take part, of any other drive
   * @param drives those that are there, this one not counted
   */
  public static Root ofReplacement(Root newest, int drive, BitSet drives) {
    Root root = new Root(newest.arrayId, drive);
    System.arraycopy(newest.incarnations, 0, root.incarnations, 0, root.incarnations.length);
    root.incarnations[drive]++;
    BitSet all = (BitSet) drives.clone();
    all.set(drive);
    root.setEpoch(newest.epoch + 1, all);
    root.checkpointId = root.epoch << EPOCH_ID_BITS;
    root.tailSequence = root.checkpointId + 1;
    root.places = newest.places;
    // Who comes into the vacated place takes it back.
    root.vacated = newest.vacated == drive ? Layout.NONE : newest.vacated;
    root.rebuilding = RebuildScope.ALL;
    root.freezeRebuild();
    return root;
  }

  /**
   * The root of a drive that comes back into its place: in all that counts that of an empty one,
   * but it remembers what it was. It goes into the slot that the former root is not in, so that the
   * one or the other counts whenever the power is cut.
   *
   * @param former the drive's root up to now
   */
  public static Root ofReturning(Root newest, Root former, BitSet drives) {
    Root root = ofReplacement(newest, former.driveIndex, drives);
    root.sequence = former.sequence + 1;
    List<FormerState> states = new ArrayList<>();
    states.add(
        new FormerState(
            former.bitmap.address,
            former.bitmap.crc,
            former.objects.address,
            former.objects.crc,
            former.nextGfid));
    states.addAll(former.formerStates());
    // The oldest had everything once.
    while (states.size() > MAX_FORMER_STATES) {
      states.remove(states.size() - 2);
    }
    root.formerStates = List.copyOf(states);
    return root;
  }

  /**
   * The root of an empty drive that makes a place of its own, behind all others: a member of the
   * others' next epoch from its start, of which nothing was ever stored anywhere.
   *
   * @param newest the root that says which drives take part, of any other drive
   * @param drives those that are there
   * @param incarnation of the place's first drive: another one for each try, so that a drive whose
   *     addition came to nothing is not taken for the one that has the place
   */
  public static Root ofAddition(Root newest, BitSet drives, int incarnation) {
    Root root = new Root(newest.arrayId, newest.places);
    System.arraycopy(newest.incarnations, 0, root.incarnations, 0, root.incarnations.length);
    root.incarnations[newest.places] = (short) incarnation;
    BitSet all = (BitSet) drives.clone();
    all.set(newest.places);
    root.setEpoch(newest.epoch + 1, all);
    root.places = newest.places + 1;
    root.checkpointId = root.epoch << EPOCH_ID_BITS;
    root.tailSequence = root.checkpointId + 1;
    return root;
  }

  /** Writes slot and copy into a block. */
  public void encode(MemorySegment block, long base, int copy) {
    MemorySegment.copy(
        new byte[Drive.BLOCK_BYTES], 0, block, PageFormat.BYTE, base, Drive.BLOCK_BYTES);
    block.set(PageFormat.LONG, base, MAGIC);
    block.set(
        PageFormat.INT,
        base + 8,
        vacated == Layout.NONE && frozenLeftoversOf == Layout.NONE ? VERSION : VERSION_VACATED);
    block.set(PageFormat.SHORT, base + 12, (short) slot());
    block.set(PageFormat.SHORT, base + 14, (short) copy);
    block.set(PageFormat.LONG, base + 16, arrayId.getMostSignificantBits());
    block.set(PageFormat.LONG, base + 24, arrayId.getLeastSignificantBits());
    block.set(PageFormat.SHORT, base + 32, (short) driveIndex);
    block.set(PageFormat.SHORT, base + 34, (short) places);
    block.set(PageFormat.SHORT, base + 36, (short) (vacated + 1));
    block.set(PageFormat.SHORT, base + 38, (short) (frozenLeftoversOf + 1));
    block.set(PageFormat.LONG, base + 40, sequence);
    block.set(PageFormat.LONG, base + 48, checkpointId);
    block.set(PageFormat.LONG, base + 56, tailPosition);
    block.set(PageFormat.LONG, base + 64, tailSequence);
    block.set(PageFormat.LONG, base + 72, nextGfid);
    block.set(PageFormat.LONG, base + 80, epoch);
    encode(block, base + 88, bitmap);
    encode(block, base + 104, objects);
    MemorySegment.copy(
        epochDrives, 0, block, PageFormat.BYTE, base + OFFSET_EPOCH_DRIVES, EPOCH_DRIVES_BYTES);
    for (int d = 0; d < incarnations.length; d++) {
      block.set(PageFormat.SHORT, base + OFFSET_INCARNATIONS + 2L * d, incarnations[d]);
    }
    block.set(PageFormat.LONG, base + OFFSET_REBUILD, frozenRebuilding.code);
    block.set(PageFormat.LONG, base + OFFSET_REBUILD + 8, frozenGfid);
    block.set(PageFormat.LONG, base + OFFSET_REBUILD + 16, frozenLblk);
    if (frozenRebuilding == RebuildScope.ALL) {
      block.set(PageFormat.LONG, base + OFFSET_FORMER, formerStates.size());
      for (int i = 0; i < formerStates.size(); i++) {
        encode(
            block,
            base + OFFSET_FORMER_STATES + (long) i * FORMER_STATE_BYTES,
            formerStates.get(i));
      }
    }
    block.set(PageFormat.INT, base + OFFSET_CRC, Crc32c.of(block, base, (int) OFFSET_CRC));
  }

  private static void encode(MemorySegment block, long offset, FormerState former) {
    block.set(PageFormat.LONG, offset, former.bitmapAddress());
    block.set(PageFormat.INT, offset + PageFormat.POINTER_CRC, former.bitmapCrc());
    long objectsAt = offset + PageFormat.POINTER_BYTES;
    block.set(PageFormat.LONG, objectsAt, former.objectsAddress());
    block.set(PageFormat.INT, objectsAt + PageFormat.POINTER_CRC, former.objectsCrc());
    block.set(PageFormat.LONG, offset + 2 * PageFormat.POINTER_BYTES, former.nextGfid());
  }

  private static void encode(MemorySegment block, long offset, Pointer pointer) {
    block.set(PageFormat.LONG, offset, pointer.address);
    block.set(PageFormat.INT, offset + PageFormat.POINTER_CRC, pointer.crc);
  }

  /** Reads a copy; null when it is not a sound root of this drive in this slot. */
  public static Root decode(
      MemorySegment block, long base, UUID arrayId, int driveIndex, int slot) {
    boolean sound =
        block.get(PageFormat.LONG, base) == MAGIC
            && soundVersion(block, base)
            && block.get(PageFormat.INT, base + OFFSET_CRC)
                == Crc32c.of(block, base, (int) OFFSET_CRC)
            && block.get(PageFormat.SHORT, base + 12) == slot
            && block.get(PageFormat.LONG, base + 16) == arrayId.getMostSignificantBits()
            && block.get(PageFormat.LONG, base + 24) == arrayId.getLeastSignificantBits()
            && block.get(PageFormat.SHORT, base + 32) == (short) driveIndex
            && block.get(PageFormat.LONG, base + 40) % SLOTS == slot;
    if (!sound) {
      return null;
    }
    Root root = new Root(arrayId, driveIndex);
    root.vacated = block.get(PageFormat.SHORT, base + 36) - 1;
    root.leftoversOf = block.get(PageFormat.SHORT, base + 38) - 1;
    root.places = block.get(PageFormat.SHORT, base + 34);
    root.sequence = block.get(PageFormat.LONG, base + 40);
    root.checkpointId = block.get(PageFormat.LONG, base + 48);
    root.tailPosition = block.get(PageFormat.LONG, base + 56);
    root.tailSequence = block.get(PageFormat.LONG, base + 64);
    root.nextGfid = block.get(PageFormat.LONG, base + 72);
    root.epoch = block.get(PageFormat.LONG, base + 80);
    decode(block, base + 88, root.bitmap);
    decode(block, base + 104, root.objects);
    MemorySegment.copy(
        block,
        PageFormat.BYTE,
        base + OFFSET_EPOCH_DRIVES,
        root.epochDrives,
        0,
        EPOCH_DRIVES_BYTES);
    for (int d = 0; d < root.incarnations.length; d++) {
      root.incarnations[d] = block.get(PageFormat.SHORT, base + OFFSET_INCARNATIONS + 2L * d);
    }
    long state = block.get(PageFormat.LONG, base + OFFSET_REBUILD);
    RebuildScope scope = RebuildScope.of(state);
    boolean sensible = scope != null;
    root.rebuilding = sensible ? scope : RebuildScope.NOTHING;
    root.cursorGfid = block.get(PageFormat.LONG, base + OFFSET_REBUILD + 8);
    root.cursorLblk = block.get(PageFormat.LONG, base + OFFSET_REBUILD + 16);
    root.freezeRebuild();
    sensible = sensible && root.decodeFormer(block, base);
    return sensible && root.makesSense() ? root : null;
  }

  private static boolean soundVersion(MemorySegment block, long base) {
    int version = block.get(PageFormat.INT, base + 8);
    return version == VERSION
        ? block.get(PageFormat.INT, base + 36) == 0
        : version == VERSION_VACATED && block.get(PageFormat.INT, base + 36) != 0;
  }

  private boolean decodeFormer(MemorySegment block, long base) {
    long count = block.get(PageFormat.LONG, base + OFFSET_FORMER);
    if (count < 0 || count > MAX_FORMER_STATES || (count > 0 && rebuilding != RebuildScope.ALL)) {
      return false;
    }
    List<FormerState> states = new ArrayList<>();
    boolean sound = true;
    for (int i = 0; i < count; i++) {
      long at = base + OFFSET_FORMER_STATES + (long) i * FORMER_STATE_BYTES;
      long objectsAt = at + PageFormat.POINTER_BYTES;
      FormerState former =
          new FormerState(
              block.get(PageFormat.LONG, at),
              block.get(PageFormat.INT, at + PageFormat.POINTER_CRC),
              block.get(PageFormat.LONG, objectsAt),
              block.get(PageFormat.INT, objectsAt + PageFormat.POINTER_CRC),
              block.get(PageFormat.LONG, at + 2 * PageFormat.POINTER_BYTES));
      sound &=
          former.bitmapAddress() >= 0
              && former.objectsAddress() >= 0
              && former.nextGfid() >= 1
              && former.nextGfid() <= ObjectAttributes.MAX_GFID + 1;
      states.add(former);
    }
    formerStates = List.copyOf(states);
    return sound;
  }

  private boolean makesSense() {
    return sequence >= 0
        && sequence < MAX_COUNT
        && (places == 0 || (places > driveIndex && places <= ObjectAttributes.MAX_DRIVES))
        && vacated != driveIndex
        && vacated >= Layout.NONE
        && vacated < ObjectAttributes.MAX_DRIVES
        && leftoversOf >= Layout.NONE
        && leftoversOf < ObjectAttributes.MAX_DRIVES
        && (rebuilding != RebuildScope.STAND_IN || vacated != Layout.NONE)
        && checkpointId >= 1
        && checkpointId < MAX_COUNT
        && tailPosition >= 0
        && tailPosition < MAX_COUNT
        && tailSequence >= 1
        && tailSequence < MAX_COUNT
        && nextGfid >= 1
        && nextGfid <= ObjectAttributes.MAX_GFID + 1
        && epoch >= 1
        && epoch < MAX_COUNT
        && cursorGfid >= 0
        && cursorLblk >= 0
        && bitmap.address >= 0
        && objects.address >= 0;
  }

  private static void decode(MemorySegment block, long offset, Pointer pointer) {
    pointer.address = block.get(PageFormat.LONG, offset);
    pointer.crc = block.get(PageFormat.INT, offset + PageFormat.POINTER_CRC);
  }

  /** Makes this the root of the next checkpoint. */
  void advance(long newCheckpointId, long newTailPosition, long newTailSequence) {
    sequence++;
    checkpointId = newCheckpointId;
    tailPosition = newTailPosition;
    tailSequence = newTailSequence;
  }

  /** Address of this root's slot. */
  public long address(int copy) {
    return FIRST_SLOT + slot() + copy * 128L;
  }

  public int slot() {
    return (int) (sequence % SLOTS);
  }

  public int driveIndex() {
    return driveIndex;
  }

  public long sequence() {
    return sequence;
  }

  public long checkpointId() {
    return checkpointId;
  }

  public long tailPosition() {
    return tailPosition;
  }

  public long tailSequence() {
    return tailSequence;
  }

  public long nextGfid() {
    return nextGfid;
  }

  public void setNextGfid(long gfid) {
    nextGfid = gfid;
  }

  public long epoch() {
    return epoch;
  }

  /**
   * True when the drive took part in this epoch from its start. A drive that did not, and whose own
   * epoch is an older one, is stale.
   */
  public boolean inEpoch(int drive) {
    return (epochDrives[drive / 8] >>> (drive % 8) & 1) != 0;
  }

  /** True when the other says the same of the epoch: its number and its drives. */
  public boolean sameEpoch(Root other) {
    return epoch == other.epoch
        && places == other.places
        && vacated == other.vacated
        && Arrays.equals(epochDrives, other.epochDrives)
        && Arrays.equals(incarnations, other.incarnations);
  }

  /**
   * How many drives were in a place before the one that is there in this epoch: one that the place
   * had before is never taken for it.
   */
  public int incarnation(int drive) {
    return Short.toUnsignedInt(incarnations[drive]);
  }

  /**
   * Places that the array has in this epoch: one more with each drive that was added. 0 in a root
   * that does not tell, which is then to be told.
   */
  public int places() {
    return places;
  }

  /** The array has so many places; counts from the next checkpoint on. */
  public void setPlaces(int count) {
    places = count;
  }

  /** Begins an epoch with the drives given; counts from the next checkpoint on. */
  public void beginEpoch(long newEpoch, BitSet drives) {
    setEpoch(newEpoch, drives);
  }

  /** What this root says of the epoch, and nothing else: to be handed on to other shards. */
  public Root epochOnly() {
    Root copy = new Root(arrayId, driveIndex);
    copy.takeEpoch(this);
    copy.vacated = vacated;
    return copy;
  }

  /**
   * Takes the epoch over from another root; counts from the next checkpoint on. Which place is
   * vacated in it was taken over before, by {@link #takeVacated}: the layout of everything depends
   * on it.
   */
  public void takeEpoch(Root other) {
    epoch = other.epoch;
    places = other.places;
    System.arraycopy(other.epochDrives, 0, epochDrives, 0, epochDrives.length);
    System.arraycopy(other.incarnations, 0, incarnations, 0, incarnations.length);
  }

  private void setEpoch(long newEpoch, BitSet drives) {
    epoch = newEpoch;
    Arrays.fill(epochDrives, (byte) 0);
    byte[] bits = drives.toByteArray();
    System.arraycopy(bits, 0, epochDrives, 0, bits.length);
  }

  // ---- rebuild

  /** What of a drive may not be there yet. */
  private enum RebuildScope {
    NOTHING(0),
    ALL(1),
    /** What it holds in place of the vacated one. */
    STAND_IN(2);

    /** On the drive. */
    private final long code;

    RebuildScope(long code) {
      this.code = code;
    }

    static RebuildScope of(long code) {
      for (RebuildScope scope : values()) {
        if (scope.code == code) {
          return scope;
        }
      }
      return null;
    }
  }

  /** True while the drive has taken another's place and not all that was on it is here again. */
  public boolean rebuilding() {
    return rebuilding == RebuildScope.ALL;
  }

  /** True while the drive does not have all yet that it is to hold in place of the vacated one. */
  public boolean standingIn() {
    return rebuilding == RebuildScope.STAND_IN;
  }

  /** True while the drive does not have all that it is to hold. */
  public boolean incomplete() {
    return rebuilding != RebuildScope.NOTHING;
  }

  /**
   * True when all of the object up to this block is there that is to be rebuilt. Of the rest: on a
   * drive that is {@link #rebuilding} a block that no map entry tells of may be one that is not
   * rebuilt yet, on one that is {@link #standingIn} only what it has in place of another.
   */
  public boolean passed(long gfid, long lblk) {
    return !incomplete() || gfid < cursorGfid || (gfid == cursorGfid && lblk < cursorLblk);
  }

  /**
   * The place whose rows are on stand-ins in this epoch, {@link Layout#NONE} when there is none.
   */
  public int vacated() {
    return vacated;
  }

  /**
   * In the array's newest epoch this place is vacated. Where that is news the drive has nothing yet
   * of what it is to hold in that place, or something left of what it held in another's; counts
   * from the next checkpoint on.
   */
  public void takeVacated(int place) {
    if (place == vacated) {
      return;
    }
    if (vacated != Layout.NONE) {
      leftoversOf = vacated;
      if (standingIn()) {
        endRebuild();
      }
    }
    vacated = place;
    if (place != Layout.NONE && !rebuilding()) {
      rebuilding = RebuildScope.STAND_IN;
      cursorGfid = 0;
      cursorLblk = 0;
    }
  }

  /**
   * The place that the drive stood in for before, as long as it may still hold something of that;
   * {@link Layout#NONE}: nothing.
   */
  public int leftoversOf() {
    return leftoversOf;
  }

  /** Nothing is left of it; on the drive with the next checkpoint. */
  public void endLeftovers() {
    leftoversOf = Layout.NONE;
  }

  /** The object up to which the drive is rebuilt. */
  public long cursorGfid() {
    return cursorGfid;
  }

  /** The lblk of that object before which it is. */
  public long cursorLblk() {
    return cursorLblk;
  }

  /**
   * All that comes before this block, by GFID and lblk, is rebuilt; the maps say so. On the drive
   * with the next checkpoint.
   */
  public void rebuiltUpTo(long gfid, long lblk) {
    cursorGfid = gfid;
    cursorLblk = lblk;
  }

  /** Everything is rebuilt: with the next checkpoint the drive is a full member. */
  public void endRebuild() {
    rebuilding = RebuildScope.NOTHING;
    cursorGfid = 0;
    cursorLblk = 0;
  }

  /**
   * What the drive was before it came back, the latest first, as long as it is being rebuilt; empty
   * when it came as an empty one.
   */
  public List<FormerState> formerStates() {
    return rebuilding() ? formerStates : List.of();
  }

  /**
   * The cursor as it is now goes with the maps as they are now: it must not run ahead of those that
   * a checkpoint has frozen.
   */
  void freezeRebuild() {
    frozenRebuilding = rebuilding;
    frozenGfid = cursorGfid;
    frozenLblk = cursorLblk;
    frozenLeftoversOf = leftoversOf;
  }

  /** The topmost pointer of the allocation bitmap. */
  public PageTree.Holder bitmap() {
    return bitmap;
  }

  /** The topmost pointer of the object tree. */
  public PageTree.Holder objects() {
    return objects;
  }
}
