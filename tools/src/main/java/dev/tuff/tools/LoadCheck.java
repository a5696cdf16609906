package dev.tuff.tools;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.VolumeClient;
import dev.tuff.iom.volume.Volume;
import java.nio.ByteBuffer;

/** Reads a volume that a load has written and judges every block. Used once, by one thread. */
final class LoadCheck {
  private static final int DEPTH = 8;
  private static final int REQUEST_BLOCKS = 128;

  private final Array array;
  private final Volume volume;
  private final AckFile.Header header;
  private final LoadPromises promises;

  /** What each block holds; valid when none is wrong. */
  private final long[] versions;

  private int wrongBlocks;
  private int firstWrongBlock = Integer.MAX_VALUE;
  private String firstWrong;

  LoadCheck(Array array, Volume volume, AckFile.Header header, LoadPromises promises) {
    this.array = array;
    this.volume = volume;
    this.header = header;
    this.promises = promises;
    this.versions = new long[header.blocks()];
  }

  /** Reads all of it; refused with a sentence when a block holds what it must not. */
  void require() {
    String wrong = run();
    if (wrong != null) {
      throw new CommandException(wrong);
    }
  }

  /** Reads all of it; null, or a sentence about the blocks that hold what they must not. */
  String run() {
    try (VolumeClient client =
        new VolumeClient(array, volume, DEPTH, REQUEST_BLOCKS * LoadBlock.BYTES)) {
      int asked = 0;
      while (asked < versions.length || client.outstanding() > 0) {
        if (asked < versions.length && client.outstanding() < DEPTH) {
          int count = Math.min(REQUEST_BLOCKS, versions.length - asked);
          client.read(client.take(), (long) asked * LoadBlock.BYTES, count * LoadBlock.BYTES);
          asked += count;
        } else {
          VolumeClient.Slot slot = client.await();
          Transfer.check(volume, slot);
          judge(slot);
          client.release(slot);
        }
      }
    }
    return wrongBlocks == 0
        ? null
        : "volume %s does not hold what was acknowledged: %s (%d of %d blocks are wrong)"
            .formatted(volume.name(), firstWrong, wrongBlocks, versions.length);
  }

  private void judge(VolumeClient.Slot slot) {
    ByteBuffer payload = slot.payload().asByteBuffer();
    int first = (int) (slot.offset() / LoadBlock.BYTES);
    for (int i = 0; i < slot.bytes() / LoadBlock.BYTES; i++) {
      int block = first + i;
      LoadBlock.Content content =
          LoadBlock.read(payload, i * LoadBlock.BYTES, header.seed(), block);
      String wrong = promises.wrong(block, content);
      if (wrong != null) {
        wrongBlocks++;
        // Requests complete in any order; the sentence is about the first in the volume.
        if (block < firstWrongBlock) {
          firstWrongBlock = block;
          firstWrong = wrong;
        }
      } else if (content instanceof LoadBlock.Content.Sound sound) {
        versions[block] = sound.version();
      }
    }
  }

  long version(int block) {
    return versions[block];
  }

  /** Blocks that hold a version newer than what was promised of them. */
  int newerBlocks() {
    int count = 0;
    for (int b = 0; b < versions.length; b++) {
      count += promises.newerThanPromised(b, versions[b]) ? 1 : 0;
    }
    return count;
  }
}
