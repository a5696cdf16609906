package dev.tuff.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tuff.iom.volume.Toughness;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The checks of a load can fail: each kind of damage is told. */
class LoadTest {
  private static final long SEED = 7;
  private static final AckFile.Header HEADER = new AckFile.Header("uuid", 3, 10, SEED);

  @TempDir Path folder;

  private final ByteBuffer block = ByteBuffer.allocate(2 * LoadBlock.BYTES);

  /** Version of block 5, behind another block's place. */
  private LoadBlock.Content filled(long version) {
    LoadBlock.fill(block, LoadBlock.BYTES, SEED, 5, version);
    return LoadBlock.read(block, LoadBlock.BYTES, SEED, 5);
  }

  private LoadPromises written(Toughness... versions) {
    LoadPromises promises = new LoadPromises(10);
    for (Toughness toughness : versions) {
      promises.submitted(promises.nextVersion(), 4, 3, toughness);
      promises.replied(promises.nextVersion() - 1);
    }
    return promises;
  }

  @Test
  void aBlockSaysWhatItIs() {
    assertThat(filled(9)).isEqualTo(new LoadBlock.Content.Sound(9));
    assertThat(LoadBlock.read(block, 0, SEED, 4)).isEqualTo(new LoadBlock.Content.Sound(0));
  }

  @Test
  void everyByteOfABlockCounts() {
    for (int at = 0; at < LoadBlock.BYTES; at++) {
      filled(9);
      block.put(LoadBlock.BYTES + at, (byte) (block.get(LoadBlock.BYTES + at) ^ 1));
      assertThat(LoadBlock.read(block, LoadBlock.BYTES, SEED, 5))
          .as("with byte %d changed", at)
          .isInstanceOf(LoadBlock.Content.Unsound.class);
    }
  }

  @Test
  void aTornBlockIsTold() {
    filled(9);
    byte[] half = new byte[LoadBlock.BYTES / 2];
    block.get(LoadBlock.BYTES + half.length, half);
    filled(8);
    block.put(LoadBlock.BYTES + half.length, half);
    assertThat(written(Toughness.NONE).wrong(5, LoadBlock.read(block, LoadBlock.BYTES, SEED, 5)))
        .startsWith("block 5 is torn");
  }

  @Test
  void aMisplacedBlockAndOneOfAnotherLoadAreTold() {
    filled(9);
    LoadPromises promises = new LoadPromises(10);
    assertThat(promises.wrong(6, LoadBlock.read(block, LoadBlock.BYTES, SEED, 6)))
        .isEqualTo("block 6 holds what was written to block 5");
    assertThat(promises.wrong(5, LoadBlock.read(block, LoadBlock.BYTES, SEED + 1, 5)))
        .isEqualTo("block 5 is of another load, with seed 7");
  }

  @Test
  void aHardenedReplyIsAPromise() {
    LoadPromises promises = written(Toughness.HARDENED, Toughness.TAKEN);
    assertThat(promises.wrong(5, filled(1))).isNull();
    assertThat(promises.wrong(5, filled(2))).isNull();
    assertThat(promises.wrong(5, filled(3)))
        .isEqualTo("block 5 holds version 3, newer than the 2 written last");
    assertThat(promises.wrong(5, new LoadBlock.Content.Sound(0)))
        .isEqualTo("block 5 has lost version 1: it holds zeros");
    assertThat(promises.wrongNow(5, filled(1)))
        .isEqualTo("block 5 has lost version 2: it holds the older version 1");
    assertThat(promises.wrong(3, new LoadBlock.Content.Sound(0))).isNull();
  }

  @Test
  void aFlushPromisesWhatWasRepliedToBeforeItWasAskedFor() {
    LoadPromises promises = written(Toughness.NONE);
    promises.flushAsked(1);
    promises.submitted(2, 5, 1, Toughness.TAKEN);
    promises.replied(2);
    assertThat(promises.wrong(5, new LoadBlock.Content.Sound(0))).isNull();
    promises.flushed(1);
    assertThat(promises.wrong(5, new LoadBlock.Content.Sound(0))).contains("lost version 1");
    assertThat(promises.wrong(5, filled(1))).isNull();
    promises.flushAsked(2);
    promises.flushed(2);
    assertThat(promises.wrong(5, filled(1))).contains("lost version 2");
  }

  @Test
  void theFileSaysTheSameAndTheLineThatWasCutOffDoesNotCount() throws IOException {
    Path file = folder.resolve("acks");
    LoadPromises promises = new LoadPromises(10);
    try (AckWriter writer = AckWriter.to(file, 0, promises)) {
      writer.begun(HEADER);
      writer.submitted(1, 4, 3, Toughness.HARDENED);
      writer.replied(1);
      writer.submitted(2, 4, 3, Toughness.NONE);
      writer.replied(2);
      writer.flushAsked(1);
      writer.flushed(1);
    }
    long whole = Files.size(file);
    AckFile read = AckFile.read(file);
    assertThat(read.header()).isEqualTo(HEADER);
    assertThat(read.soundBytes()).isEqualTo(whole);
    assertThat(read.promises().wrong(5, filled(1))).contains("lost version 2");
    Files.write(file, java.util.Arrays.copyOf(Files.readAllBytes(file), (int) whole - 1));
    AckFile cut = AckFile.read(file);
    assertThat(cut.soundBytes()).isEqualTo(whole - "F 1\n".length());
    assertThat(cut.promises().wrong(5, filled(1))).isNull();
    try (AckWriter writer = AckWriter.to(file, cut.soundBytes(), cut.promises())) {
      writer.settled(5, 1);
      writer.runBegins();
    }
    assertThat(AckFile.read(file).promises().wrong(5, filled(2))).contains("newer than the 1");
  }

  @Test
  void anEmptyFileAndAFirstLineCutOffAreNoLoadYet() throws IOException {
    for (String content : new String[] {"", "tuff-lo", "tuff-load-1 uuid 3 10"}) {
      Path file = Files.writeString(folder.resolve("acks"), content);
      AckFile read = AckFile.read(file);
      assertThat(read.header()).isNull();
      assertThat(read.soundBytes()).isZero();
    }
  }

  @Test
  void anotherFileIsRefused() throws IOException {
    for (String content :
        new String[] {
          "x\n",
          "tuff-load-1 uuid 3 10\n",
          HEADER.line() + "\nW 1\n",
          HEADER.line() + "\nW 1 9 2 0\n",
          HEADER.line() + "\nA 1\n",
          HEADER.line() + "\nW one 9 1 0\n"
        }) {
      Path file = Files.writeString(folder.resolve("acks"), content);
      assertThatThrownBy(() -> AckFile.read(file))
          .isInstanceOf(CommandException.class)
          .hasMessageContaining("was not written by tuff load");
    }
  }
}
