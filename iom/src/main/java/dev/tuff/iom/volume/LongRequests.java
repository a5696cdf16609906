package dev.tuff.iom.volume;

import dev.tuff.iom.allocation.SpaceBudget;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.write.WriteOp;
import java.util.ArrayDeque;

/**
 * Discards and zeros of ranges of any length, worked off in order, a bounded number of parts at a
 * time. Later requests of the same client side go past them, except those that overlap what is not
 * issued yet.
 *
 * <p>A part that takes blocks their places reserves no space: it must go through on a full drive.
 * What its parities need until they are closed comes from the blocks that every drive keeps for
 * that ({@code SpaceBudget.forFreeing}), of which each shard has its share. Stripes need none, as
 * the parity of nothing has no place either.
 */
final class LongRequests {
  /** Parts under way at a time, all requests together. */
  private static final int PARTS_UNDER_WAY = 256;

  private final ClientSide client;
  private final ArrayDeque<VolumeRequest> unfinished = new ArrayDeque<>();
  private final Cut reserved = new Cut();
  private long stripe;
  private int partsUnderWay;

  /** Blocks of the parts under way that may need space without having reserved it. */
  private long freeing;

  LongRequests(ClientSide client) {
    this.client = client;
  }

  /** True when a later request has to wait until an earlier one that it overlaps is issued. */
  boolean holdUp(VolumeRequest later) {
    for (VolumeRequest earlier : unfinished) {
      // What is issued already comes before it anyway.
      long from = earlier.cut.restStart(earlier.partWaits);
      if (later.overlaps(earlier) && later.offset + later.bytes > from) {
        return true;
      }
    }
    return false;
  }

  void start(VolumeRequest request) {
    long from = request.offset;
    long to = request.offset + request.bytes;
    boolean discard = request.kind == VolumeRequest.Kind.DISCARD;
    if (to == request.bounds.sizeBytes() && request.bounds.lastBlockWhole()) {
      // Beyond the end is nothing that could be left alone.
      to = up(to);
    } else if (discard) {
      to &= -Drive.BLOCK_BYTES;
    }
    if (discard) {
      from = up(from);
    }
    if (from >= to) {
      return;
    }
    if (request.cut == null) {
      request.cut = new Cut();
    }
    if (!discard && !reserve(request, from, to)) {
      request.result = RequestResult.NO_SPACE;
      return;
    }
    request.cut.begin(request.volume, from, to - from, true);
    request.partWaits = false;
    // Owed until all is issued, so that the first parts' replies are not taken for the end.
    client.owe(request);
    unfinished.add(request);
    issue();
  }

  /** Space for every part that is written, before any is. */
  private boolean reserve(VolumeRequest request, long from, long to) {
    Volume volume = request.volume;
    if (request.keepMapped) {
      return reserveRange(volume, from, to);
    }
    // Only the pieces of blocks at the ends.
    long headEnd = Math.min(to, up(from));
    long tail = Math.max(headEnd, to & -Drive.BLOCK_BYTES);
    if (!reserveRange(volume, from, headEnd)) {
      return false;
    }
    if (!reserveRange(volume, tail, to)) {
      giveBackRange(volume, from, headEnd, Integer.MAX_VALUE);
      return false;
    }
    return true;
  }

  private boolean reserveRange(Volume volume, long from, long to) {
    reserved.begin(volume, from, to - from, true);
    for (int parts = 0; reserved.next(); parts++) {
      if (!client.reserve(volume, reserved.row, reserved.member, reserved.count)) {
        giveBackRange(volume, from, to, parts);
        return false;
      }
    }
    return true;
  }

  private void giveBackRange(Volume volume, long from, long to, int parts) {
    reserved.begin(volume, from, to - from, true);
    for (int done = 0; done < parts && reserved.next(); done++) {
      client.giveBack(volume, reserved.row, reserved.member, reserved.count);
    }
  }

  private static long up(long offset) {
    return (offset + Drive.BLOCK_BYTES - 1) & -Drive.BLOCK_BYTES;
  }

  /** Issues what may be issued now. */
  void issue() {
    while (!unfinished.isEmpty()) {
      VolumeRequest request = unfinished.peek();
      if (!request.partWaits && !request.cut.next()) {
        finish(request);
        continue;
      }
      request.partWaits = true;
      if (!mayIssue(request)) {
        return;
      }
      request.partWaits = false;
      issuePart(request);
    }
  }

  private void finish(VolumeRequest request) {
    unfinished.poll();
    client.shard().send(client, MessageType.FLUSHED, request, null, 0);
  }

  private static boolean wholeBlocks(Cut cut) {
    return cut.bytes == cut.count * Drive.BLOCK_BYTES;
  }

  private static boolean unmaps(VolumeRequest request) {
    return !request.keepMapped && wholeBlocks(request.cut);
  }

  private static boolean needsUnreserved(VolumeRequest request) {
    return unmaps(request) && !request.cut.stripe && request.volume.layout().parityMembers() > 0;
  }

  private boolean mayIssue(VolumeRequest request) {
    Cut cut = request.cut;
    if (cut.stripe && cut.member != 0) {
      // The rest of a stripe: what is under way of it waits for this.
      return true;
    }
    if (needsUnreserved(request) && freeing > 0 && freeing + cut.count > share(request.volume)) {
      return false;
    }
    return partsUnderWay < PARTS_UNDER_WAY;
  }

  private static long share(Volume volume) {
    return volume.least(SpaceBudget::forFreeing) / volume.clients();
  }

  private void issuePart(VolumeRequest request) {
    Cut cut = request.cut;
    if (cut.stripe && cut.member == 0) {
      stripe = client.nextStripe();
    }
    if (!ClientSide.hasPlace(request.volume, cut.row, cut.member)) {
      request.result = RequestResult.IO_ERROR;
      return;
    }
    WriteOp op = client.newWrite(request, cut, cut.stripe ? stripe : 0);
    op.zeros = true;
    op.keepMapped = request.keepMapped;
    op.unreserved = needsUnreserved(request) ? op.count : 0;
    partsUnderWay++;
    freeing += op.unreserved;
    client.issue(op);
  }

  /** A part is over. */
  void closed(WriteOp op) {
    VolumeRequest request = (VolumeRequest) op.request;
    Volume volume = request.volume;
    partsUnderWay--;
    freeing -= op.unreserved;
    if (!op.unmaps() && op.unchanged()) {
      // Reserved, and then there was nothing to write.
      long row = op.lblk / volume.layout().chunkBlocks();
      client.giveBack(volume, row, op.member, op.count);
    }
  }
}
