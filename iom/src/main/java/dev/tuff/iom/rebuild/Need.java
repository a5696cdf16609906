package dev.tuff.iom.rebuild;

/** What is asked of a drive that is being rebuilt, of some blocks. */
enum Need {
  NOTHING(0),
  /** Each has an entry, or is known never to have been written; that is hardened. */
  HARDENED(1),
  /** Likewise, but hardened only when what this drive journals next is. */
  MAPPED(2),
  /** As MAPPED, unless none has an entry and none is being made: then nothing is done. */
  IF_ANY(3);

  private static final Need[] ALL = values();

  /** What stands for it in a message. */
  final int number;

  Need(int number) {
    this.number = number;
  }

  static Need of(long number) {
    return ALL[(int) number];
  }
}
