package dev.tuff.iom.recovery;

import dev.tuff.iom.runtime.Invariant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Decides what a group is after a crash: which version of each data member counts, and what becomes
 * of each parity. Knows nothing of drives and I/O; what was found is put in, the decision is read
 * out, and the same findings always give the same decision, so that a recovery that is itself cut
 * short comes to the same end. Source: the recovery table of figures 15A and 15B's protocol.
 *
 * <p>A version is named by the journal ID that wrote it; 0 is "never written", zeros.
 */
public final class Settlement {
  /** What becomes of a data member. A row for every case; the first that fits counts. */
  public enum MemberFate {
    /** Its drive is gone. Its version is what the parities say, see {@link #version}. */
    GONE,
    /** The newest version is on the drive: it counts, whatever the parities have of it. */
    ROLL_FORWARD,
    /**
     * A parity knows that the newest version was hardened once, or there is no older one to go back
     * to. It can't be read any more: that is damage, and made good from the group.
     */
    DAMAGED,
    /**
     * Neither version can be read: the newest never got to the drive, and the older one is damaged.
     * No parity that helps has the newest; the older one counts, and is made good from the group.
     */
    DAMAGED_OLDER,
    /**
     * The newest version never got to the drive, so nobody was told that it is hardened, and the
     * older one is still there.
     */
    ROLL_BACK
  }

  /** What becomes of a parity. A row for every case; the first that fits counts. */
  public enum ParityFate {
    /** Its drive is gone; it is rebuilt later. */
    GONE,
    /** The newest is on the drive and made of just the versions that count. */
    ROLL_FORWARD,
    /** An older one is on the drive and made of just the versions that count. */
    ROLL_BACK,
    /**
     * None is: some members of its generation count with their new version and some with their old,
     * or it never got to the drive. It is made again from the versions that count.
     */
    REMAKE,
    /** More is lost than the parities make up for: it stays what it is. */
    LEAVE
  }

  /** One version of a parity, and of which versions of the members it is made. */
  private static final class ParityVersion {
    final int index;
    final boolean durable;
    final long[] members;

    ParityVersion(int index, boolean durable, long[] members) {
      this.index = index;
      this.durable = durable;
      this.members = members;
    }
  }

  private final int n;
  private final int k;

  // What was found of the members.
  private final boolean[] present;
  private final boolean[] pending;
  private final long[] newId;
  private final boolean[] newDurable;
  private final long[] oldId;
  private final boolean[] oldDurable;

  // What was found of the parities: all versions of each, the newest first.
  private final List<List<ParityVersion>> parities = new ArrayList<>();

  // What is decided.
  private final MemberFate[] memberFate;
  private final long[] version;
  private final ParityFate[] parityFate;
  private final int[] choice;
  private final ParityVersion[] base;
  private long unknown;
  private boolean lost;

  /** For groups of {@code n} data members and {@code k} parities, one after the other. */
  public Settlement(int n, int k) {
    this.n = n;
    this.k = k;
    present = new boolean[n];
    pending = new boolean[n];
    newId = new long[n];
    newDurable = new boolean[n];
    oldId = new long[n];
    oldDurable = new boolean[n];
    for (int p = 0; p < k; p++) {
      parities.add(new ArrayList<>());
    }
    memberFate = new MemberFate[n];
    version = new long[n];
    parityFate = new ParityFate[k];
    choice = new int[k];
    base = new ParityVersion[k];
  }

  /** Forgets everything: all drives are gone until something is found on them. */
  public void clear() {
    Arrays.fill(present, false);
    parities.forEach(List::clear);
  }

  /** A member without an open update. */
  public void member(int m, long id, boolean durable) {
    present[m] = true;
    pending[m] = false;
    newId[m] = id;
    newDurable[m] = durable;
  }

  /** A member whose last update was not closed, as far as its own journal tells. */
  public void member(int m, long id, boolean durable, long olderId, boolean olderDurable) {
    member(m, id, durable);
    pending[m] = true;
    oldId[m] = olderId;
    oldDurable[m] = olderDurable;
  }

  /**
   * A version of a parity, and the versions of the members that it is made of: the newest first,
   * then what it was before its last generation, if that was not closed. Recovery that was cut
   * short may have added newer ones still. The last of them was closed.
   */
  public void parity(int p, boolean durable, long[] members) {
    List<ParityVersion> versions = parities.get(p);
    versions.add(new ParityVersion(versions.size(), durable, members.clone()));
  }

  /** Decides; then the answers below are good until {@link #clear}. */
  public void decide() {
    unknown = 0;
    for (int m = 0; m < n; m++) {
      memberFate[m] = fateOfMember(m);
      version[m] = memberFate[m] == MemberFate.ROLL_BACK ? oldId[m] : newId[m];
      if (memberFate[m] == MemberFate.GONE || memberFate[m] == MemberFate.DAMAGED) {
        unknown |= 1L << m;
      }
    }
    chooseForTheGone();
    if (lost) {
      chooseOlder();
    }
    for (int p = 0; p < k; p++) {
      parityFate[p] = fateOfParity(p);
    }
  }

  /** Lets damaged members be what they were before, where the parities know only that. */
  private void chooseOlder() {
    long undecided = 0;
    for (int m = 0; m < n; m++) {
      if (memberFate[m] == MemberFate.DAMAGED && pending[m] && !closedElsewhere(m)) {
        undecided |= 1L << m;
      }
    }
    // More unknown members than parities are lost whatever they were.
    if (Long.bitCount(unknown) > k) {
      return;
    }
    long older = 0;
    while (lost && older != undecided) {
      // The next subset, the empty one having been tried.
      older = (older - undecided) & undecided;
      takeOlder(undecided, older);
      chooseForTheGone();
    }
    if (lost) {
      takeOlder(undecided, 0);
    }
  }

  private void takeOlder(long undecided, long older) {
    for (long rest = undecided; rest != 0; rest &= rest - 1) {
      int m = Long.numberOfTrailingZeros(rest);
      boolean back = (older >>> m & 1) != 0;
      memberFate[m] = back ? MemberFate.DAMAGED_OLDER : MemberFate.DAMAGED;
      version[m] = back ? oldId[m] : newId[m];
    }
  }

  private MemberFate fateOfMember(int m) {
    if (!present[m]) {
      return MemberFate.GONE;
    }
    if (newDurable[m]) {
      return MemberFate.ROLL_FORWARD;
    }
    if (!pending[m] || !oldDurable[m] || closedElsewhere(m)) {
      return MemberFate.DAMAGED;
    }
    return MemberFate.ROLL_BACK;
  }

  /** A closed generation says that the data of all its members was hardened. */
  private boolean closedElsewhere(int m) {
    for (List<ParityVersion> versions : parities) {
      if (!versions.isEmpty() && versions.getLast().members[m] == newId[m]) {
        return true;
      }
    }
    return false;
  }

  /**
   * Of the versions that the parities name of the members whose drives are gone, the newest that
   * enough parities can give back.
   */
  private void chooseForTheGone() {
    int needed = Long.bitCount(unknown);
    lost = false;
    Arrays.fill(base, null);
    if (needed == 0) {
      return;
    }
    ParityVersion chosen = null;
    for (List<ParityVersion> versions : parities) {
      for (ParityVersion candidate : versions) {
        if (usable(candidate)
            && supporters(candidate) >= needed
            && (chosen == null || newer(candidate, chosen))) {
          chosen = candidate;
        }
      }
    }
    if (chosen == null) {
      lost = true;
      return;
    }
    for (int m = 0; m < n; m++) {
      if (!present[m]) {
        version[m] = chosen.members[m];
      }
    }
    for (int p = 0; p < k; p++) {
      base[p] = agreeing(p, chosen);
    }
  }

  /** The parity's newest version that can be used and has the same of the gone members, or null. */
  private ParityVersion agreeing(int p, ParityVersion chosen) {
    for (ParityVersion candidate : parities.get(p)) {
      if (usable(candidate) && agree(candidate, chosen)) {
        return candidate;
      }
    }
    return null;
  }

  /** On its drive, and what it is made of is known: there, or just what is looked for. */
  private boolean usable(ParityVersion candidate) {
    if (!candidate.durable) {
      return false;
    }
    for (int m = 0; m < n; m++) {
      boolean known =
          switch (memberFate[m]) {
            case GONE -> true;
            case DAMAGED, DAMAGED_OLDER -> candidate.members[m] == version[m];
            case ROLL_FORWARD, ROLL_BACK -> readable(m, candidate.members[m]);
          };
      if (!known) {
        return false;
      }
    }
    return true;
  }

  /** True when that version of a member is on its drive. */
  public boolean readable(int m, long id) {
    return present[m]
        && ((id == newId[m] && newDurable[m]) || (pending[m] && id == oldId[m] && oldDurable[m]));
  }

  private int supporters(ParityVersion candidate) {
    int supporters = 0;
    for (int p = 0; p < k; p++) {
      supporters += agreeing(p, candidate) == null ? 0 : 1;
    }
    return supporters;
  }

  /** The same versions of the members whose drives are gone. */
  private boolean agree(ParityVersion a, ParityVersion b) {
    for (int m = 0; m < n; m++) {
      if (!present[m] && a.members[m] != b.members[m]) {
        return false;
      }
    }
    return true;
  }

  private boolean newer(ParityVersion a, ParityVersion b) {
    for (int m = 0; m < n; m++) {
      if (!present[m] && a.members[m] != b.members[m]) {
        return a.members[m] > b.members[m];
      }
    }
    return false;
  }

  private ParityFate fateOfParity(int p) {
    choice[p] = 0;
    if (parities.get(p).isEmpty()) {
      return ParityFate.GONE;
    }
    if (lost) {
      leave(p);
      return ParityFate.LEAVE;
    }
    for (ParityVersion candidate : parities.get(p)) {
      if (candidate.durable && Arrays.equals(candidate.members, version)) {
        choice[p] = candidate.index;
        return candidate.index == 0 ? ParityFate.ROLL_FORWARD : ParityFate.ROLL_BACK;
      }
    }
    return ParityFate.REMAKE;
  }

  private void leave(int p) {
    for (ParityVersion candidate : parities.get(p)) {
      if (candidate.durable) {
        choice[p] = candidate.index;
        return;
      }
    }
  }

  // ---- the decision

  public MemberFate memberFate(int m) {
    return memberFate[m];
  }

  /** The version of a member that counts. */
  public long version(int m) {
    return version[m];
  }

  public ParityFate parityFate(int p) {
    return parityFate[p];
  }

  /** Which of the parity's versions stays, counted from the newest; not when it is made again. */
  public int parityChoice(int p) {
    return choice[p];
  }

  /** Members, one a bit, whose content has to be made from parities. */
  public long unknown() {
    return unknown;
  }

  /** True when there are more of them than parities that help. */
  public boolean lost() {
    return lost;
  }

  /**
   * True when the parity helps to make the {@link #unknown} members; then {@link #helperVersion}
   * and {@link #helperMember} tell with what.
   */
  public boolean helps(int p) {
    return base[p] != null;
  }

  /** Which of the parity's versions helps, counted from the newest. */
  public int helperVersion(int p) {
    return helper(p).index;
  }

  /** The version of a member that is in what helps. */
  public long helperMember(int p, int m) {
    return helper(p).members[m];
  }

  private ParityVersion helper(int p) {
    Invariant.check(base[p] != null, "only a parity that helps is asked for", p);
    return base[p];
  }
}
