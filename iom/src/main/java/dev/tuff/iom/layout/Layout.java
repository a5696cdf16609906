package dev.tuff.iom.layout;

import dev.tuff.iom.runtime.Invariant;
import java.util.List;

/**
 * Where an object's chunks lie: pure arithmetic, the same on every IOM. Row r's members sit on
 * consecutive drives, member 0 on drive (-r mod drives), so that parity rotates and, with drives =
 * N+K, a sequential read touches all drives alike.
 *
 * <p>An object that has grown since drives were added to its array lies in several {@link
 * Stretch}es of rows: each is laid out like that over its own number of drives, its rows counted
 * from its first. What a drive holds is numbered through, over all stretches.
 *
 * <p>One place may be <em>vacated</em>: what it has of rows that leave a drive over is on
 * <em>stand-ins</em> then, each row's on one of the drives that the row is not on, by turns. A row
 * that is on all drives of its stretch has no stand-in. What a drive has as a stand-in is not
 * numbered with its own.
 *
 * <p>Immutable; any thread.
 */
public final class Layout {
  /** Stretches of an object at most. */
  public static final int MAX_STRETCHES = 8;

  /** No place. */
  public static final int NONE = -1;

  /**
   * Rows that are spread over so many drives, up to where the next stretch begins.
   *
   * @param firstRow where it begins
   */
  public record Stretch(long firstRow, int drives) {}

  private final int dataMembers;
  private final int parityMembers;
  private final int chunkBlocks;
  private final int vacated;
  private final Part[] parts;

  /** One stretch, with what each drive has in those before it. */
  private static final class Part {
    final long firstRow;
    final int drives;
    final long[] dataBefore;
    final long[] parityBefore;

    Part(Stretch stretch) {
      this.firstRow = stretch.firstRow();
      this.drives = stretch.drives();
      this.dataBefore = new long[drives];
      this.parityBefore = new long[drives];
    }
  }

  /** A layout over {@code drives} drives, at least N+K; chunks of {@code chunkBlocks} blocks. */
  public Layout(int drives, int dataMembers, int parityMembers, int chunkBlocks) {
    this(drives, List.of(), dataMembers, parityMembers, chunkBlocks, NONE);
  }

  /**
   * A layout that is spread over more drives further on.
   *
   * @param drives of its first rows
   * @param further the stretches after those: each begins later than the one before, on more drives
   * @param vacated the place whose rows are on stand-ins, {@link #NONE} when there is none
   */
  public Layout(
      int drives,
      List<Stretch> further,
      int dataMembers,
      int parityMembers,
      int chunkBlocks,
      int vacated) {
    Invariant.check(
        drives >= dataMembers + parityMembers, "a row's members sit on different drives", drives);
    Invariant.check(inOrder(drives, further), "stretches of a layout follow each other", drives);
    this.dataMembers = dataMembers;
    this.parityMembers = parityMembers;
    this.chunkBlocks = chunkBlocks;
    this.vacated = parityMembers == 0 ? NONE : vacated;
    this.parts = new Part[1 + further.size()];
    parts[0] = new Part(new Stretch(0, drives));
    for (int i = 1; i < parts.length; i++) {
      Part before = parts[i - 1];
      parts[i] = new Part(further.get(i - 1));
      for (int drive = 0; drive < before.drives; drive++) {
        parts[i].dataBefore[drive] = dataChunks(before, drive, parts[i].firstRow);
        parts[i].parityBefore[drive] = parityChunks(before, drive, parts[i].firstRow);
      }
    }
  }

  /** True when stretches can follow a first one of so many drives. */
  public static boolean inOrder(int drives, List<Stretch> further) {
    long row = 0;
    int before = drives;
    for (Stretch stretch : further) {
      if (stretch.firstRow() <= row || stretch.drives() <= before) {
        return false;
      }
      row = stretch.firstRow();
      before = stretch.drives();
    }
    return further.size() < MAX_STRETCHES;
  }

  private Part part(long row) {
    int i = parts.length - 1;
    while (row < parts[i].firstRow) {
      i--;
    }
    return parts[i];
  }

  /** The drive of a row's member: 0 to N-1 are data, N to N+K-1 parity. */
  public int drive(long row, int member) {
    Part part = part(row);
    int place = place(part, row, member);
    return place == vacated && leavesOver(part) ? standIn(part, row) : place;
  }

  private static int place(Part part, long row, int member) {
    return (int) ((part.drives - (row - part.firstRow) % part.drives + member) % part.drives);
  }

  /** Which member of the row a drive is; N+K or more: none. */
  public int member(long row, int drive) {
    Part part = part(row);
    if (drive >= part.drives) {
      return width();
    }
    int own = memberAt(part, row, drive);
    if (vacated == NONE || !leavesOver(part)) {
      return own;
    }
    if (drive == vacated) {
      return width();
    }
    int taken = vacatedMember(part, row);
    return own >= width() && taken < width() && standIn(part, row) == drive ? taken : own;
  }

  /**
   * True when a drive's own place is on the row: what it has of it is numbered with its own. Also
   * of the vacated place. What it has of other rows it holds, or held, in place of another.
   */
  public boolean isOwn(long row, int drive) {
    return ownMember(row, drive) < width();
  }

  /** Which member of the row a drive's own place is; N+K or more: none. */
  public int ownMember(long row, int drive) {
    Part part = part(row);
    return drive < part.drives ? memberAt(part, row, drive) : width();
  }

  private static int memberAt(Part part, long row, int place) {
    return (int) ((place + row - part.firstRow) % part.drives);
  }

  private int width() {
    return dataMembers + parityMembers;
  }

  // ---- stand-ins

  private boolean leavesOver(Part part) {
    return part.drives > width();
  }

  /** The member that the vacated place would be; N+K or more: none. */
  private int vacatedMember(Part part, long row) {
    return vacated >= part.drives ? width() : memberAt(part, row, vacated);
  }

  /** Of the drives that the row is not on, one after the other from round to round. */
  private int standIn(Part part, long row) {
    long round = (row - part.firstRow) / part.drives;
    return place(part, row, width() + (int) (round % (part.drives - width())));
  }

  /** The place whose rows are on stand-ins, {@link #NONE} when there is none. */
  public int vacated() {
    return vacated;
  }

  /** True when a drive has its member of the row in place of the vacated one. */
  public boolean standsIn(long row, int drive) {
    return vacated != NONE && !isOwn(row, drive) && member(row, drive) < width();
  }

  /** True when what any place has of this layout's rows can be on stand-ins. */
  public boolean canVacate() {
    return parityMembers == 0 || parts[0].drives > width();
  }

  /**
   * The first row from {@code row} on in which a drive stands in as data member, as parity, or as
   * any; {@link Long#MAX_VALUE} when there is none.
   */
  public long nextStandInRow(int drive, long row, boolean data, boolean parity) {
    if (vacated == NONE || drive == vacated) {
      return Long.MAX_VALUE;
    }
    int low = data ? 0 : dataMembers;
    int high = parity ? width() : dataMembers;
    long from = row;
    for (int i = 0; i < parts.length; i++) {
      Part part = parts[i];
      long end = i + 1 < parts.length ? parts[i + 1].firstRow : Long.MAX_VALUE;
      from = Math.max(from, part.firstRow);
      if (from >= end || !leavesOver(part) || drive >= part.drives || vacated >= part.drives) {
        continue;
      }
      // All that there is comes again after so many rows.
      long period = (long) part.drives * (part.drives - width());
      for (long r = from; r < end && r < from + period; r++) {
        int taken = memberAt(part, r, vacated);
        if (taken >= low && taken < high && standIn(part, r) == drive) {
          return r;
        }
      }
    }
    return Long.MAX_VALUE;
  }

  /** Chunks that a drive may have as a stand-in for any one place, of the rows before this one. */
  public long standInChunksAtMost(int drive, int place, long row, boolean parity) {
    int low = parity ? dataMembers : 0;
    int high = parity ? width() : dataMembers;
    long chunks = 0;
    for (int i = 0; i < parts.length; i++) {
      Part part = parts[i];
      long end = i + 1 < parts.length ? Math.min(row, parts[i + 1].firstRow) : row;
      int over = part.drives - width();
      if (end <= part.firstRow || over == 0 || drive >= part.drives || place >= part.drives) {
        continue;
      }
      int distance = Math.floorMod(drive - place, part.drives);
      long period = (long) part.drives * over;
      long periods = (end - part.firstRow + period - 1) / period;
      for (int member = low; member < high; member++) {
        int behind = distance + member - width();
        chunks += behind >= 0 && behind < over ? periods : 0;
      }
    }
    return chunks;
  }

  // ---- what each place has of its own

  /** The place of a data block in its drive's data map: dense, in the order of rows. */
  public long dataIndex(int drive, long lblk) {
    long row = lblk / chunkBlocks;
    return dataChunks(part(row), drive, row) * chunkBlocks + lblk % chunkBlocks;
  }

  /** The place of a parity block in its drive's parity map: dense, in the order of rows. */
  public long parityIndex(int drive, long lblk) {
    long row = lblk / chunkBlocks;
    return parityChunks(part(row), drive, row) * chunkBlocks + lblk % chunkBlocks;
  }

  /** Data blocks that a drive has of the rows before this one. */
  public long dataBlocksBefore(int drive, long row) {
    return dataChunks(part(row), drive, row) * chunkBlocks;
  }

  /** Likewise, blocks of parity. */
  public long parityBlocksBefore(int drive, long row) {
    return parityChunks(part(row), drive, row) * chunkBlocks;
  }

  // In a stretch over D drives, drive d is member x mod D of row x - d: what it has of the rows up
  // to there is what lies in [d, x) of a line on which N data chunks and K of parity repeat with D.

  private long dataChunks(Part part, int drive, long row) {
    if (drive >= part.drives) {
      return 0;
    }
    long x = drive + row - part.firstRow;
    return part.dataBefore[drive] + dataUpTo(part, x) - dataUpTo(part, drive);
  }

  private long dataUpTo(Part part, long x) {
    return x / part.drives * dataMembers + Math.min(x % part.drives, dataMembers);
  }

  private long parityChunks(Part part, int drive, long row) {
    if (drive >= part.drives) {
      return 0;
    }
    long x = drive + row - part.firstRow;
    return part.parityBefore[drive] + parityUpTo(part, x) - parityUpTo(part, drive);
  }

  private long parityUpTo(Part part, long x) {
    long beyondData = Math.max(0, x % part.drives - dataMembers);
    return x / part.drives * parityMembers + Math.min(beyondData, parityMembers);
  }

  /** The lblk whose {@link #dataIndex} on {@code drive} is {@code index}. */
  public long lblkOfDataIndex(int drive, long index) {
    long chunk = index / chunkBlocks;
    int i = parts.length - 1;
    while (i > 0 && (drive >= parts[i].drives || chunk < parts[i].dataBefore[drive])) {
      i--;
    }
    Part part = parts[i];
    requireOn(part, drive);
    long upTo = chunk - part.dataBefore[drive] + dataUpTo(part, drive);
    long x = upTo / dataMembers * part.drives + upTo % dataMembers;
    return (part.firstRow + x - drive) * chunkBlocks + index % chunkBlocks;
  }

  /** The lblk whose {@link #parityIndex} on {@code drive} is {@code index}. */
  public long lblkOfParityIndex(int drive, long index) {
    long chunk = index / chunkBlocks;
    int i = parts.length - 1;
    while (i > 0 && (drive >= parts[i].drives || chunk < parts[i].parityBefore[drive])) {
      i--;
    }
    Part part = parts[i];
    requireOn(part, drive);
    long upTo = chunk - part.parityBefore[drive] + parityUpTo(part, drive);
    long x = upTo / parityMembers * part.drives + dataMembers + upTo % parityMembers;
    return (part.firstRow + x - drive) * chunkBlocks + index % chunkBlocks;
  }

  private static void requireOn(Part part, int drive) {
    Invariant.check(drive < part.drives, "a drive's map has blocks of its own only", drive);
  }

  /**
   * The first row from {@code row} on of which a drive is a data member by its own place; {@link
   * Long#MAX_VALUE} when it is of none.
   */
  public long nextDataRow(int drive, long row) {
    return nextRowAs(drive, row, 0, dataMembers);
  }

  /** Likewise, a parity member. */
  public long nextParityRow(int drive, long row) {
    return nextRowAs(drive, row, dataMembers, dataMembers + parityMembers);
  }

  /** Likewise, any member, also in place of the vacated one. */
  public long nextRow(int drive, long row) {
    return Math.min(nextRowAs(drive, row, 0, width()), nextStandInRow(drive, row, true, true));
  }

  private long nextRowAs(int drive, long from, int low, int high) {
    if (low == high) {
      return Long.MAX_VALUE;
    }
    long row = from;
    for (int i = 0; i < parts.length; i++) {
      Part part = parts[i];
      long end = i + 1 < parts.length ? parts[i + 1].firstRow : Long.MAX_VALUE;
      row = Math.max(row, part.firstRow);
      if (row >= end || drive >= part.drives) {
        continue;
      }
      long member = (drive + row - part.firstRow) % part.drives;
      long next = row;
      if (member >= high) {
        next += part.drives - member + low;
      } else if (member < low) {
        next += low - member;
      }
      // Else the next stretch begins before that, and goes by itself.
      if (next < end) {
        return next;
      }
    }
    return Long.MAX_VALUE;
  }

  /** Rows that hold {@code bytes} bytes. */
  public long rowsFor(long bytes) {
    return rowsFor(bytes, dataMembers, chunkBlocks);
  }

  /** Likewise, of any layout with these. */
  public static long rowsFor(long bytes, int dataMembers, int chunkBlocks) {
    long rowBytes = (long) dataMembers * chunkBlocks * 4096;
    return (bytes + rowBytes - 1) / rowBytes;
  }

  /** Drives over which the last rows are spread: none of the layout has more. */
  public int drives() {
    return parts[parts.length - 1].drives;
  }

  public int dataMembers() {
    return dataMembers;
  }

  public int parityMembers() {
    return parityMembers;
  }

  public int chunkBlocks() {
    return chunkBlocks;
  }
}
