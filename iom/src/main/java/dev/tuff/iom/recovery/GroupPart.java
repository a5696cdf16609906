package dev.tuff.iom.recovery;

import dev.tuff.device.IoBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What one drive has of a group: all versions of a data member or parity that recovery may choose
 * from, the newest first. With the drive's IOM while it is read, else with {@link Recovery}.
 */
final class GroupPart {
  /** One version of a block; of parities also what it is made of. */
  static final class Version {
    final long address;
    final long id;
    final int crc;
    final ParityVersion parity;

    /** It is on the drive as it should be. */
    boolean durable;

    /** Its content when it is durable. */
    IoBuffer buffer;

    Version(long address, long id, int crc) {
      this.address = address;
      this.id = id;
      this.crc = crc;
      this.parity = null;
    }

    Version(ParityVersion parity) {
      this.address = parity.address;
      this.id = parity.id;
      this.crc = parity.crc;
      this.parity = parity;
    }
  }

  final Place place;
  final int drive;

  /** Which parity; below 0 for a data member. */
  final int parity;

  /**
   * The drive is being rebuilt and does not have the block yet: it counts as if the drive were
   * gone.
   */
  boolean notRebuilt;

  final List<Version> versions = new ArrayList<>(2);

  GroupPart(Place place, int drive, int parity) {
    this.place = place;
    this.drive = drive;
    this.parity = parity;
  }

  boolean isParity() {
    return parity >= 0;
  }

  /** The version that {@code id} wrote; the newest if none did. */
  Version byId(long id) {
    for (Version version : versions) {
      if (version.id == id) {
        return version;
      }
    }
    return versions.getFirst();
  }
}
