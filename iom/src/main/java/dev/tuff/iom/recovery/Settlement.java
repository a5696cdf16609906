package dev.tuff.iom.recovery;

import dev.tuff.iom.runtime.Invariant;
import java.util.Arrays;

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
     * The newest version never got to the drive, so nobody was told that it is hardened, and the
     * older one is still there.
     */
    ROLL_BACK
  }

  /** What becomes of a parity. A row for every case; the first that fits counts. */
  public enum ParityFate {
    /** Its drive is gone; it is rebuilt later. */
    GONE,
    /** It is on the drive and made of just the versions that count. */
    ROLL_FORWARD,
    /** The older one is on the drive and made of just the versions that count. */
    ROLL_BACK,
    /**
     * Neither is: some members of its generation count with their new version and some with their
     * old, or it never got to the drive. It is made again from the versions that count.
     */
    REMAKE,
    /** More is lost than the parities make up for: it stays what it is. */
    LEAVE
  }

  /** One version of a parity, and of which versions of the members it is made. */
  private static final class ParityVersion {
    int parity;
    boolean older;
    boolean durable;
    final long[] members;

    ParityVersion(int n) {
      members = new long[n];
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

  // What was found of the parities: the newest version of each, then the older one.
  private final boolean[] parityPresent;
  private final boolean[] parityPending;
  private final ParityVersion[] versions;

  // What is decided.
  private final MemberFate[] memberFate;
  private final long[] version;
  private final ParityFate[] parityFate;
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
    parityPresent = new boolean[k];
    parityPending = new boolean[k];
    versions = new ParityVersion[2 * k];
    for (int i = 0; i < versions.length; i++) {
      versions[i] = new ParityVersion(n);
      versions[i].parity = i % k;
      versions[i].older = i >= k;
    }
    memberFate = new MemberFate[n];
    version = new long[n];
    parityFate = new ParityFate[k];
    base = new ParityVersion[k];
  }

  /** Forgets everything: all drives are gone until something is found on them. */
  public void clear() {
    Arrays.fill(present, false);
    Arrays.fill(parityPresent, false);
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

  /** A parity, and the versions of the members that it is made of. */
  public void parity(int p, boolean durable, long[] members) {
    parityPresent[p] = true;
    parityPending[p] = false;
    set(versions[p], durable, members);
  }

  /** A parity whose last generation was not closed, and what it was before. */
  public void parity(
      int p, boolean durable, long[] members, boolean olderDurable, long[] olderMembers) {
    parity(p, durable, members);
    parityPending[p] = true;
    set(versions[k + p], olderDurable, olderMembers);
  }

  private void set(ParityVersion target, boolean durable, long[] members) {
    target.durable = durable;
    System.arraycopy(members, 0, target.members, 0, n);
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
    for (int p = 0; p < k; p++) {
      parityFate[p] = fateOfParity(p);
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
    for (int p = 0; p < k; p++) {
      if (parityPresent[p] && versions[parityPending[p] ? k + p : p].members[m] == newId[m]) {
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
    for (ParityVersion candidate : versions) {
      if (usable(candidate)
          && supporters(candidate) >= needed
          && (chosen == null || newer(candidate, chosen))) {
        chosen = candidate;
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
    for (ParityVersion candidate : versions) {
      if (usable(candidate) && agree(candidate, chosen) && base[candidate.parity] == null) {
        base[candidate.parity] = candidate;
      }
    }
  }

  /** On its drive, and what it is made of is known: there, or just what is looked for. */
  private boolean usable(ParityVersion candidate) {
    int p = candidate.parity;
    if (!parityPresent[p] || !candidate.durable || (candidate.older && !parityPending[p])) {
      return false;
    }
    for (int m = 0; m < n; m++) {
      boolean known =
          switch (memberFate[m]) {
            case GONE -> true;
            case DAMAGED -> candidate.members[m] == newId[m];
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
    long parities = 0;
    for (ParityVersion other : versions) {
      if (usable(other) && agree(other, candidate)) {
        parities |= 1L << other.parity;
      }
    }
    return Long.bitCount(parities);
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
    if (!parityPresent[p]) {
      return ParityFate.GONE;
    }
    if (lost) {
      return ParityFate.LEAVE;
    }
    if (versions[p].durable && isWhatCounts(versions[p])) {
      return ParityFate.ROLL_FORWARD;
    }
    if (parityPending[p] && versions[k + p].durable && isWhatCounts(versions[k + p])) {
      return ParityFate.ROLL_BACK;
    }
    return ParityFate.REMAKE;
  }

  private boolean isWhatCounts(ParityVersion candidate) {
    return Arrays.equals(candidate.members, version);
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

  /** Members, one a bit, whose content has to be made from parities. */
  public long unknown() {
    return unknown;
  }

  /** True when there are more of them than parities that help. */
  public boolean lost() {
    return lost;
  }

  /**
   * True when the parity helps to make the {@link #unknown} members; then {@link #helperIsOlder}
   * and {@link #helperMember} tell with what.
   */
  public boolean helps(int p) {
    return base[p] != null;
  }

  /** True when it is the parity's older version that helps. */
  public boolean helperIsOlder(int p) {
    return helper(p).older;
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
