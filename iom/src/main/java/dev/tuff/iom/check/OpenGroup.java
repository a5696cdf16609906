package dev.tuff.iom.check;

import dev.tuff.iom.check.JournalWindow.DataChange;
import dev.tuff.iom.check.JournalWindow.Member;
import dev.tuff.iom.check.JournalWindow.Merged;
import dev.tuff.iom.check.JournalWindow.ParityChange;
import dev.tuff.iom.check.JournalWindow.Place;
import dev.tuff.iom.check.JournalWindow.Rebuilt;
import dev.tuff.iom.check.JournalWindow.Version;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.layout.Layout;
import dev.tuff.xor.Crc32c;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Checks a group of which journals tell: the newest version of each block is the journal's, and
 * what was under way when the array stopped may be on the drives or not. That it can be settled is
 * what is checked: that each block has its newest version or, while that is open, the one before
 * it, and that by the rules of recovery each parity goes with its members, and gives each of them
 * back if its drive is lost.
 *
 * <p>Blocks are read one by one: there are few of these groups.
 */
final class OpenGroup {
  private record Where(int drive, long address) {}

  /** What a parity block says of a member. */
  private record MemberVersion(long id, int crc, boolean discarded) {}

  /** One version of a parity block and of which members' versions it is made. */
  private record ParityVersion(Version version, List<MemberVersion> members) {}

  private static final class Data {
    /** Its drive is missing, or its map is damaged. */
    boolean unknown;

    Version newest = Version.NONE;

    /** The newest update while it stands in the journal, else null. */
    DataChange last;

    boolean closed;
    boolean damaged;

    /** The newest version or the one before it; null when {@code id} is neither. */
    Version byId(long id) {
      if (newest.id() == id) {
        return newest;
      }
      return last != null && last.before().id() == id ? last.before() : null;
    }
  }

  private static final class Parity {
    boolean unknown;
    ParityVersion newest;
    ParityVersion before;
    ParityChange last;
    boolean closed;
    boolean damaged;
  }

  private final CheckedDrive[] drives;
  private final Arena arena;
  private final Witness witness;
  private final Tally tally;
  private final MemorySegment zeros;
  private final List<MemorySegment> scratch = new ArrayList<>();
  private final Map<Where, MemorySegment> contents = new HashMap<>();
  private int scratchUsed;

  private CheckedObject object;
  private Layout layout;
  private long lblk;
  private long row;
  private int n;
  private int k;
  private Data[] data;
  private Parity[] parities;

  OpenGroup(CheckedDrive[] drives, Arena arena, Witness witness, Tally tally) {
    this.drives = drives;
    this.arena = arena;
    this.witness = witness;
    this.tally = tally;
    this.zeros = arena.allocate(Drive.BLOCK_BYTES, Drive.BLOCK_BYTES);
  }

  /** Checks the group at {@code groupLblk}, whose map entries the steps have at {@code slot}. */
  void check(CheckedObject checked, long groupLblk, DriveStep[] steps, int slot) {
    object = checked;
    layout = checked.layout;
    lblk = groupLblk;
    row = lblk / layout.chunkBlocks();
    n = layout.dataMembers();
    k = layout.parityMembers();
    scratchUsed = 0;
    contents.clear();
    tally.groups++;
    data = new Data[n];
    parities = new Parity[k];
    for (int m = 0; m < n; m++) {
      data[m] = resolveData(m, steps[driveOf(m)], slot);
    }
    for (int p = 0; p < k; p++) {
      parities[p] = resolveParity(p, steps[driveOf(n + p)], slot);
    }
    for (int m = 0; m < n; m++) {
      if (!data[m].unknown) {
        checkMember(m);
      }
    }
    for (int p = 0; p < k; p++) {
      if (!parities[p].unknown) {
        checkParity(p);
      }
    }
    for (int m = 0; m < n; m++) {
      reportMember(m);
    }
    for (int p = 0; p < k; p++) {
      reportParity(p);
    }
  }

  private int driveOf(int member) {
    return layout.drive(row, member);
  }

  private CheckedDrive drive(int member) {
    return drives[driveOf(member)];
  }

  private String name(int member) {
    return object.name(lblk, member);
  }

  // ---- which versions there are

  private Data resolveData(int member, DriveStep step, int slot) {
    Data block = new Data();
    if (unknown(step, slot)) {
      block.unknown = true;
      return block;
    }
    Version mapped = mapped(step, slot, new Place(object.gfid, lblk));
    block.newest = mapped;
    for (DataChange change : step.drive.journal.data(new Place(object.gfid, lblk))) {
      long id = change.now().id();
      if (id < mapped.id()) {
        continue;
      }
      boolean follows =
          id == mapped.id()
              ? change.now().equals(mapped)
              : change.before().id() == block.newest.id();
      if (!follows) {
        step.drive.find(
            "%s: mj %d follows mj %d, and the version before it has mj %d"
                .formatted(name(member), id, change.before().id(), block.newest.id()));
      }
      block.newest = change.now();
      block.last = change;
    }
    block.closed = block.last == null || step.drive.journal.closed(block.last.now().id());
    return block;
  }

  /**
   * Of a drive that is being rebuilt, and no entry about the block was there before its journal's.
   */
  private boolean unknown(DriveStep step, int slot) {
    return step == null
        || step.state(slot) == DriveStep.State.UNKNOWN
        || (step.state(slot) == DriveStep.State.NOT_REBUILT
            && !step.drive.journal.tells(new Place(object.gfid, lblk)));
  }

  private static Version mapped(DriveStep step, int slot, Place place) {
    if (step.address(slot) == 0) {
      Rebuilt rebuilt = step.drive.journal.rebuilt(place);
      return rebuilt == null
          ? step.id(slot) == 0 ? Version.NONE : new Version(step.id(slot), 0, step.crc(slot))
          : step.drive.journal.whereNow(place, rebuilt.version());
    }
    step.drive.replace(step.address(slot));
    return step.drive.journal.whereNow(
        place, new Version(step.id(slot), step.address(slot), step.crc(slot)));
  }

  private Parity resolveParity(int p, DriveStep step, int slot) {
    Parity block = new Parity();
    if (unknown(step, slot)) {
      block.unknown = true;
      return block;
    }
    Version mapped = mapped(step, slot, new Place(object.gfid, lblk));
    List<MemberVersion> members = new ArrayList<>();
    Rebuilt rebuilt =
        step.address(slot) == 0 ? step.drive.journal.rebuilt(new Place(object.gfid, lblk)) : null;
    for (int m = 0; m < n; m++) {
      members.add(
          rebuilt == null
              ? new MemberVersion(
                  step.memberId(slot, m), step.memberCrc(slot, m), step.memberDiscarded(slot, m))
              : member(rebuilt.members(), m));
    }
    block.newest = new ParityVersion(mapped, members);
    for (ParityChange change : step.drive.journal.parity(new Place(object.gfid, lblk))) {
      if (change.now().id() >= mapped.id()) {
        apply(p, block, change, mapped, step.drive);
      }
    }
    block.closed = block.last == null || step.drive.journal.closed(block.last.now().id());
    return block;
  }

  private void apply(int p, Parity block, ParityChange change, Version mapped, CheckedDrive drive) {
    long id = change.now().id();
    if (id != mapped.id() && change.before().id() != block.newest.version().id()) {
      drive.find(
          "%s: pj %d follows pj %d, and the version before it has pj %d"
              .formatted(name(n + p), id, change.before().id(), block.newest.version().id()));
    }
    List<MemberVersion> now = new ArrayList<>(block.newest.members());
    List<MemberVersion> before = new ArrayList<>(block.newest.members());
    long merged = 0;
    for (Merged part : change.merged()) {
      if (part.member() >= n || (merged >>> part.member() & 1) != 0) {
        drive.find(
            "%s: pj %d merges member %d, which is not there or merged already"
                .formatted(name(n + p), id, part.member()));
        continue;
      }
      merged |= 1L << part.member();
      now.set(part.member(), new MemberVersion(part.id(), part.crc(), part.discards()));
      before.set(
          part.member(), new MemberVersion(part.oldId(), part.oldCrc(), part.oldDiscarded()));
    }
    block.newest = new ParityVersion(change.now(), now);
    block.before = new ParityVersion(change.before(), before);
    block.last = change;
  }

  private static MemberVersion member(List<Member> members, int m) {
    return m < members.size()
        ? new MemberVersion(members.get(m).id(), members.get(m).crc(), members.get(m).discarded())
        : new MemberVersion(0, 0, false);
  }

  // ---- data

  private void checkMember(int m) {
    Data block = data[m];
    CheckedDrive drive = drive(m);
    use(drive, block.newest.address(), m);
    if (witness != null) {
      witness.onBlock(object.gfid, lblk, m, block.newest.address());
    }
    MemorySegment content = content(drive, block.newest);
    if (content == null && !block.closed) {
      tally.openBlocks++;
      use(drive, block.last.before().address(), m);
      content = content(drive, block.last.before());
    }
    if (content == null) {
      block.damaged = true;
    } else if (witness != null) {
      judge(m, content, "on its own drive");
    }
  }

  private void judge(int member, MemorySegment content, String how) {
    String wrong = witness.wrong(object.gfid, object.volumeBlock(lblk, member), content);
    if (wrong != null) {
      tally.find(name(member) + " " + how + ": " + wrong);
    }
  }

  // ---- parity

  private void checkParity(int p) {
    Parity block = parities[p];
    CheckedDrive drive = drive(n + p);
    use(drive, block.newest.version().address(), n + p);
    if (witness != null) {
      witness.onBlock(object.gfid, lblk, n + p, block.newest.version().address());
    }
    boolean durable = content(drive, block.newest.version()) != null;
    if (durable && (block.closed || missingOf(block) == 0)) {
      checkVersion(p, block.newest);
    } else if (block.closed) {
      block.damaged = true;
    } else {
      tally.openParities++;
      use(drive, block.before.version().address(), n + p);
      checkVersion(p, block.before);
    }
    for (int m = 0; m < n && witness != null && !block.damaged; m++) {
      if (!anyLostBut(m)) {
        MemorySegment made = make(p, m);
        if (made == null) {
          drive.find(name(n + p) + " can't give " + name(m) + " back if its drive is lost");
        } else {
          judge(m, made, "with its drive lost, from parity " + p);
        }
      }
    }
  }

  private boolean anyLostBut(int member) {
    for (int m = 0; m < n; m++) {
      if (m != member && (data[m].unknown || data[m].damaged)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Members merged into the newest parity whose new version did not get to their drive. One whose
   * drive is gone, or that is damaged, is what the parity says.
   */
  private long missingOf(Parity block) {
    if (block.last == null) {
      return 0;
    }
    long missing = 0;
    for (int m = 0; m < n; m++) {
      boolean merged = (block.last.mergedMask() >>> m & 1) != 0;
      if (merged && !data[m].unknown) {
        Version version = data[m].byId(block.newest.members().get(m).id());
        // Damage in what the member was before says nothing of an update its drive never heard of.
        if (version == null || (!data[m].damaged && content(drive(m), version) == null)) {
          missing |= 1L << m;
        }
      }
    }
    return missing;
  }

  /** The parity is what its members' versions make, as far as these are there. */
  private void checkVersion(int p, ParityVersion parity) {
    CheckedDrive drive = drive(n + p);
    MemorySegment stored = content(drive, parity.version());
    if (stored == null) {
      parities[p].damaged = true;
      return;
    }
    MemorySegment[] members = new MemorySegment[n];
    boolean all = true;
    for (int m = 0; m < n; m++) {
      if (data[m].unknown) {
        all = false;
        continue;
      }
      MemberVersion named = parity.members().get(m);
      Version version = data[m].byId(named.id());
      members[m] = version == null ? null : content(drive(m), version);
      if (version == null || (members[m] == null && !data[m].damaged)) {
        all = false;
        drive.find(
            "%s is made with mj %d of %s, which is not on its drive"
                .formatted(name(n + p), named.id(), name(m)));
      } else if (members[m] == null) {
        all = false;
      } else if (version.id() != 0 && version.crc() != named.crc()) {
        drive.find(
            "%s knows %s by another checksum than its entry".formatted(name(n + p), name(m)));
      }
    }
    if (all) {
      MemorySegment made = block();
      object.code.encodeOne(p, members, new long[n], made, 0, Drive.BLOCK_BYTES);
      if (made.mismatch(stored) != -1) {
        tally.wrongParities++;
        drive.find(name(n + p) + " is not what its members make");
      }
    }
  }

  /**
   * A member as it would be read, or settled, with its drive lost, from one parity and the other
   * members; null when that can't be done.
   */
  private MemorySegment make(int p, int lost) {
    Parity block = parities[p];
    if (block.unknown) {
      return null;
    }
    CheckedDrive drive = drive(n + p);
    boolean forward =
        block.closed
            || (content(drive, block.newest.version()) != null
                && (missingOf(block) & ~(1L << lost)) == 0);
    ParityVersion parity = forward ? block.newest : block.before;
    MemorySegment[] group = new MemorySegment[n + k];
    group[n + p] = content(drive, parity.version());
    if (group[n + p] == null) {
      return null;
    }
    long present = 1L << (n + p);
    for (int m = 0; m < n; m++) {
      if (m != lost) {
        Version version = data[m].unknown ? null : data[m].byId(parity.members().get(m).id());
        group[m] = version == null ? null : content(drive(m), version);
        if (group[m] == null) {
          return null;
        }
        present |= 1L << m;
      }
    }
    group[lost] = block();
    object.code.reconstruct(present, 1L << lost, group, new long[n + k], Drive.BLOCK_BYTES);
    MemberVersion named = parity.members().get(lost);
    boolean right = named.id() == 0 || Crc32c.of(group[lost], 0, Drive.BLOCK_BYTES) == named.crc();
    return right ? group[lost] : null;
  }

  // ---- what is damaged or not to be found

  private void reportMember(int m) {
    Data block = data[m];
    if (!block.damaged && !(block.unknown && holds(m))) {
      return;
    }
    boolean again = false;
    for (int p = 0; p < k && !again; p++) {
      again = make(p, m) != null;
    }
    if (block.damaged) {
      reportDamaged(m, block.newest.address(), again);
    } else if (again) {
      tally.made++;
    } else {
      tally.lost++;
      tally.find(
          "%s is on drive %d, where it can't be found, and its group does not make it; it is lost"
              .formatted(name(m), driveOf(m)));
    }
  }

  /** A parity says that a member that is not to be found was written. */
  private boolean holds(int m) {
    for (Parity parity : parities) {
      MemberVersion member = parity.unknown ? null : parity.newest.members().get(m);
      if (member != null && member.id() != 0 && !member.discarded()) {
        return true;
      }
    }
    return false;
  }

  private void reportParity(int p) {
    if (!parities[p].damaged) {
      return;
    }
    boolean again = true;
    for (int m = 0; m < n; m++) {
      again &= !data[m].unknown && !data[m].damaged;
    }
    reportDamaged(n + p, parities[p].newest.version().address(), again);
  }

  private void reportDamaged(int member, long address, boolean again) {
    CheckedDrive drive = drive(member);
    drive.addDamagedBlock();
    tally.damaged(again);
    drive.find(
        "block %d (%s) has a wrong checksum or could not be read; %s"
            .formatted(
                address,
                name(member),
                again ? "its group makes it again" : "nothing makes it again, it is lost"));
  }

  // ---- reading

  private void use(CheckedDrive drive, long address, int member) {
    if (address != 0) {
      drive.use(address, () -> name(member));
    }
  }

  /** Memory for one block, until the next group's turn. */
  private MemorySegment block() {
    if (scratchUsed == scratch.size()) {
      scratch.add(arena.allocate(Drive.BLOCK_BYTES, Drive.BLOCK_BYTES));
    }
    return scratch.get(scratchUsed++);
  }

  /**
   * A version's content, zeros for what was never written, null when another one or none is there.
   * Good until the next group's turn.
   */
  private MemorySegment content(CheckedDrive drive, Version version) {
    if (version.address() == 0) {
      return zeros;
    }
    MemorySegment block =
        contents.computeIfAbsent(
            new Where(drive.index, version.address()),
            where -> {
              MemorySegment read = block();
              drive.reader.read(version.address(), 1, read);
              return read;
            });
    return Crc32c.of(block, 0, Drive.BLOCK_BYTES) == version.crc() ? block : null;
  }
}
