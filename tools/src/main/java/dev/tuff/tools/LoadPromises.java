package dev.tuff.tools;

import dev.tuff.iom.volume.Toughness;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;

/**
 * What a volume under load may hold: for each block the newest version that was promised to be
 * there whatever happens, and the newest that was handed over at all. Every version is the number
 * of the write that brought it; numbers only grow. One thread.
 */
final class LoadPromises {
  private record Write(long version, int first, int count, Toughness toughness) {}

  private final long[] promised;
  private final long[] newest;
  private final Map<Long, Write> open = new HashMap<>();

  /** Replied to at less than hardened and not flushed since, in the order of the replies. */
  private final ArrayDeque<Write> unflushed = new ArrayDeque<>();

  private long flushedBefore;

  /** For each flush under way: how many such replies there had been when it was asked for. */
  private final Map<Long, Long> flushes = new HashMap<>();

  private long lastVersion;
  private long lastFlush;
  private long writes;

  LoadPromises(int blocks) {
    promised = new long[blocks];
    newest = new long[blocks];
  }

  int blocks() {
    return promised.length;
  }

  /** The next write's version. */
  long nextVersion() {
    return lastVersion + 1;
  }

  long nextFlush() {
    return lastFlush + 1;
  }

  /** Writes handed over, all runs together. */
  long writes() {
    return writes;
  }

  /** Whether a flush would promise anything. */
  boolean hasUnflushed() {
    return !unflushed.isEmpty();
  }

  /** A write is about to be handed over. */
  void submitted(long version, int first, int count, Toughness toughness) {
    require(version > lastVersion && first >= 0 && count > 0 && count <= blocks() - first);
    lastVersion = version;
    writes++;
    open.put(version, new Write(version, first, count, toughness));
    for (int b = first; b < first + count; b++) {
      newest[b] = version;
    }
  }

  /** It was replied to. */
  void replied(long version) {
    Write write = open.remove(version);
    require(write != null);
    if (write.toughness == Toughness.HARDENED) {
      promise(write);
    } else {
      unflushed.add(write);
    }
  }

  /** A flush is about to be asked for: it covers what was replied to before. */
  void flushAsked(long number) {
    require(number > lastFlush);
    lastFlush = number;
    flushes.put(number, flushedBefore + unflushed.size());
  }

  void flushed(long number) {
    Long upTo = flushes.remove(number);
    require(upTo != null);
    while (flushedBefore < upTo) {
      promise(unflushed.remove());
      flushedBefore++;
    }
  }

  private void promise(Write write) {
    for (int b = write.first; b < write.first + write.count; b++) {
      promised[b] = Math.max(promised[b], write.version);
    }
  }

  /** Found after a crash: this is what the block holds from now on, and nothing newer. */
  void settled(int block, long version) {
    require(block >= 0 && block < blocks() && version >= promised[block]);
    promised[block] = version;
    newest[block] = version;
  }

  /** Another run begins: what the last one had under way was settled, block by block. */
  void runBegins() {
    open.clear();
    flushes.clear();
    flushedBefore += unflushed.size();
    unflushed.clear();
  }

  private static void require(boolean holds) {
    if (!holds) {
      throw new IllegalArgumentException("makes no sense here");
    }
  }

  /** Whether the block may hold more than one version. */
  boolean unsettled(int block) {
    return promised[block] != newest[block];
  }

  /** Whether that is more than had to be there. */
  boolean newerThanPromised(int block, long version) {
    return version > promised[block];
  }

  /** Blocks of which some version was promised. */
  int promisedBlocks() {
    int count = 0;
    for (long version : promised) {
      count += version > 0 ? 1 : 0;
    }
    return count;
  }

  /** After a crash or a stop: null, or what is wrong with the block. */
  String wrong(int block, LoadBlock.Content content) {
    return wrong(block, content, promised[block]);
  }

  /** While no write of the block is under way: it must hold the newest. */
  String wrongNow(int block, LoadBlock.Content content) {
    return wrong(block, content, newest[block]);
  }

  private String wrong(int block, LoadBlock.Content content, long oldest) {
    return switch (content) {
      case LoadBlock.Content.Unsound unsound -> "block " + block + " " + unsound.what();
      case LoadBlock.Content.Sound sound -> {
        if (sound.version() < oldest) {
          yield "block %d has lost version %d: it holds %s"
              .formatted(
                  block,
                  oldest,
                  sound.version() == 0 ? "zeros" : "the older version " + sound.version());
        }
        if (sound.version() > newest[block]) {
          yield "block %d holds version %d, newer than the %d written last"
              .formatted(block, sound.version(), newest[block]);
        }
        yield null;
      }
    };
  }
}
