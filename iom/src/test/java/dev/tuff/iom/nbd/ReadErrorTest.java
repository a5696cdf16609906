package dev.tuff.iom.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.array.VolumeSpec;
import dev.tuff.iom.nbd.Transmission.Style;
import dev.tuff.iom.nbd.WireClient.Chunk;
import dev.tuff.iom.volume.Toughness;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Reads of what is damaged on the drives, of a volume without parity. */
@Timeout(60)
class ReadErrorTest {
  private static final int MIB = 1 << 20;
  private final byte[] data = new byte[8 * MIB];
  private ServerRig rig;

  @BeforeEach
  void start() {
    rig = new ServerRig();
    rig.array.createVolume(new VolumeSpec("plain", data.length, 3, 0, 65536, Toughness.HARDENED));
    rig.exports.add(new Export("plain", "", rig.array.volume("plain"), false, 0));
    new Random(41).nextBytes(data);
    try (WireClient client = rig.go("plain", Style.SIMPLE)) {
      assertThat(client.write(Nbd.CMD_FLAG_FUA, 0, data)).isZero();
      client.disconnect();
    }
  }

  @AfterEach
  void stop() {
    rig.awaitNoConnections();
    rig.close();
  }

  private void damage(int offset) {
    rig.damage(Arrays.copyOfRange(data, offset, offset + 4096));
    try (WireClient client = rig.go("plain", Style.SIMPLE)) {
      assertThat(client.readError(0, offset, 512)).isEqualTo(Nbd.EIO);
      client.disconnect();
    }
  }

  private void assertServes(WireClient client, int offset) {
    assertThat(client.readData(0, offset, 512))
        .isEqualTo(Arrays.copyOfRange(data, offset, offset + 512));
  }

  /** A read that fails while its next piece waits for a buffer leaves nothing behind. */
  @ParameterizedTest
  @EnumSource
  void aReadThatFailsWaitsForNoBufferAnyMore(Style style) {
    damage(0);
    List<WireClient> hogs = new ArrayList<>();
    // Of four large buffers of the shard three are in use.
    for (int i = 0; i < 3; i++) {
      WireClient hog = rig.goOn(0, "v", Style.SIMPLE);
      // In one go, so that the payload's beginning is seen to have arrived.
      hog.send(
          ByteBuffer.allocate(28 + 1000)
              .put(hog.header(0, Nbd.CMD_WRITE, 1, (long) i * MIB, MIB))
              .rewind());
      hogs.add(hog);
    }
    rig.awaitWritten(3 * 1000);
    try (WireClient client = rig.goOn(0, "plain", style)) {
      for (int round = 0; round < 3; round++) {
        long failing = client.request(0, Nbd.CMD_READ, 0, 4 * MIB);
        long small = client.request(0, Nbd.CMD_READ, 5 * MIB, 512);
        List<Chunk> replies = new ArrayList<>();
        for (int open = 2; open > 0; open -= replies.getLast().done() ? 1 : 0) {
          replies.add(client.chunk(512));
        }
        assertThat(replies)
            .filteredOn(reply -> reply.cookie() == failing)
            .anyMatch(reply -> reply.errorCode() == Nbd.EIO);
        assertThat(replies)
            .filteredOn(reply -> reply.cookie() == small)
            .allMatch(reply -> reply.errorCode() == 0);
        assertServes(client, 6 * MIB + round);
      }
      // What it waited for is for others.
      try (WireClient other = rig.goOn(0, "v", Style.SIMPLE)) {
        assertThat(other.write(0, 0, new byte[MIB])).isZero();
        other.disconnect();
      }
      client.disconnect();
    }
    for (WireClient hog : hogs) {
      hog.send(new byte[MIB - 1000]);
      assertThat(hog.chunk(0).errorCode()).isZero();
      hog.close();
    }
  }

  /** The damaged block's piece is told with its offset; the other pieces come whole. */
  @ParameterizedTest
  @EnumSource(names = {"STRUCTURED", "EXTENDED"})
  void anErrorInTheMiddleIsToldWithItsOffset(Style style) {
    int at = MIB + 40960;
    damage(at);
    try (WireClient client = rig.go("plain", style)) {
      List<Chunk> replies = client.replies(client.request(0, Nbd.CMD_READ, 0, 2 * MIB), 0);
      List<Chunk> errors = replies.stream().filter(reply -> reply.errorCode() != 0).toList();
      assertThat(errors).hasSize(1);
      ByteBuffer in = errors.getFirst().in();
      assertThat(errors.getFirst().type()).isEqualTo(Nbd.REPLY_TYPE_ERROR_OFFSET);
      assertThat(in.getInt()).isEqualTo(Nbd.EIO);
      in.position(in.position() + 2 + Short.toUnsignedInt(in.getShort(in.position())));
      assertThat(in.getLong()).isEqualTo(MIB);
      for (Chunk whole : replies) {
        if (whole.type() == Nbd.REPLY_TYPE_OFFSET_DATA) {
          ByteBuffer content = whole.in();
          int offset = (int) content.getLong();
          byte[] bytes = new byte[content.remaining()];
          content.get(bytes);
          assertThat(bytes).isEqualTo(Arrays.copyOfRange(data, offset, offset + bytes.length));
        }
      }
      assertServes(client, 5000);
      client.disconnect();
    }
  }

  /** A simple reply that has begun can't be taken back: what was sent is right, and it ends. */
  @Test
  void aSimpleReplyThatHasBegunEndsWithTheConnection() {
    damage(7 * MIB + 4096);
    try (WireClient client = rig.go("plain", Style.SIMPLE)) {
      client.request(0, Nbd.CMD_READ, 0, data.length);
      ByteBuffer header = client.read(16);
      assertThat(header.getInt()).isEqualTo(Nbd.SIMPLE_REPLY_MAGIC);
      assertThat(header.getInt()).isZero();
      byte[] got = client.readToEnd();
      assertThat(got.length).isBetween(1, 7 * MIB);
      assertThat(got).isEqualTo(Arrays.copyOf(data, got.length));
    }
    rig.awaitNoConnections();
    assertThat(rig.log).anyMatch(line -> line.contains("a read failed after its reply had begun"));
  }
}
