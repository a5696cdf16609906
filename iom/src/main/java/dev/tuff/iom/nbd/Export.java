package dev.tuff.iom.nbd;

import dev.tuff.iom.volume.Volume;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A volume under the name by which clients ask for it. Any thread.
 *
 * <p>It counts the connections in transmission, which may be limited: most file systems bear one
 * machine at a time.
 */
public final class Export {
  /** Longest name in bytes, as the protocol has it. */
  public static final int MAX_NAME_BYTES = Nbd.MAX_STRING_BYTES;

  /** Longest description in bytes. */
  public static final int MAX_DESCRIPTION_BYTES = 256;

  private final String name;
  private final String description;
  private final Volume volume;
  private final boolean readOnly;
  private final int maxClients;
  private final AtomicInteger clients = new AtomicInteger();

  /**
   * @param name what clients ask for: 1 to {@link #MAX_NAME_BYTES} bytes
   * @param description for people, may be empty
   * @param readOnly whether clients may only read; of an array that is read-only they may not more
   * @param maxClients connections at a time, 0 for no limit; a client may open several
   */
  public Export(String name, String description, Volume volume, boolean readOnly, int maxClients) {
    int bytes = name.getBytes(StandardCharsets.UTF_8).length;
    if (bytes < 1 || bytes > MAX_NAME_BYTES || name.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          "An export's name has 1 to "
              + MAX_NAME_BYTES
              + " bytes and no zero byte; this one has "
              + bytes
              + ".");
    }
    if (description.getBytes(StandardCharsets.UTF_8).length > MAX_DESCRIPTION_BYTES
        || description.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          "An export's description has up to " + MAX_DESCRIPTION_BYTES + " bytes.");
    }
    if (maxClients < 0) {
      throw new IllegalArgumentException("A limit of " + maxClients + " clients is not possible.");
    }
    this.name = name;
    this.description = description;
    this.volume = volume;
    this.readOnly = readOnly || volume.readOnly();
    this.maxClients = maxClients;
  }

  public String name() {
    return name;
  }

  public String description() {
    return description;
  }

  public Volume volume() {
    return volume;
  }

  public boolean readOnly() {
    return readOnly;
  }

  /** Connections at a time; 0: no limit. */
  public int maxClients() {
    return maxClients;
  }

  /** Connections that are in transmission now. */
  public int clients() {
    return clients.get();
  }

  /** Counts one more connection; false when the limit is reached. */
  boolean enter() {
    while (true) {
      int now = clients.get();
      if (maxClients > 0 && now >= maxClients) {
        return false;
      }
      if (clients.compareAndSet(now, now + 1)) {
        return true;
      }
    }
  }

  void leave() {
    clients.decrementAndGet();
  }

  int transmissionFlags(boolean structured) {
    int flags =
        Nbd.FLAG_HAS_FLAGS
            | Nbd.FLAG_SEND_FLUSH
            | Nbd.FLAG_SEND_FUA
            | Nbd.FLAG_CAN_MULTI_CONN
            | Nbd.FLAG_SEND_CACHE;
    flags |=
        readOnly
            ? Nbd.FLAG_READ_ONLY
            : Nbd.FLAG_SEND_TRIM | Nbd.FLAG_SEND_WRITE_ZEROES | Nbd.FLAG_SEND_FAST_ZERO;
    return structured ? flags | Nbd.FLAG_SEND_DF : flags;
  }
}
