package dev.tuff.iom.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.iom.nbd.Transmission.Style;
import dev.tuff.iom.nbd.WireClient.Chunk;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients that are too many, too slow, too greedy or suddenly gone, and the server's own end. */
@Timeout(40)
class ConnectionLimitsTest {
  private ServerRig rig;

  @BeforeEach
  void start() {
    rig = new ServerRig();
  }

  @AfterEach
  void stop() {
    rig.close();
  }

  @Test
  void moreConnectionsThanAllowedAreClosed() {
    List<WireClient> clients = new ArrayList<>();
    for (int i = 0; i < ServerRig.MAX_CONNECTIONS; i++) {
      clients.add(rig.go("v", Style.SIMPLE));
    }
    try (WireClient tooMany = rig.connect()) {
      tooMany.expectEnd();
    }
    assertThat(rig.server.connections()).hasSize(ServerRig.MAX_CONNECTIONS);
    clients.forEach(client -> assertThat(client.readData(0, 0, 1)).hasSize(1));
    clients.forEach(WireClient::close);
    rig.awaitNoConnections();
    rig.go("v", Style.SIMPLE).disconnect();
  }

  @Test
  void aClientThatDoesNotNegotiateIsBrokenOff() {
    try (WireClient silent = rig.connect();
        WireClient slow = rig.connect();
        WireClient half = rig.connect();
        WireClient served = rig.go("v", Style.SIMPLE)) {
      silent.read(18);
      slow.greet();
      half.greet();
      half.send(new byte[7]);
      long began = System.nanoTime();
      silent.expectEnd();
      slow.expectEnd();
      half.expectEnd();
      double seconds = (System.nanoTime() - began) / 1e9;
      assertThat(seconds).isBetween(1.0, 8.0);
      // One that serves may be silent as long as it likes.
      assertThat(served.readData(0, 0, 1)).hasSize(1);
    }
  }

  @Test
  void aClientThatStopsInMidRequestIsBrokenOffAndItsBufferComesBack() {
    try (WireClient header = rig.go("v", Style.SIMPLE);
        WireClient payload = rig.go("v", Style.SIMPLE);
        WireClient idle = rig.go("v", Style.SIMPLE)) {
      header.send(new byte[5]);
      payload.send(payload.header(0, Nbd.CMD_WRITE, 1, 0, 1 << 20)).send(new byte[1000]);
      header.expectEnd();
      payload.expectEnd();
      assertThat(idle.readData(0, 0, 1)).hasSize(1);
    }
  }

  /** A byte now and then is not a sign of life. */
  @Test
  void requestsThatAreStretchedAreBrokenOff() throws Exception {
    try (WireClient header = rig.go("v", Style.SIMPLE);
        WireClient skipped = rig.go("ro", Style.SIMPLE)) {
      skipped.send(skipped.header(0, Nbd.CMD_WRITE, 1, 0, 1000));
      byte[] slow = new byte[20];
      slow[0] = 0x25;
      long began = System.nanoTime();
      boolean headerEnded = false;
      boolean skippedEnded = false;
      for (int i = 0; i < slow.length && !(headerEnded && skippedEnded); i++) {
        headerEnded = headerEnded || !trickle(header, slow[i]);
        skippedEnded = skippedEnded || !trickle(skipped, slow[i]);
        TimeUnit.MILLISECONDS.sleep(500);
      }
      assertThat(headerEnded).as("a header a byte at a time").isTrue();
      assertThat(skippedEnded).as("a payload a byte at a time").isTrue();
      assertThat((System.nanoTime() - began) / 1e9).isBetween(2.5, 8.0);
    }
  }

  /** False when the server has closed. */
  private static boolean trickle(WireClient client, byte one) {
    try {
      client.send(new byte[] {one});
      return true;
    } catch (java.io.UncheckedIOException e) {
      assertThat(e).hasMessageContaining("Broken pipe");
      return false;
    }
  }

  /** Of clients that look first and come back to stay, not all that stay are on one shard. */
  @Test
  void connectionsGoWhereThereAreFewest() {
    List<WireClient> staying = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      WireClient looking = rig.go("v", Style.SIMPLE);
      staying.add(rig.go("v", Style.SIMPLE));
      looking.disconnect();
      looking.close();
      rig.awaitConnections(staying.size());
    }
    assertThat(rig.server.connections())
        .extracting(ConnectionInfo::shard)
        .containsExactlyInAnyOrder(0, 0, 1, 1);
    staying.forEach(WireClient::close);
  }

  /** Requests that were announced only have no memory that others could use. */
  @Test
  void anAnnouncementTakesNoBuffer() {
    List<WireClient> announcing = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      WireClient client = rig.go("v", Style.SIMPLE);
      client.send(client.header(0, Nbd.CMD_WRITE, 1, 0, 1 << 20));
      announcing.add(client);
    }
    long began = System.nanoTime();
    for (int shard = 0; shard < 2; shard++) {
      try (WireClient client = rig.goOn(shard, "v", Style.SIMPLE)) {
        assertThat(client.write(0, 0, new byte[1 << 20])).isZero();
        client.disconnect();
      }
    }
    assertThat((System.nanoTime() - began) / 1e9).isLessThan(2.5);
    for (WireClient client : announcing) {
      client.send(new byte[1 << 20]);
      assertThat(client.chunk(0).errorCode()).isZero();
      client.close();
    }
  }

  @Test
  void aClientThatReadsNoRepliesIsBrokenOffAndOthersAreServed() throws Exception {
    try (WireClient deaf = rig.go("v", Style.SIMPLE);
        WireClient other = rig.go("v", Style.SIMPLE)) {
      deaf.channel().configureBlocking(false);
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
      boolean broken = false;
      while (!broken && System.nanoTime() < deadline) {
        try {
          deaf.channel().write(deaf.header(0, Nbd.CMD_READ, 1, 0, 900_000));
        } catch (java.io.IOException e) {
          broken = true;
        }
        assertThat(other.readData(0, 0, 4096)).hasSize(4096);
        TimeUnit.MILLISECONDS.sleep(5);
      }
      assertThat(broken).as("broken off").isTrue();
    }
  }

  /** Answers about space are in the memory for requests, too: nobody has as many as he asks for. */
  @Test
  void statusRepliesThatNobodyReadsAreBounded() throws Exception {
    int extents = 1200;
    try (WireClient client = rig.go("v", Style.EXTENDED)) {
      client.call(0, Nbd.CMD_WRITE_ZEROES, 0, ServerRig.V_BYTES);
      for (int i = 0; i < extents; i++) {
        client.request(0, 8192L * i, new byte[1]);
        if (i % 100 == 99) {
          for (int replies = 0; replies < 100; replies++) {
            assertThat(client.chunk(0).errorCode()).isZero();
          }
        }
      }
      long before = rig.server.connections().getFirst().requests();
      int asked = 250;
      for (int i = 0; i < asked; i++) {
        client.request(0, Nbd.CMD_BLOCK_STATUS, 0, 8192L * extents);
      }
      TimeUnit.MILLISECONDS.sleep(1000);
      assertThat(rig.server.connections().getFirst().requests() - before).isBetween(10L, 100L);
      for (int i = 0; i < asked; i++) {
        Chunk status = client.chunk(0);
        assertThat(status.type()).isEqualTo(Nbd.REPLY_TYPE_BLOCK_STATUS_EXT);
        // The context, the number of extents, and as many as there are in one answer.
        assertThat(status.data()).hasSize(8 + 1024 * 16);
        assertThat(status.in().getLong(8)).isEqualTo(4096);
        assertThat(status.in().getLong(8 + 1023 * 16)).isEqualTo(4096);
      }
      client.disconnect();
    }
  }

  /** More than is sent at once: the list goes on as it is taken. */
  @Test
  void aLongListComesWhole() throws Exception {
    for (int i = 0; i < 500; i++) {
      String description = "d".repeat(Export.MAX_DESCRIPTION_BYTES);
      rig.exports.add(new Export("export-" + i, description, rig.array.volume("v"), false, 0));
    }
    try (WireClient client = rig.connect().greet()) {
      for (int i = 0; i < 3; i++) {
        client.sendOption(Nbd.OPT_LIST, new byte[0]);
      }
      TimeUnit.MILLISECONDS.sleep(300);
      for (int i = 0; i < 3; i++) {
        int listed = 0;
        while (client.optionReply().type() == Nbd.REP_SERVER) {
          listed++;
        }
        assertThat(listed).isEqualTo(504);
      }
    }
  }

  /** Whoever leaves at whatever moment: the next is served, and every buffer comes back. */
  @Test
  void disconnectsInTheMiddleHarmNobody() {
    Random random = new Random(11);
    try (WireClient witness = rig.go("v", Style.STRUCTURED)) {
      for (int i = 0; i < 150; i++) {
        WireClient client = rig.go("v", WireClient.STYLES.get(i % 3));
        int requests = random.nextInt(30);
        for (int r = 0; r < requests; r++) {
          boolean read = random.nextBoolean();
          // Replies are not read, so they have to fit the socket, or the client would be waited
          // for.
          int length = 1 + random.nextInt(read ? 6000 : random.nextBoolean() ? 4096 : 600_000);
          long offset = random.nextInt((int) ServerRig.V_BYTES - length);
          if (read) {
            client.request(0, Nbd.CMD_READ, offset, length);
          } else {
            client.request(random.nextInt(2), offset, new byte[length]);
          }
        }
        if (random.nextBoolean()) {
          client.send(client.header(0, Nbd.CMD_WRITE, 1, 0, 300_000));
          client.send(new byte[random.nextInt(299_999)]);
        }
        client.close();
        if (i % 10 == 0) {
          assertThat(witness.readData(0, i, 5000)).hasSize(5000);
        }
      }
      assertThat(witness.call(0, Nbd.CMD_FLUSH, 0, 0)).isZero();
      witness.disconnect();
    }
    rig.awaitNoConnections();
  }

  /** More bytes in flight than there is memory for: all are served, one after the other. */
  @Test
  void memoryThatIsShortIsWaitedFor() throws Exception {
    List<WireClient> clients = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      clients.add(rig.go("v", WireClient.STYLES.get(i % 3)));
    }
    List<Future<?>> done = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(clients.size())) {
      for (WireClient client : clients) {
        done.add(threads.submit(() -> writeAndReadALot(client)));
      }
    }
    for (Future<?> one : done) {
      one.get();
    }
    clients.forEach(WireClient::close);
  }

  private static void writeAndReadALot(WireClient client) {
    for (int round = 0; round < 2; round++) {
      Set<Long> writes = new HashSet<>();
      for (int i = 0; i < 4; i++) {
        writes.add(client.request(0, i * 3_000_000L, new byte[2_500_000]));
      }
      while (!writes.isEmpty()) {
        Chunk reply = client.chunk(0);
        assertThat(reply.errorCode()).isZero();
        assertThat(writes.remove(reply.cookie())).isTrue();
      }
      assertThat(client.readData(0, 1, 5_000_000)).hasSize(5_000_000);
    }
  }

  @Test
  void idleConnectionsCostNoProcessorTime() throws Exception {
    List<WireClient> clients = new ArrayList<>();
    for (int i = 0; i < ServerRig.MAX_CONNECTIONS; i++) {
      clients.add(rig.go("v", Style.SIMPLE));
    }
    // Timers of the negotiation run out.
    TimeUnit.MILLISECONDS.sleep(2500);
    long before = shardTicks();
    TimeUnit.MILLISECONDS.sleep(1500);
    assertThat(shardTicks() - before).isLessThanOrEqualTo(1);
    clients.forEach(WireClient::close);
  }

  /** Processor time of the shards' threads, in the kernel's ticks of 10 ms. */
  private static long shardTicks() throws IOException {
    long ticks = 0;
    int shards = 0;
    try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
      for (Path thread : threads) {
        String stat = Files.readString(thread.resolve("stat"));
        if (stat.contains("(tuff-shard-")) {
          String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
          shards++;
          ticks += Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
        }
      }
    }
    assertThat(shards).isEqualTo(2);
    return ticks;
  }

  // ---------------------------------------------------------------- stop

  @Test
  void aStopAnswersWhatIsUnderWayAndRefusesTheRest() throws Exception {
    WireClient idle = rig.go("v", Style.STRUCTURED);
    WireClient negotiating = rig.connect().greet();
    WireClient busy = rig.go("v", Style.STRUCTURED);
    Set<Long> asked = new HashSet<>();
    for (int i = 0; i < 30; i++) {
      asked.add(busy.request(Nbd.CMD_FLAG_FUA, i * 300_000L, new byte[300_000]));
    }
    Thread stopping = new Thread(() -> rig.server.stop(10));
    // The half-sent request keeps the connection, and what comes after the stop is refused.
    busy.send(busy.header(0, Nbd.CMD_WRITE, 0x77, 0, 100_000)).send(new byte[50_000]);
    TimeUnit.MILLISECONDS.sleep(100);
    stopping.start();
    idle.expectEnd();
    negotiating.expectEnd();
    assertThat(Files.exists(rig.socket)).isFalse();
    busy.send(new byte[50_000]);
    asked.add(0x77L);
    long refused = -1;
    try {
      refused = busy.request(0, Nbd.CMD_READ, 0, 512);
    } catch (java.io.UncheckedIOException e) {
      // It was quicker.
      assertThat(e).hasMessageContaining("Broken pipe");
    }
    while (!asked.isEmpty()) {
      Chunk reply = busy.chunk(0);
      if (reply.cookie() == refused) {
        assertThat(reply.errorCode()).isEqualTo(Nbd.ESHUTDOWN);
      } else {
        assertThat(reply.errorCode()).isZero();
        assertThat(asked.remove(reply.cookie())).isTrue();
      }
    }
    busy.close();
    idle.close();
    negotiating.close();
    stopping.join();
  }

  @Test
  void requestsAfterAStopAreRefusedAsShuttingDown() throws Exception {
    WireClient client = rig.go("v", Style.SIMPLE);
    // The write is not whole yet, so the connection stays.
    client.send(client.header(0, Nbd.CMD_WRITE, 1, 0, 1000)).send(new byte[500]);
    TimeUnit.MILLISECONDS.sleep(100);
    Thread stopping = new Thread(() -> rig.server.stop(10));
    stopping.start();
    TimeUnit.MILLISECONDS.sleep(300);
    client.send(new byte[500]);
    // In the same breath, before the connection is found to be through.
    client.send(client.header(0, Nbd.CMD_READ, 2, 0, 512));
    for (int i = 0; i < 2; i++) {
      Chunk reply = client.chunk(0);
      assertThat(reply.errorCode()).isEqualTo(reply.cookie() == 1 ? 0 : Nbd.ESHUTDOWN);
    }
    client.close();
    stopping.join();
  }

  /** Whoever speaks up at once after a stop is told of it, and not just left. */
  @Test
  void aStopIsToldToIdleClientsThatAsk() throws Exception {
    try (WireClient idle = rig.go("v", Style.STRUCTURED);
        WireClient negotiating = rig.connect().greet()) {
      negotiating.option(Nbd.OPT_LIST, new byte[0]);
      Thread stopping = new Thread(() -> rig.server.stop(10));
      long began = System.nanoTime();
      stopping.start();
      while (Files.exists(rig.socket)) {
        Thread.onSpinWait();
      }
      TimeUnit.MILLISECONDS.sleep(100);
      assertThat(idle.readError(0, 0, 512)).isEqualTo(Nbd.ESHUTDOWN);
      assertThat(idle.write(0, 0, new byte[512])).isEqualTo(Nbd.ESHUTDOWN);
      assertThat(negotiating.optionType(Nbd.OPT_GO, WireClient.infoData("v")))
          .isEqualTo(Nbd.REP_ERR_SHUTDOWN);
      assertThat(negotiating.optionType(Nbd.OPT_ABORT, new byte[0])).isEqualTo(Nbd.REP_ACK);
      negotiating.expectEnd();
      idle.expectEnd();
      stopping.join();
      assertThat((System.nanoTime() - began) / 1e9).isBetween(0.9, 5.0);
    }
  }

  @Test
  void anExportThatIsRemovedBreaksItsClientsOff() {
    try (WireClient on = rig.go("odd", Style.SIMPLE);
        WireClient other = rig.go("v", Style.SIMPLE)) {
      Export removed = rig.exports.remove("odd");
      assertThat(on.readData(0, 0, 1)).hasSize(1);
      rig.server.disconnect(removed);
      on.expectEnd();
      assertThat(other.readData(0, 0, 1)).hasSize(1);
    }
  }

  @Test
  void connectionsAreListed() {
    try (WireClient one = rig.go("v", Style.SIMPLE);
        WireClient two = rig.connect()) {
      one.write(0, 0, new byte[1000]);
      one.readData(0, 0, 300);
      two.read(18);
      List<ConnectionInfo> infos = rig.server.connections();
      assertThat(infos).hasSize(2);
      assertThat(infos.getFirst().export()).isEqualTo("v");
      assertThat(infos.getFirst().peer()).isEqualTo("unix");
      assertThat(infos.getFirst().requests()).isEqualTo(2);
      assertThat(infos.getFirst().writtenBytes()).isEqualTo(1000);
      assertThat(infos.getFirst().readBytes()).isEqualTo(300);
      assertThat(infos.getLast().state()).isEqualTo("negotiates");
    }
    try (WireClient tcp = WireClient.connect(rig.tcp)) {
      tcp.read(18);
      assertThat(rig.server.connections().getLast().peer()).startsWith("127.0.0.1:");
    }
  }
}
