package dev.tuff.iom.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.array.VolumeSpec;
import dev.tuff.iom.nbd.Transmission.Style;
import dev.tuff.iom.nbd.WireClient.Chunk;
import dev.tuff.iom.volume.Toughness;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A thin volume that is larger than its drives: the largest requests, and those that take long. */
@Timeout(120)
class LargeVolumeTest {
  private static final long GIB = 1L << 30;
  private static final long BYTES = 600 * GIB;
  private static final int MAX = 32 << 20;
  private ServerRig rig;

  @BeforeEach
  void start() {
    rig = new ServerRig();
    rig.array.createVolume(new VolumeSpec("large", BYTES, 2, 1, 65536, Toughness.HARDENED));
    rig.exports.add(new Export("large", "", rig.array.volume("large"), false, 0));
  }

  @AfterEach
  void stop() {
    rig.awaitNoConnections();
    rig.close();
  }

  private static boolean hasReply(WireClient client) throws IOException {
    client.channel().configureBlocking(false);
    // What is read here is lost to the test, so nothing may be there when the answer matters.
    boolean some = client.channel().read(ByteBuffer.allocate(1)) > 0;
    client.channel().configureBlocking(true);
    return some;
  }

  /** Whoever trims a volume for long, and reads it meanwhile, holds up no other volume. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aLongTrimHoldsUpNoOtherVolume(int shard) throws Exception {
    try (WireClient busy = rig.goOn(shard, "large", Style.EXTENDED);
        WireClient other = rig.goOn(shard, "v", Style.SIMPLE)) {
      long trim = busy.request(0, Nbd.CMD_TRIM, 0, BYTES);
      long read = busy.request(0, Nbd.CMD_READ, BYTES - 4096, 4096);
      TimeUnit.MILLISECONDS.sleep(100);
      for (int i = 0; i < 5; i++) {
        assertThat(other.readData(0, i * 4096L, 512)).hasSize(512);
        assertThat(other.write(0, i * 4096L, new byte[512])).isZero();
      }
      assertThat(hasReply(busy)).as("the trim is done already").isFalse();
      for (int open = 2; open > 0; open--) {
        Chunk reply = busy.chunk(0);
        assertThat(reply.errorCode()).isZero();
        assertThat(reply.cookie()).isIn(trim, read);
      }
      other.disconnect();
      busy.disconnect();
    }
  }

  /** What of a trim is under way already holds up nothing that comes after it. */
  @Test
  void whatIsTrimmedAlreadyCanBeReadWhileTheRestIsNot() throws Exception {
    int shard = rig.array.volume("large").stripeShard();
    try (WireClient busy = rig.goOn(shard, "large", Style.EXTENDED);
        WireClient other = rig.goOn(shard, "large", Style.EXTENDED)) {
      assertThat(other.write(0, 4096, new byte[] {1, 2, 3})).isZero();
      long trim = busy.request(0, Nbd.CMD_TRIM, 0, BYTES);
      TimeUnit.MILLISECONDS.sleep(100);
      for (int i = 0; i < 10; i++) {
        assertThat(other.readData(0, 4096, 3)).isEqualTo(new byte[3]);
      }
      assertThat(hasReply(busy)).as("the trim is done already").isFalse();
      assertThat(other.write(0, 4096, new byte[] {4, 5, 6})).isZero();
      assertThat(busy.replies(trim, 0).getLast().errorCode()).isZero();
      assertThat(other.readData(0, 4096, 3)).isEqualTo(new byte[] {4, 5, 6});
      other.disconnect();
      busy.disconnect();
    }
  }

  /** Lengths that no 32 bits hold. */
  @Test
  void lengthsOverFourGib() {
    long length = 5 * GIB + 12288;
    byte[] data = {7, 8, 9};
    try (WireClient client = rig.go("large", Style.EXTENDED)) {
      for (int round = 0; round < 2; round++) {
        long inside = 5 * GIB + 4096;
        assertThat(client.write(0, inside, data)).isZero();
        assertThat(client.write(0, length + 4096, data)).isZero();
        Chunk status = client.replies(client.request(0, 7, GIB, length), 0).getFirst();
        ByteBuffer in = status.in();
        assertThat(in.getInt()).isEqualTo(1);
        assertThat(in.getInt()).isEqualTo(1);
        assertThat(in.getLong()).isBetween(4096L, length);
        assertThat(in.getLong()).isEqualTo(3);
        int command = round == 0 ? Nbd.CMD_TRIM : Nbd.CMD_WRITE_ZEROES;
        assertThat(client.call(0, command, 0, length)).isZero();
        assertThat(client.readData(0, inside, 3)).isEqualTo(new byte[3]);
        assertThat(client.readData(0, length + 4096, 3)).isEqualTo(data);
      }
      // What 32 bits would leave of these is a range that is there.
      assertThat(client.call(0, Nbd.CMD_TRIM, BYTES - 4096, (1L << 32) + 4096))
          .isEqualTo(Nbd.EINVAL);
      assertThat(client.readError(0, 0, (1L << 32) + 512)).isEqualTo(Nbd.EINVAL);
      assertThat(client.call(0, Nbd.CMD_WRITE_ZEROES, BYTES, 1L << 32)).isEqualTo(Nbd.ENOSPC);
      client.disconnect();
    }
  }

  /** The largest payload, and the one that is too large by a byte. */
  @ParameterizedTest
  @EnumSource
  void theLargestRequest(Style style) {
    byte[] data = new byte[MAX];
    new Random(3).nextBytes(data);
    try (WireClient client = rig.go("large", style)) {
      assertThat(client.write(0, GIB, data)).isZero();
      assertThat(Arrays.equals(client.readData(0, GIB, MAX), data)).isTrue();
      assertThat(client.readError(0, GIB, MAX + 1)).isEqualTo(Nbd.EINVAL);
      assertThat(client.readData(0, GIB, 512)).isEqualTo(Arrays.copyOf(data, 512));
      if (style == Style.EXTENDED) {
        // Lengths that are sent and those that are meant are told apart: no client needs this.
        client.send(client.header(Nbd.CMD_FLAG_PAYLOAD_LEN, Nbd.CMD_WRITE, 1, GIB, MAX + 1));
        client.expectEnd();
      } else {
        assertThat(client.write(0, GIB, new byte[MAX + 1])).isEqualTo(Nbd.EINVAL);
        assertThat(client.readData(0, GIB, 512)).isEqualTo(Arrays.copyOf(data, 512));
        client.disconnect();
      }
    }
  }
}
