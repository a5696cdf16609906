package dev.tuff.iom.array;

import dev.tuff.iom.runtime.Shard;
import dev.tuff.iom.volume.RequestHandler;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.Volume;
import dev.tuff.iom.volume.VolumeRequest;

/**
 * Frees what a deleted volume holds: discards it from its start to its end, a bounded step at a
 * time, beside whatever the array does. Begins anew at the next start if the array stops meanwhile;
 * what is freed already is passed over quickly. Owned by one shard's thread, but {@link #stop},
 * {@link #over} and {@link #bytesLeft}, which are any thread's.
 */
final class VolumeRemoval implements RequestHandler {
  /** One step: large enough for whole rows, small enough that other discards get their turn. */
  private static final long STEP_BYTES = 64L << 20;

  private final Volume volume;
  private final VolumeRequest request;
  private volatile long at;
  private volatile boolean stopped;
  private volatile boolean over;

  /**
   * @param volume a handle of its own: that of clients refuses requests by now
   */
  VolumeRemoval(Volume volume, Shard shard) {
    this.volume = volume;
    this.request = new VolumeRequest(shard.index(), this, this);
  }

  /** Begins; on the shard. */
  void step() {
    if (stopped || at >= volume.sizeBytes()) {
      over = true;
      return;
    }
    long bytes = Math.min(STEP_BYTES, volume.sizeBytes() - at);
    volume.submit(request.discard(at, bytes, Toughness.HARDENED));
  }

  @Override
  public void onDone(VolumeRequest done) {
    // Only what is released can be submitted again.
  }

  @Override
  public void onReleased(VolumeRequest done) {
    if (done.result() != RequestResult.OK) {
      // Too many drives are gone for some of it; the next start tries again.
      over = true;
      return;
    }
    at = done.offset() + done.bytes();
    step();
  }

  /** Does not begin another step. */
  void stop() {
    stopped = true;
  }

  /** True when all is freed, or no more is done about it. */
  boolean over() {
    return over;
  }

  /** Bytes of the volume that are not through yet. */
  long bytesLeft() {
    return volume.sizeBytes() - at;
  }
}
