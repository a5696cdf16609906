package dev.tuff.iom.recovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.object.PageFormat;
import dev.tuff.iom.support.Mutation;
import dev.tuff.iom.support.Seeds;
import dev.tuff.iom.volume.Toughness;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Bodies of journal entries, changed and cut off: decoded to what their size has room for, or not
 * at all. Each stands alone in its memory, so that a look beyond it is found. Replay a failure with
 * {@code -Ddev.tuff.seed=...}.
 */
class JournalEntryFuzzTest {
  private static final int MUTATIONS = 300;

  @FunctionalInterface
  private interface Decoder {
    /** Decodes and checks; false when it was refused. */
    boolean decode(MemorySegment body, int bytes);
  }

  @Test
  void dataWrites() {
    fuzz(
        random -> {
          int count = random.nextInt(1, 9);
          MemorySegment body = body(24 + 32 * count);
          body.set(PageFormat.SHORT, 16, (short) count);
          return body;
        },
        (body, bytes) -> {
          PendingData update = PendingData.decode(7, body, 0, bytes);
          if (update == null) {
            return false;
          }
          assertThat(update.newAddress).hasSize(update.count);
          assertThat(bytes).isEqualTo(24 + 32 * update.count);
          return true;
        });
  }

  @Test
  void parityWrites() {
    fuzz(
        JournalEntryFuzzTest::parityWrite,
        (body, bytes) -> {
          PendingParity write = PendingParity.decode(7, body, 0, bytes);
          if (write == null) {
            return false;
          }
          long size = 24 + 32L * write.count;
          for (PendingParity.Merged one : write.merged) {
            assertThat(one.newCrc).hasSize(one.count);
            size += 24 + 32L * one.count;
          }
          assertThat(size).isEqualTo(bytes);
          return true;
        });
  }

  private static MemorySegment parityWrite(SplittableRandom random) {
    int count = random.nextInt(1, 5);
    int updates = random.nextInt(0, 4);
    MemorySegment body = body(24 + 32 * count + updates * (24 + 32));
    body.set(PageFormat.SHORT, 16, (short) count);
    body.set(PageFormat.SHORT, 20, (short) updates);
    for (int u = 0; u < updates; u++) {
      body.set(PageFormat.SHORT, 24 + 32L * count + u * 56L + 16, (short) 1);
    }
    return body;
  }

  @Test
  void paritiesMadeAgain() {
    fuzz(
        random -> {
          ParityRemade entry = new ParityRemade();
          int n = random.nextInt(1, 6);
          entry.members = new long[n];
          entry.memberCrcs = new int[n];
          entry.before = new ParityVersion(9, 8, 7, new long[n], new int[n], 1);
          MemorySegment body = body(entry.bodyBytes());
          entry.encode(body, 0);
          return body;
        },
        (body, bytes) -> {
          ParityRemade entry = ParityRemade.decode(body, 0, bytes);
          if (entry == null) {
            return false;
          }
          assertThat(entry.members).hasSameSizeAs(entry.before.members);
          assertThat(bytes - 24 * entry.members.length).isIn(56, 64);
          return true;
        });
  }

  @Test
  void objects() {
    fuzz(
        random -> {
          ObjectAttributes attributes =
              new ObjectAttributes(1, "volume", 1 << 20, 16, 4, 1, 5, Toughness.HARDENED);
          for (int i = random.nextInt(4); i > 0; i--) {
            attributes =
                attributes.resized(2 * attributes.sizeBytes(), attributes.mostDrives() + 1);
          }
          MemorySegment body = body(attributes.bytes());
          attributes.encode(body, 0);
          return body;
        },
        (body, bytes) -> {
          ObjectAttributes attributes = ObjectAttributes.decodeBody(body, 0, bytes);
          if (attributes == null) {
            return false;
          }
          assertThat(attributes.gfid()).isPositive();
          assertThat(attributes.sizeBytes()).isBetween(1L, ObjectAttributes.MAX_SIZE_BYTES);
          assertThat(attributes.drives())
              .isBetween(
                  attributes.dataMembers() + attributes.parityMembers(),
                  ObjectAttributes.MAX_DRIVES);
          return true;
        });
  }

  private static MemorySegment body(int bytes) {
    return MemorySegment.ofArray(new byte[bytes]);
  }

  private static void fuzz(
      java.util.function.Function<SplittableRandom, MemorySegment> sound, Decoder decoder) {
    int decoded = 0;
    int refused = 0;
    for (long seed : Seeds.withFresh(20)) {
      SplittableRandom random = new SplittableRandom(seed);
      for (int i = 0; i < MUTATIONS; i++) {
        MemorySegment body = sound.apply(random);
        String what = "";
        if (random.nextInt(4) > 0) {
          what = Mutation.apply(random, body, 0, Math.min(body.byteSize(), 96));
        }
        int bytes = (int) body.byteSize();
        if (random.nextInt(4) == 0) {
          bytes = random.nextInt(bytes + 1);
          what += ", cut off at " + bytes;
        }
        MemorySegment alone =
            MemorySegment.ofArray(body.asSlice(0, bytes).toArray(PageFormat.BYTE));
        try {
          if (decoder.decode(alone, bytes)) {
            decoded++;
          } else {
            refused++;
          }
        } catch (RuntimeException | AssertionError unexpected) {
          throw new AssertionError(Seeds.replay(seed) + ": " + what, unexpected);
        }
      }
    }
    assertThat(decoded).isPositive();
    assertThat(refused).isPositive();
  }
}
