package dev.tuff.tools;

import dev.tuff.iom.array.Array;
import dev.tuff.iom.array.ArrayException;
import java.util.List;

/** Takes drives out of service one after the other while something else goes on. */
final class DriveFailures implements AutoCloseable {
  private final Array array;
  private final List<Integer> drives;
  private final double seconds;
  private final Thread thread;
  private volatile ArrayException refusal;

  /** Begins: the first after a third of {@code seconds}, each other after half of what is left. */
  DriveFailures(Array array, List<Integer> drives, double seconds) {
    this.array = array;
    this.drives = List.copyOf(drives);
    this.seconds = seconds;
    this.thread = Thread.ofPlatform().name("tuff-drive-failures").daemon(true).start(this::run);
  }

  private void run() {
    double left = seconds;
    double wait = seconds / 3;
    try {
      for (int drive : drives) {
        Thread.sleep((long) (wait * 1000));
        left -= wait;
        wait = left / 2;
        array.failDrive(drive);
      }
    } catch (ArrayException e) {
      refusal = e;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Waits until all are out. */
  void await() {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (refusal != null) {
      throw refusal;
    }
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
