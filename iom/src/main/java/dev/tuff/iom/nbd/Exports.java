package dev.tuff.iom.nbd;

import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;

/** What a server exports, by name. May change while it runs. Any thread. */
public final class Exports {
  /** Exports of one server at most, so that a list of them stays short. */
  public static final int MAX_EXPORTS = 1024;

  private final ConcurrentSkipListMap<String, Export> byName = new ConcurrentSkipListMap<>();

  /** None yet. */
  public Exports() {}

  /** Adds one; false when the name is taken, or there are {@link #MAX_EXPORTS} already. */
  public synchronized boolean add(Export export) {
    return byName.size() < MAX_EXPORTS && byName.putIfAbsent(export.name(), export) == null;
  }

  /** Takes one away and returns it, or null. Connections that have it keep it. */
  public Export remove(String name) {
    return byName.remove(name);
  }

  /** The export of that name, or null. */
  public Export get(String name) {
    return byName.get(name);
  }

  /** All, in the order of their names. */
  public List<Export> all() {
    return List.copyOf(byName.values());
  }

  /**
   * What a client means: the empty name is the only export, where there is but one. Null when there
   * is none.
   */
  Export find(String asked) {
    if (asked.isEmpty()) {
      List<Export> all = all();
      return all.size() == 1 ? all.getFirst() : null;
    }
    return byName.get(asked);
  }
}
