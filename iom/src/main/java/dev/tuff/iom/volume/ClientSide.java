package dev.tuff.iom.volume;

import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.read.ReadOp;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Counter;
import dev.tuff.iom.runtime.Invariant;
import dev.tuff.iom.runtime.Message;
import dev.tuff.iom.runtime.MessageType;
import dev.tuff.iom.runtime.Shard;
import dev.tuff.iom.write.WriteOp;
import java.util.ArrayDeque;

/**
 * Where requests enter on a shard: cuts them, sends the parts to their IOMs, and gathers the
 * replies. Bounded: when too many parts are under way, later requests wait here in order.
 */
public final class ClientSide implements Actor {
  /** Parts under way from one shard; the largest request alone may exceed it. */
  private static final int PARTS_UNDER_WAY = 2048;

  private final Shard shard;
  private final Cut cut = new Cut();
  private final ArrayDeque<VolumeRequest> waiting = new ArrayDeque<>(256);
  private WriteOp[] freeWrites = new WriteOp[256];
  private int freeWriteCount;
  private ReadOp[] freeReads = new ReadOp[256];
  private int freeReadCount;
  private long stripes;
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
    requestsInside++;
    accepted.add(1);
    if (paused || !waiting.isEmpty() || partsUnderWay > PARTS_UNDER_WAY) {
      waiting.add(request);
      return;
    }
    start(request);
  }

  private void start(VolumeRequest request) {
    Volume volume = request.volume;
    request.issuing = true;
    request.repliesOwed = 0;
    request.closesOwed = 0;
    switch (request.kind) {
      case READ -> {
        if (inRange(volume, request)) {
          startRead(volume, request);
        }
      }
      case WRITE -> {
        if (volume.readOnly()) {
          request.result = RequestResult.READ_ONLY;
        } else if (inRange(volume, request)) {
          startWrite(volume, request);
        }
      }
      case FLUSH -> startFlush(volume, request);
    }
    request.issuing = false;
    if (request.closesOwed == 0) {
      // Refused, or nothing to do: the handler is still not called from within submit.
      shard.send(this, MessageType.FLUSHED, request, null, -1);
      request.closesOwed = 1;
      request.repliesOwed = 1;
      partsUnderWay++;
    }
  }

  private static boolean inRange(Volume volume, VolumeRequest request) {
    if (request.offset < 0 || request.offset > volume.sizeBytes() - request.bytes) {
      request.result = RequestResult.OUT_OF_RANGE;
      return false;
    }
    return true;
  }

  private void owe(VolumeRequest request) {
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
      request.result = RequestResult.NO_SPACE;
      return;
    }
    Layout layout = volume.layout();
    int bufferBase = (int) (request.offset & 4095);
    long stripe = 0;
    cut.begin(volume, request.offset, request.bytes, true);
    while (cut.next()) {
      if (cut.stripe && cut.member == 0) {
        stripe = ++stripes;
      }
      WriteOp op = freeWriteCount == 0 ? new WriteOp() : freeWrites[--freeWriteCount];
      op.client = this;
      op.request = request;
      op.gfid = volume.attributes().gfid();
      op.lblk = cut.lblk;
      op.count = cut.count;
      op.member = cut.member;
      op.toughness = request.toughness;
      op.stripe = cut.stripe ? stripe : 0;
      op.payload = request.buffer;
      op.payloadOffset = bufferBase + (int) cut.offsetInRequest;
      op.writeStart = cut.startInBlock;
      op.writeBytes = cut.bytes;
      op.parities = layout.parityMembers();
      for (int p = 0; p < op.parities; p++) {
        op.parityDrive[p] = layout.drive(cut.row, layout.dataMembers() + p);
      }
      owe(request);
      shard.send(volume.acting(layout.drive(cut.row, cut.member)), MessageType.WRITE, op, null, 0);
    }
  }

  /** False when some part's drive is gone, and with it every parity that could hold the part. */
  private boolean everyPartHasAPlace(Volume volume, VolumeRequest request) {
    cut.begin(volume, request.offset, request.bytes, true);
    while (cut.next()) {
      boolean place = false;
      for (int i = 0; i <= volume.layout().parityMembers() && !place; i++) {
        place = volume.present(partDrive(volume.layout(), i));
      }
      if (!place) {
        return false;
      }
    }
    return true;
  }

  /** All space that the request can need, on all drives it touches, before any part starts. */
  private boolean reserve(Volume volume, VolumeRequest request) {
    cut.begin(volume, request.offset, request.bytes, true);
    int done = 0;
    while (cut.next()) {
      if (!reservePart(volume)) {
        giveBack(volume, request, done);
        return false;
      }
      done++;
    }
    return true;
  }

  private boolean reservePart(Volume volume) {
    Layout layout = volume.layout();
    for (int i = 0; i <= layout.parityMembers(); i++) {
      if (!tryReserve(volume, partDrive(layout, i))) {
        for (int j = 0; j < i; j++) {
          giveBack(volume, partDrive(layout, j));
        }
        return false;
      }
    }
    return true;
  }

  /** A drive that is gone needs no space. */
  private boolean tryReserve(Volume volume, int drive) {
    return !volume.present(drive) || volume.budget(drive).tryReserve(cut.count);
  }

  private void giveBack(Volume volume, int drive) {
    if (volume.present(drive)) {
      volume.budget(drive).give(cut.count);
    }
  }

  private int partDrive(Layout layout, int i) {
    return layout.drive(cut.row, i == 0 ? cut.member : layout.dataMembers() + i - 1);
  }

  private void giveBack(Volume volume, VolumeRequest request, int parts) {
    Layout layout = volume.layout();
    cut.begin(volume, request.offset, request.bytes, true);
    for (int done = 0; done < parts && cut.next(); done++) {
      for (int i = 0; i <= layout.parityMembers(); i++) {
        giveBack(volume, partDrive(layout, i));
      }
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
      case FLUSHED -> {
        VolumeRequest request = (VolumeRequest) message.subject;
        replied(request);
        closed(request);
      }
      default -> Invariant.check(false, "a client hears replies only: " + message.type);
    }
  }

  private void replied(VolumeRequest request) {
    if (--request.repliesOwed == 0) {
      request.handler.onDone(request);
    }
  }

  private void closed(VolumeRequest request) {
    partsUnderWay--;
    if (--request.closesOwed == 0) {
      request.submitted = false;
      requestsInside--;
      released.add(1);
      request.handler.onReleased(request);
    }
    startWaiting();
  }

  private void startWaiting() {
    while (!paused && !waiting.isEmpty() && partsUnderWay <= PARTS_UNDER_WAY) {
      start(waiting.poll());
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

  /** Requests submitted and not released. */
  public int requestsInside() {
    return requestsInside;
  }
}
