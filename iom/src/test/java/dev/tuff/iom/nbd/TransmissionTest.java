package dev.tuff.iom.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.nbd.Transmission.Style;
import dev.tuff.iom.nbd.WireClient.Chunk;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every command of the transmission phase, good and bad, with each kind of header. */
@Timeout(60)
class TransmissionTest {
  private static final int MIB = 1 << 20;
  private static final int V = (int) ServerRig.V_BYTES;
  private static final int ODD = (int) ServerRig.ODD_BYTES;
  private static ServerRig rig;

  @BeforeAll
  static void start() {
    rig = new ServerRig();
  }

  @AfterEach
  void allGone() {
    rig.awaitNoConnections();
  }

  @AfterAll
  static void stop() {
    rig.close();
  }

  private static byte[] random(long seed, int bytes) {
    byte[] data = new byte[bytes];
    new Random(seed).nextBytes(data);
    return data;
  }

  // ---------------------------------------------------------------- data

  @ParameterizedTest
  @EnumSource
  void anyAlignmentAndLength(Style style) {
    byte[] model = new byte[ODD];
    Random random = new Random(style.name().length());
    try (WireClient client = rig.go("odd", style)) {
      assertThat(client.exportSize).isEqualTo(ODD);
      assertThat(client.call(0, Nbd.CMD_WRITE_ZEROES, 0, ODD)).isZero();
      for (int i = 0; i < 300; i++) {
        int length = 1 + random.nextInt(i % 10 == 0 ? 200_000 : 9000);
        int offset = random.nextInt(ODD - length + 1);
        int flags = random.nextInt(4) == 0 ? Nbd.CMD_FLAG_FUA : 0;
        if (random.nextInt(3) > 0) {
          byte[] data = random(random.nextLong(), length);
          assertThat(client.write(flags, offset, data)).isZero();
          System.arraycopy(data, 0, model, offset, length);
        } else if (random.nextInt(5) == 0) {
          assertThat(client.call(flags, Nbd.CMD_WRITE_ZEROES, offset, length)).isZero();
          Arrays.fill(model, offset, offset + length, (byte) 0);
        } else {
          assertThat(client.readData(flags, offset, length))
              .isEqualTo(Arrays.copyOfRange(model, offset, offset + length));
        }
      }
      assertThat(client.readData(0, 0, ODD)).isEqualTo(model);
      client.disconnect();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aWholeVolumeInOneRequest(Style style) {
    byte[] data = random(3, V - 7);
    try (WireClient client = rig.go("v", style)) {
      assertThat(client.write(Nbd.CMD_FLAG_FUA, 3, data)).isZero();
      assertThat(client.readData(0, 3, data.length)).isEqualTo(data);
      client.disconnect();
    }
  }

  /** More requests than the server takes at a time, all sent before any reply is read. */
  @ParameterizedTest
  @EnumSource
  void manyAtOnceInWhateverOrder(Style style) {
    try (WireClient client = rig.go("v", style)) {
      byte[] data = random(4, 2 * MIB);
      assertThat(client.write(0, 0, data)).isZero();
      Map<Long, Integer> offsets = new HashMap<>();
      Random random = new Random(5);
      for (int i = 0; i < 700; i++) {
        int offset = random.nextInt(data.length - 512);
        offsets.put(client.request(0, Nbd.CMD_READ, offset, 512), offset);
      }
      while (!offsets.isEmpty()) {
        Chunk chunk = client.chunk(512);
        assertThat(chunk.done()).isTrue();
        int offset = offsets.remove(chunk.cookie());
        byte[] got = chunk.data();
        assertThat(Arrays.copyOfRange(got, got.length - 512, got.length))
            .isEqualTo(Arrays.copyOfRange(data, offset, offset + 512));
      }
      client.disconnect();
    }
  }

  @ParameterizedTest
  @EnumSource
  void largeRepliesAndSmallOnesBesideEachOther(Style style) {
    try (WireClient client = rig.go("v", style)) {
      byte[] data = random(6, 5 * MIB);
      assertThat(client.write(0, 0, data)).isZero();
      Map<Long, byte[]> wanted = new HashMap<>();
      Map<Long, Integer> offsets = new HashMap<>();
      for (int i = 0; i < 12; i++) {
        int length = i % 3 == 0 ? 4 * MIB + 5 : 1000;
        int offset = i * 1001;
        long cookie = client.request(0, Nbd.CMD_READ, offset, length);
        wanted.put(cookie, Arrays.copyOfRange(data, offset, offset + length));
        offsets.put(cookie, offset);
      }
      Map<Long, byte[]> got = new HashMap<>();
      wanted.forEach((cookie, bytes) -> got.put(cookie, new byte[bytes.length]));
      int open = wanted.size();
      while (open > 0) {
        open -= takeReply(client, offsets, got) ? 1 : 0;
      }
      wanted.forEach((cookie, bytes) -> assertThat(got.get(cookie)).isEqualTo(bytes));
      client.disconnect();
    }
  }

  /** Takes one reply of unknown length; true when its request is over. */
  private static boolean takeReply(
      WireClient client, Map<Long, Integer> offsets, Map<Long, byte[]> got) {
    Chunk chunk = client.chunk(0);
    byte[] target = got.get(chunk.cookie());
    if (chunk.magic() == Nbd.SIMPLE_REPLY_MAGIC) {
      client.read(target.length).get(target);
      return true;
    }
    if (chunk.type() == Nbd.REPLY_TYPE_OFFSET_DATA) {
      ByteBuffer in = chunk.in();
      int at = (int) in.getLong() - offsets.get(chunk.cookie());
      in.get(target, at, in.remaining());
    }
    return chunk.done();
  }

  @Test
  void severalConnectionsSeeEachOthersFlushedWrites() {
    try (WireClient one = rig.go("v", Style.STRUCTURED);
        WireClient two = rig.go("v", Style.SIMPLE);
        WireClient three = rig.go("ro", Style.EXTENDED)) {
      for (int i = 0; i < 20; i++) {
        byte[] data = random(i, 5000);
        assertThat((i % 2 == 0 ? one : two).write(0, i * 5000L, data)).isZero();
        assertThat((i % 2 == 0 ? two : one).call(0, Nbd.CMD_FLUSH, 0, 0)).isZero();
        assertThat(three.readData(0, i * 5000L, 5000)).isEqualTo(data);
      }
    }
  }

  // ---------------------------------------------------------------- replies, byte by byte

  @Test
  void simpleRepliesOnTheWire() {
    try (WireClient client = rig.go("v", Style.SIMPLE)) {
      client.write(0, 0, new byte[] {1, 2, 3});
      client.send(client.header(0, Nbd.CMD_READ, 0x0102030405060708L, 1, 2));
      byte[] expected = {0x67, 0x44, 0x66, (byte) 0x98, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 2, 3};
      assertThat(client.read(18).array()).isEqualTo(expected);
      client.send(client.header(0, 9, 0x0102030405060708L, 1, 2));
      byte[] refused = {0x67, 0x44, 0x66, (byte) 0x98, 0, 0, 0, 22, 1, 2, 3, 4, 5, 6, 7, 8};
      assertThat(client.read(16).array()).isEqualTo(refused);
      client.disconnect();
    }
  }

  @Test
  void structuredRepliesOnTheWire() {
    try (WireClient client = rig.go("v", Style.STRUCTURED)) {
      client.write(0, 0, new byte[] {1, 2, 3});
      client.send(client.header(Nbd.CMD_FLAG_DF, Nbd.CMD_READ, 0x0102030405060708L, 1, 2));
      byte[] expected = {
        0x66,
        (byte) 0x8e,
        0x33,
        (byte) 0xef,
        0,
        1,
        0,
        1,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        0,
        0,
        0,
        10,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        1,
        2,
        3
      };
      assertThat(client.read(30).array()).isEqualTo(expected);
      client.send(client.header(0, 9, 7, 1, 2));
      Chunk error = client.chunk(0);
      assertThat(error.type()).isEqualTo(Nbd.REPLY_TYPE_ERROR);
      assertThat(error.flags()).isEqualTo(Nbd.REPLY_FLAG_DONE);
      ByteBuffer in = error.in();
      assertThat(in.getInt()).isEqualTo(Nbd.EINVAL);
      assertThat(Short.toUnsignedInt(in.getShort())).isEqualTo(in.remaining());
      // A read of nothing is a success without data, and never a simple reply.
      Chunk nothing = client.replies(client.request(0, Nbd.CMD_READ, 5, 0), 0).getFirst();
      assertThat(nothing.magic()).isEqualTo(Nbd.STRUCTURED_REPLY_MAGIC);
      assertThat(nothing.type()).isEqualTo(Nbd.REPLY_TYPE_NONE);
      client.disconnect();
    }
  }

  @Test
  void extendedRepliesOnTheWire() {
    try (WireClient client = rig.go("v", Style.EXTENDED)) {
      client.write(0, 0, new byte[] {1, 2, 3});
      client.send(client.header(0, Nbd.CMD_READ, 0x0102030405060708L, 1, 2));
      byte[] expected = {
        0x6e,
        (byte) 0x8a,
        0x27,
        (byte) 0x8c,
        0,
        1,
        0,
        1,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        10,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        1,
        2,
        3
      };
      assertThat(client.read(42).array()).isEqualTo(expected);
      client.send(client.header(0, Nbd.CMD_FLUSH, 7, 0, 0));
      Chunk flushed = client.chunk(0);
      assertThat(flushed.magic()).isEqualTo(Nbd.EXTENDED_REPLY_MAGIC);
      assertThat(flushed.type()).isEqualTo(Nbd.REPLY_TYPE_NONE);
      assertThat(flushed.flags()).isEqualTo(Nbd.REPLY_FLAG_DONE);
      client.disconnect();
    }
  }

  @Test
  void largeStructuredReadsComeInChunksThatDoNotOverlap() {
    try (WireClient client = rig.go("v", Style.STRUCTURED)) {
      List<Chunk> chunks = client.replies(client.request(0, Nbd.CMD_READ, 100, 5 * MIB), 0);
      assertThat(chunks).hasSizeGreaterThan(1);
      assertThat(client.readData(0, 100, 5 * MIB)).hasSize(5 * MIB);
      client.disconnect();
    }
  }

  // ---------------------------------------------------------------- errors, all survived

  @ParameterizedTest
  @EnumSource
  void whatLiesBeyondTheEnd(Style style) {
    try (WireClient client = rig.go("odd", style)) {
      for (long[] range :
          new long[][] {
            {ODD, 1}, {ODD - 1, 2}, {0, ODD + 1L}, {1L << 62, 1}, {-1, 1}, {-1, 5000}
          }) {
        long offset = range[0];
        int length = (int) range[1];
        assertThat(client.readError(0, offset, length)).isEqualTo(Nbd.EINVAL);
        assertThat(client.write(0, offset, new byte[length])).isEqualTo(Nbd.ENOSPC);
        assertThat(client.call(0, Nbd.CMD_TRIM, offset, length)).isEqualTo(Nbd.EINVAL);
        assertThat(client.call(0, Nbd.CMD_CACHE, offset, length)).isEqualTo(Nbd.EINVAL);
        assertThat(client.call(0, Nbd.CMD_WRITE_ZEROES, offset, length)).isEqualTo(Nbd.ENOSPC);
        if (style != Style.SIMPLE) {
          assertThat(client.call(0, Nbd.CMD_BLOCK_STATUS, offset, length)).isEqualTo(Nbd.EINVAL);
        }
      }
      assertThat(client.readError(0, 0, -1)).isEqualTo(Nbd.EINVAL);
      assertThat(client.readData(0, ODD - 1, 1)).hasSize(1);
      client.disconnect();
    }
  }

  @ParameterizedTest
  @EnumSource
  void flagsThatDoNotBelong(Style style) {
    int everything = 0xffff;
    int[] commands = {
      Nbd.CMD_READ,
      Nbd.CMD_FLUSH,
      Nbd.CMD_TRIM,
      Nbd.CMD_CACHE,
      Nbd.CMD_WRITE_ZEROES,
      Nbd.CMD_BLOCK_STATUS
    };
    int extended = style == Style.EXTENDED ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0;
    try (WireClient client = rig.go("v", style)) {
      for (int command : commands) {
        int allowed =
            Nbd.CMD_FLAG_FUA
                | switch (command) {
                  case Nbd.CMD_READ -> style == Style.SIMPLE ? 0 : Nbd.CMD_FLAG_DF;
                  case Nbd.CMD_WRITE_ZEROES -> Nbd.CMD_FLAG_NO_HOLE | Nbd.CMD_FLAG_FAST_ZERO;
                  case Nbd.CMD_BLOCK_STATUS -> Nbd.CMD_FLAG_REQ_ONE;
                  default -> 0;
                };
        for (int bit = 1; bit < everything; bit <<= 1) {
          if ((allowed & bit) == 0 && bit != extended) {
            assertThat(client.call(bit, command, 0, command == Nbd.CMD_FLUSH ? 0 : 512))
                .as(command + " with flag " + bit)
                .isEqualTo(Nbd.EINVAL);
          }
        }
      }
      for (int bit = 2; bit < everything; bit <<= 1) {
        if (bit != extended) {
          assertThat(client.write(bit, 0, new byte[512])).isEqualTo(Nbd.EINVAL);
        }
      }
      assertThat(client.readData(0, 0, 10)).hasSize(10);
      client.disconnect();
    }
  }

  @ParameterizedTest
  @EnumSource
  void unknownCommandsAndOddOnes(Style style) {
    try (WireClient client = rig.go("v", style)) {
      for (int command : new int[] {8, 9, 100, 32767, 65535}) {
        assertThat(client.call(0, command, 0, 512)).isEqualTo(Nbd.EINVAL);
      }
      assertThat(client.call(0, Nbd.CMD_FLUSH, 0, 1)).isEqualTo(Nbd.EINVAL);
      assertThat(client.call(0, Nbd.CMD_FLUSH, 1, 0)).isEqualTo(Nbd.EINVAL);
      // Of no bytes: nothing to do, done.
      assertThat(client.write(0, 5, new byte[0])).isZero();
      assertThat(client.call(0, Nbd.CMD_TRIM, 5, 0)).isZero();
      assertThat(client.call(0, Nbd.CMD_CACHE, V, 0)).isZero();
      assertThat(client.call(0, Nbd.CMD_WRITE_ZEROES, 5, 0)).isZero();
      assertThat(client.readError(0, 5, 0)).isZero();
      assertThat(client.readError(0, 0, (32 << 20) + 1)).isEqualTo(Nbd.EINVAL);
      client.disconnect();
    }
  }

  @ParameterizedTest
  @EnumSource
  void readOnlyExports(Style style) {
    try (WireClient client = rig.go("ro", style)) {
      assertThat(client.exportFlags & Nbd.FLAG_READ_ONLY).isNotZero();
      assertThat(client.exportFlags & (Nbd.FLAG_SEND_TRIM | Nbd.FLAG_SEND_WRITE_ZEROES)).isZero();
      assertThat(client.write(0, 0, new byte[70_000])).isEqualTo(Nbd.EPERM);
      assertThat(client.write(0, V, new byte[1])).isEqualTo(Nbd.EPERM);
      assertThat(client.call(0, Nbd.CMD_TRIM, 0, 512)).isEqualTo(Nbd.EPERM);
      assertThat(client.call(0, Nbd.CMD_WRITE_ZEROES, 0, 512)).isEqualTo(Nbd.EPERM);
      assertThat(client.call(0, Nbd.CMD_FLUSH, 0, 0)).isZero();
      assertThat(client.readData(0, 0, 512)).hasSize(512);
      client.disconnect();
    }
  }

  @Test
  void unfragmentedReadsHaveALimit() {
    for (Style style : new Style[] {Style.STRUCTURED, Style.EXTENDED}) {
      try (WireClient client = rig.go("v", style)) {
        for (int length : new int[] {1, 65536, MIB}) {
          long cookie = client.request(Nbd.CMD_FLAG_DF, Nbd.CMD_READ, 4095, length);
          List<Chunk> chunks = client.replies(cookie, 0);
          assertThat(chunks).hasSize(1);
          assertThat(chunks.getFirst().data()).hasSize(8 + length);
        }
        assertThat(client.readError(Nbd.CMD_FLAG_DF, 0, MIB + 1)).isEqualTo(Nbd.EOVERFLOW);
        client.disconnect();
      }
    }
  }

  @Test
  void aPayloadThatIsTooLargeIsSkippedOrEndsIt() {
    try (WireClient client = rig.go("v", Style.SIMPLE)) {
      assertThat(client.write(0, 0, new byte[V + 1])).isEqualTo(Nbd.ENOSPC);
      assertThat(client.write(0, 0, new byte[(32 << 20) + 1])).isEqualTo(Nbd.ENOSPC);
      client.send(client.header(0, Nbd.CMD_WRITE, 1, 0, 0xffff_ffffL)).expectEnd();
    }
  }

  @Test
  void payloadsThatDoNotBelongAreSkipped() {
    try (WireClient client = rig.go("v", Style.EXTENDED)) {
      for (int command : new int[] {Nbd.CMD_READ, Nbd.CMD_TRIM, Nbd.CMD_BLOCK_STATUS, 55}) {
        client.send(client.header(Nbd.CMD_FLAG_PAYLOAD_LEN, command, 9, 0, 100));
        client.send(new byte[100]);
        assertThat(client.replies(9, 0).getLast().errorCode()).isEqualTo(Nbd.EINVAL);
      }
      // A write without the flag has its payload all the same.
      client.send(client.header(0, Nbd.CMD_WRITE, 10, 0, 3)).send(new byte[] {7, 8, 9});
      assertThat(client.replies(10, 0).getLast().errorCode()).isZero();
      assertThat(client.readData(0, 0, 3)).isEqualTo(new byte[] {7, 8, 9});
      client.send(client.header(Nbd.CMD_FLAG_PAYLOAD_LEN, Nbd.CMD_WRITE, 1, 0, -1)).expectEnd();
    }
  }

  @ParameterizedTest
  @EnumSource
  void somethingThatIsNoRequestEndsIt(Style style) {
    try (WireClient client = rig.go("v", style)) {
      ByteBuffer header = client.header(0, Nbd.CMD_READ, 1, 0, 1);
      header.putInt(0, 0x25609514);
      client.send(header).expectEnd();
    }
  }

  /** A disconnect request answers what came before it, and has no reply itself. */
  @ParameterizedTest
  @EnumSource
  void disconnectAnswersWhatIsUnderWay(Style style) {
    try (WireClient client = rig.go("v", style)) {
      List<Long> cookies = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        cookies.add(client.request(Nbd.CMD_FLAG_FUA, i * 70_000L, new byte[70_000]));
      }
      client.request(0xff, Nbd.CMD_DISC, -5, -5);
      while (!cookies.isEmpty()) {
        Chunk chunk = client.chunk(0);
        assertThat(chunk.errorCode()).isZero();
        assertThat(cookies.remove((Object) chunk.cookie())).isTrue();
      }
      client.expectEnd();
    }
  }

  @Test
  void anEndOfSendingAnswersWhatIsUnderWay() throws Exception {
    try (WireClient client = rig.go("v", Style.SIMPLE)) {
      long cookie = client.request(Nbd.CMD_FLAG_FUA, 0, new byte[100_000]);
      client.channel().shutdownOutput();
      assertThat(client.replies(cookie, 0).getLast().errorCode()).isZero();
      client.expectEnd();
    }
  }

  /** A write whose end never comes is not done, whatever of it was. */
  @ParameterizedTest
  @EnumSource
  void aWriteThatIsCutOffIsNeverASuccess(Style style) throws Exception {
    for (int round = 0; round < 10; round++) {
      try (WireClient client = rig.go("v", style)) {
        ByteBuffer cut = ByteBuffer.allocate(40 + 3 * MIB);
        client.send(
            cut.put(client.header(Nbd.CMD_FLAG_FUA, Nbd.CMD_WRITE, 5, 0, 4 * MIB)).rewind());
        client.channel().shutdownOutput();
        byte[] said = client.readToEnd();
        if (said.length > 0) {
          int errorAt = style == Style.SIMPLE ? 4 : style == Style.STRUCTURED ? 20 : 32;
          // Not a simple reply without an error, nor a chunk that has none.
          assertThat(ByteBuffer.wrap(said).getInt(errorAt)).isEqualTo(Nbd.EINVAL);
        }
      }
    }
  }

  // ---------------------------------------------------------------- status

  @Test
  void blockStatusCoversTheRange() {
    for (Style style : new Style[] {Style.STRUCTURED, Style.EXTENDED}) {
      boolean wide = style == Style.EXTENDED;
      try (WireClient client = rig.go("v", style)) {
        for (int flags : new int[] {0, Nbd.CMD_FLAG_REQ_ONE}) {
          List<Chunk> chunks =
              client.replies(client.request(flags, Nbd.CMD_BLOCK_STATUS, 4096, 8192), 0);
          assertThat(chunks).hasSize(1);
          Chunk status = chunks.getFirst();
          assertThat(status.type())
              .isEqualTo(wide ? Nbd.REPLY_TYPE_BLOCK_STATUS_EXT : Nbd.REPLY_TYPE_BLOCK_STATUS);
          ByteBuffer in = status.in();
          assertThat(in.getInt()).isEqualTo(1);
          int count = wide ? in.getInt() : in.remaining() / 8;
          assertThat(in.remaining()).isEqualTo(count * (wide ? 16 : 8));
          assertThat(count).isPositive();
          long covered = 0;
          for (int i = 0; i < count; i++) {
            long length = wide ? in.getLong() : in.getInt();
            assertThat(length).isPositive();
            covered += length;
            if (wide) {
              in.getLong();
            } else {
              in.getInt();
            }
          }
          assertThat(covered).isBetween(1L, 8192L);
        }
        assertThat(client.call(0, Nbd.CMD_BLOCK_STATUS, 4096, 0)).isEqualTo(Nbd.EINVAL);
        client.disconnect();
      }
    }
  }

  /** What was trimmed or zeroed is a hole, reads as zeroes, and is found by its status. */
  @ParameterizedTest
  @EnumSource(names = {"STRUCTURED", "EXTENDED"})
  void trimAndZeroesMakeHoles(Style style) {
    try (WireClient client = rig.go("v", style)) {
      assertThat(client.call(0, Nbd.CMD_WRITE_ZEROES, 0, V)).isZero();
      assertThat(extents(client, 0, V)).containsExactly(extent(V, true));
      assertThat(client.write(0, 8192, random(1, 4 * 4096))).isZero();
      assertThat(extents(client, 0, 65536))
          .containsExactly(extent(8192, true), extent(16384, false), extent(40960, true));
      // Only whole blocks lose their places.
      assertThat(client.call(Nbd.CMD_FLAG_FUA, Nbd.CMD_TRIM, 8192 + 100, 8092)).isZero();
      assertThat(extents(client, 0, 65536))
          .containsExactly(
              extent(8192, true),
              extent(4096, false),
              extent(4096, true),
              extent(8192, false),
              extent(40960, true));
      assertThat(client.readData(0, 12288, 4096)).isEqualTo(new byte[4096]);
      // Zeroes fast, and zeroes that keep their places, which are not.
      int fast = Nbd.CMD_FLAG_FAST_ZERO;
      assertThat(client.call(fast, Nbd.CMD_WRITE_ZEROES, 8192, 4096)).isZero();
      assertThat(extents(client, 8192, 8192)).containsExactly(extent(8192, true));
      int keep = Nbd.CMD_FLAG_NO_HOLE;
      assertThat(client.call(fast | keep, Nbd.CMD_WRITE_ZEROES, 0, 4096)).isEqualTo(Nbd.ENOTSUP);
      assertThat(client.call(keep, Nbd.CMD_WRITE_ZEROES, 0, 4096)).isZero();
      assertThat(extents(client, 0, 8192)).containsExactly(extent(4096, false), extent(4096, true));
      assertThat(client.readData(0, 0, 16384)).isEqualTo(new byte[16384]);
      client.disconnect();
    }
  }

  /** Zeroes of less than a block are as slow as a write, and so are not fast. */
  @ParameterizedTest
  @EnumSource
  void fastZeroesHaveAWholeBlock(Style style) {
    int fast = Nbd.CMD_FLAG_FAST_ZERO;
    try (WireClient client = rig.go("odd", style)) {
      assertThat(client.write(0, 0, random(2, 16384))).isZero();
      for (int[] range : new int[][] {{1, 4095}, {0, 4095}, {4000, 4096}, {100, 8000}}) {
        assertThat(client.call(fast, Nbd.CMD_WRITE_ZEROES, range[0], range[1]))
            .isEqualTo(Nbd.ENOTSUP);
      }
      assertThat(client.readData(0, 0, 16384)).isEqualTo(random(2, 16384));
      for (int[] range : new int[][] {{0, 4096}, {100, 8092}, {ODD - 512, 512}}) {
        assertThat(client.call(fast, Nbd.CMD_WRITE_ZEROES, range[0], range[1])).isZero();
        assertThat(client.readData(0, range[0], range[1])).isEqualTo(new byte[range[1]]);
      }
      client.disconnect();
    }
  }

  private static String extent(long bytes, boolean hole) {
    return bytes + (hole ? " hole" : " data");
  }

  private static List<String> extents(WireClient client, long offset, long length) {
    long cookie = client.request(0, Nbd.CMD_BLOCK_STATUS, offset, length);
    Chunk status = client.replies(cookie, 0).getFirst();
    assertThat(status.errorCode()).isZero();
    boolean wide = status.type() == Nbd.REPLY_TYPE_BLOCK_STATUS_EXT;
    ByteBuffer in = status.in();
    in.getInt();
    if (wide) {
      in.getInt();
    }
    List<String> extents = new ArrayList<>();
    while (in.hasRemaining()) {
      long bytes = wide ? in.getLong() : in.getInt();
      long state = wide ? in.getLong() : in.getInt();
      assertThat(state).isIn(0L, 3L);
      extents.add(extent(bytes, state == 3));
    }
    return extents;
  }

  @Test
  void blockStatusHasToBeNegotiated() {
    try (WireClient client = rig.go("v", Style.SIMPLE)) {
      assertThat(client.call(0, Nbd.CMD_BLOCK_STATUS, 0, 512)).isEqualTo(Nbd.EINVAL);
      client.disconnect();
    }
  }
}
