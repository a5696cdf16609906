package dev.tuff.iom.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.nbd.Transmission.Style;
import dev.tuff.iom.nbd.WireClient.Chunk;
import java.io.ByteArrayOutputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Random clients, for a bounded time: whatever they say, the server goes on, answers every request
 * exactly once, and gets all its memory back. Again with the same random numbers: {@code
 * -Ddev.tuff.seed=NUMBER}; longer: {@code -Ddev.tuff.fuzz.seconds=NUMBER}.
 */
@Timeout(600)
class NbdFuzzTest {
  private static final long SEED = Long.getLong("dev.tuff.seed", System.nanoTime());
  private static final double SECONDS =
      Double.parseDouble(System.getProperty("dev.tuff.fuzz.seconds", "4"));
  private static ServerRig rig;
  private static WireClient witness;

  @BeforeAll
  static void start() {
    System.out.println("NbdFuzzTest: again with -Ddev.tuff.seed=" + SEED);
    rig = new ServerRig();
    witness = rig.go("v", Style.STRUCTURED);
  }

  @AfterAll
  static void stop() {
    // One who was there all along is still served.
    assertThat(witness.readData(0, 5, 10_000)).hasSize(10_000);
    witness.disconnect();
    rig.awaitNoConnections();
    rig.close();
  }

  private interface Round {
    void run(Random random);
  }

  private static void repeat(Round round) {
    long end = System.nanoTime() + (long) (SECONDS * 1e9);
    int rounds = 0;
    for (long seed = SEED; System.nanoTime() < end; seed++) {
      try {
        round.run(new Random(seed));
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("again with -Ddev.tuff.seed=" + seed, e);
      }
      if (++rounds % 20 == 0) {
        assertThat(witness.readData(0, 0, 100)).hasSize(100);
      }
    }
    assertThat(rig.array.failure()).isNull();
    System.out.println("NbdFuzzTest: " + rounds + " clients");
    assertThat(rounds).isGreaterThan(20);
  }

  // ---------------------------------------------------------------- negotiation

  private static byte[] optionData(Random random, int option) {
    String[] names = {"v", "odd", "ro", "", "x", "n".repeat(4096), "\u00e4\u00f6"};
    String name = names[random.nextInt(names.length)];
    byte[] data =
        switch (option) {
          case Nbd.OPT_EXPORT_NAME -> name.getBytes(java.nio.charset.StandardCharsets.UTF_8);
          case Nbd.OPT_INFO, Nbd.OPT_GO ->
              WireClient.infoData(name, random.nextInt(6), random.nextInt(70000));
          case Nbd.OPT_LIST_META_CONTEXT, Nbd.OPT_SET_META_CONTEXT ->
              WireClient.metaData(name, "base:allocation", "base:", "x:y");
          default -> new byte[random.nextInt(3) == 0 ? random.nextInt(200) : 0];
        };
    return data;
  }

  @Test
  void negotiation() {
    repeat(
        random -> {
          ByteArrayOutputStream out = new ByteArrayOutputStream();
          for (int i = random.nextInt(12); i >= 0; i--) {
            int option = random.nextInt(10) == 0 ? random.nextInt() : random.nextInt(13);
            out.writeBytes(WireClient.optionBytes(option, optionData(random, option)));
          }
          say(random, rig.connect().greet(random.nextInt(8) == 0 ? random.nextInt() : 3), out);
        });
  }

  /** Sends it, spoilt or cut at times, in pieces, and reads until the server has had enough. */
  private static void say(Random random, WireClient client, ByteArrayOutputStream out) {
    byte[] bytes = out.toByteArray();
    if (random.nextBoolean() && bytes.length > 0) {
      for (int i = random.nextInt(6); i >= 0; i--) {
        bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      }
    }
    int length = random.nextInt(3) == 0 ? random.nextInt(bytes.length + 1) : bytes.length;
    try (client) {
      for (int at = 0; at < length; ) {
        int now = Math.min(length - at, 1 + random.nextInt(random.nextBoolean() ? 40 : 100_000));
        client.send(java.util.Arrays.copyOfRange(bytes, at, at + now));
        at += now;
      }
      if (random.nextInt(4) > 0) {
        client.channel().shutdownOutput();
        drain(client);
      }
    } catch (UncheckedIOException | java.io.IOException e) {
      // The server has broken it off, as it may.
      assertThat(e.getMessage()).containsAnyOf("reset", "Broken pipe");
    }
  }

  private static void drain(WireClient client) throws java.io.IOException {
    java.nio.ByteBuffer sink = java.nio.ByteBuffer.allocate(1 << 16);
    while (client.channel().read(sink.clear()) >= 0) {
      Thread.onSpinWait();
    }
  }

  // ---------------------------------------------------------------- transmission

  private static final int[] LENGTHS = {0, 1, 512, 4096, 5000, 65536, 1 << 20, (1 << 20) + 1};

  private static long offset(Random random) {
    return switch (random.nextInt(8)) {
      case 0 -> random.nextLong();
      case 1 -> ServerRig.V_BYTES - random.nextInt(10_000);
      default -> random.nextInt((int) ServerRig.V_BYTES);
    };
  }

  private static int length(Random random) {
    int length = LENGTHS[random.nextInt(LENGTHS.length)];
    return random.nextBoolean() ? length : random.nextInt(length + 1);
  }

  /** Garbage between requests. */
  @Test
  void transmissionOfAnything() {
    repeat(
        random -> {
          Style style = WireClient.STYLES.get(random.nextInt(3));
          WireClient client = rig.go(random.nextBoolean() ? "v" : "odd", style);
          ByteArrayOutputStream out = new ByteArrayOutputStream();
          for (int i = random.nextInt(15); i >= 0; i--) {
            int command = random.nextInt(10);
            int flags = random.nextInt(3) == 0 ? random.nextInt(65536) : random.nextInt(2);
            int length = length(random);
            out.writeBytes(client.headerBytes(flags, command, i, offset(random), length));
            if (command == Nbd.CMD_WRITE && random.nextInt(10) > 0) {
              out.writeBytes(new byte[length]);
            }
          }
          say(random, client, out);
        });
  }

  /** Requests that are right in form, whatever they ask for: each is answered exactly once. */
  @Test
  void everyRequestIsAnsweredOnce() {
    repeat(
        random -> {
          Style style = WireClient.STYLES.get(random.nextInt(3));
          try (WireClient client = rig.go(random.nextInt(4) == 0 ? "ro" : "v", style)) {
            Map<Long, Integer> open = new HashMap<>();
            for (int i = random.nextInt(12); i >= 0; i--) {
              int command = random.nextInt(9);
              if (command == Nbd.CMD_DISC) {
                continue;
              }
              int flags = random.nextInt(4) == 0 ? random.nextInt(64) : 0;
              int length = Math.min(length(random), 60_000);
              if (command == Nbd.CMD_WRITE) {
                open.put(client.request(flags, offset(random), new byte[length]), 0);
              } else {
                if (style == Style.EXTENDED) {
                  flags &= ~Nbd.CMD_FLAG_PAYLOAD_LEN;
                }
                long cookie = client.request(flags, command, offset(random), length);
                open.put(cookie, command == Nbd.CMD_READ ? length : 0);
              }
            }
            client.request(0, Nbd.CMD_DISC, 0, 0);
            while (!open.isEmpty()) {
              takeOne(client, open);
            }
            client.expectEnd();
          }
        });
  }

  private static void takeOne(WireClient client, Map<Long, Integer> open) {
    Chunk chunk = client.chunk(0);
    Integer length = open.get(chunk.cookie());
    assertThat(length).as("a reply to something that was asked").isNotNull();
    if (chunk.magic() == Nbd.SIMPLE_REPLY_MAGIC && chunk.error() == 0) {
      client.read(length);
    }
    if (chunk.done()) {
      open.remove(chunk.cookie());
    }
  }
}
