package dev.tuff.iom.volume;

import dev.tuff.iom.allocation.SpaceBudget;
import dev.tuff.iom.drive.Drive;
import dev.tuff.iom.layout.Layout;
import dev.tuff.iom.object.MapShape;
import dev.tuff.iom.object.ObjectAttributes;
import dev.tuff.iom.runtime.Actor;
import dev.tuff.iom.runtime.Roster;
import java.util.function.ToLongFunction;

/**
 * A volume that clients read and write. Any thread, but {@link #submit} on the request's shard
 * only. Nothing of it changes but its size, and that once it is deleted it refuses requests.
 */
public final class Volume {
  private volatile ObjectAttributes attributes;
  private volatile Bounds bounds;
  private volatile Laid laid;
  private final int segmentBlocks;
  private final Roster roster;
  private final SpaceBudget[] budgets;
  private final ClientSide[] clients;
  private final boolean readOnly;
  private volatile boolean deleted;

  /** The layout of just these attributes. */
  private record Laid(ObjectAttributes attributes, Layout layout) {}

  /**
   * For the array that assembles it: who acts for each drive, a budget per drive (null: missing), a
   * client side per shard.
   */
  public Volume(
      ObjectAttributes attributes,
      Roster roster,
      SpaceBudget[] budgets,
      ClientSide[] clients,
      boolean readOnly) {
    this.attributes = attributes;
    this.laid = new Laid(attributes, attributes.layout(roster.vacated()));
    this.segmentBlocks = MapShape.segmentBlocks(attributes.dataMembers(), attributes.chunkBlocks());
    this.roster = roster;
    this.budgets = budgets;
    this.clients = clients;
    this.readOnly = readOnly;
    this.bounds = new Bounds(attributes.sizeBytes(), true, clients.length);
  }

  /** Takes the request on; its handler is called on this thread, later. */
  public void submit(VolumeRequest request) {
    clients[request.shard()].submit(this, request);
  }

  public String name() {
    return attributes.name();
  }

  /** How far requests may reach now. Less than the attributes say while it is being shrunk. */
  public long sizeBytes() {
    return bounds.sizeBytes();
  }

  public ObjectAttributes attributes() {
    return attributes;
  }

  Bounds bounds() {
    return bounds;
  }

  /**
   * Requests that start from now on reach to {@code sizeBytes} at most, and leave alone what is
   * beyond it, also in the block where it ends. Returns the bounds of those that started before, or
   * the last of theirs.
   */
  public Bounds limit(long sizeBytes) {
    return change(sizeBytes, false);
  }

  /**
   * It has these attributes from now on: its own with another size, which every drive has hardened,
   * or its own as they are, to take a {@link #limit} back.
   */
  public void take(ObjectAttributes newer) {
    // Before clients get to rows that only the new one knows; of others both say the same.
    attributes = newer;
    laid = new Laid(newer, newer.layout(roster.vacated()));
    change(newer.sizeBytes(), true);
  }

  /** From any thread: a volume can be deleted while it is being resized. */
  private synchronized Bounds change(long sizeBytes, boolean lastBlockWhole) {
    Bounds former = bounds;
    bounds = former.next(sizeBytes, lastBlockWhole);
    return former;
  }

  /** Where its chunks lie now; another after a failover, which nothing is under way in. */
  @SuppressWarnings("ReferenceEquality") // whether they are the very same is quick to see
  Layout layout() {
    Laid now = laid;
    ObjectAttributes of = attributes;
    boolean other = now.layout.vacated() != roster.vacated() && of.parityMembers() > 0;
    if (other || now.attributes != of) {
      now = new Laid(of, of.layout(roster.vacated()));
      laid = now;
    }
    return now.layout;
  }

  int segmentBlocks() {
    return segmentBlocks;
  }

  /** The IOM of a drive, or its proxy where the drive is gone. */
  Actor acting(int drive) {
    return roster.acting(drive);
  }

  boolean present(int drive) {
    return roster.present(drive);
  }

  /** The least of something that the present drives' budgets have. */
  long least(ToLongFunction<SpaceBudget> what) {
    long least = Long.MAX_VALUE;
    for (SpaceBudget budget : budgets) {
      if (budget != null) {
        least = Math.min(least, what.applyAsLong(budget));
      }
    }
    return least;
  }

  SpaceBudget budget(int drive) {
    return budgets[drive];
  }

  /** The client side of a shard. */
  ClientSide client(int shard) {
    return clients[shard];
  }

  /**
   * The shard whose client side issues all stripes of this volume. One sender's parts come to every
   * IOM in the same order; of two senders, each IOM could take another's part first, and two
   * stripes of one row would wait for each other for good.
   */
  public int stripeShard() {
    return (int) (attributes.gfid() % clients.length);
  }

  /** Whether a range has a whole row, which is written as stripes. */
  boolean hasWholeRow(long offset, long bytes) {
    Layout layout = layout();
    if (layout.parityMembers() == 0 || layout.dataMembers() == 1) {
      return false;
    }
    long rowBytes = (long) layout.dataMembers() * layout.chunkBlocks() * Drive.BLOCK_BYTES;
    long firstRow = (offset + rowBytes - 1) / rowBytes;
    return (firstRow + 1) * rowBytes <= offset + bytes;
  }

  /** Client sides that may submit to it. */
  int clients() {
    return clients.length;
  }

  int drives() {
    return roster.drives();
  }

  /**
   * Its requests are refused from now on, whoever still has it. Returns the bounds of those that
   * started before, or the last of theirs.
   */
  public Bounds delete() {
    deleted = true;
    // Only then others: who starts under those must find it deleted.
    return change(attributes.sizeBytes(), true);
  }

  boolean deleted() {
    return deleted;
  }

  /** True when the array takes no writes. */
  public boolean readOnly() {
    return readOnly;
  }
}
