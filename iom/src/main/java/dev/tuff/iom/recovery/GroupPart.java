package dev.tuff.iom.recovery;

import dev.tuff.device.IoBuffer;

/**
 * What one drive has of a group: a data member's or a parity's newest version, and the older one
 * while an update or generation is pending. With the drive's IOM while it is read, else with {@link
 * Recovery}.
 */
final class GroupPart {
  /** One version of a block. */
  static final class Version {
    long address;
    long id;
    int crc;

    /** It is on the drive as it should be. */
    boolean durable;

    /** Its content when it is durable. */
    IoBuffer buffer;

    void set(long newAddress, long newId, int newCrc) {
      address = newAddress;
      id = newId;
      crc = newCrc;
    }
  }

  final Place place;
  final int drive;

  /** Which parity, or -1 for a data member. */
  final int parity;

  final Version newest = new Version();
  final Version older = new Version();
  boolean pending;

  // Of parities: the members' versions that each is made of.
  long[] newestMembers;
  int[] newestMemberCrcs;
  long[] olderMembers;
  int[] olderMemberCrcs;

  GroupPart(Place place, int drive, int parity) {
    this.place = place;
    this.drive = drive;
    this.parity = parity;
  }

  boolean isParity() {
    return parity >= 0;
  }

  /** The version that {@code id} wrote, newest or older. */
  Version byId(long id) {
    return newest.id == id || !pending ? newest : older;
  }
}
