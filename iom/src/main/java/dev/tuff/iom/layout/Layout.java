package dev.tuff.iom.layout;

import dev.tuff.iom.runtime.Invariant;

/**
 * Where an object's chunks lie: pure arithmetic, the same on every IOM. Row r's members sit on
 * consecutive drives, member 0 on drive (-r mod drives), so that parity rotates and, with drives =
 * N+K, a sequential read touches all drives alike.
 *
 * <p>Immutable; any thread.
 */
public final class Layout {
  private final int drives;
  private final int dataMembers;
  private final int parityMembers;
  private final int chunkBlocks;
  private final int[][] dataRank;
  private final int[][] parityRank;

  /** A layout over {@code drives} drives, at least N+K; chunks of {@code chunkBlocks} blocks. */
  public Layout(int drives, int dataMembers, int parityMembers, int chunkBlocks) {
    Invariant.check(
        drives >= dataMembers + parityMembers, "a row's members sit on different drives", drives);
    this.drives = drives;
    this.dataMembers = dataMembers;
    this.parityMembers = parityMembers;
    this.chunkBlocks = chunkBlocks;
    this.dataRank = new int[drives][drives];
    this.parityRank = new int[drives][drives];
    for (int drive = 0; drive < drives; drive++) {
      int data = 0;
      int parity = 0;
      for (int row = 0; row < drives; row++) {
        dataRank[drive][row] = data;
        parityRank[drive][row] = parity;
        int member = (drive + row) % drives;
        if (member < dataMembers) {
          data++;
        } else if (member < dataMembers + parityMembers) {
          parity++;
        }
      }
    }
  }

  /** The drive of a row's member: 0 to N-1 are data, N to N+K-1 parity. */
  public int drive(long row, int member) {
    return (int) ((drives - row % drives + member) % drives);
  }

  /** Which member of the row a drive is; N+K or more: none. */
  public int member(long row, int drive) {
    return (int) ((drive + row) % drives);
  }

  /** The place of a data block in its drive's data map: dense, in the order of rows. */
  public long dataIndex(int drive, long lblk) {
    long row = lblk / chunkBlocks;
    return (row / drives * dataMembers + dataRank[drive][(int) (row % drives)]) * chunkBlocks
        + lblk % chunkBlocks;
  }

  /** The place of a parity block in its drive's parity map: dense, in the order of rows. */
  public long parityIndex(int drive, long lblk) {
    long row = lblk / chunkBlocks;
    return (row / drives * parityMembers + parityRank[drive][(int) (row % drives)]) * chunkBlocks
        + lblk % chunkBlocks;
  }

  /** The lblk whose {@link #dataIndex} on {@code drive} is {@code index}. */
  public long lblkOfDataIndex(int drive, long index) {
    return lblkOf(drive, index, dataRank, dataMembers, 0, dataMembers);
  }

  /** The lblk whose {@link #parityIndex} on {@code drive} is {@code index}. */
  public long lblkOfParityIndex(int drive, long index) {
    return lblkOf(
        drive, index, parityRank, parityMembers, dataMembers, dataMembers + parityMembers);
  }

  private long lblkOf(int drive, long index, int[][] rank, int perPeriod, int low, int high) {
    long chunk = index / chunkBlocks;
    int wanted = (int) (chunk % perPeriod);
    for (int r = 0; r < drives; r++) {
      int member = (drive + r) % drives;
      if (member >= low && member < high && rank[drive][r] == wanted) {
        return (chunk / perPeriod * drives + r) * chunkBlocks + index % chunkBlocks;
      }
    }
    throw new IllegalStateException("no row of rank " + wanted + " on drive " + drive);
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

  public int drives() {
    return drives;
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
