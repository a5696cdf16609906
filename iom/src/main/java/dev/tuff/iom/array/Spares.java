package dev.tuff.iom.array;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Drives that wait to take the place of one that fails, and the thread that lets them in: an array
 * that has lost a drive goes on without it first, and then with the spare, which is rebuilt.
 */
final class Spares {
  private final Array array;
  private final List<Path> spares;
  private final AssembleOptions.DriveListener listener;
  private Thread thread;
  private boolean stopped;

  Spares(Array array, List<Path> spares, AssembleOptions.DriveListener listener) {
    this.array = array;
    this.spares = new ArrayList<>(spares);
    this.listener = listener;
  }

  /** A drive may be missing now; any thread. */
  synchronized void look() {
    if (!stopped && thread == null && !spares.isEmpty()) {
      thread = Thread.ofPlatform().name("tuff-spares").daemon(true).start(this::run);
    }
  }

  private void run() {
    while (true) {
      int index = array.firstMissing();
      Path spare;
      synchronized (this) {
        if (stopped || index < 0 || spares.isEmpty() || array.failure() != null) {
          thread = null;
          return;
        }
        spare = spares.removeFirst();
      }
      try {
        array.replaceInService(new Replacement(index, spare, false, false, false));
        listener.onTaken(index, spare);
      } catch (ArrayException refused) {
        listener.onRefused(spare, refused.getMessage());
      }
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
