package dev.tuff.iom.array;

import dev.tuff.iom.runtime.Shard;
import dev.tuff.iom.volume.RequestHandler;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Toughness;
import dev.tuff.iom.volume.Volume;
import dev.tuff.iom.volume.VolumeRequest;
import java.util.function.Consumer;

/**
 * Frees what a volume holds from a place on: discards it from there to its end, a bounded step at a
 * time, beside whatever the array does. What is freed already is passed over quickly. Owned by one
 * shard's thread, but {@link #stop}, {@link #over} and {@link #bytesLeft}, which are any thread's.
 */
final class VolumeRemoval implements RequestHandler {
  /** One step: large enough for whole rows, small enough that other discards get their turn. */
  private static final long STEP_BYTES = 64L << 20;

  private final Volume volume;
  private final Consumer<RequestResult> whenOver;
  private final VolumeRequest request;
  private volatile long at;
  private volatile boolean stopped;
  private volatile boolean over;

  /**
   * @param volume a handle of its own: that of clients refuses requests by now
   * @param from the first byte; of the block that it lies in what is before it stays
   * @param whenOver hears, on the shard, that all is freed, or why it is not; null when it was
   *     stopped
   */
  VolumeRemoval(Volume volume, Shard shard, long from, Consumer<RequestResult> whenOver) {
    this.volume = volume;
    this.at = from;
    this.whenOver = whenOver;
    this.request = new VolumeRequest(shard.index(), this, this);
  }

  /** Begins; on the shard. */
  void step() {
    if (stopped) {
      end(null);
    } else if (at >= volume.sizeBytes()) {
      end(RequestResult.OK);
    } else {
      long bytes = Math.min(STEP_BYTES - at % STEP_BYTES, volume.sizeBytes() - at);
      volume.submit(request.writeZeroes(at, bytes, false, Toughness.HARDENED));
    }
  }

  private void end(RequestResult result) {
    over = true;
    whenOver.accept(result);
  }

  @Override
  public void onDone(VolumeRequest done) {
    // Only what is released can be submitted again.
  }

  @Override
  public void onReleased(VolumeRequest done) {
    if (done.result() != RequestResult.OK) {
      // Too many drives are gone for some of it.
      end(done.result());
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
