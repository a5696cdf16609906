package dev.tuff.iom.array;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.runtime.Shard;
import dev.tuff.iom.volume.Bounds;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Volume;
import java.util.function.Consumer;

/**
 * Changes a volume's size in three steps, of which the owner does the second:
 *
 * <ol>
 *   <li>{@link #prepare}. Smaller: clients get no further than the new end any more; when all who
 *       started before are through, those before an earlier resize too, all beyond it is discarded,
 *       hardened everywhere. Larger: clients who take the block of the old end for theirs as a
 *       whole are waited for.
 *   <li>{@link #attributes} are brought to every drive, hardened: a change for all or for none.
 *       From the first drive that has them on the size is the new one, whatever happens.
 *   <li>{@link #commit}: clients get as far as the new end.
 * </ol>
 *
 * So no drive ever says that a volume is smaller while something is stored beyond that end: when it
 * grows again it reads as zeros there. What is cut short in the first step leaves the old size,
 * with zeros or what was there beyond the end that was asked for.
 *
 * <p>Coordinated on one shard; goes on through failovers.
 */
public final class VolumeResize {
  private final Volume volume;
  private final ObjectAttributes former;
  private final ObjectAttributes newer;
  private final Shard[] shards;
  private final Shard home;
  private final VolumeRemoval tail;
  private Consumer<RequestResult> prepared;

  /**
   * @param volume that of clients
   * @param whole a handle of its own, with the old size
   * @param newer its attributes with another size
   */
  public VolumeResize(Volume volume, Volume whole, ObjectAttributes newer, Shard[] shards) {
    this.volume = volume;
    this.former = volume.attributes();
    this.newer = newer;
    this.shards = shards.clone();
    this.home = shards[(int) (newer.gfid() % shards.length)];
    this.tail =
        newer.sizeBytes() < former.sizeBytes()
            ? new VolumeRemoval(whole, home, newer.sizeBytes(), result -> prepared.accept(result))
            : null;
  }

  /**
   * Begins; from any thread.
   *
   * @param done hears, on a shard, that the attributes may be changed, or why not: then clients
   *     have the old size again; null after {@link #stop}
   */
  public void prepare(Consumer<RequestResult> done) {
    prepared =
        result -> {
          if (result != RequestResult.OK) {
            volume.take(former);
          }
          done.accept(result);
        };
    if (tail != null) {
      afterThoseUnder(volume.limit(newer.sizeBytes()), tail::step);
    } else if (former.sizeBytes() % Drive.BLOCK_BYTES != 0) {
      afterThoseUnder(volume.limit(former.sizeBytes()), () -> prepared.accept(RequestResult.OK));
    } else {
      RequestsBefore.offer(home, () -> prepared.accept(RequestResult.OK));
    }
  }

  private void afterThoseUnder(Bounds bounds, Runnable then) {
    RequestsBefore.await(bounds, shards, home, then);
  }

  /** What every drive is to harden in the second step. */
  public ObjectAttributes attributes() {
    return newer;
  }

  /** Every drive has hardened the attributes. */
  public void commit() {
    volume.take(newer);
  }

  /** Discards no further: {@link #prepare} ends soon, without having done it. Any thread. */
  void stop() {
    if (tail != null) {
      tail.stop();
    }
  }
}
