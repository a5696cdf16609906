package dev.tuff.iom.array;

/**
 * How far the rebuild of a drive is, as people see it.
 *
 * @param drive its index
 * @param totalBytes what it will have, as far as can be told
 * @param leftBytes of these, what is not rebuilt yet
 * @param rebuiltBytes written in this run of the array, on demand or in the background
 * @param keptBytes found in this run where the drive had them before it came back
 * @param bytesPerSecond how fast it went lately, kept or written; 0 when it does not go on here
 * @param lostBlocks blocks that could not be made, in this run
 */
public record RebuildInfo(
    int drive,
    long totalBytes,
    long leftBytes,
    long rebuiltBytes,
    long keptBytes,
    long bytesPerSecond,
    long lostBlocks) {
  /** 0 to 100. */
  public double percent() {
    return totalBytes == 0 ? 0 : 100.0 * (totalBytes - leftBytes) / totalBytes;
  }

  /** Time left at this speed in seconds; -1: can't be told. */
  public long secondsLeft() {
    return bytesPerSecond == 0 ? -1 : leftBytes / bytesPerSecond;
  }
}
