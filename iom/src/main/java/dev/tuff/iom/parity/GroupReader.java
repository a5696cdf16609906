package dev.tuff.iom.parity;

/** Someone who must read a group while no generation of it is open. */
public interface GroupReader {
  long gfid();

  long lblk();

  int count();

  /** The group is quiet until {@link ParitySide#doneReading}. */
  void onQuiet();
}
