package dev.tuff.iom.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.nbd.WireClient.OptionReply;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every option of the handshake, good and bad, byte by byte. */
@Timeout(30)
class NegotiationTest {
  private static final byte[] NONE = {};
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

  /** The greeting of a server, as it is on the wire. */
  @Test
  void greetsWithFixedNewstyle() {
    try (WireClient client = rig.connect()) {
      byte[] expected = new byte[18];
      ByteBuffer.wrap(expected)
          .put("NBDMAGICIHAVEOPT".getBytes(StandardCharsets.US_ASCII))
          .putShort((short) 3);
      assertThat(client.read(18).array()).isEqualTo(expected);
    }
  }

  @Test
  void aClientFlagThatWasNotOfferedEndsIt() {
    try (WireClient client = rig.connect()) {
      client.greet(1 << 5).expectEnd();
    }
  }

  @Test
  void somethingThatIsNoOptionEndsIt() {
    try (WireClient client = rig.connect()) {
      client.greet().send("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII)).expectEnd();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 4, 12, 99, -1, 0x7fffffff})
  void unknownOptionsAreAnsweredAndSurvived(int option) {
    try (WireClient client = rig.connect()) {
      client.greet();
      for (int bytes : new int[] {0, 1, 5000, 65536}) {
        assertThat(client.optionType(option, new byte[bytes])).isEqualTo(Nbd.REP_ERR_UNSUP);
      }
      client.enter("v").disconnect();
    }
  }

  @Test
  void anOptionThatIsTooLongIsAnsweredAndSurvived() {
    try (WireClient client = rig.connect()) {
      client.greet();
      for (int option : new int[] {Nbd.OPT_GO, Nbd.OPT_LIST, 77}) {
        assertThat(client.optionType(option, new byte[65537])).isEqualTo(Nbd.REP_ERR_TOO_BIG);
        assertThat(client.optionType(option, new byte[3 << 20])).isEqualTo(Nbd.REP_ERR_TOO_BIG);
      }
      client.enter("v").disconnect();
    }
  }

  @Test
  void abortIsAcknowledged() {
    try (WireClient client = rig.connect()) {
      client.greet();
      assertThat(client.optionType(Nbd.OPT_ABORT, NONE)).isEqualTo(Nbd.REP_ACK);
      client.expectEnd();
    }
  }

  // ---------------------------------------------------------------- list

  @Test
  void listsNamesAndDescriptions() {
    try (WireClient client = rig.connect()) {
      client.greet();
      List<OptionReply> replies = client.option(Nbd.OPT_LIST, NONE);
      assertThat(replies).hasSize(5);
      OptionReply v = replies.get(3);
      assertThat(v.type()).isEqualTo(Nbd.REP_SERVER);
      assertThat(v.data()).isEqualTo("\0\0\0\1va volume".getBytes(StandardCharsets.US_ASCII));
      assertThat(replies.get(0).data())
          .isEqualTo("\0\0\0\3odd".getBytes(StandardCharsets.US_ASCII));
      assertThat(client.optionType(Nbd.OPT_LIST, new byte[1])).isEqualTo(Nbd.REP_ERR_INVALID);
    }
  }

  @Test
  void manyListsAtOnceAreAllAnswered() {
    try (WireClient client = rig.connect()) {
      client.greet();
      int count = 200;
      for (int i = 0; i < count; i++) {
        client.sendOption(Nbd.OPT_LIST, NONE);
      }
      int acknowledged = 0;
      while (acknowledged < count) {
        acknowledged += client.optionReply().type() == Nbd.REP_ACK ? 1 : 0;
      }
    }
  }

  // ---------------------------------------------------------------- export name

  @Test
  void exportNameHasZeroesForOldClients() {
    try (WireClient client = rig.connect()) {
      client
          .greet(Nbd.FLAG_FIXED_NEWSTYLE)
          .sendOption(Nbd.OPT_EXPORT_NAME, "v".getBytes(StandardCharsets.US_ASCII));
      ByteBuffer reply = client.read(134);
      assertThat(reply.getLong()).isEqualTo(ServerRig.V_BYTES);
      assertThat(Short.toUnsignedInt(reply.getShort())).isEqualTo(0b1101_0110_1101);
      while (reply.hasRemaining()) {
        assertThat(reply.get()).isZero();
      }
      assertThat(client.readData(0, 0, 512)).hasSize(512);
      client.disconnect();
    }
  }

  @Test
  void exportNameWithoutZeroesAndWithoutFixedNewstyle() {
    try (WireClient client = rig.connect()) {
      client
          .greet(Nbd.FLAG_NO_ZEROES)
          .sendOption(Nbd.OPT_EXPORT_NAME, "ro".getBytes(StandardCharsets.US_ASCII));
      ByteBuffer reply = client.read(10);
      assertThat(reply.getLong()).isEqualTo(ServerRig.V_BYTES);
      assertThat(Short.toUnsignedInt(reply.getShort())).isEqualTo(0b101_0000_1111);
      client.disconnect();
    }
  }

  @Test
  void exportNameThatIsNotThereEndsIt() {
    for (int bytes : new int[] {0, 4, 4096, 4097}) {
      try (WireClient client = rig.connect()) {
        client
            .greet()
            .sendOption(Nbd.OPT_EXPORT_NAME, "x".repeat(bytes).getBytes(StandardCharsets.US_ASCII));
        client.expectEnd();
      }
    }
  }

  @Test
  void otherOptionsNeedFixedNewstyle() {
    try (WireClient client = rig.connect()) {
      client.greet(Nbd.FLAG_NO_ZEROES).sendOption(Nbd.OPT_LIST, NONE).expectEnd();
    }
  }

  // ---------------------------------------------------------------- info, go

  @Test
  void infoTellsWhatIsAskedForAndChangesNothing() {
    try (WireClient client = rig.connect()) {
      client.greet();
      List<OptionReply> replies =
          client.option(Nbd.OPT_INFO, WireClient.infoData("v", 3, 1, 2, 0, 3, 77, 65535));
      assertThat(replies).hasSize(5);
      ByteBuffer export = replies.get(0).in();
      assertThat(replies.get(0).type()).isEqualTo(Nbd.REP_INFO);
      assertThat(export.remaining()).isEqualTo(12);
      assertThat(export.getShort()).isEqualTo((short) Nbd.INFO_EXPORT);
      assertThat(export.getLong()).isEqualTo(ServerRig.V_BYTES);
      assertThat(export.getShort()).isEqualTo((short) 0b1101_0110_1101);
      ByteBuffer sizes = replies.get(1).in();
      assertThat(sizes.remaining()).isEqualTo(14);
      assertThat(sizes.getShort()).isEqualTo((short) Nbd.INFO_BLOCK_SIZE);
      assertThat(sizes.getInt()).isEqualTo(1);
      assertThat(sizes.getInt()).isEqualTo(4096);
      assertThat(sizes.getInt()).isEqualTo(32 << 20);
      assertThat(replies.get(2).data()).isEqualTo("\0\1v".getBytes(StandardCharsets.US_ASCII));
      assertThat(replies.get(3).data())
          .isEqualTo("\0\2a volume".getBytes(StandardCharsets.US_ASCII));
      assertThat(replies.get(4).type()).isEqualTo(Nbd.REP_ACK);
      client.enter("v").disconnect();
    }
  }

  @Test
  void structuredRepliesAddDontFragment() {
    try (WireClient client = rig.connect()) {
      client.greet();
      assertThat(client.optionType(Nbd.OPT_STRUCTURED_REPLY, NONE)).isEqualTo(Nbd.REP_ACK);
      client.enter("v");
      assertThat(client.exportFlags & Nbd.FLAG_SEND_DF).isNotZero();
    }
  }

  @Test
  void anExportThatIsNotThereIsSaidSo() {
    try (WireClient client = rig.connect()) {
      client.greet();
      for (int option : new int[] {Nbd.OPT_INFO, Nbd.OPT_GO}) {
        for (String name : new String[] {"x", "", "V", "v ", "n".repeat(4096), "\u00fc"}) {
          List<OptionReply> replies = client.option(option, WireClient.infoData(name));
          assertThat(replies).hasSize(1);
          assertThat(replies.getFirst().type()).isEqualTo(Nbd.REP_ERR_UNKNOWN);
          assertThat(replies.getFirst().data().length).isLessThanOrEqualTo(4096);
        }
      }
      client.enter("v").disconnect();
    }
  }

  @Test
  void lengthsThatDoNotFitAreInvalid() {
    byte[] good = WireClient.infoData("v", 3);
    try (WireClient client = rig.connect()) {
      client.greet();
      for (int option : new int[] {Nbd.OPT_INFO, Nbd.OPT_GO}) {
        for (int bytes = 0; bytes < good.length; bytes++) {
          byte[] shorter = java.util.Arrays.copyOf(good, bytes);
          assertThat(client.optionType(option, shorter)).isEqualTo(Nbd.REP_ERR_INVALID);
        }
        byte[] longer = java.util.Arrays.copyOf(good, good.length + 1);
        assertThat(client.optionType(option, longer)).isEqualTo(Nbd.REP_ERR_INVALID);
        byte[] hugeName = good.clone();
        ByteBuffer.wrap(hugeName).putInt(-1);
        assertThat(client.optionType(option, hugeName)).isEqualTo(Nbd.REP_ERR_INVALID);
        byte[] zeroByte = WireClient.infoData("a\0b");
        assertThat(client.optionType(option, zeroByte)).isEqualTo(Nbd.REP_ERR_INVALID);
        byte[] noText = WireClient.infoData("ab");
        noText[4] = (byte) 0xff;
        assertThat(client.optionType(option, noText)).isEqualTo(Nbd.REP_ERR_INVALID);
      }
      client.enter("v").disconnect();
    }
  }

  @Test
  void theOnlyExportIsTheDefaultOne() {
    Export ro = rig.exports.remove("ro");
    Export one = rig.exports.remove("one");
    Export odd = rig.exports.remove("odd");
    try (WireClient client = rig.connect()) {
      client.greet();
      List<OptionReply> replies =
          client.option(Nbd.OPT_INFO, WireClient.infoData("", Nbd.INFO_NAME));
      assertThat(replies.get(1).data()).isEqualTo("\0\1v".getBytes(StandardCharsets.US_ASCII));
      client.enter("").disconnect();
    } finally {
      rig.exports.add(ro);
      rig.exports.add(one);
      rig.exports.add(odd);
    }
  }

  @Test
  void anExportForOneClientHasOne() {
    try (WireClient first = rig.connect();
        WireClient second = rig.connect();
        WireClient old = rig.connect()) {
      first.greet().enter("one");
      second.greet();
      assertThat(second.optionType(Nbd.OPT_INFO, WireClient.infoData("one")))
          .isEqualTo(Nbd.REP_ACK);
      assertThat(second.optionType(Nbd.OPT_GO, WireClient.infoData("one")))
          .isEqualTo(Nbd.REP_ERR_POLICY);
      old.greet()
          .sendOption(Nbd.OPT_EXPORT_NAME, "one".getBytes(StandardCharsets.US_ASCII))
          .expectEnd();
      first.disconnect();
      long deadline = System.nanoTime() + 5_000_000_000L;
      while (rig.exports.get("one").clients() > 0 && System.nanoTime() < deadline) {
        Thread.onSpinWait();
      }
      second.enter("one").disconnect();
    }
  }

  // ---------------------------------------------------------------- extensions

  @Test
  void extensionsTakeNoData() {
    try (WireClient client = rig.connect()) {
      client.greet();
      assertThat(client.optionType(Nbd.OPT_STRUCTURED_REPLY, new byte[1]))
          .isEqualTo(Nbd.REP_ERR_INVALID);
      assertThat(client.optionType(Nbd.OPT_EXTENDED_HEADERS, new byte[1]))
          .isEqualTo(Nbd.REP_ERR_INVALID);
      // None of them has come into force.
      assertThat(client.optionType(Nbd.OPT_SET_META_CONTEXT, WireClient.metaData("v")))
          .isEqualTo(Nbd.REP_ERR_INVALID);
      client.enter("v");
      assertThat(client.exportFlags & Nbd.FLAG_SEND_DF).isZero();
    }
  }

  @Test
  void extendedHeadersStandAboveStructuredReplies() {
    try (WireClient client = rig.connect()) {
      client.greet();
      assertThat(client.optionType(Nbd.OPT_STRUCTURED_REPLY, NONE)).isEqualTo(Nbd.REP_ACK);
      assertThat(client.optionType(Nbd.OPT_STRUCTURED_REPLY, NONE)).isEqualTo(Nbd.REP_ACK);
      assertThat(client.optionType(Nbd.OPT_EXTENDED_HEADERS, NONE)).isEqualTo(Nbd.REP_ACK);
      assertThat(client.optionType(Nbd.OPT_EXTENDED_HEADERS, NONE)).isEqualTo(Nbd.REP_ERR_INVALID);
      assertThat(client.optionType(Nbd.OPT_STRUCTURED_REPLY, NONE))
          .isEqualTo(Nbd.REP_ERR_EXT_HEADER_REQD);
      client.sendOption(Nbd.OPT_EXPORT_NAME, "v".getBytes(StandardCharsets.US_ASCII)).expectEnd();
    }
  }

  // ---------------------------------------------------------------- metadata contexts

  @Test
  void listsMetadataContexts() {
    try (WireClient client = rig.connect()) {
      client.greet();
      int list = Nbd.OPT_LIST_META_CONTEXT;
      assertThat(client.optionType(list, WireClient.metaData("v"))).isEqualTo(Nbd.REP_ERR_INVALID);
      client.optionType(Nbd.OPT_STRUCTURED_REPLY, NONE);
      byte[] expected = "\0\0\0\0base:allocation".getBytes(StandardCharsets.US_ASCII);
      for (byte[] data :
          List.of(
              WireClient.metaData("v"),
              WireClient.metaData("v", "base:"),
              WireClient.metaData("v", "qemu:x", "base:allocation", "base:allocation"))) {
        List<OptionReply> replies = client.option(list, data);
        assertThat(replies).hasSize(2);
        assertThat(replies.getFirst().type()).isEqualTo(Nbd.REP_META_CONTEXT);
        assertThat(replies.getFirst().data()).isEqualTo(expected);
      }
      for (String query : new String[] {"", "base", "base:other", "qemu:", "x-y:z"}) {
        assertThat(client.option(list, WireClient.metaData("v", query))).hasSize(1);
      }
      assertThat(client.optionType(list, WireClient.metaData("x"))).isEqualTo(Nbd.REP_ERR_UNKNOWN);
    }
  }

  @Test
  void setsMetadataContexts() {
    try (WireClient client = rig.connect()) {
      client.greet();
      client.optionType(Nbd.OPT_STRUCTURED_REPLY, NONE);
      int set = Nbd.OPT_SET_META_CONTEXT;
      // Nothing asked for, nothing set; a wildcard sets nothing.
      assertThat(client.option(set, WireClient.metaData("v"))).hasSize(1);
      assertThat(client.option(set, WireClient.metaData("v", "base:"))).hasSize(1);
      List<OptionReply> replies =
          client.option(set, WireClient.metaData("v", "qemu:dirty", "base:allocation"));
      assertThat(replies).hasSize(2);
      assertThat(replies.getFirst().in().getInt()).isNotZero();
      client.style(Transmission.Style.STRUCTURED);
      client.enter("v");
      assertThat(client.call(0, Nbd.CMD_BLOCK_STATUS, 0, 4096)).isZero();
    }
  }

  @Test
  void aContextSetForAnotherExportOrReplacedIsNone() {
    byte[] allocation = WireClient.metaData("v", "base:allocation");
    for (byte[] second :
        List.of(
            WireClient.metaData("odd", "base:allocation"),
            WireClient.metaData("v"),
            // It fails, and replaces all the same.
            WireClient.metaData("x", "base:allocation"),
            new byte[3])) {
      try (WireClient client = rig.connect()) {
        client.greet();
        client.optionType(Nbd.OPT_STRUCTURED_REPLY, NONE);
        client.option(Nbd.OPT_SET_META_CONTEXT, allocation);
        client.option(Nbd.OPT_SET_META_CONTEXT, second);
        client.style(Transmission.Style.STRUCTURED);
        client.enter("v");
        assertThat(client.call(0, Nbd.CMD_BLOCK_STATUS, 0, 4096)).isEqualTo(Nbd.EINVAL);
        client.disconnect();
      }
    }
  }

  @Test
  void queriesThatDoNotFitAreInvalid() {
    byte[] good = WireClient.metaData("v", "base:allocation");
    try (WireClient client = rig.connect()) {
      client.greet();
      client.optionType(Nbd.OPT_STRUCTURED_REPLY, NONE);
      for (int option : new int[] {Nbd.OPT_LIST_META_CONTEXT, Nbd.OPT_SET_META_CONTEXT}) {
        for (int bytes = 0; bytes < good.length; bytes++) {
          assertThat(client.optionType(option, java.util.Arrays.copyOf(good, bytes)))
              .isEqualTo(Nbd.REP_ERR_INVALID);
        }
        byte[] more = java.util.Arrays.copyOf(good, good.length + 1);
        assertThat(client.optionType(option, more)).isEqualTo(Nbd.REP_ERR_INVALID);
        byte[] many = good.clone();
        ByteBuffer.wrap(many).putInt(5, -1);
        assertThat(client.optionType(option, many)).isEqualTo(Nbd.REP_ERR_INVALID);
      }
      client.enter("v").disconnect();
    }
  }

  @Test
  void tlsThatIsNotThereIsNotSupported() {
    try (WireClient client = rig.connect()) {
      client.greet();
      assertThat(client.optionType(Nbd.OPT_STARTTLS, NONE)).isEqualTo(Nbd.REP_ERR_UNSUP);
      client.enter("v").disconnect();
    }
  }

  /** What arrives byte by byte is the same as what arrives at once. */
  @Test
  void aSlowClientIsUnderstood() throws Exception {
    try (WireClient client = rig.connect()) {
      client.greet();
      for (byte b : WireClient.optionBytes(Nbd.OPT_GO, WireClient.infoData("v", 3))) {
        client.send(new byte[] {b});
        Thread.sleep(1);
      }
      assertThat(client.optionReply().type()).isEqualTo(Nbd.REP_INFO);
      assertThat(client.optionReply().type()).isEqualTo(Nbd.REP_INFO);
      assertThat(client.optionReply().type()).isEqualTo(Nbd.REP_ACK);
      client.disconnect();
    }
  }

  @Test
  void overTcpToo() {
    try (WireClient client = WireClient.connect(rig.tcp)) {
      client.greet().enter("v");
      assertThat(client.readData(0, 1, 3)).hasSize(3);
      client.disconnect();
    }
  }
}
