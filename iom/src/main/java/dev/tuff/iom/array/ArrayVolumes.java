package dev.tuff.iom.array;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.object.Cnode;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.proxy.Acting;
import dev.tuff.iom.runtime.Shard;
import dev.tuff.iom.volume.Bounds;
import dev.tuff.iom.volume.RequestResult;
import dev.tuff.iom.volume.Volume;
import dev.tuff.iom.volume.VolumeInfo;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;

/**
 * The volumes of an array that runs: found at its start, made, resized and deleted on all drives
 * alike. Belongs to its {@link Array}, whose monitor it uses; any thread.
 */
final class ArrayVolumes {
  private final Array array;
  private final Shard[] shards;
  private final Function<ObjectAttributes, Volume> volumeOf;
  private final boolean readOnly;
  private final Map<String, Volume> volumes = Collections.synchronizedMap(new TreeMap<>());

  /** What deleted volumes hold is being freed. */
  private final List<VolumeRemoval> removals = new CopyOnWriteArrayList<>();

  private volatile VolumeResize underWay;

  /** One volume is resized at a time; not the array's monitor, as that may take long. */
  private final Object resizing = new Object();

  /**
   * For an array that is about to start.
   *
   * @param volumeOf makes what clients use of an object
   */
  ArrayVolumes(
      Array array, Shard[] shards, Function<ObjectAttributes, Volume> volumeOf, boolean readOnly) {
    this.array = array;
    this.shards = shards;
    this.volumeOf = volumeOf;
    this.readOnly = readOnly;
  }

  void open() {
    int reader = array.firstPresent();
    List<ObjectAttributes> found =
        array.await(
            array.onShard(
                reader % shards.length,
                done -> {
                  List<ObjectAttributes> all = new ArrayList<>();
                  array.iom(reader).rooms().cnodes().all().forEach(c -> all.add(c.attributes()));
                  done.complete(all);
                }));
    for (ObjectAttributes attributes : found) {
      if (!attributes.deleted()) {
        volumes.put(attributes.name(), volumeOf.apply(attributes));
      } else if (!readOnly && array.inOneGo(() -> holdsAnything(attributes.gfid()))) {
        RequestsBefore.offer(home(attributes), removal(attributes)::step);
      }
    }
  }

  private boolean holdsAnything(long gfid) {
    for (int d = 0; d < array.driveCount(); d++) {
      if (!array.present(d)) {
        continue;
      }
      boolean here =
          array.await(
              array.<Boolean>onIom(
                  d,
                  (iom, done) -> {
                    Cnode cnode = iom.rooms().cnode(gfid);
                    done.complete(cnode.mappedDataBlocks() + cnode.mappedParityBlocks() > 0);
                  }));
      if (here) {
        return true;
      }
    }
    return false;
  }

  /** What frees all that a deleted volume holds, in the background; to be begun on its shard. */
  private VolumeRemoval removal(ObjectAttributes attributes) {
    // One that does not come to its end is begun anew at the next start.
    VolumeRemoval removal =
        new VolumeRemoval(volumeOf.apply(attributes), home(attributes), 0, result -> {});
    removals.add(removal);
    return removal;
  }

  private Shard home(ObjectAttributes attributes) {
    return shards[(int) (attributes.gfid() % shards.length)];
  }

  /** See {@link Array#createVolume}, whose monitor the caller has. */
  VolumeInfo create(VolumeSpec spec) {
    if (readOnly) {
      throw new ArrayException("The array was started read-only; no volume can be made.");
    }
    ObjectAttributes attributes = array.inOneGo(() -> attributes(spec));
    array.inOneGo(() -> put(attributes));
    volumes.put(attributes.name(), volumeOf.apply(attributes));
    return info(attributes, 0);
  }

  private Void put(ObjectAttributes attributes) {
    List<CompletableFuture<Void>> created = new ArrayList<>();
    for (int d = 0; d < array.driveCount(); d++) {
      int drive = d;
      created.add(
          array.onShard(
              d % shards.length,
              done -> {
                Acting acting = array.acting(drive);
                Shard.run(acting, () -> acting.putObject(attributes, () -> done.complete(null)));
              }));
    }
    created.forEach(array::await);
    return null;
  }

  private ObjectAttributes attributes(VolumeSpec spec) {
    int nameBytes = spec.name().getBytes(StandardCharsets.UTF_8).length;
    if (nameBytes < 1 || nameBytes > ObjectAttributes.MAX_NAME_BYTES) {
      throw new ArrayException(
          "A volume's name has 1 to 255 bytes and this one has " + nameBytes + ".");
    }
    if (volumes.containsKey(spec.name())) {
      throw new ArrayException(
          "There is a volume named " + spec.name() + " already; choose another name.");
    }
    checkSize(spec.sizeBytes());
    int chunk = spec.chunkBytes() == 0 ? 64 << 10 : spec.chunkBytes();
    if (chunk < 4096 || chunk > 256 << 10 || Integer.bitCount(chunk) != 1) {
      throw new ArrayException(
          "A chunk of " + chunk + " bytes was asked for; give a power of two from 4K to 256K.");
    }
    Superblock any = array.superblock();
    int data = spec.dataMembers() == 0 ? any.defaultData() : spec.dataMembers();
    int parity = spec.parityMembers() < 0 ? any.defaultParity() : spec.parityMembers();
    Formatter.checkProtection(array.driveCount(), data, parity);
    if (parity > 0 && array.vacated() >= 0 && data + parity == array.driveCount()) {
      throw new ArrayException(
          "Protection %d+%d takes all %d drives, and drive %d is missing; replace it first."
              .formatted(data, parity, array.driveCount(), array.vacated()));
    }
    return new ObjectAttributes(
        nextGfid(),
        spec.name(),
        spec.sizeBytes(),
        chunk / Drive.BLOCK_BYTES,
        data,
        parity,
        array.driveCount(),
        spec.toughness());
  }

  private static void checkSize(long bytes) {
    if (bytes < 512 || bytes % 512 != 0 || bytes > ObjectAttributes.MAX_SIZE_BYTES) {
      throw new ArrayException(
          "A volume of "
              + bytes
              + " bytes was asked for; give a multiple of 512 bytes up to 1 PiB.");
    }
  }

  private long nextGfid() {
    long next = 1;
    for (int d = 0; d < array.driveCount(); d++) {
      if (!array.present(d)) {
        continue;
      }
      long here =
          array.await(
              array.<Long>onIom(d, (iom, done) -> done.complete(iom.rooms().root.nextGfid())));
      next = Math.max(next, here);
    }
    return next;
  }

  /** See {@link Array#deleteVolume}, whose monitor the caller has. */
  void delete(String name) {
    if (readOnly) {
      throw new ArrayException("The array was started read-only; no volume can be deleted.");
    }
    Volume volume = get(name);
    ObjectAttributes deleted = volume.attributes().asDeleted();
    Bounds before = volume.delete();
    array.inOneGo(() -> put(deleted));
    volumes.remove(name);
    VolumeRemoval removal = removal(deleted);
    // They could store something behind it.
    RequestsBefore.await(before, shards, home(deleted), removal::step);
  }

  /** See {@link Array#resizeVolume}; without its monitor, as it may take long. */
  VolumeInfo resize(String name, long sizeBytes, boolean shrink) {
    synchronized (resizing) {
      Volume volume;
      VolumeResize begun;
      synchronized (array) {
        volume = get(name);
        if (sizeBytes == volume.attributes().sizeBytes()) {
          return info(name);
        }
        ObjectAttributes newer = resized(volume.attributes(), sizeBytes, shrink);
        begun = new VolumeResize(volume, volumeOf.apply(volume.attributes()), newer, shards);
        underWay = begun;
      }
      try {
        prepare(volume, begun);
        return commit(volume, begun);
      } finally {
        underWay = null;
      }
    }
  }

  private ObjectAttributes resized(ObjectAttributes attributes, long sizeBytes, boolean shrink) {
    if (readOnly) {
      throw new ArrayException("The array was started read-only; no volume can be resized.");
    }
    checkSize(sizeBytes);
    if (sizeBytes < attributes.sizeBytes() && !shrink) {
      throw new ArrayException(
          "Volume "
              + attributes.name()
              + " has "
              + attributes.sizeBytes()
              + " bytes, and what it holds beyond "
              + sizeBytes
              + " would be lost; to have that, say --shrink.");
    }
    if (!attributes.resizable()) {
      throw new ArrayException(
          "Volume "
              + attributes.name()
              + " has been resized as often as a volume can be; copy it to a new one.");
    }
    return attributes.resized(sizeBytes, array.driveCount());
  }

  private void prepare(Volume volume, VolumeResize begun) {
    CompletableFuture<RequestResult> prepared = new CompletableFuture<>();
    begun.prepare(result -> prepared.complete(result == null ? RequestResult.READ_ONLY : result));
    while (!prepared.isDone() && !array.closed() && array.failure() == null) {
      Array.pause();
    }
    if (array.closed()) {
      throw new ArrayException(
          "The array is being stopped; volume " + volume.name() + " keeps its size.");
    }
    RequestResult result = array.await(prepared);
    if (result != RequestResult.OK) {
      throw new ArrayException(
          "Volume "
              + volume.name()
              + " keeps its size, because what lies beyond the new one could not be discarded: "
              + (result == RequestResult.NO_SPACE
                  ? "there is no space for a part of a block; give a multiple of 4096 bytes."
                  : "too many drives are missing; bring them back or replace them."));
    }
  }

  private VolumeInfo commit(Volume volume, VolumeResize begun) {
    synchronized (array) {
      if (array.closed() || volumes.get(volume.name()) != volume) {
        throw new ArrayException("Volume " + volume.name() + " was deleted, or the array stopped.");
      }
      array.inOneGo(() -> put(begun.attributes()));
      begun.commit();
      return info(volume.name());
    }
  }

  private VolumeInfo info(String name) {
    return array.status().volumes().stream()
        .filter(volume -> volume.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  /** Deleted volumes whose space is still being freed: how many bytes of them are not through. */
  long bytesBeingFreed() {
    long bytes = 0;
    for (VolumeRemoval removal : removals) {
      bytes += removal.over() ? 0 : removal.bytesLeft();
    }
    return bytes;
  }

  /** The volume of that name. */
  Volume get(String name) {
    Volume volume = volumes.get(name);
    if (volume == null) {
      throw new ArrayException(
          volumes.isEmpty()
              ? "There is no volume named " + name + "; the array has none yet."
              : "There is no volume named "
                  + name
                  + "; there are: "
                  + String.join(", ", volumes.keySet())
                  + ".");
    }
    return volume;
  }

  private VolumeInfo info(ObjectAttributes attributes, long usedBytes) {
    return new VolumeInfo(
        attributes.name(),
        attributes.gfid(),
        attributes.sizeBytes(),
        attributes.dataMembers(),
        attributes.parityMembers(),
        attributes.chunkBlocks() * Drive.BLOCK_BYTES,
        attributes.toughness(),
        usedBytes,
        attributes.parityMembers() - array.lost(-1));
  }

  /**
   * What there is to say of each.
   *
   * @param used blocks that are mapped, by GFID
   */
  List<VolumeInfo> infos(Map<Long, Long> used) {
    List<VolumeInfo> infos = new ArrayList<>();
    synchronized (volumes) {
      for (Volume volume : volumes.values()) {
        long blocks = used.getOrDefault(volume.attributes().gfid(), 0L);
        infos.add(info(volume.attributes(), blocks * Drive.BLOCK_BYTES));
      }
    }
    return infos;
  }

  /**
   * The array is being stopped: what is under way is broken off, or begun anew at the next start.
   */
  void stop() {
    VolumeResize begun = underWay;
    if (begun != null) {
      begun.stop();
    }
    removals.forEach(VolumeRemoval::stop);
  }
}
