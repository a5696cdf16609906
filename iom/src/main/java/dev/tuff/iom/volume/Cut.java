package dev.tuff.iom.volume;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.layout.Layout;

/**
 * Cuts a byte range of a volume into parts, each a run of blocks of one segment or a piece of one
 * block, by pure arithmetic. A row that a write covers as a whole is cut into stripes of N parts
 * with the same lblks.
 */
final class Cut {
  private Layout layout;
  private int segmentBytes;
  private long chunkBytes;
  private long rowBytes;
  private boolean stripes;
  private long start;
  private long end;
  private long position;
  private long rowStart;
  private int stripePart;
  private int stripeParts;
  private long partStart;

  // The present part.
  long row;
  int member;
  long lblk;
  int count;
  int startInBlock;
  int bytes;
  boolean stripe;

  /** Where the part's bytes are, counted from the request's first byte. */
  long offsetInRequest;

  void begin(Volume volume, long offset, long length, boolean wantStripes) {
    layout = volume.layout();
    segmentBytes = volume.segmentBlocks() * Drive.BLOCK_BYTES;
    chunkBytes = (long) layout.chunkBlocks() * Drive.BLOCK_BYTES;
    rowBytes = chunkBytes * layout.dataMembers();
    stripes = wantStripes && layout.parityMembers() > 0;
    start = offset;
    end = offset + length;
    position = offset;
    stripeParts = 0;
    stripePart = 0;
  }

  /** Moves to the next part; false after the last. */
  boolean next() {
    if (stripePart < stripeParts) {
      nextOfRow();
      return true;
    }
    if (position >= end) {
      return false;
    }
    if (stripes && position % rowBytes == 0 && end - position >= rowBytes) {
      rowStart = position;
      stripePart = 0;
      stripeParts = (int) (rowBytes / segmentBytes);
      position += rowBytes;
      nextOfRow();
      return true;
    }
    partStart = position;
    locate(position);
    startInBlock = (int) (position % Drive.BLOCK_BYTES);
    long segmentEnd = position - position % segmentBytes + segmentBytes;
    if (startInBlock != 0 || end - position < Drive.BLOCK_BYTES) {
      bytes = (int) Math.min(Drive.BLOCK_BYTES - startInBlock, end - position);
      count = 1;
    } else {
      bytes = (int) ((Math.min(segmentEnd, end) - position) & -Drive.BLOCK_BYTES);
      count = bytes / Drive.BLOCK_BYTES;
    }
    offsetInRequest = position - start;
    // With one data member any whole blocks are whole groups.
    stripe = stripes && layout.dataMembers() == 1 && bytes == count * Drive.BLOCK_BYTES;
    position += bytes;
    return true;
  }

  /** Stripe by stripe, so that the parts that belong together come together. */
  private void nextOfRow() {
    partStart = rowStart;
    int segment = stripePart / layout.dataMembers();
    int of = stripePart % layout.dataMembers();
    long at = rowStart + of * chunkBytes + (long) segment * segmentBytes;
    locate(at);
    startInBlock = 0;
    bytes = segmentBytes;
    count = segmentBytes / Drive.BLOCK_BYTES;
    offsetInRequest = at - start;
    stripe = true;
    stripePart++;
  }

  /**
   * The first byte that the parts to come may be about; with {@code present}, those to come and the
   * present one.
   */
  long restStart(boolean present) {
    return present ? partStart : stripePart < stripeParts ? rowStart : position;
  }

  private void locate(long at) {
    long chunk = at / chunkBytes;
    row = chunk / layout.dataMembers();
    member = (int) (chunk % layout.dataMembers());
    lblk = row * layout.chunkBlocks() + at % chunkBytes / Drive.BLOCK_BYTES;
  }
}
