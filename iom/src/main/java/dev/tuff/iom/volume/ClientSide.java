package dev.tuff.iom.volume;

import dev.tuff.iom.allocation.SpaceBudget;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.read.AllocationOp;
import dev.tuff.iom.read.ReadOp;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Counter;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.runtime.Message;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.runtime.Shard;
import dev.tuff.iom.write.WriteOp;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;

/**
 * Where requests enter on a shard: cuts them, sends the parts to their IOMs, and gathers the
 * replies. Bounded: when too many parts are under way, later requests wait here, those of one
 * volume in order, and volumes in turn. A request that has to wait for an earlier one of its volume
 * holds up no other volume's.
 */
public final class ClientSide implements Actor {
  /** Parts under way from one shard; the largest request alone may exceed it. */
  private static final int PARTS_UNDER_WAY = 2048;

  private final Shard shard;
  private final Cut cut = new Cut();

  /** Requests that wait, by their volume's GFID; no queue is empty. */
  private final HashMap<Long, ArrayDeque<VolumeRequest>> waitingOf = new HashMap<>();

  /** The queues of {@link #waitingOf}, in turn. */
  private final ArrayDeque<ArrayDeque<VolumeRequest>> waiting = new ArrayDeque<>();

  private WriteOp[] freeWrites = new WriteOp[256];
  private int freeWriteCount;
  private ReadOp[] freeReads = new ReadOp[256];
  private int freeReadCount;
  private long stripes;
  private final LongRequests longRequests = new LongRequests(this);

  /** Requests that another shard's client side has started or will, and has not replied to. */
  private final ArrayList<VolumeRequest> elsewhere = new ArrayList<>();

  /**
   * Writes that found no space, while it is asked whether their blocks have places: later ones that
   * overlap wait.
   */
  private final ArrayList<VolumeRequest> asking = new ArrayList<>();

  /** Blocks of what is kept for replacing that the writes under way may take. */
  private long replacing;

  private AllocationOp[] freeQueries = new AllocationOp[8];
  private int freeQueryCount;
  private int partsUnderWay;
  private int requestsInside;
  private final Counter accepted = new Counter();
  private final Counter released = new Counter();
  private boolean paused;

  public ClientSide(Shard shard) {
    this.shard = shard;
    // Stripe numbers differ from shard to shard.
    this.stripes = (long) shard.index() << 48;
  }

  @Override
  public Shard shard() {
    return shard;
  }

  void submit(Volume volume, VolumeRequest request) {
    Invariant.check(!request.submitted, "a request is submitted once at a time");
    request.submitted = true;
    request.volume = volume;
    request.result = RequestResult.OK;
    request.asking = false;
    request.replaces = false;
    request.replacing = 0;
    take(request);
  }

  private void take(VolumeRequest request) {
    requestsInside++;
    accepted.add(1);
    if (!waiting.isEmpty() && waitingOf.containsKey(gfid(request))) {
      waitingOf.get(gfid(request)).add(request);
    } else if (nothingStarts() || heldUp(request)) {
      ArrayDeque<VolumeRequest> queue = new ArrayDeque<>();
      queue.add(request);
      waitingOf.put(gfid(request), queue);
      waiting.add(queue);
    } else {
      startHereOrElsewhere(request);
    }
  }

  private static long gfid(VolumeRequest request) {
    return request.volume.attributes().gfid();
  }

  private boolean nothingStarts() {
    return paused || partsUnderWay > PARTS_UNDER_WAY;
  }

  /** Whether it has to wait for an earlier request of its volume. */
  private boolean heldUp(VolumeRequest request) {
    return longRequests.holdUp(request)
        || overtakes(request, elsewhere)
        || overtakes(request, asking)
        || (request.replaces && replacing > 0 && replacing + blocks(request) > share(request));
  }

  private static int blocks(VolumeRequest request) {
    long first = request.offset / Drive.BLOCK_BYTES;
    return (int) ((request.offset + request.bytes - 1) / Drive.BLOCK_BYTES - first + 1);
  }

  /** What this side may take of the blocks that are kept for replacing, at the same time. */
  private static long share(VolumeRequest request) {
    Volume volume = request.volume;
    return volume.least(SpaceBudget::forReplacing) / volume.clients();
  }

  /** Whether it overlaps a request from before that has gone another way. */
  private static boolean overtakes(VolumeRequest later, List<VolumeRequest> earlier) {
    for (int i = 0; i < earlier.size(); i++) {
      if (later.overlaps(earlier.get(i))) {
        return true;
      }
    }
    return false;
  }

  private void startHereOrElsewhere(VolumeRequest request) {
    int stripeShard = request.volume.stripeShard();
    if (own(request)
        && stripeShard != shard.index()
        && request.writes()
        && request.volume.hasWholeRow(request.offset, request.bytes)) {
      elsewhere.add(request);
      Actor other = request.volume.client(stripeShard);
      shard.send(other, MessageType.START_REQUEST, request, null, 0);
    } else {
      start(request);
    }
  }

  private boolean own(VolumeRequest request) {
    return request.shard() == shard.index();
  }

  private void start(VolumeRequest request) {
    Volume volume = request.volume;
    request.repliesOwed = 0;
    request.closesOwed = 0;
    request.bounds = volume.bounds();
    request.bounds.enter(shard.index());
    if (volume.deleted()) {
      request.result = RequestResult.DELETED;
      answer(request);
      return;
    }
    switch (request.kind) {
      case READ -> {
        if (inRange(request)) {
          startRead(volume, request);
        }
      }
      case WRITE -> {
        if (volume.readOnly()) {
          request.result = RequestResult.READ_ONLY;
        } else if (inRange(request)) {
          startWrite(volume, request);
        }
      }
      case DISCARD, ZEROES -> {
        if (volume.readOnly()) {
          request.result = RequestResult.READ_ONLY;
        } else if (inRange(request)) {
          longRequests.start(request);
        }
      }
      case ALLOCATION -> {
        if (inRange(request)) {
          startQuery(volume, request);
        }
      }
      case FLUSH -> startFlush(volume, request);
    }
    if (request.closesOwed == 0) {
      answer(request);
    }
  }

  /** Refused, or nothing to do: the handler is still not called from within submit. */
  private void answer(VolumeRequest request) {
    owe(request);
    shard.send(this, MessageType.FLUSHED, request, null, -1);
  }

  private static boolean inRange(VolumeRequest request) {
    if (request.offset < 0 || request.offset > request.bounds.sizeBytes() - request.bytes) {
      request.result = RequestResult.OUT_OF_RANGE;
      return false;
    }
    return true;
  }

  void owe(VolumeRequest request) {
    request.repliesOwed++;
    request.closesOwed++;
    partsUnderWay++;
  }

  // ---- writes

  private void startWrite(Volume volume, VolumeRequest request) {
    if (!everyPartHasAPlace(volume, request)) {
      request.result = RequestResult.IO_ERROR;
      return;
    }
    if (!reserve(volume, request)) {
      if (!request.replaces) {
        ask(volume, request);
        return;
      }
      request.replacing = blocks(request);
      if (!reserve(volume, request)) {
        request.replacing = 0;
        request.result = RequestResult.NO_SPACE;
        return;
      }
      replacing += request.replacing;
    }
    int bufferBase = (int) (request.offset & 4095);
    long stripe = 0;
    cut.begin(volume, request.offset, request.bytes, true);
    while (cut.next()) {
      if (cut.stripe && cut.member == 0) {
        stripe = nextStripe();
      }
      WriteOp op = newWrite(request, cut, cut.stripe ? stripe : 0);
      op.payload = request.buffer;
      op.payloadOffset = bufferBase + (int) cut.offsetInRequest;
      issue(op);
    }
  }

  /**
   * There is no space for what is new. Blocks that have places give back as many as they take: are
   * these such?
   */
  private void ask(Volume volume, VolumeRequest request) {
    request.asking = true;
    asking.add(request);
    request.allocation = new AllocationMap();
    startQuery(volume, request);
  }

  /** It has been told. What replaces starts again, before all others of its volume. */
  private void told(VolumeRequest request) {
    request.asking = false;
    asking.remove(request);
    request.replaces = request.allocation.allMapped();
    request.allocation = null;
    if (!request.replaces) {
      request.result = RequestResult.NO_SPACE;
      answer(request);
      return;
    }
    request.bounds.leave(shard.index());
    ArrayDeque<VolumeRequest> queue = waitingOf.get(gfid(request));
    if (queue == null) {
      queue = new ArrayDeque<>();
      waitingOf.put(gfid(request), queue);
      waiting.addFirst(queue);
    }
    queue.addFirst(request);
  }

  long nextStripe() {
    return ++stripes;
  }

  /** An update for the part that {@code at} is at; what it writes is still to be set. */
  WriteOp newWrite(VolumeRequest request, Cut at, long stripe) {
    Layout layout = request.volume.layout();
    WriteOp op = freeWriteCount == 0 ? new WriteOp() : freeWrites[--freeWriteCount];
    op.client = this;
    op.request = request;
    op.gfid = request.volume.attributes().gfid();
    op.lblk = at.lblk;
    op.count = at.count;
    op.member = at.member;
    op.toughness = request.toughness;
    op.stripe = stripe;
    op.writeStart = at.startInBlock;
    op.writeBytes = at.bytes;
    op.zeros = false;
    op.keepMapped = false;
    op.unreserved = 0;
    op.parities = layout.parityMembers();
    for (int p = 0; p < op.parities; p++) {
      op.parityDrive[p] = layout.drive(at.row, layout.dataMembers() + p);
    }
    return op;
  }

  void issue(WriteOp op) {
    VolumeRequest request = (VolumeRequest) op.request;
    Volume volume = request.volume;
    owe(request);
    long row = op.lblk / volume.layout().chunkBlocks();
    shard.send(
        volume.acting(volume.layout().drive(row, op.member)), MessageType.WRITE, op, null, 0);
  }

  /** False when some part's drive is gone, and with it every parity that could hold the part. */
  private boolean everyPartHasAPlace(Volume volume, VolumeRequest request) {
    cut.begin(volume, request.offset, request.bytes, true);
    while (cut.next()) {
      if (!hasPlace(volume, cut.row, cut.member)) {
        return false;
      }
    }
    return true;
  }

  /** False when a part's drive is gone, and with it every parity that could hold the part. */
  static boolean hasPlace(Volume volume, long row, int member) {
    for (int i = 0; i <= volume.layout().parityMembers(); i++) {
      if (volume.present(partDrive(volume, row, member, i))) {
        return true;
      }
    }
    return false;
  }

  /** All space that the request can need, on all drives it touches, before any part starts. */
  private boolean reserve(Volume volume, VolumeRequest request) {
    cut.begin(volume, request.offset, request.bytes, true);
    int done = 0;
    while (cut.next()) {
      if (!reserve(volume, cut.row, cut.member, cut.count, request.replacing > 0)) {
        giveBack(volume, request, done);
        return false;
      }
      done++;
    }
    return true;
  }

  /** Space for a part, on the drives of its member and of every parity. */
  boolean reserve(Volume volume, long row, int member, int count) {
    return reserve(volume, row, member, count, false);
  }

  private boolean reserve(Volume volume, long row, int member, int count, boolean replaces) {
    for (int i = 0; i <= volume.layout().parityMembers(); i++) {
      if (!tryReserve(volume, partDrive(volume, row, member, i), count, replaces)) {
        for (int j = 0; j < i; j++) {
          giveBack(volume, partDrive(volume, row, member, j), count);
        }
        return false;
      }
    }
    return true;
  }

  /** A drive that is gone needs no space. */
  private static boolean tryReserve(Volume volume, int drive, int count, boolean replaces) {
    if (!volume.present(drive)) {
      return true;
    }
    SpaceBudget budget = volume.budget(drive);
    return replaces ? budget.tryReserveToReplace(count) : budget.tryReserve(count);
  }

  private static void giveBack(Volume volume, int drive, int count) {
    if (volume.present(drive)) {
      volume.budget(drive).give(count);
    }
  }

  void giveBack(Volume volume, long row, int member, int count) {
    for (int i = 0; i <= volume.layout().parityMembers(); i++) {
      giveBack(volume, partDrive(volume, row, member, i), count);
    }
  }

  private static int partDrive(Volume volume, long row, int member, int i) {
    Layout layout = volume.layout();
    return layout.drive(row, i == 0 ? member : layout.dataMembers() + i - 1);
  }

  private void giveBack(Volume volume, VolumeRequest request, int parts) {
    cut.begin(volume, request.offset, request.bytes, true);
    for (int done = 0; done < parts && cut.next(); done++) {
      giveBack(volume, cut.row, cut.member, cut.count);
    }
  }

  // ---- reads

  private void startRead(Volume volume, VolumeRequest request) {
    Layout layout = volume.layout();
    int bufferBase = (int) (request.offset & 4095);
    cut.begin(volume, request.offset, request.bytes, false);
    while (cut.next()) {
      ReadOp op = freeReadCount == 0 ? new ReadOp() : freeReads[--freeReadCount];
      op.client = this;
      op.request = request;
      op.gfid = volume.attributes().gfid();
      op.lblk = cut.lblk;
      op.count = cut.count;
      op.member = cut.member;
      op.target = request.buffer;
      op.targetOffset = bufferBase + (int) cut.offsetInRequest;
      op.readStart = cut.startInBlock;
      op.readBytes = cut.bytes;
      owe(request);
      shard.send(volume.acting(layout.drive(cut.row, cut.member)), MessageType.READ, op, null, 0);
    }
  }

  // ---- allocation

  /** Every IOM says what it knows of the rows; see {@link AllocationOp}. */
  private void startQuery(Volume volume, VolumeRequest request) {
    Layout layout = volume.layout();
    long rowBytes = (long) layout.dataMembers() * layout.chunkBlocks() * Drive.BLOCK_BYTES;
    long firstRow = request.offset / rowBytes;
    int rows = (int) ((request.offset + request.bytes - 1) / rowBytes - firstRow + 1);
    request.allocation.begin(request.offset, request.bytes);
    for (int drive = 0; drive < volume.drives(); drive++) {
      AllocationOp op = freeQueryCount == 0 ? new AllocationOp() : freeQueries[--freeQueryCount];
      op.client = this;
      op.request = request;
      op.gfid = volume.attributes().gfid();
      op.firstRow = firstRow;
      op.rows = rows;
      op.vacated = layout.vacated();
      owe(request);
      shard.send(volume.acting(drive), MessageType.QUERY_ALLOCATION, op, null, 0);
      if (!volume.present(drive)) {
        markUnknown(volume, request.allocation, drive, firstRow, rows);
      }
    }
  }

  /** What nobody is left to tell of may be anything: no client may take it for zeros. */
  private static void markUnknown(
      Volume volume, AllocationMap answer, int drive, long firstRow, int rows) {
    Layout layout = volume.layout();
    for (long row = firstRow; row < firstRow + rows; row++) {
      int member = layout.member(row, drive);
      boolean told = member >= layout.dataMembers();
      for (int p = 0; p < layout.parityMembers() && !told; p++) {
        told = volume.present(layout.drive(row, layout.dataMembers() + p));
      }
      long first = (row * layout.dataMembers() + member) * layout.chunkBlocks();
      for (int i = 0; i < layout.chunkBlocks() && !told; i++) {
        answer.mark(first + i);
      }
    }
  }

  private static void collect(VolumeRequest request, AllocationOp op) {
    Layout layout = request.volume.layout();
    int rowBlocks = layout.dataMembers() * layout.chunkBlocks();
    long[] mapped = op.mapped();
    for (int word = 0; word < mapped.length; word++) {
      for (long rest = mapped[word]; rest != 0; rest &= rest - 1) {
        request.allocation.mark(
            op.firstRow * rowBlocks + word * 64L + Long.numberOfTrailingZeros(rest));
      }
    }
  }

  // ---- flush

  private void startFlush(Volume volume, VolumeRequest request) {
    for (int drive = 0; drive < volume.drives(); drive++) {
      owe(request);
      shard.send(volume.acting(drive), MessageType.FLUSH, request, this, 0);
    }
  }

  // ---- replies

  @Override
  public void onMessage(Message message) {
    switch (message.type) {
      case WRITE_REPLIED -> replied((VolumeRequest) ((WriteOp) message.subject).request);
      case WRITE_CLOSED -> {
        WriteOp op = (WriteOp) message.subject;
        VolumeRequest request = (VolumeRequest) op.request;
        boolean early = op.replied();
        if (op.zeros) {
          longRequests.closed(op);
        }
        recycle(op);
        if (!early) {
          replied(request);
        }
        closed(request);
      }
      case READ_DONE -> {
        ReadOp op = (ReadOp) message.subject;
        VolumeRequest request = (VolumeRequest) op.request;
        if (op.failed) {
          request.result = RequestResult.IO_ERROR;
        }
        recycle(op);
        replied(request);
        closed(request);
      }
      case ALLOCATION_ANSWERED -> {
        AllocationOp op = (AllocationOp) message.subject;
        VolumeRequest request = (VolumeRequest) op.request;
        collect(request, op);
        request.outdated |= op.outdated();
        recycle(op);
        if (request.outdated && request.repliesOwed == 1) {
          // Answers by two layouts tell of some rows twice, and of some not at all.
          request.outdated = false;
          startQuery(request.volume, request);
        }
        replied(request);
        closed(request);
      }
      case START_REQUEST -> take((VolumeRequest) message.subject);
      case REQUEST_REPLIED -> {
        VolumeRequest request = (VolumeRequest) message.subject;
        elsewhere.remove(request);
        request.handler.onDone(request);
        startWaiting();
      }
      case REQUEST_CLOSED -> {
        release((VolumeRequest) message.subject);
        startWaiting();
      }
      case FLUSHED -> {
        VolumeRequest request = (VolumeRequest) message.subject;
        replied(request);
        closed(request);
      }
      default -> Invariant.check(false, "a client hears replies only: " + message.type);
    }
  }

  private void replied(VolumeRequest request) {
    if (--request.repliesOwed > 0 || request.asking) {
      return;
    }
    if (own(request)) {
      request.handler.onDone(request);
    } else {
      answer(MessageType.REQUEST_REPLIED, request);
    }
  }

  private void answer(MessageType type, VolumeRequest request) {
    shard.send(request.volume.client(request.shard()), type, request, null, 0);
  }

  private void release(VolumeRequest request) {
    request.submitted = false;
    requestsInside--;
    released.add(1);
    request.handler.onReleased(request);
  }

  private void closed(VolumeRequest request) {
    partsUnderWay--;
    if (--request.closesOwed == 0 && request.asking) {
      told(request);
    } else if (request.closesOwed == 0) {
      replacing -= request.replacing;
      request.bounds.leave(shard.index());
      if (own(request)) {
        release(request);
      } else {
        requestsInside--;
        released.add(1);
        answer(MessageType.REQUEST_CLOSED, request);
      }
    }
    startWaiting();
  }

  private void startWaiting() {
    if (!paused) {
      longRequests.issue();
    }
    int heldUp = 0;
    while (heldUp < waiting.size() && !nothingStarts()) {
      ArrayDeque<VolumeRequest> queue = waiting.poll();
      VolumeRequest first = queue.peek();
      if (heldUp(first)) {
        heldUp++;
        waiting.add(queue);
        continue;
      }
      heldUp = 0;
      queue.poll();
      startHereOrElsewhere(first);
      if (queue.isEmpty()) {
        waitingOf.remove(gfid(first));
      } else {
        waiting.add(queue);
      }
    }
  }

  /** Requests wait here from now on: the array is about to go on without a drive. */
  public void pause() {
    paused = true;
  }

  /** It has; they go on. */
  public void resume() {
    paused = false;
    startWaiting();
  }

  private void recycle(WriteOp op) {
    op.request = null;
    op.payload = null;
    if (freeWriteCount == freeWrites.length) {
      freeWrites = java.util.Arrays.copyOf(freeWrites, freeWriteCount * 2);
    }
    freeWrites[freeWriteCount++] = op;
  }

  private void recycle(AllocationOp op) {
    op.request = null;
    if (freeQueryCount == freeQueries.length) {
      freeQueries = java.util.Arrays.copyOf(freeQueries, freeQueryCount * 2);
    }
    freeQueries[freeQueryCount++] = op;
  }

  private void recycle(ReadOp op) {
    op.request = null;
    op.target = null;
    if (freeReadCount == freeReads.length) {
      freeReads = java.util.Arrays.copyOf(freeReads, freeReadCount * 2);
    }
    freeReads[freeReadCount++] = op;
  }

  /** Requests submitted since the start. Any thread, a little late. */
  public long accepted() {
    return accepted.get();
  }

  /** Of these, those that are over. Any thread, a little late. */
  public long released() {
    return released.get();
  }

  /** Requests taken and not released, of other shards too. */
  public int requestsInside() {
    return requestsInside;
  }
}
