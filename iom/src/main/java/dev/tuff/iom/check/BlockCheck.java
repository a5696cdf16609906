package dev.tuff.iom.check;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.layout.Layout;
import dev.tuff.xor.Crc32c;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Checks the blocks of objects: every checksum, every parity, and that a parity's entry names the
 * versions of which it is made. Goes through an object's rows a step at a time, all drives at once.
 */
final class BlockCheck {
  private final DriveStep[] steps;
  private final Witness witness;
  private final CheckProgress progress;
  private final OpenGroup openGroup;
  private final Tally tally;
  private final MemorySegment scratch;
  private final MemorySegment zeros;

  // The present group: data first, then parity.
  private CheckedObject object;
  private Layout layout;
  private int n;
  private int k;
  private long lblk;
  private int slot;
  private long unknown;
  private long damaged;
  private final MemorySegment[] segments = new MemorySegment[36];
  private final long[] offsets = new long[36];
  private final long[] expectedId = new long[32];
  private final int[] expectedCrc = new int[32];
  private final boolean[] expectedDiscarded = new boolean[32];

  /**
   * @param drives null where one is missing
   * @param witness null: none
   */
  BlockCheck(
      CheckedDrive[] drives, Tally tally, Arena arena, Witness witness, CheckProgress progress) {
    this.tally = tally;
    this.witness = witness;
    this.progress = progress;
    this.steps = new DriveStep[drives.length];
    for (int d = 0; d < drives.length; d++) {
      steps[d] = drives[d] == null ? null : new DriveStep(drives[d]);
    }
    this.scratch = arena.allocate(36L * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
    this.zeros = arena.allocate(Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
    this.openGroup = new OpenGroup(drives, arena, witness, tally);
  }

  /** Checks all of an object. */
  void check(CheckedObject checked) {
    object = checked;
    layout = checked.layout;
    n = layout.dataMembers();
    k = layout.parityMembers();
    for (DriveStep step : steps) {
      if (step != null) {
        step.open(object);
      }
    }
    long rows = layout.rowsFor(object.attributes.extentBytes());
    int rowsAtOnce = Math.max(1, DriveReader.STEP_BLOCKS / layout.chunkBlocks());
    long row = nextRow(0);
    while (row < rows) {
      int now = (int) Math.min(rowsAtOnce, rows - row);
      checkRows(row, now);
      row = nextRow(row + now);
    }
    for (DriveStep step : steps) {
      if (step != null) {
        step.compareCounts();
      }
    }
  }

  /** What was never written is passed over, except with a witness, who may know better. */
  private long nextRow(long row) {
    if (witness != null) {
      return row;
    }
    long next = Long.MAX_VALUE;
    for (DriveStep step : steps) {
      if (step != null) {
        next = Math.min(next, step.nextRow(row));
      }
    }
    Long journaled = object.journaled.ceiling(row * layout.chunkBlocks());
    return journaled == null ? next : Math.min(next, journaled / layout.chunkBlocks());
  }

  private void checkRows(long row, int rows) {
    long first = row * layout.chunkBlocks();
    int count = rows * layout.chunkBlocks();
    boolean any = witness != null || object.journaled.ceiling(first) != null;
    for (DriveStep step : steps) {
      if (step != null) {
        any |= step.load(first, count);
      }
    }
    if (!any) {
      return;
    }
    for (DriveStep step : steps) {
      if (step != null) {
        step.beginRead(count);
      }
    }
    for (DriveStep step : steps) {
      if (step != null) {
        long before = step.drive.reader.blocksRead();
        step.finishRead(count);
        progress.advance((step.drive.reader.blocksRead() - before) * Drive.BLOCK_BYTES);
      }
    }
    for (int i = 0; i < count; i++) {
      if (object.journaled.contains(first + i)) {
        openGroup.check(object, first + i, steps, i);
      } else {
        lblk = first + i;
        slot = i;
        checkGroup();
      }
    }
  }

  // ---- one group of which no journal tells anything

  private DriveStep step(int member) {
    return steps[layout.drive(lblk / layout.chunkBlocks(), member)];
  }

  private void checkGroup() {
    unknown = 0;
    damaged = 0;
    boolean any = false;
    for (int m = 0; m < n + k; m++) {
      DriveStep step = step(m);
      segments[m] = null;
      offsets[m] = 0;
      if (step == null || step.unknown(slot)) {
        unknown |= 1L << m;
      } else if (step.state(slot) == DriveStep.State.MAPPED) {
        any = true;
        if (m < n && object.beyondEnd(lblk, m)) {
          step.drive.find(object.name(lblk, m) + " is stored and lies beyond the volume's end");
        }
        if (step.sound(slot)) {
          segments[m] = step.content();
          offsets[m] = step.place(slot);
        } else {
          damaged |= 1L << m;
        }
      } else {
        any |= step.id(slot) != 0;
      }
    }
    if (witness != null) {
      tellWitness();
    } else if (!any) {
      return;
    }
    tally.groups++;
    expect();
    long fitting = fittingParities();
    long wanted = wantedMembers();
    boolean complete = wanted == 0 || makeAgain(wanted, fitting);
    if (complete) {
      compareParities(fitting, wanted);
    }
    report(wanted, complete);
    if (witness != null) {
      tellWitnessOfEachLoss(fitting);
    }
  }

  private boolean has(long mask, int member) {
    return (mask >>> member & 1) != 0;
  }

  /** Which version each data member should be: by its own map, or else by a parity's. */
  private void expect() {
    for (int m = 0; m < n; m++) {
      expectedId[m] = -1;
      if (!has(unknown, m)) {
        expectedId[m] = step(m).id(slot);
        expectedCrc[m] = step(m).crc(slot);
        expectedDiscarded[m] = expectedId[m] != 0 && step(m).address(slot) == 0;
      } else {
        for (int p = n; p < n + k && expectedId[m] < 0; p++) {
          if (!has(unknown, p)) {
            expectedId[m] = step(p).memberId(slot, m);
            expectedCrc[m] = step(p).memberCrc(slot, m);
            expectedDiscarded[m] = step(p).memberDiscarded(slot, m);
          }
        }
      }
    }
  }

  /** Parities that are there and whose entries name the versions that the data members have. */
  private long fittingParities() {
    long fitting = 0;
    for (int p = n; p < n + k; p++) {
      if (has(unknown, p)) {
        continue;
      }
      DriveStep parity = step(p);
      boolean fits = true;
      for (int m = 0; m < n; m++) {
        long id = parity.memberId(slot, m);
        if (id != expectedId[m]) {
          fits = false;
          parity.drive.find(
              "%s is made with mj %d of %s, whose entry has mj %d"
                  .formatted(object.name(lblk, p), id, object.name(lblk, m), expectedId[m]));
        } else if (id != 0 && parity.memberCrc(slot, m) != expectedCrc[m]) {
          fits = false;
          parity.drive.find(
              "%s knows %s by another checksum than its entry"
                  .formatted(object.name(lblk, p), object.name(lblk, m)));
        } else if (parity.memberDiscarded(slot, m) != expectedDiscarded[m]) {
          parity.drive.find(
              "%s has %s as %s, and its entry says otherwise"
                  .formatted(
                      object.name(lblk, p),
                      object.name(lblk, m),
                      expectedDiscarded[m] ? "mapped" : "discarded"));
        }
      }
      if (fits && !has(damaged, p)) {
        fitting |= 1L << p;
      }
    }
    return fitting;
  }

  /** Data members that hold something, as far as is known, and can't be read. */
  private long wantedMembers() {
    long wanted = 0;
    for (int m = 0; m < n; m++) {
      boolean holds =
          has(damaged, m) || (has(unknown, m) && expectedId[m] > 0 && !expectedDiscarded[m]);
      wanted |= holds ? 1L << m : 0;
    }
    return wanted;
  }

  private boolean untold() {
    for (int m = 0; m < n; m++) {
      if (expectedId[m] < 0) {
        return true;
      }
    }
    return false;
  }

  /** Makes what is wanted of the rest of the group; true when all of it has its checksum. */
  private boolean makeAgain(long wanted, long fitting) {
    int owed = Long.bitCount(wanted);
    if (Long.bitCount(fitting) < owed || untold()) {
      return false;
    }
    long present = (1L << n) - 1 & ~wanted;
    long rest = fitting;
    for (int i = 0; i < owed; i++) {
      present |= Long.lowestOneBit(rest);
      rest &= rest - 1;
    }
    makeRoom(wanted);
    object.code.reconstruct(present, wanted, segments, offsets, Drive.BLOCK_BYTES);
    boolean right = true;
    for (int m = 0; m < n; m++) {
      right &= !has(wanted, m) || crc(segments[m], offsets[m]) == expectedCrc[m];
    }
    return right;
  }

  private void makeRoom(long wanted) {
    for (int m = 0; m < n; m++) {
      if (has(wanted, m)) {
        segments[m] = scratch;
        offsets[m] = (long) m * Drive.BLOCK_BYTES;
      }
    }
  }

  private static int crc(MemorySegment segment, long offset) {
    return Crc32c.of(segment, offset, Drive.BLOCK_BYTES);
  }

  /** All data is there, read or made: each parity must be what it makes. */
  private void compareParities(long fitting, long wanted) {
    if (untold()) {
      return;
    }
    int used = Long.bitCount(wanted);
    for (int p = n; p < n + k; p++) {
      if (!has(fitting, p) || used-- > 0) {
        continue;
      }
      object.code.encodeOne(
          p - n, segments, offsets, scratch, (long) n * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
      MemorySegment stored = segments[p] == null ? zeros : segments[p];
      long same =
          MemorySegment.mismatch(
              scratch,
              (long) n * Drive.BLOCK_BYTES,
              (n + 1L) * Drive.BLOCK_BYTES,
              stored,
              offsets[p],
              offsets[p] + Drive.BLOCK_BYTES);
      if (same != -1) {
        tally.wrongParities++;
        step(p).drive.find(object.name(lblk, p) + " is not what its members make");
      }
    }
  }

  private void report(long wanted, boolean complete) {
    boolean whole = complete && !untold();
    for (int m = 0; m < n + k; m++) {
      if (has(damaged, m)) {
        DriveStep step = step(m);
        step.drive.addDamagedBlock();
        tally.damaged(whole);
        step.drive.find(
            "block %d (%s) %s; %s"
                .formatted(
                    step.address(slot),
                    object.name(lblk, m),
                    step.wrong(slot),
                    whole ? "its group makes it again" : "nothing makes it again, it is lost"));
      } else if (has(wanted, m)) {
        if (whole) {
          tally.made++;
        } else {
          tally.lost++;
          tally.find(
              "%s is on drive %d, where it can't be found, and its group does not make it; it is lost"
                  .formatted(object.name(lblk, m), layout.drive(lblk / layout.chunkBlocks(), m)));
        }
      }
    }
  }

  // ---- for a witness

  private void tellWitness() {
    for (int m = 0; m < n + k; m++) {
      if (!has(unknown, m)) {
        witness.onBlock(object.gfid, lblk, m, step(m).address(slot));
        if (m < n && !has(damaged, m)) {
          MemorySegment content =
              segments[m] == null ? zeros : segments[m].asSlice(offsets[m], Drive.BLOCK_BYTES);
          judge(m, content, "on its own drive");
        }
      }
    }
  }

  private void judge(int member, MemorySegment content, String how) {
    String wrong = witness.wrong(object.gfid, object.volumeBlock(lblk, member), content);
    if (wrong != null) {
      tally.find(object.name(lblk, member) + " " + how + ": " + wrong);
    }
  }

  /** What would be read of each member if its drive were lost, too, by each parity alone. */
  private void tellWitnessOfEachLoss(long fitting) {
    if (damaged != 0 || unknown != 0) {
      return;
    }
    MemorySegment[] group = new MemorySegment[n + k];
    long[] places = new long[n + k];
    for (int p = n; p < n + k; p++) {
      for (int lost = 0; has(fitting, p) && lost < n; lost++) {
        System.arraycopy(segments, 0, group, 0, n + k);
        System.arraycopy(offsets, 0, places, 0, n + k);
        group[lost] = scratch;
        places[lost] = 0;
        long present = ((1L << n) - 1 & ~(1L << lost)) | 1L << p;
        object.code.reconstruct(present, 1L << lost, group, places, Drive.BLOCK_BYTES);
        judge(lost, scratch.asSlice(0, Drive.BLOCK_BYTES), "from parity " + (p - n));
      }
    }
  }
}
