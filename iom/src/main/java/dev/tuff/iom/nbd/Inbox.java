package dev.tuff.iom.nbd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What was received and is not consumed yet, in memory of its connection. One thread. */
final class Inbox {
  private final MemorySegment memory;
  private final int capacity;
  private int head;
  private int tail;

  Inbox(Arena arena, int capacity) {
    this.capacity = capacity;
    this.memory = arena.allocate(capacity, 64);
  }

  MemorySegment memory() {
    return memory;
  }

  int available() {
    return tail - head;
  }

  /** Where the next byte goes. */
  int tail() {
    return tail;
  }

  /** Bytes that fit behind {@link #tail}. */
  int room() {
    return capacity - tail;
  }

  /** Makes all free space room. */
  void compact() {
    if (head == tail) {
      head = 0;
      tail = 0;
    } else if (head > 0) {
      MemorySegment.copy(memory, head, memory, 0, tail - head);
      tail -= head;
      head = 0;
    }
  }

  /** Notes bytes that were put behind {@link #tail}. */
  void received(int bytes) {
    tail += bytes;
  }

  void skip(int bytes) {
    head += bytes;
  }

  /** Forgets everything. */
  void clear() {
    head = 0;
    tail = 0;
  }

  int shortAt(int offset) {
    return Short.toUnsignedInt(memory.get(Nbd.SHORT, head + offset));
  }

  int intAt(int offset) {
    return memory.get(Nbd.INT, head + offset);
  }

  long longAt(int offset) {
    return memory.get(Nbd.LONG, head + offset);
  }

  /** Moves bytes out. */
  void take(byte[] target, int offset, int bytes) {
    MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, head, target, offset, bytes);
    head += bytes;
  }

  /** Moves bytes out. */
  void take(MemorySegment target, long offset, int bytes) {
    MemorySegment.copy(memory, head, target, offset, bytes);
    head += bytes;
  }
}
