package dev.tuff.iom.journal;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;

/** An entry with random content that notes when it is hardened. */
final class TestEntry extends JournalEntry {
  final int type;
  final byte[] body;
  private final List<Long> hardened;

  TestEntry(int type, byte[] body, List<Long> hardened) {
    this.type = type;
    this.body = body;
    this.hardened = hardened;
  }

  static TestEntry random(Random random, int maxBytes, List<Long> hardened) {
    byte[] body = new byte[random.nextInt(maxBytes + 1)];
    random.nextBytes(body);
    return new TestEntry(1 + random.nextInt(2), body, hardened);
  }

  @Override
  protected int bodyBytes() {
    return body.length;
  }

  @Override
  protected int type() {
    return type;
  }

  @Override
  protected void encode(MemorySegment segment, long offset) {
    MemorySegment.copy(body, 0, segment, JournalFormat.BYTE, offset, body.length);
  }

  @Override
  protected void onJournalHardened() {
    hardened.add(id());
  }
}
