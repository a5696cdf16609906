package dev.tuff.iom.array;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What is done about a drive that is missing, and the thread that does it: an array that has lost a
 * drive goes on without it first, then with a spare, which is rebuilt. Where there is none, or no
 * more, the other drives take over what it had, if they have room.
 */
final class Spares {
  private final Array array;
  private final List<Path> spares;
  private final boolean takeOver;
  private final AssembleOptions.DriveListener listener;
  private String lastRefusal = "";
  private String refusedFor = "";
  private Thread thread;
  private boolean stopped;

  Spares(Array array, List<Path> spares, boolean takeOver, AssembleOptions.DriveListener listener) {
    this.array = array;
    this.spares = new ArrayList<>(spares);
    this.takeOver = takeOver;
    this.listener = listener;
  }

  /** A drive may be missing now, or others may have room for what it had; any thread. */
  synchronized void look() {
    if (!stopped && thread == null && (takeOver || !spares.isEmpty())) {
      thread = Thread.ofPlatform().name("tuff-spares").daemon(true).start(this::run);
    }
  }

  private void run() {
    boolean more = true;
    while (more) {
      int index = array.firstMissing();
      Path spare;
      synchronized (this) {
        if (stopped || index < 0 || array.failure() != null) {
          thread = null;
          return;
        }
        spare = spares.isEmpty() ? null : spares.removeFirst();
      }
      if (spare != null) {
        letIn(index, spare);
      } else {
        more = takeOver && letOthersTakeOver(index);
      }
    }
    synchronized (this) {
      thread = null;
    }
  }

  private void letIn(int index, Path spare) {
    try {
      array.replaceInService(new Replacement(index, spare, false, false, false));
      listener.onTaken(index, spare);
    } catch (ArrayException refused) {
      listener.onRefused(spare, refused.getMessage());
    }
  }

  /**
   * False when they can't; each reason is told once. To ask costs a pause, after which the array
   * serves again, which leads here again: so not twice for the same.
   */
  private boolean letOthersTakeOver(int index) {
    String asked = array.wholeDrives();
    if (asked.equals(refusedFor)) {
      return false;
    }
    try {
      array.takeOver(index);
      lastRefusal = "";
      refusedFor = "";
      listener.onTakingOver(index);
      return true;
    } catch (ArrayException refused) {
      refusedFor = asked;
      if (!refused.getMessage().equals(lastRefusal)) {
        lastRefusal = refused.getMessage();
        listener.onNotTakenOver(index, lastRefusal);
      }
      return false;
    }
  }

  /** Those that still wait. */
  synchronized List<Path> waiting() {
    return List.copyOf(spares);
  }

  /** None is let in any more; waits for the one that is on its way. */
  void close() {
    Thread running;
    synchronized (this) {
      stopped = true;
      running = thread;
    }
    if (running != null) {
      try {
        running.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
