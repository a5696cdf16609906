package dev.tuff.iom.cache;

import dev.tuff.device.IoBuffer;
import dev.tuff.iom.drive.Drive;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Copies of blocks by their address on the drive and the journal ID that wrote them there. The ID
 * is needed: a read that was overtaken by an overwrite, a free and a new use of its address may put
 * a block here that the address no longer holds. Serves old data and old parity, whose reading
 * would otherwise cost every small write a round trip. Clock replacement; owned by one shard's
 * thread.
 */
public final class BlockCache {
  private final MemorySegment memory;
  private final long[] address;
  private final long[] writtenBy;
  private final int[] nextInBucket;
  private final boolean[] referenced;
  private final int[] buckets;
  private int used;
  private int hand;
  private long hits;
  private long misses;

  /** A cache of as many blocks as {@code slab} holds. */
  public BlockCache(IoBuffer slab) {
    this.memory = slab.segment();
    int blocks = slab.capacityBytes() / Drive.BLOCK_BYTES;
    this.address = new long[blocks];
    this.writtenBy = new long[blocks];
    this.nextInBucket = new int[blocks];
    this.referenced = new boolean[blocks];
    this.buckets = new int[Integer.highestOneBit(blocks) * 2];
    Arrays.fill(buckets, -1);
  }

  /**
   * Copies the block that {@code id} wrote at {@code blockAddress} to {@code target} if it is here.
   */
  public boolean get(long blockAddress, long id, MemorySegment target, long offset) {
    int slot = find(blockAddress);
    if (slot < 0 || writtenBy[slot] != id) {
      misses++;
      return false;
    }
    hits++;
    referenced[slot] = true;
    MemorySegment.copy(memory, (long) slot * Drive.BLOCK_BYTES, target, offset, Drive.BLOCK_BYTES);
    return true;
  }

  /**
   * Keeps a copy of the block that {@code id} wrote at {@code blockAddress}, unless a later one is
   * here.
   */
  public void put(long blockAddress, long id, MemorySegment source, long offset) {
    int slot = find(blockAddress);
    if (slot < 0) {
      slot = used < address.length ? used++ : evict();
      address[slot] = blockAddress;
      int bucket = bucket(blockAddress);
      nextInBucket[slot] = buckets[bucket];
      buckets[bucket] = slot;
      referenced[slot] = false;
    } else if (writtenBy[slot] > id) {
      return;
    }
    writtenBy[slot] = id;
    MemorySegment.copy(source, offset, memory, (long) slot * Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
  }

  /** Forgets the block at {@code blockAddress}: something else is about to be written there. */
  public void drop(long blockAddress) {
    int slot = find(blockAddress);
    if (slot >= 0) {
      unlink(slot);
      // Not findable any more; the clock comes by and takes the slot.
      address[slot] = 0;
      referenced[slot] = false;
    }
  }

  private int bucket(long blockAddress) {
    return (int) ((blockAddress * 0x9E3779B97F4A7C15L) >>> 40) & (buckets.length - 1);
  }

  private int find(long blockAddress) {
    for (int slot = buckets[bucket(blockAddress)]; slot >= 0; slot = nextInBucket[slot]) {
      if (address[slot] == blockAddress) {
        return slot;
      }
    }
    return -1;
  }

  private int evict() {
    while (true) {
      int slot = hand;
      hand = hand + 1 == address.length ? 0 : hand + 1;
      if (referenced[slot]) {
        referenced[slot] = false;
        continue;
      }
      if (address[slot] != 0) {
        unlink(slot);
      }
      return slot;
    }
  }

  private void unlink(int slot) {
    int bucket = bucket(address[slot]);
    if (buckets[bucket] == slot) {
      buckets[bucket] = nextInBucket[slot];
      return;
    }
    int before = buckets[bucket];
    while (nextInBucket[before] != slot) {
      before = nextInBucket[before];
    }
    nextInBucket[before] = nextInBucket[slot];
  }

  public long hits() {
    return hits;
  }

  public long misses() {
    return misses;
  }
}
