package dev.tuff.iom.recovery;

import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.layout.Layout;
import dev.tuff.xor.Crc32c;
import dev.tuff.xor.ErasureCode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Settles one group: asks the drives what they have of it, lets {@link Settlement} decide, and has
 * parities made again where the decision says so. On the coordinating shard.
 */
final class GroupRecovery {
  private final Recovery recovery;
  private final Place place;
  private final Layout layout;
  private final ErasureCode code;
  private final int n;
  private final int k;
  private final GroupPart[] parts;
  private final Settlement settlement;
  private final MemorySegment[] content;
  private int owed;

  GroupRecovery(Recovery recovery, Place place, Layout layout, ErasureCode code) {
    this.recovery = recovery;
    this.place = place;
    this.layout = layout;
    this.code = code;
    this.n = code.n();
    this.k = code.k();
    this.parts = new GroupPart[n + k];
    this.content = new MemorySegment[n + k];
    this.settlement = new Settlement(n, k);
  }

  void start() {
    long row = place.lblk() / layout.chunkBlocks();
    for (int m = 0; m < n + k; m++) {
      int drive = layout.drive(row, m);
      if (recovery.present(drive)) {
        parts[m] = new GroupPart(place, drive, m - n);
        owed++;
      }
    }
    for (GroupPart part : parts) {
      if (part != null) {
        recovery.ask(part.drive, iom -> iom.read(part, () -> recovery.answer(this::onPart)));
      }
    }
  }

  private void onPart() {
    if (--owed > 0) {
      return;
    }
    for (int m = 0; m < n + k; m++) {
      if (parts[m] != null && parts[m].notRebuilt) {
        parts[m] = null;
      }
    }
    settlement.clear();
    for (int m = 0; m < n; m++) {
      putMember(m);
    }
    for (int p = 0; p < k; p++) {
      putParity(p);
    }
    settlement.decide();
    recovery.counts().groups++;
    recovery.counts().lostGroups += settlement.lost() ? 1 : 0;
    owed = 1;
    settleMembers();
    settleParities();
    onSettled();
  }

  private void putMember(int m) {
    GroupPart part = parts[m];
    if (part == null) {
      return;
    }
    GroupPart.Version newest = part.versions.getFirst();
    if (part.versions.size() > 1) {
      GroupPart.Version older = part.versions.get(1);
      settlement.member(m, newest.id, newest.durable, older.id, older.durable);
    } else {
      settlement.member(m, newest.id, newest.durable);
    }
  }

  private void putParity(int p) {
    if (parts[n + p] != null) {
      for (GroupPart.Version version : parts[n + p].versions) {
        settlement.parity(p, version.durable, version.parity.members);
      }
    }
  }

  private void settleMembers() {
    for (int m = 0; m < n; m++) {
      switch (settlement.memberFate(m)) {
        case GONE, ROLL_FORWARD -> {}
        case DAMAGED -> recovery.counts().damagedBlocks++;
        case DAMAGED_OLDER -> {
          recovery.counts().damagedBlocks++;
          tell(parts[m], iom -> iom.rollBack(place));
        }
        case ROLL_BACK -> tell(parts[m], iom -> iom.rollBack(place));
      }
    }
  }

  private void settleParities() {
    boolean made = false;
    for (int p = 0; p < k; p++) {
      GroupPart part = parts[n + p];
      switch (settlement.parityFate(p)) {
        case GONE, ROLL_FORWARD -> {}
        case ROLL_BACK, LEAVE -> {
          int choice = settlement.parityChoice(p);
          tell(part, iom -> iom.chooseParity(place, choice));
        }
        case REMAKE -> {
          made = made || makeMembers();
          if (made) {
            remake(p);
          } else {
            recovery.counts().lostGroups++;
          }
        }
      }
    }
  }

  private void tell(GroupPart part, Recovery.Task task) {
    owed++;
    recovery.ask(
        part.drive,
        iom -> {
          task.run(iom);
          recovery.answer(this::onSettled);
        });
  }

  /** Brings together what every member holds in the version that counts. */
  private boolean makeMembers() {
    for (int m = 0; m < n; m++) {
      content[m] =
          (settlement.unknown() >>> m & 1) != 0 ? block() : inVersion(m, settlement.version(m));
    }
    return settlement.unknown() == 0 || makeUnknown();
  }

  private MemorySegment inVersion(int m, long id) {
    return parts[m].byId(id).buffer.segment();
  }

  /**
   * Members that can't be read, from parities. A parity that holds another version of some member
   * than the one that counts is first brought to it by the difference of the two.
   */
  private boolean makeUnknown() {
    long have = ~settlement.unknown() & ((1L << n) - 1);
    for (int p = 0; p < k && Long.bitCount(have) < n; p++) {
      if (settlement.helps(p)) {
        content[n + p] = broughtUpToDate(p);
        have |= 1L << (n + p);
      }
    }
    code.reconstruct(have, settlement.unknown(), content, new long[n + k], Drive.BLOCK_BYTES);
    for (int m = 0; m < n; m++) {
      boolean made = (settlement.unknown() >>> m & 1) != 0 && settlement.version(m) != 0;
      if (made && Crc32c.of(content[m], 0, Drive.BLOCK_BYTES) != crcOf(m)) {
        return false;
      }
    }
    return true;
  }

  private MemorySegment broughtUpToDate(int p) {
    GroupPart.Version base = parts[n + p].versions.get(settlement.helperVersion(p));
    MemorySegment result = block();
    MemorySegment.copy(base.buffer.segment(), 0, result, 0, Drive.BLOCK_BYTES);
    MemorySegment delta = block();
    for (int m = 0; m < n; m++) {
      long held = settlement.helperMember(p, m);
      if ((settlement.unknown() >>> m & 1) == 0 && held != settlement.version(m)) {
        MemorySegment.copy(inVersion(m, held), 0, delta, 0, Drive.BLOCK_BYTES);
        code.delta(delta, 0, content[m], 0, Drive.BLOCK_BYTES);
        code.apply(p, m, result, 0, delta, 0, Drive.BLOCK_BYTES);
      }
    }
    return result;
  }

  private int crcOf(int m) {
    if (parts[m] != null) {
      return parts[m].byId(settlement.version(m)).crc;
    }
    for (int p = 0; p < k; p++) {
      if (settlement.helps(p)) {
        GroupPart.Version base = parts[n + p].versions.get(settlement.helperVersion(p));
        return base.parity.memberCrcs[m];
      }
    }
    return 0;
  }

  /** True when the version of a member that counts is a discard. */
  private boolean discarded(int m) {
    if (settlement.version(m) == 0) {
      return false;
    }
    if (parts[m] != null) {
      return parts[m].byId(settlement.version(m)).address == 0;
    }
    for (int p = 0; p < k; p++) {
      if (settlement.helps(p)) {
        GroupPart.Version base = parts[n + p].versions.get(settlement.helperVersion(p));
        return (base.parity.discarded >>> m & 1) != 0;
      }
    }
    return false;
  }

  private void remake(int p) {
    GroupPart part = parts[n + p];
    MemorySegment made = block();
    code.encodeOne(p, content, new long[n + k], made, 0, Drive.BLOCK_BYTES);
    long[] members = new long[n];
    int[] crcs = new int[n];
    int gone = 0;
    for (int m = 0; m < n; m++) {
      members[m] = settlement.version(m);
      crcs[m] = members[m] == 0 ? 0 : crcOf(m);
      gone |= discarded(m) ? 1 << m : 0;
    }
    int discarded = gone;
    owed++;
    recovery.ask(
        part.drive,
        iom ->
            iom.remake(
                part, made, members, crcs, discarded, () -> recovery.answer(this::onSettled)));
  }

  private static MemorySegment block() {
    return Arena.ofAuto().allocate(Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
  }

  private void onSettled() {
    if (--owed > 0) {
      return;
    }
    for (GroupPart part : parts) {
      if (part != null) {
        recovery.ask(part.drive, iom -> iom.release(part));
      }
    }
    recovery.onGroupSettled();
  }
}
